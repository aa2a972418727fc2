"""Planting: orders are brought into chosen situations now, and written into a ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.ageing import clock
from conformance.ageing.planted_orders import PlantedOrder, PlantedOrders
from conformance.domain.expectation import Scalar
from conformance.domain.order import Kind, Market, Profile
from conformance.domain.steps import Approve, Cancel, Capture, History, Initiate, Read, Refund, Step
from conformance.judging.tracker import Tracker
from conformance.runner.operator import OperatedTarget
from conformance.runner.preparation import prepare
from conformance.runner.session import RunSession
from conformance.targets.http.target import HttpTarget
from conformance.targets.transport import TargetError
from conformance.wire.base import OrderIdentifiers
from conformance.wire.driver import Driver

AMOUNT: Final = 1000
PART: Final = 400


@dataclass(frozen=True, slots=True)
class PlantingPlan:
    """What an order is planted as, and what is tried once it is old enough."""

    situation: str
    before: tuple[Step, ...]
    after: tuple[Step, ...]


def planting_plans(profile: Profile, *, approves: bool) -> Iterator[PlantingPlan]:
    """Return what is worth planting in a profile. Without anybody who approves, only a charge is ever reserved."""
    if profile is not Profile.RECURRING and not approves:
        return
    reserve: tuple[Step, ...] = () if profile is Profile.RECURRING else (Approve(),)
    release = Cancel(flag=True) if profile is Profile.ECOM else Cancel()
    yield PlantingPlan("reserved, to be cancelled", reserve, (Cancel(),))
    yield PlantingPlan("reserved, to be captured", reserve, (Capture(PART),))
    yield PlantingPlan("partly captured, to be cancelled", (*reserve, Capture(PART)), (release,))
    yield PlantingPlan("captured, to be refunded", (*reserve, Capture(AMOUNT)), (Refund(PART),))
    yield PlantingPlan("cancelled, to be left alone", (*reserve, Cancel()), (Read(),))


def unit_of(msn: str) -> str:
    """Return a sales unit's number as a digest: enough to know it again, and not the number itself."""
    return hashlib.sha256(f"unit {msn}".encode()).hexdigest()[:16]


class Planting:
    """Plants orders at one target."""

    def __init__(self, run_session: RunSession, ledger: PlantedOrders, note: Callable[[PlantedOrder], None]) -> None:
        self._person = run_session.target if isinstance(run_session.target, OperatedTarget) else None
        target = run_session.target if self._person is None else self._person.inner
        if not isinstance(target, HttpTarget):
            raise TargetError(f"{target.name} lives in this process: what is planted there would not grow old.")
        self._run_session = run_session
        self._session = target.session
        self._ledger = ledger
        self._note = note

    async def plant(self, profile: Profile, copies: int) -> int:
        """Plant ``copies`` of every situation for each side of the limits; return how many orders were planted.

        Each is in the ledger as soon as it stands. A person who approves no more ends it.

        Raises:
            TargetError: an order cannot be brought into its situation.

        """
        count = 0
        link = self._session.transport.connect()
        try:
            for seed, beyond in self.wanted(profile, copies):
                name = f"{self._run_session.settings.nonce}-{profile.value[0]}a{count + 1:03d}"
                ticket = OrderIdentifiers(name, self._session.today, self._session.market)
                driver: Driver = self._session.driver_for(profile, ticket, link, _ignored)
                if self._person is not None:
                    driver = self._person.helped(driver, profile, name)
                one = await self._one(profile, seed, ticket, driver, beyond=beyond)
                if one is None:
                    break
                self._ledger.orders.append(one)
                self._ledger.write()
                self._note(one)
                count += 1
        finally:
            await link.close()
        return count

    def wanted(self, profile: Profile, copies: int) -> list[tuple[PlantingPlan, bool]]:
        """Return what is to be planted: a situation, and whether it is kept until it is too old."""
        offered = self._session.offered.get(profile, frozenset()) | self._by_hand(profile)
        found = planting_plans(profile, approves="approve" in offered)
        return [(seed, beyond) for seed in found for beyond in (False, True) for _ in range(copies)]

    def approvals(self, profile: Profile, copies: int) -> int:
        """Return how often a person will be asked to approve."""
        if "approve" not in self._by_hand(profile):
            return 0
        return sum(Approve() in seed.before for seed, _ in self.wanted(profile, copies))

    def _by_hand(self, profile: Profile) -> frozenset[str]:
        return frozenset() if self._person is None else self._person.by_hand.get(profile, frozenset())

    async def _one(
        self, profile: Profile, seed: PlantingPlan, ticket: OrderIdentifiers, driver: Driver, *, beyond: bool
    ) -> PlantedOrder | None:
        opening = Initiate(AMOUNT, Kind.INITIAL_RESERVE if profile is Profile.RECURRING else Kind.PAYMENT)
        tracker = Tracker(profile, self._run_session.contexts[profile])
        observations: list[dict[str, Scalar]] = []
        for step in (opening, *seed.before):
            observation = await prepare(tracker, step, driver, purpose="read", log=True)
            if observation is None:
                if self._person is not None and self._person.operator.cannot("approve"):
                    return None
                raise TargetError(
                    f"{self._session.transport.name}: "
                    f"an order could not be brought to be {seed.situation.split(',')[0]}; "
                    f"what was planted before it is in the ledger."
                )
            observations.append(observation)
        at: datetime = clock.now()
        settings = self._run_session.settings
        return PlantedOrder(
            ticket.order_id,
            profile,
            Market(settings.market),
            self._session.transport.name,
            unit_of(self._session.credentials.msn),
            seed.situation,
            beyond,
            at,
            History(profile, opening, seed.before),
            History(profile, opening, seed.after),
            tuple(observations),
            {"agreement_id": ticket.agreement_id, "charge_id": ticket.charge_id, "keys": str(ticket.keys)},
        )


def _ignored(*_: object, **__: object) -> None:
    return
