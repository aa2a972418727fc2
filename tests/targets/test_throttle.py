"""More histories at once while a target stays quick and healthy, fewer as soon as it does not."""

import asyncio

import pytest

from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, Capture, History, Initiate, Together
from conformance.runner.request_budget import longest_wait
from conformance.targets.resolve import resolve_target
from conformance.targets.throttle import FIRST, MOST, WINDOW, Throttle

URL = "http://127.0.0.1:9"


def adapting(most=MOST):
    return Throttle(most, adapts=True)


def requests(throttle, number, seconds=0.1, *, orderly=True):
    for _ in range(number):
        throttle.took(seconds, orderly=orderly)
    return throttle.limit


def test_it_grows_while_the_target_stays_as_quick_as_it_was():
    throttle = adapting()
    assert throttle.limit == FIRST
    assert requests(throttle, WINDOW) == FIRST + 1
    assert requests(throttle, WINDOW * MOST) == MOST


@pytest.mark.parametrize("trouble", [{"orderly": False}, {"seconds": 0.3}], ids=["no orderly response", "slow"])
def test_trouble_halves_it_once_and_it_grows_more_slowly_afterwards(trouble):
    throttle = adapting()
    requests(throttle, WINDOW * MOST)
    assert requests(throttle, 2 * WINDOW, **trouble) == MOST // 2
    assert requests(throttle, WINDOW) in (MOST // 2, MOST // 2 + 1)
    assert requests(throttle, WINDOW * MOST // 2) in (MOST // 2 + 1, MOST // 2 + 2)


def test_trouble_that_stays_halves_it_again_down_to_one():
    throttle = adapting()
    requests(throttle, WINDOW)
    assert requests(throttle, WINDOW * MOST, orderly=False) == 1


def test_a_few_milliseconds_are_no_trouble():
    throttle = adapting()
    requests(throttle, WINDOW, 0.002)
    assert requests(throttle, WINDOW, 0.02) == FIRST + 2


def test_a_number_that_was_asked_for_stays():
    throttle = resolve_target(URL, concurrency=3, environment={}).throttle
    assert requests(throttle, WINDOW * MOST) == 3
    assert requests(throttle, WINDOW, orderly=False) == 3


def test_a_url_adapts_and_what_is_in_this_process_does_not():
    assert resolve_target(URL, environment={}).throttle.limit == FIRST
    assert resolve_target("embedded").throttle.limit == 1


def test_no_more_histories_begin_than_the_limit_says():
    throttle, under_way, most = Throttle(2), 0, 0

    async def history():
        nonlocal under_way, most
        async with throttle:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    async def all_of_them():
        await asyncio.gather(*(history() for _ in range(20)))

    for _ in range(2):
        asyncio.run(all_of_them())
    assert (most, under_way) == (2, 0)


def test_a_wait_is_shown_once():
    now, shown = [0.0], []
    throttle = Throttle(clock=lambda: now[0])
    throttle.show = shown.append
    throttle.waits(1.0, "a moment")
    throttle.waits(60.0, "the limit")
    throttle.waits(60.0, "the limit")
    now[0] = 61.0
    throttle.waits(30.0, "the limit")
    assert shown == [
        "A request waits 60 seconds: the limit. Other histories go on.",
        "A request waits 30 seconds: the limit. Other histories go on.",
    ]


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ((Capture(100),) * 5, 0.0),
        ((Capture(100),) * 6, 60.0),
        ((Capture(100),) * 3 + (Cancel(),) * 3, 0.0),
        ((Together(Cancel(), Cancel()),) * 3, 60.0),
    ],
)
def test_a_history_beyond_the_documented_limits_has_to_wait(steps, seconds):
    assert longest_wait(History(Profile.ECOM, Initiate(1000), steps)) == seconds
