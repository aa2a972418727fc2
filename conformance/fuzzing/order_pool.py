"""Orders of our own, in assorted situations, for requests to be about; and what the model knows of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from conformance.domain.expectation import ACCEPTED, Branch, Fields
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import Approve, Cancel, Capture, Initiate, Step
from conformance.fuzzing.request_shape import SMALL
from conformance.judging.judge import Judged, Judgement, judge
from conformance.judging.observability import meant
from conformance.model import Belief, World, expect, open_order, settle
from conformance.targets.http.driver import HttpPlayer, Recorder
from conformance.targets.http.session import Session
from conformance.targets.transport import Link
from conformance.wire.base import Observed, Ticket
from conformance.wire.driver import Player
from conformance.wire.operations import Deed, Operation

MODIFIED: Final = 4
"""After so many modifying requests an order is left alone: five a minute are allowed."""
OLDEST: Final = 240.0
"""Seconds after which an order is left alone: one that was not approved ends after ten minutes."""
LOOKS: Final = 4
PART: Final = 400

_APPROVED: Final[Mapping[str, tuple[Step, ...]]] = {
    "reserved": (Approve(),),
    "partly captured": (Approve(), Capture(PART)),
    "captured": (Approve(), Capture(SMALL)),
    "cancelled": (Approve(), Cancel()),
}
_CHARGES: Final[Mapping[str, tuple[Step, ...]]] = {
    "reserved": (),
    "partly captured": (Capture(PART),),
    "captured": (Capture(SMALL),),
    "cancelled": (Cancel(),),
}


@dataclass
class Fellow:
    """One order that requests are about.

    ``belief`` is what the model takes it for; empty where that was lost, and nothing of it is compared any more.
    ``view`` is how it looked when it was last read.
    """

    situation: str
    ids: dict[str, str]
    player: HttpPlayer
    belief: Belief
    view: Observed
    born: float = field(default_factory=time.monotonic)
    modified: int = 0

    @property
    def tracked(self) -> bool:
        """Whether it is known what the order is."""
        return bool(self.belief)

    @property
    def spent(self) -> bool:
        """Whether it should be left alone."""
        return not self.tracked or self.modified >= MODIFIED or time.monotonic() - self.born > OLDEST

    @property
    def left(self) -> int:
        """What could be captured or refunded next, in minor units."""
        return max((max(one.remaining, one.refundable) for one in self.belief), default=SMALL)


class Orders:
    """The orders of one profile. They are made when they are needed."""

    def __init__(
        self, session: Session, profile: Profile, world: World, nonce: str, link: Link, record: Recorder
    ) -> None:
        self.session = session
        self.profile = profile
        self.world = world
        self._nonce = nonce
        self._link = link
        self._record = record
        self._count = 0
        self._at_hand: dict[str, Fellow] = {}
        self._adopted: list[Fellow] = []
        self._failed: set[str] = set()
        self.agreement = ""
        """An agreement that there is, in Recurring."""

    @property
    def situations(self) -> tuple[str, ...]:
        """The situations that this target lets us reach."""
        if self.profile is Profile.RECURRING:
            found = ["waiting", *_CHARGES]
        elif "approve" in self.session.offered.get(self.profile, frozenset()):
            found = ["waiting", *_APPROVED]
        else:
            found = ["waiting", "cancelled"]
        return tuple(one for one in found if one not in self._failed)

    def fresh_id(self) -> str:
        """Return an identifier that was not used before."""
        self._count += 1
        return f"{self._nonce}-{self.profile.value[0]}f{self._count:04d}"

    async def one_for(self, operation: Operation, chance: Random) -> Fellow | None:
        """Return an order for a request, in a situation that chance picks; None where none can be made."""
        self._adopted = [one for one in self._adopted if not one.spent]
        if self._adopted and chance.random() < 0.25:
            return chance.choice(self._adopted)
        wanted = list(self.situations)
        if operation.deed in (Deed.REFUND, Deed.CAPTURE):
            wanted += [one for one in ("partly captured", "reserved") if one in wanted]
        return await self.in_situation(chance.choice(wanted)) if wanted else None

    async def in_situation(self, situation: str) -> Fellow | None:
        """Return an order in a situation, a new one if need be; None where the target does not let us get there."""
        found = self._at_hand.get(situation)
        if found is None or found.spent:
            found = await self._made(situation)
            if found is None:
                # Tried once more before it is given up.
                found = await self._made(situation)
            if found is None:
                self._failed.add(situation)
                self._at_hand.pop(situation, None)
                return None
            self._at_hand[situation] = found
        return found

    async def fresh(self, situation: str) -> Fellow | None:
        """Return a new order in a situation."""
        self._at_hand.pop(situation, None)
        return await self.in_situation(situation)

    async def _made(self, situation: str) -> Fellow | None:
        if self.profile is Profile.RECURRING:
            waiting = situation == "waiting"
            opening = Initiate(SMALL, Kind.CHARGE_RESERVE if waiting else Kind.INITIAL_RESERVE)
            steps = () if waiting else _CHARGES[situation]
        else:
            opening = Initiate(SMALL)
            reachable = "approve" in self.session.offered.get(self.profile, frozenset())
            direct: tuple[Step, ...] = (Cancel(),) if situation == "cancelled" else ()
            steps = _APPROVED[situation] if reachable and situation in _APPROVED else direct
        ticket = Ticket(self.fresh_id(), self.session.today, self.session.market)
        player = self._player(ticket)
        belief: Belief = ()
        view: Observed = {}
        for step in (opening, *steps):
            belief, view = await played(belief, step, self.profile, self.world, player)
            if not belief:
                return None
        return Fellow(situation, self._ids(ticket), player, belief, view)

    def _player(self, ticket: Ticket) -> HttpPlayer:
        return self.session.player_for(self.profile, ticket, self._link, self._record)

    def _ids(self, ticket: Ticket) -> dict[str, str]:
        if self.profile is Profile.RECURRING:
            self.agreement = ticket.agreement_id
            return {"agreementId": ticket.agreement_id, "chargeId": ticket.charge_id}
        return {"orderId" if self.profile is Profile.ECOM else "reference": ticket.order_id}

    async def adopt(self, identifier: str, amount: int) -> None:
        """Take up an order that a drawn request created, if it is what an ordinary one would be."""
        if self.profile is Profile.RECURRING or len(self._adopted) >= 3:
            return
        ticket = Ticket(identifier, self.session.today, self.session.market)
        player = self._player(ticket)
        expectation = open_order(self.profile, Initiate(amount), self.world)
        view = await player.look("prepare", log=False)
        observed: Fields = {"answer.outcome": ACCEPTED, **view}
        _, left = judge(meant(expectation, observed, complete=True), observed)
        belief = settle(Initiate(amount), (), left, observed)
        if not belief:
            return
        if "approve" in self.session.offered.get(self.profile, frozenset()):
            approved, seen = await played(belief, Approve(), self.profile, self.world, player)
            belief, view = (approved, seen) if approved else (belief, view)
        self._adopted.append(Fellow("created by a drawn request", self._ids(ticket), player, belief, view))


async def played(belief: Belief, step: Step, profile: Profile, world: World, player: Player) -> tuple[Belief, Observed]:
    """Play a step of our own; return what is believed of the order then, or nothing if it went otherwise."""
    expectation = open_order(profile, step, world) if isinstance(step, Initiate) else expect(belief, step, world)
    answer = await player.perform(step)
    view: Observed = {}
    for attempt in range(1, LOOKS + 1):
        view = await player.look("prepare", log=False)
        observed = answer | view
        _, left = judge(meant(expectation, observed, complete=True), observed)
        after = settle(step, belief, tuple(one for one in left if one.proves), observed)
        if after:
            return after, view
        await player.pause(attempt)
    return (), view


async def followed(
    fellow: Fellow, step: Step, answer: Observed, world: World, *, patience: int = LOOKS
) -> tuple[Judgement, Belief]:
    """Compare what a request did to an order with what the model permits; return the judgement and the new belief."""
    expectation = expect(fellow.belief, step, world)
    judgement = Judgement(Judged.INCONCLUSIVE)
    left: tuple[Branch, ...] = ()
    observed: Observed = {}
    for attempt in range(1, patience + 1):
        observed = answer | fellow.view
        judgement, left = judge(meant(expectation, observed, complete=True), observed)
        if judgement.status in (Judged.CONFORMS, Judged.RECORDED) or attempt == patience:
            break
        await fellow.player.pause(attempt)
        fellow.view = await fellow.player.look("poll", log=False)
    return judgement, settle(step, fellow.belief, left, observed)
