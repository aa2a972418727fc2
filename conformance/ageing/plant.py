"""Planting: orders are brought into chosen situations now, and kept in a ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.ageing import clock
from conformance.ageing.planted_orders import PlantedOrder, PlantedOrders
from conformance.ageing.windows import Side, Window, useful_windows
from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Scalar
from conformance.domain.order import Market, Profile
from conformance.domain.steps import Approve, Cancel, Capture, History, Initiate, Read, Refund, Step
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.runner.preparation import prepare
from conformance.runner.session import RunSession
from conformance.targets.http.target import HttpTarget
from conformance.targets.operator import ManualSteps
from conformance.targets.transport import TargetError
from conformance.wire.base import OrderIdentifiers
from conformance.wire.driver import Driver

AMOUNT: Final = 1000
PART: Final = 400


@dataclass(frozen=True, slots=True)
class PlantingPlan:
    """What an order is planted as, and what is tried once it is old enough."""

    situation: str
    history: History
    then: History

    @property
    def asks_for_approval(self) -> bool:
        """Whether a user has to approve it."""
        return Approve() in self.history.steps


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """An order that is to be planted, and what it is kept for."""

    plan: PlantingPlan
    side: Side


def planting_plans(profile: Profile, *, approves: bool) -> Iterator[PlantingPlan]:
    """Return what is worth planting in a profile.

    Without anybody who approves, only a charge is ever reserved.
    """
    spec = spec_of(profile)
    if spec.user_approves and not approves:
        return
    reserve: tuple[Step, ...] = (Approve(),) if spec.user_approves else ()
    opening, release = Initiate(AMOUNT, spec.reserved_kind), Cancel(flag=spec.release_flag)
    situations: tuple[tuple[str, tuple[Step, ...], Step], ...] = (
        ("reserved, to be cancelled", (), Cancel()),
        ("reserved, to be captured", (), Capture(PART)),
        ("partly captured, to be cancelled", (Capture(PART),), release),
        ("cancelled after a capture, to be refunded", (Capture(PART), release), Refund(PART)),
        ("cancelled, to be left alone", (Cancel(),), Read()),
    )
    for situation, before, then in situations:
        history = History(profile, opening, (*reserve, *before))
        yield PlantingPlan(situation, history, History(profile, opening, (then,)))


def wanted_orders(
    profile: Profile,
    orders: Sequence[PlantedOrder],
    context: ModelContext,
    now: datetime,
    *,
    approves: bool,
    copies: int,
) -> list[WantedOrder]:
    """Return the orders that a ledger lacks: of each situation, ``copies`` for each side on which it shows something.

    Args:
        profile: the API.
        orders: what the ledger has of the target, the sales unit and the market.
        context: the market and the accepted interpretations, which decide where the limits are.
        now: the present moment.
        approves: whether anybody can approve a payment.
        copies: how many orders are wanted of each situation, for each side of its limits.

    """
    wanted = []
    for plan in planting_plans(profile, approves=approves):
        alike = [order for order in orders if (order.history, order.then) == (plan.history, plan.then)]
        for window in useful_windows(plan.history, plan.then, context):
            have = sum(_serves(order, window, now) for order in alike)
            wanted += [WantedOrder(plan, window.side)] * max(0, copies - have)
    return wanted


def to_be_planted(profiles: Sequence[Profile], context: ModelContext, now: datetime, copies: int) -> list[PlantedOrder]:
    """Return the orders that a new ledger would have, as if they had been planted now. They exist nowhere."""
    return [
        PlantedOrder(
            f"{number:05d}", profile, context.market, "", "", order.plan.situation, order.side, now,
            order.plan.history, order.plan.then, (), {},
        )
        for profile in profiles
        for number, order in enumerate(wanted_orders(profile, (), context, now, approves=True, copies=copies))
    ]  # fmt: skip


def _serves(order: PlantedOrder, window: Window, now: datetime) -> bool:
    """Return whether an order was judged in a window, or can still be."""
    if order.harvested is not None:
        return bool(order.judged) and window.has(order.harvested - order.at)
    return order.side is window.side and (window.until is None or now - order.at <= window.until)


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

    async def plant(self, wanted: Sequence[WantedOrder]) -> int:
        """Plant orders of one API.

        Returns how many were planted. Each is in the ledger as soon as it stands. A person who approves no more ends
        it.

        Raises:
            TargetError: an order cannot be brought into its situation.
            PlantedOrdersError: the ledger cannot be written.

        """
        count = 0
        link = self._session.transport.connect()
        try:
            for number, order in enumerate(wanted, 1):
                profile = order.plan.history.profile
                name = self._run_session.settings.naming.order_id(profile, f"a{number:03d}")
                ticket = OrderIdentifiers(name, self._session.today, self._session.market)
                manual = self._target.manual_steps(profile, name)
                driver = self._session.driver_for(profile, ticket, link, _ignore, manual=manual)
                planted = await self._plant(order, ticket, driver, manual)
                if planted is None:
                    if self._approves_no_more:
                        break
                    continue
                self._ledger.add(planted)
                self._note(planted)
                count += 1
        finally:
            await link.close()
        return count

    def wanted(self, profile: Profile, copies: int) -> list[WantedOrder]:
        """Return the orders that the ledger lacks of an API, with ``copies`` of each kind for each side of a limit."""
        settings, unit = self._run_session.settings, unit_of(self._session.credentials.msn)
        place = self._session.transport.name, unit, settings.market
        orders = [order for order in self._ledger.orders if (order.target, order.unit, order.market) == place]
        approves = self.approves(profile)
        context = self._run_session.contexts[profile]
        return wanted_orders(profile, orders, context, clock.now(), approves=approves, copies=copies)

    def approves(self, profile: Profile) -> bool:
        """Return whether payments of an API can be planted: whether somebody approves them, where that is needed."""
        return "approve" in self._run_session.probes[profile].offered or not spec_of(profile).user_approves

    def approvals(self, wanted: Sequence[WantedOrder]) -> int:
        """Return how often a person will be asked to approve."""
        manual = {profile for profile, probe in self._run_session.probes.items() if "approve" in probe.manual}
        return sum(order.plan.asks_for_approval and order.plan.history.profile in manual for order in wanted)

    @property
    def _approves_no_more(self) -> bool:
        operator = self._target.operator
        return operator is not None and bool(operator.cannot("approve"))

    async def _plant(
        self, wanted: WantedOrder, ticket: OrderIdentifiers, driver: Driver, manual: ManualSteps | None
    ) -> PlantedOrder | None:
        """Plant one order; return None where a person did not approve it."""
        plan, profile = wanted.plan, wanted.plan.history.profile
        tracker = Tracker(profile, self._run_session.contexts[profile])
        observations: list[dict[str, Scalar]] = []
        for step in plan.history.all_steps:
            observation = await prepare(tracker, step, driver, purpose="read", log=True)
            if observation is None:
                if manual is not None and isinstance(step, Approve):
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
            wanted.side,
            at,
            plan.history,
            plan.then,
            tuple(observations),
            {"agreement_id": ticket.agreement_id, "charge_id": ticket.charge_id, "keys": str(ticket.keys)},
        )


def _ignore(*_: object, **__: object) -> None:
    return
