"""Planting: orders are brought into chosen situations now, and written into a ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.ageing import clock
from conformance.ageing.planted_orders import Ledger, Planted
from conformance.domain.expectation import Scalar
from conformance.domain.order import Kind, Market, Profile
from conformance.domain.steps import Approve, Cancel, Capture, History, Initiate, Read, Refund, Step
from conformance.judging.judge import judge
from conformance.judging.observability import meant
from conformance.model import Belief, World, expect, open_order, settle
from conformance.runner.operator import OperatedSeat
from conformance.runner.session import Sitting
from conformance.targets.http.target import HttpSeat
from conformance.targets.transport import TargetError
from conformance.wire.base import Ticket
from conformance.wire.driver import Player

AMOUNT: Final = 1000
PART: Final = 400
LOOKS: Final = 4


@dataclass(frozen=True, slots=True)
class Seed:
    """What an order is planted as, and what is tried once it is old enough."""

    situation: str
    before: tuple[Step, ...]
    after: tuple[Step, ...]


def seeds(profile: Profile, *, approves: bool) -> Iterator[Seed]:
    """Return what is worth planting in a profile. Without anybody who approves, only a charge is ever reserved."""
    if profile is not Profile.RECURRING and not approves:
        return
    reserve: tuple[Step, ...] = () if profile is Profile.RECURRING else (Approve(),)
    release = Cancel(flag=True) if profile is Profile.ECOM else Cancel()
    yield Seed("reserved, to be cancelled", reserve, (Cancel(),))
    yield Seed("reserved, to be captured", reserve, (Capture(PART),))
    yield Seed("partly captured, to be cancelled", (*reserve, Capture(PART)), (release,))
    yield Seed("captured, to be refunded", (*reserve, Capture(AMOUNT)), (Refund(PART),))
    yield Seed("cancelled, to be left alone", (*reserve, Cancel()), (Read(),))


def unit_of(msn: str) -> str:
    """Return a sales unit's number as a digest: enough to know it again, and not the number itself."""
    return hashlib.sha256(f"unit {msn}".encode()).hexdigest()[:16]


class Planting:
    """Plants orders at one target."""

    def __init__(self, sitting: Sitting, ledger: Ledger, note: Callable[[Planted], None]) -> None:
        self._person = sitting.seat if isinstance(sitting.seat, OperatedSeat) else None
        seat = sitting.seat if self._person is None else self._person.inner
        if not isinstance(seat, HttpSeat):
            raise TargetError(f"{seat.name} lives in this process: what is planted there would not grow old.")
        self._sitting = sitting
        self._session = seat.session
        self._ledger = ledger
        self._note = note

    async def plant(self, profile: Profile, copies: int) -> int:
        """Plant ``copies`` of every situation for each side of the limits; return how many orders were planted.

        Each is in the ledger as soon as it stands. A person who approves no more ends it.

        Raises:
            TargetError: an order cannot be brought into its situation.

        """
        count = 0
        link = self._session.target.link()
        try:
            for seed, beyond in self.wanted(profile, copies):
                name = f"{self._sitting.settings.nonce}-{profile.value[0]}a{count + 1:03d}"
                ticket = Ticket(name, self._session.today, self._session.market)
                player: Player = self._session.player_for(profile, ticket, link, _ignored)
                if self._person is not None:
                    player = self._person.helped(player, profile, name)
                one = await self._one(profile, seed, ticket, player, beyond=beyond)
                if one is None:
                    break
                self._ledger.orders.append(one)
                self._ledger.write()
                self._note(one)
                count += 1
        finally:
            await link.close()
        return count

    def wanted(self, profile: Profile, copies: int) -> list[tuple[Seed, bool]]:
        """Return what is to be planted: a situation, and whether it is kept until it is too old."""
        offered = self._session.offered.get(profile, frozenset()) | self._by_hand(profile)
        found = seeds(profile, approves="approve" in offered)
        return [(seed, beyond) for seed in found for beyond in (False, True) for _ in range(copies)]

    def approvals(self, profile: Profile, copies: int) -> int:
        """Return how often a person will be asked to approve."""
        if "approve" not in self._by_hand(profile):
            return 0
        return sum(Approve() in seed.before for seed, _ in self.wanted(profile, copies))

    def _by_hand(self, profile: Profile) -> frozenset[str]:
        return frozenset() if self._person is None else self._person.by_hand.get(profile, frozenset())

    async def _one(
        self, profile: Profile, seed: Seed, ticket: Ticket, player: Player, *, beyond: bool
    ) -> Planted | None:
        opening = Initiate(AMOUNT, Kind.INITIAL_RESERVE if profile is Profile.RECURRING else Kind.PAYMENT)
        world = self._sitting.worlds[profile]
        belief: Belief = ()
        observed: list[dict[str, Scalar]] = []
        for step in (opening, *seed.before):
            belief, seen = await _played(belief, step, profile, world, player)
            if not belief and self._person is not None and self._person.operator.cannot("approve"):
                return None
            if not belief:
                raise TargetError(
                    f"{self._session.target.name}: an order could not be brought to be {seed.situation.split(',')[0]}; "
                    f"what was planted before it is in the ledger."
                )
            observed.append(seen)
        at: datetime = clock.now()
        settings = self._sitting.settings
        return Planted(
            ticket.order_id,
            profile,
            Market(settings.market),
            self._session.target.name,
            unit_of(self._session.credentials.msn),
            seed.situation,
            beyond,
            at,
            History(profile, opening, seed.before),
            History(profile, opening, seed.after),
            tuple(observed),
            {"agreement_id": ticket.agreement_id, "charge_id": ticket.charge_id, "keys": str(ticket.keys)},
        )


async def _played(
    belief: Belief, step: Step, profile: Profile, world: World, player: Player
) -> tuple[Belief, dict[str, Scalar]]:
    expectation = open_order(profile, step, world) if isinstance(step, Initiate) else expect(belief, step, world)
    answer = await player.perform(step)
    for attempt in range(1, LOOKS + 1):
        observed = answer | await player.look("read", log=True)
        _, left = judge(meant(expectation, observed, complete=True), observed)
        after = settle(step, belief, tuple(one for one in left if one.proves), observed)
        if after:
            return after, observed
        await player.pause(attempt)
    return (), {}


def _ignored(*_: object) -> None:
    return
