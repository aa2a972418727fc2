"""The suite's own orders that fuzzed requests are about."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from conformance.domain.expectation import ACCEPTED
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import Approve, Cancel, Capture, Initiate, Step
from conformance.fuzzing.request_bodies import SMALL
from conformance.judging.judge import Judgement, StepStatus, judge
from conformance.judging.observability import observable
from conformance.model import ModelContext, PossibleOrders, advance, expect, initial_expectation
from conformance.targets.http.driver import HttpDriver
from conformance.targets.http.session import Session
from conformance.targets.target import RecordExchange
from conformance.targets.transport import Connection
from conformance.wire.base import ObservedFields, OrderIdentifiers
from conformance.wire.operations import Operation, OperationKind

MODIFIED: Final = 4
"""Modifying requests after which an order is not used any more: five a minute are allowed."""
OLDEST: Final = 240.0
"""Seconds after which an order is not used any more: without approval it ends after ten minutes."""
READS: Final = 4
"""How often an order is read until it is as the model permits."""
PART: Final = 400
"""The amount of a partial capture, in minor units."""

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
class PooledOrder:
    """One order that requests are about.

    Attributes:
        situation: what was done to it, in words.
        ids: its identifiers, by their names in paths: ``orderId``, ``reference``, ``agreementId``, ``chargeId``.
        driver: executes steps on it.
        possible: the orders that it can be, by the model; empty if it is not known any more, and not compared.
        view: the observation of its last read.
        created: when, in seconds of ``time.monotonic``.
        modified: how many modifying requests it got.

    """

    situation: str
    ids: dict[str, str]
    driver: HttpDriver
    tracker: Tracker
    view: ObservedFields
    created: float = field(default_factory=time.monotonic)
    modified: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the model knows what the order is."""
        return bool(self.possible)

    @property
    def is_used_up(self) -> bool:
        """Whether it should not be used any more."""
        return not self.is_known or self.modified >= MODIFIED or time.monotonic() - self.created > OLDEST

    @property
    def largest_amount(self) -> int:
        """The largest amount that can be captured or refunded next, in minor units."""
        return max((max(order.remaining, order.refundable) for order in self.possible), default=SMALL)


