"""`assert_conforms`: what is raised and what it says, whichever way a target is named and whoever calls."""

import asyncio
import threading
import traceback
import warnings
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable

from conformance import (
    InconclusiveError,
    NotTestedError,
    NotTestedWarning,
    TargetError,
    ViolationError,
    assert_conforms,
    assert_conforms_async,
    histories,
    history,
    open_target,
)
from conformance.adapter import Accepted, OrderView
from conformance.errors import UsageError, violation_class
from conformance.sandbox import Provider
from conformance.sandbox.server import running_server
from conformance.targets.transport import TargetUsageError

from .targets import CONTROL, accepts_everything, correct_app, crashes, forgets_the_capture, with_answer

PLAIN = history("epayment", "approve", "capture 300", "cancel")
LACKING = (("age 200 days",), ("expire",), ("age 1 day", "expire"))
QUICK = settings(max_examples=100, database=None, deadline=None)


@pytest.fixture(scope="module")
def shop():
    with open_target(correct_app(), control_url=CONTROL) as target:
        yield target


@pytest.fixture(scope="module")
def faulty():
    with open_target(with_answer(forgets_the_capture), control_url=CONTROL) as target:
        yield target


def test_a_violation_explains_itself(faulty):
    with pytest.raises(ViolationError) as failure:
        assert_conforms(PLAIN, faulty)
    error = failure.value
    assert isinstance(error, AssertionError)
    assert error.rules[0] == "EP-06"
    assert type(error) is violation_class("EP-06")
    text = str(error)
    for words in (
        "EP-06 is violated: Partly captured releases the rest.",
        "4. The merchant cancels, cancelTransactionOnly absent -> accepted 200",
        "> POST /epayment/v1/payments/",
        "< HTTP 200",
        '"cancelledAmount"',
        "Permitted here: released",
        "should be 7.00 NOK (700), but was 10.00 NOK (1000)",
        "Source: ",
        "Likely causes: ",
        "Play it again: @example(history('epayment', 'approve', 'capture 300', 'cancel'))",
    ):
        assert words in text


def test_every_history_is_an_order_of_its_own(shop):
    for _ in range(3):
        assert_conforms(PLAIN, shop)


@pytest.mark.thorough
def test_hypothesis_shrinks_a_violation():
    app = with_answer(accepts_everything)

    @settings(max_examples=200, database=None, deadline=None, report_multiple_bugs=False)
    @given(histories("epayment"))
    def check(drawn):
        assert_conforms(drawn, app, control_url=CONTROL)

    with pytest.raises(ViolationError) as failure:
        check()
    assert len(str(failure.value).split("Play it again")[1]) < 90


def test_hypothesis_tells_one_violated_rule_from_another():
    assert violation_class("EP-06") is not violation_class("EP-07")
    app = with_answer(accepts_everything)

    @settings(max_examples=60, database=None, deadline=None, report_multiple_bugs=True, phases=(Phase.generate,))
    @given(histories("epayment"))
    def check(drawn):
        assert_conforms(drawn, app, control_url=CONTROL)

    with pytest.raises((ViolationError, ExceptionGroup)) as failure:
        check()
    errors = failure.value.exceptions if isinstance(failure.value, ExceptionGroup) else [failure.value]
    assert len({type(error) for error in errors}) == len(errors)


def test_what_proves_nothing_is_no_violation_and_no_success():
    app = with_answer(crashes)
    with pytest.raises(InconclusiveError, match="proved nothing") as failure:
        assert_conforms(PLAIN, app, control_url=CONTROL)
    assert not isinstance(failure.value, AssertionError)
    assert "< HTTP 500" in str(failure.value)


def test_a_crash_in_one_history_is_inconclusive():
    class Adapter:
        """Its cancel crashes where something was captured."""

        profiles = ("epayment",)

        def __init__(self):
            self.captured = {}
            self.state = "CREATED"

        def initiate(self, order_id, amount, currency, kind):
            self.captured[order_id], self.state = 0, "CREATED"
            return Accepted()

        def approve(self, order_id):
            self.state = "AUTHORIZED"
            return Accepted()

        def capture(self, order_id, amount):
            self.captured[order_id] = amount
            return Accepted()

        def cancel(self, order_id, *, flag, key):
            if self.captured[order_id]:
                raise KeyError(order_id)
            return Accepted()

        def read(self, order_id):
            return OrderView(self.state, self.captured[order_id], 0, 0)

    with pytest.raises(InconclusiveError, match="The history proved nothing") as failure:
        assert_conforms(history("epayment", "approve", "capture 300", "cancel"), Adapter)
    assert not isinstance(failure.value, AssertionError)
    assert "KeyError" in str(failure.value)


@pytest.fixture
def limited():
    with running_server(Provider()) as url, open_target(url) as target:
        yield target


