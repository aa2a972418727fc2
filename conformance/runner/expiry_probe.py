"""Whether a target ends reservations by itself when they grow too old, and at which age: measured, not assumed.

Nothing is documented about how soon a reservation that reached its deadline is seen to have ended (`C20`). A target
that was seen to end one is given the time to end the next one, too, before a history goes on.
"""

from __future__ import annotations

from datetime import timedelta

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Branch
from conformance.domain.order import Profile
from conformance.domain.steps import Age, Approve, Initiate
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.model.context import CANCEL_LIMIT, DEAD_ZONE
from conformance.runner.preparation import prepare
from conformance.wire.driver import Driver


def actions_needed(profile: Profile) -> frozenset[str]:
    """Return what a target has to offer for the measurement."""
    return frozenset({"age", "approve"} if spec_of(profile).user_approves else {"age"})


async def measure_expiry(profile: Profile, context: ModelContext, driver: Driver) -> timedelta | None:
    """Return the age at which a new reservation was seen to end by itself, or None where it stayed."""
    tracker = Tracker(profile, context, complete=driver.complete)
    spec = spec_of(profile)
    opening = Initiate(kind=spec.reserved_kind)
    for step in (opening, Approve()) if spec.user_approves else (opening,):
        if await prepare(tracker, step, driver) is None:
            return None
    age = timedelta()
    for limit in sorted({context.market_deadline, CANCEL_LIMIT}):
        older = limit + 2 * DEAD_ZONE
        if await prepare(tracker, Age(older - age), driver, is_final=_has_expired) is None:
            return None
        age = older
        if all(order.lapsed for order in tracker.orders):
            return age
    return None


def _has_expired(branches: tuple[Branch, ...]) -> bool:
    # A reservation that still stands may be about to end.
    return branches[0].after.lapsed
