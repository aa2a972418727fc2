"""Planting: orders are brought into chosen situations now, and kept in a ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.ageing import clock
from conformance.ageing.planted_orders import PlantedOrder, PlantedOrders
from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Scalar
from conformance.domain.order import Market, Profile
from conformance.domain.steps import Approve, Cancel, Capture, History, Initiate, Read, Refund, Step
from conformance.judging.tracker import Tracker
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
    """Return what is worth planting in a profile.

    Without anybody who approves, only a charge is ever reserved.
    """
    spec = spec_of(profile)
    if spec.user_approves and not approves:
        return
    reserve: tuple[Step, ...] = (Approve(),) if spec.user_approves else ()
    release = Cancel(flag=spec.release_flag)
    yield PlantingPlan("reserved, to be cancelled", reserve, (Cancel(),))
    yield PlantingPlan("reserved, to be captured", reserve, (Capture(PART),))
    yield PlantingPlan("partly captured, to be cancelled", (*reserve, Capture(PART)), (release,))
    yield PlantingPlan("captured, to be refunded", (*reserve, Capture(AMOUNT)), (Refund(PART),))
    yield PlantingPlan("cancelled, to be left alone", (*reserve, Cancel()), (Read(),))


def unit_of(msn: str) -> str:
    """Return a digest of a sales unit's number, by which it is recognised."""
    return hashlib.sha256(f"unit {msn}".encode()).hexdigest()[:16]


class Planting:
    """Plants orders at one target."""

    def __init__(self, run_session: RunSession, ledger: PlantedOrders, note: Callable[[PlantedOrder], None]) -> None:
        target = run_session.target
        if not isinstance(target, HttpTarget):
            raise TargetError(f"{target.name} lives in this process: what is planted there would not grow old.")
        self._run_session = run_session
        self._target = target
        self._session = target.session
        self._ledger = ledger
        self._note = note

    async def plant(self, profile: Profile, copies: int) -> int:
        """Plant ``copies`` of every situation for each side of the limits.

        Returns how many orders were planted. Each is in the ledger as soon as it stands. A person who approves no more
        ends it.

        Raises:
            TargetError: an order cannot be brought into its situation.

        """
        count = 0
        link = self._session.transport.connect()
        try:
            for plan, beyond in self.wanted(profile, copies):
                name = self._run_session.settings.naming.order_id(profile, f"a{count + 1:03d}")
                ticket = OrderIdentifiers(name, self._session.today, self._session.market)
                manual = self._target.manual_steps(profile, name)
                driver = self._session.driver_for(profile, ticket, link, _ignore, manual=manual)
                planted = await self._plant(profile, plan, ticket, driver, beyond=beyond)
                if planted is None:
                    break
                self._ledger.orders.append(planted)
                self._ledger.write()
                self._note(planted)
                count += 1
        finally:
            await link.close()
        return count

    def wanted(self, profile: Profile, copies: int) -> list[tuple[PlantingPlan, bool]]:
        """Return what is to be planted, and whether it is kept until it is too old."""
        plans = planting_plans(profile, approves="approve" in self._run_session.probes[profile].offered)
        return [(plan, beyond) for plan in plans for beyond in (False, True) for _ in range(copies)]

    def approvals(self, profile: Profile, copies: int) -> int:
        """Return how often a person will be asked to approve."""
        if "approve" not in self._run_session.probes[profile].manual:
            return 0
        return sum(Approve() in plan.before for plan, _ in self.wanted(profile, copies))

    async def _plant(
        self, profile: Profile, plan: PlantingPlan, ticket: OrderIdentifiers, driver: Driver, *, beyond: bool
    ) -> PlantedOrder | None:
        opening = Initiate(AMOUNT, spec_of(profile).reserved_kind)
        tracker = Tracker(profile, self._run_session.contexts[profile])
        observations: list[dict[str, Scalar]] = []
        for step in (opening, *plan.before):
            observation = await prepare(tracker, step, driver, purpose="read", log=True)
            if observation is None:
                operator = self._target.operator
                if operator is not None and operator.cannot("approve"):
                    return None
                raise TargetError(
                    f"{self._session.transport.name}: "
                    f"an order could not be brought to be {plan.situation.split(',')[0]}; "
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
            plan.situation,
            beyond,
            at,
            History(profile, opening, plan.before),
            History(profile, opening, plan.after),
            tuple(observations),
            {"agreement_id": ticket.agreement_id, "charge_id": ticket.charge_id, "keys": str(ticket.keys)},
        )


def _ignore(*_: object, **__: object) -> None:
    return