def test_what_a_target_cannot_do_is_not_tested(limited):
    late = history("epayment", "approve", "age 200 days", "cancel")
    with pytest.raises(NotTestedError, match=r"offers no way to .*let time pass"):
        assert_conforms(late, limited)

    @settings(max_examples=20, database=None, deadline=None)
    @given(histories("epayment", rule="KB-02/beyond"))
    def check(drawn):
        assert_conforms(drawn, limited)

    with pytest.warns(NotTestedWarning) as caught, pytest.raises(FailedHealthCheck):
        check()
    assert any("let time pass" in str(each.message) for each in caught)


def test_each_thing_that_is_not_offered_is_warned_of_once(limited):
    @settings(max_examples=20, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from([history("epayment", *steps) for steps in LACKING]))
    def check(drawn):
        assert_conforms(drawn, limited)

    with pytest.warns(NotTestedWarning) as caught, suppress(Unsatisfiable):
        check()
    assert sorted(str(each.message).partition(" offers no way to ")[2].partition(".")[0] for each in caught) == [
        "let a payment time out",
        "let time pass for one payment",
    ]


def test_a_closed_target_says_so():
    with open_target("embedded") as target:
        assert_conforms(PLAIN, target)
    for use in (lambda: assert_conforms(PLAIN, target), lambda: target.new_order("epayment")):
        with pytest.raises(UsageError, match="The target embedded is closed"):
            use()


def test_a_failure_to_reach_a_target_has_no_other_error_before_it():
    with open_target("http://127.0.0.1:9") as target, pytest.raises(TargetError) as failure:
        assert_conforms(PLAIN, target)
    assert "no running event loop" not in "".join(traceback.format_exception(failure.value))


def test_nothing_is_left_out_of_what_is_drawn_for_a_target(limited):
    played = []

    @settings(max_examples=30, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories("epayment", target=limited))
    def check(drawn):
        played.append(drawn)
        assert_conforms(drawn, limited)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check()
    assert len(played) == 30


def test_a_target_that_is_not_there_is_an_error_of_its_own():
    with open_target("http://127.0.0.1:9") as target:
        for _ in range(2):
            with pytest.raises(TargetError, match="does not answer"):
                assert_conforms(PLAIN, target)


@pytest.mark.parametrize("target", ["embedded", "asgi:examples.pytest_provider.shop:app"])
def test_a_target_may_be_named(target):
    control = CONTROL if target.startswith("asgi") else None
    assert_conforms(PLAIN, target, control_url=control)
    assert_conforms(PLAIN, target, control_url=control)


def test_a_wsgi_application_is_a_target():
    provider = Provider()

    def app(environ, start_response):
        from conformance.domain.messages import Request  # noqa: PLC0415

        length = int(environ.get("CONTENT_LENGTH") or 0)
        headers = [
            (name[5:] if "CLIENT" in name else name[5:].replace("_", "-"), value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        headers.append(("Content-Type", environ.get("CONTENT_TYPE", "")))
        body = environ["wsgi.input"].read(length)
        answer = provider.handle(Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], tuple(headers), body))
        start_response(f"{answer.status} X", list(answer.headers))
        return [answer.body]

    assert_conforms(PLAIN, app, control_url=CONTROL)


def test_what_is_no_target_is_refused():
    with pytest.raises(TargetUsageError, match="is no target"):
        assert_conforms(PLAIN, 17)
    with pytest.raises(UsageError, match="The target is open"), open_target("embedded") as target:
        assert_conforms(PLAIN, target, market="dk")


def test_an_event_loop_may_be_running(shop):
    async def in_a_loop():
        assert_conforms(PLAIN, shop)
        ticks = []

        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        await assert_conforms_async(PLAIN, shop)
        ticking.cancel()
        return len(ticks)

    assert asyncio.run(in_a_loop()) > 10


def test_a_violation_is_raised_in_a_running_event_loop_too(faulty):
    with pytest.raises(ViolationError):
        asyncio.run(assert_conforms_async(PLAIN, faulty))


def test_several_threads_may_share_a_target(shop):
    failures = []

    def play():
        try:
            for _ in range(5):
                assert_conforms(PLAIN, shop)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=play) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("profile", ["ecom", "epayment", "recurring"])
def test_a_correct_provider_conforms(profile):
    @QUICK
    @given(histories(profile, target="embedded"))
    def check(drawn):
        assert_conforms(drawn, "embedded")

    check()


def test_markets_and_interpretations_are_those_of_the_call():
    late = history("epayment", "approve", "age 30 days", "cancel")
    assert_conforms(late, "embedded", market="no")
    with pytest.raises(ViolationError) as failure:
        assert_conforms(late, "embedded", market="dk", interpretations=["C1=market-deadline"])
    assert {"EP-15", "KB-02b"} & set(failure.value.rules)
