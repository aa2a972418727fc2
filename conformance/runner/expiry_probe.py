"""Whether a target ends reservations by itself when they grow too old, and at which age: it is tried, not assumed.

Nothing is documented about how soon a reservation that reached its deadline is seen to have ended (`C20`). A target
that was seen to end one is given the time to end the next one, too, before a history goes on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from conformance.domain.order import Kind, Profile
from conformance.domain.steps import Age, Approve, Initiate, Step
from conformance.judging.judge import judge
from conformance.judging.observability import observable
from conformance.model import ModelContext, PossibleOrders, advance, expect, initial_expectation
from conformance.model.context import CANCEL_LIMIT, DEAD_ZONE
from conformance.wire.driver import Driver

ACTIONS_NEEDED: Final = frozenset({"age", "approve"})
"""What has to be offered to try it. A charge is reserved without a user."""
LOOKS: Final = 4
"""How often an order is read again before it is taken for one that stays as it is."""


async def measure_expiry(profile: Profile, context: ModelContext, driver: Driver) -> timedelta | None:
    """Return the age at which a new reservation was seen to end by itself, or None where it stayed."""
    kind = Kind.INITIAL_RESERVE if profile is Profile.RECURRING else Kind.PAYMENT
    possible = await _played((), Initiate(kind=kind), profile, context, driver)
    if profile is not Profile.RECURRING:
        possible = await _played(possible, Approve(), profile, context, driver)
    age = timedelta()
    for limit in sorted({context.market_deadline, CANCEL_LIMIT}):
        older = limit + 2 * DEAD_ZONE
        possible = await _played(possible, Age(older - age), profile, context, driver)
        age = older
        if possible and all(order.lapsed for order in possible):
            return age
    return None


async def _played(
    possible: PossibleOrders, step: Step, profile: Profile, context: ModelContext, driver: Driver
) -> PossibleOrders:
    """Play a step; return what is believed of the order when nothing changes any more, or nothing if it went wrong."""
    if isinstance(step, Initiate):
        expectation = initial_expectation(profile, step, context)
    elif possible:
        expectation = expect(possible, step, context)
    else:
        return ()
    answer = await driver.perform(step)
    after: PossibleOrders = ()
    for attempt in range(1, LOOKS + 1):
        observed = answer | await driver.look("prepare", log=False)
        left = judge(observable(expectation, observed, complete=driver.complete), observed)[1]
        # What has not happened yet may still be on its way.
        after = advance(step, possible, tuple(branch for branch in left if branch.proves), observed)
        if after and (after[0].lapsed or not isinstance(step, Age)):
            break
        await driver.pause(attempt)
    return after
