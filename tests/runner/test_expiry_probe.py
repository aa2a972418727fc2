"""Whether a target ends old reservations by itself is tried, and one that takes its time is waited for."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import Age
from conformance.model import ModelContext, expect
from conformance.runner.expiry_probe import measure_expiry
from conformance.sandbox import Options, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.model.on_paper import DAY, OLD, PROFILES, arrive, context, reserved


async def tried(options, profile, market, through=lambda driver: driver):
    target = HttpTarget(EmbeddedTransport(Provider(options)), credentials_from(embedded=True))
    await target.open(market, OrderNaming("cctest-lapse"), lambda _: None, lambda *_, **__: None)
    await target.probe(profile, lambda *_, **__: None)
    driver = target.worker().driver(profile, "cctest-lapse-1", lambda *_, **__: None)
    return await measure_expiry(profile, ModelContext(market), through(driver))


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize(
    ("market", "auto", "age"),
    [(Market.NO, True, 182 * DAY), (Market.DK, True, 16 * DAY), (Market.NO, False, None), (Market.FI, False, None)],
)
def test_a_target_is_seen_to_end_reservations_or_not_to(profile, market, auto, age):
    options = Options(market=market.value, auto_cancel_at_deadline=auto)
    assert asyncio.run(tried(options, profile, market)) == age


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_sure_to_end_is_looked_at_again_before_it_is_believed_to_stay(profile):
    order = arrive(profile, reserved(profile))
    lasting = {}
    for after in (None, 182 * DAY):
        there = dataclasses.replace(context(), lapses_after=after)
        for age in (DAY, OLD):
            lasting[after, age] = expect(order, Age(age), there).branches[0].lasting
    assert lasting == {(None, DAY): True, (None, OLD): True, (182 * DAY, DAY): True, (182 * DAY, OLD): False}
    captured = tuple(replace(one, captured=one.amount) for one in order)
    assert expect(captured, Age(OLD), dataclasses.replace(context(), lapses_after=timedelta())).branches[0].lasting


class Stale:
    """Shows an order as it was before the latest step, the first time that it is read."""

    complete = True
    doubted = False

    def __init__(self, driver):
        self._driver, self._before, self._fresh = driver, {}, False

    async def perform(self, step):
        self._fresh = False
        return await self._driver.perform(step)

    async def look(self, purpose, *, log):
        now = await self._driver.look(purpose, log=log)
        shown = now if self._fresh or not self._before else self._before
        self._before, self._fresh = now, True
        return shown

    async def pause(self, attempt):
        """Wait for nothing."""


def test_an_approval_that_is_seen_late_does_not_hide_what_happens_at_the_deadline():
    options = Options(auto_cancel_at_deadline=True)
    assert asyncio.run(tried(options, Profile.EPAYMENT, Market.NO, Stale)) == 182 * DAY
