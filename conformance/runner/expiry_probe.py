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
from conformance.judging.observability import meant
from conformance.model import Belief, World, expect, open_order, settle
from conformance.model.world import CANCEL_LIMIT, DEAD_ZONE
from conformance.wire.driver import Player

NEEDED: Final = frozenset({"age", "approve"})
"""What has to be offered to try it. A charge is reserved without a user."""
LOOKS: Final = 4
"""How often an order is read again before it is taken for one that stays as it is."""


async def lapses_after(profile: Profile, world: World, player: Player) -> timedelta | None:
    """Return the age at which a new reservation was seen to end by itself, or None where it stayed."""
    kind = Kind.INITIAL_RESERVE if profile is Profile.RECURRING else Kind.PAYMENT
    belief = await _played((), Initiate(kind=kind), profile, world, player)
    if profile is not Profile.RECURRING:
        belief = await _played(belief, Approve(), profile, world, player)
    age = timedelta()
    for limit in sorted({world.market_deadline, CANCEL_LIMIT}):
        older = limit + 2 * DEAD_ZONE
        belief = await _played(belief, Age(older - age), profile, world, player)
        age = older
        if belief and all(order.lapsed for order in belief):
            return age
    return None


async def _played(belief: Belief, step: Step, profile: Profile, world: World, player: Player) -> Belief:
    """Play a step; return what is believed of the order when nothing changes any more, or nothing if it went wrong."""
    if isinstance(step, Initiate):
        expectation = open_order(profile, step, world)
    elif belief:
        expectation = expect(belief, step, world)
    else:
        return ()
    answer = await player.perform(step)
    after: Belief = ()
    for attempt in range(1, LOOKS + 1):
        observed = answer | await player.look("prepare", log=False)
        left = judge(meant(expectation, observed, complete=player.complete), observed)[1]
        # What has not happened yet may still be on its way.
        after = settle(step, belief, tuple(branch for branch in left if branch.proves), observed)
        if after and (after[0].lapsed or not isinstance(step, Age)):
            break
        await player.pause(attempt)
    return after