class OrderPool:
    """The orders of one API, created when they are needed.

    Attributes:
        session: the target.
        profile: the API.
        context: what the model knows of the target.
        agreement: the id of an existing agreement (Recurring).

    """

    def __init__(
        self,
        session: Session,
        profile: Profile,
        context: ModelContext,
        nonce: str,
        connection: Connection,
        record: RecordExchange,
    ) -> None:
        self.session = session
        self.profile = profile
        self.context = context
        self._nonce = nonce
        self._connection = connection
        self._record = record
        self._count = 0
        self._orders: dict[str, PooledOrder] = {}
        self._adopted: list[PooledOrder] = []
        self._failed: set[str] = set()
        self.agreement = ""

    @property
    def situations(self) -> tuple[str, ...]:
        """The situations that an order can be brought into at this target."""
        if self.profile is Profile.RECURRING:
            situations = ["waiting", *_CHARGES]
        elif "approve" in self.session.offered.get(self.profile, frozenset()):
            situations = ["waiting", *_APPROVED]
        else:
            situations = ["waiting", "cancelled"]
        return tuple(situation for situation in situations if situation not in self._failed)

    def fresh_id(self) -> str:
        """Return an order id that was not used before."""
        self._count += 1
        return f"{self._nonce}-{self.profile.value[0]}f{self._count:04d}"

    async def pick(self, operation: Operation, random: Random) -> PooledOrder | None:
        """Return an order in a random situation; None if none can be created."""
        self._adopted = [order for order in self._adopted if not order.is_used_up]
        if self._adopted and random.random() < 0.25:
            return random.choice(self._adopted)
        situations = list(self.situations)
        if operation.kind in (OperationKind.REFUND, OperationKind.CAPTURE):
            situations += [situation for situation in ("partly captured", "reserved") if situation in situations]
        return await self.in_situation(random.choice(situations)) if situations else None

    async def in_situation(self, situation: str) -> PooledOrder | None:
        """Return an order in a situation, a new one if needed.

        The result is None if the target does not permit the situation.
        """
        order = self._orders.get(situation)
        if order is None or order.is_used_up:
            order = await self._create(situation)
            if order is None:
                # A second attempt, since the network may have failed.
                order = await self._create(situation)
            if order is None:
                self._failed.add(situation)
                self._orders.pop(situation, None)
                return None
            self._orders[situation] = order
        return order

    async def fresh(self, situation: str) -> PooledOrder | None:
        """Return a new order in a situation."""
        self._orders.pop(situation, None)
        return await self.in_situation(situation)

    async def _create(self, situation: str) -> PooledOrder | None:
        if self.profile is Profile.RECURRING:
            waiting = situation == "waiting"
            opening = Initiate(SMALL, Kind.CHARGE_RESERVE if waiting else Kind.INITIAL_RESERVE)
            steps = () if waiting else _CHARGES[situation]
        else:
            opening = Initiate(SMALL)
            reachable = "approve" in self.session.offered.get(self.profile, frozenset())
            direct: tuple[Step, ...] = (Cancel(),) if situation == "cancelled" else ()
            steps = _APPROVED[situation] if reachable and situation in _APPROVED else direct
        identifiers = OrderIdentifiers(self.fresh_id(), self.session.today, self.session.market)
        driver = self._driver(identifiers)
        possible: PossibleOrders = ()
        view: ObservedFields = {}
        for step in (opening, *steps):
            observation = await prepare(tracker, step, driver)
            if observation is None:
                return None
        return PooledOrder(situation, self._ids(identifiers), driver, possible, view)

    def _driver(self, identifiers: OrderIdentifiers) -> HttpDriver:
        return self.session.driver_for(self.profile, identifiers, self._connection, self._record)

    def _ids(self, identifiers: OrderIdentifiers) -> dict[str, str]:
        if self.profile is Profile.RECURRING:
            self.agreement = identifiers.agreement_id
            return {"agreementId": identifiers.agreement_id, "chargeId": identifiers.charge_id}
        return {"orderId" if self.profile is Profile.ECOM else "reference": identifiers.order_id}

    async def adopt(self, identifier: str, amount: int) -> None:
        """Add an order that a drawn request created, if it is like one of the suite's own."""
        if self.profile is Profile.RECURRING or len(self._adopted) >= 3:
            return
        identifiers = OrderIdentifiers(identifier, self.session.today, self.session.market)
        driver = self._driver(identifiers)
        expectation = initial_expectation(self.profile, Initiate(amount), self.context)
        view = await driver.look("prepare", log=False)
        observed: Observation = {"answer.outcome": ACCEPTED, **view}
        _, branches = judge(observable(expectation, observed, complete=True), observed)
        possible = advance(Initiate(amount), (), branches, observed)
        if not possible:
            return
        if "approve" in self.session.offered.get(self.profile, frozenset()):
            approved, approved_view = await prepared(possible, Approve(), self.profile, self.context, driver)
            possible, view = (approved, approved_view) if approved else (possible, view)
        self._adopted.append(PooledOrder("created by a drawn request", self._ids(identifiers), driver, possible, view))


async def prepared(
    possible: PossibleOrders, step: Step, profile: Profile, context: ModelContext, driver: Driver
) -> tuple[PossibleOrders, ObservedFields]:
    """Execute a step of the suite's own.

    Returns the orders that are possible then, none if it was not as permitted.
    """
    expectation = (
        initial_expectation(profile, step, context) if isinstance(step, Initiate) else expect(possible, step, context)
    )
    answer = await driver.perform(step)
    view: ObservedFields = {}
    for attempt in range(1, READS + 1):
        view = await driver.look("prepare", log=False)
        observed = answer | view
        _, branches = judge(observable(expectation, observed, complete=True), observed)
        after = advance(step, possible, tuple(branch for branch in branches if branch.proves), observed)
        if after:
            return after, view
        await driver.pause(attempt)
    return (), view


async def executed_step(
    order: PooledOrder, step: Step, answer: ObservedFields, context: ModelContext, *, patience: int = READS
) -> tuple[Judgement, PossibleOrders]:
    """Compare what a request did to an order with what the model permits.

    Returns the judgement and the orders that are possible after the step. The order is read again while it is not as
    permitted, at most ``patience`` times.
    """
    expectation = expect(order.possible, step, context)
    judgement = Judgement(StepStatus.INCONCLUSIVE)
    branches: tuple[Branch, ...] = ()
    observed: ObservedFields = {}
    for attempt in range(1, patience + 1):
        observed = answer | order.view
        judgement, branches = judge(observable(expectation, observed, complete=True), observed)
        if judgement.status in (StepStatus.CONFORMS, StepStatus.RECORDED) or attempt == patience:
            break
        await order.driver.pause(attempt)
        order.view = await order.driver.look("poll", log=False)
    return judgement, advance(step, order.possible, branches, observed)
