"""Orders of our own, in assorted situations, for requests to be about; and what the model knows of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from conformance.domain.expectation import ACCEPTED
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import Approve, Cancel, Capture, Initiate, Step
from conformance.fuzzing.request_shape import SMALL
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
"""After so many modifying requests an order is left alone: five a minute are allowed."""
OLDEST: Final = 240.0
"""Seconds after which an order is left alone: one that was not approved ends after ten minutes."""
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
class PooledOrder:
    """One order that requests are about.

    ``tracker`` knows what the order can be; where it lost track, nothing of the order is compared any more. ``view`` is
    what was observed when the order was last read.
    """

    situation: str
    ids: dict[str, str]
    driver: HttpDriver
    tracker: Tracker
    view: ObservedFields
    born: float = field(default_factory=time.monotonic)
    modified: int = 0

    @property
    def tracked(self) -> bool:
        """Whether it is known what the order is."""
        return bool(self.tracker.orders)

    @property
    def spent(self) -> bool:
        """Whether it should be left alone."""
        return not self.tracked or self.modified >= MODIFIED or time.monotonic() - self.born > OLDEST

    @property
    def left(self) -> int:
        """What could be captured or refunded next, in minor units."""
        return max((max(order.remaining, order.refundable) for order in self.possible), default=SMALL)


class OrderPool:
    """The orders of one profile. They are made when they are needed."""

    def __init__(
        self,
        session: Session,
        profile: Profile,
        context: ModelContext,
        nonce: str,
        link: Connection,
        record: RecordExchange,
    ) -> None:
        self.session = session
        self.profile = profile
        self.context = context
        self._nonce = nonce
        self._link = link
        self._record = record
        self._count = 0
        self._at_hand: dict[str, PooledOrder] = {}
        self._adopted: list[PooledOrder] = []
        self._failed: set[str] = set()
        self.agreement = ""
        """An agreement that there is, in Recurring."""

    @property
    def situations(self) -> tuple[str, ...]:
        """The situations that this target lets us reach."""
        if self.profile is Profile.RECURRING:
            situations = ["waiting", *_CHARGES]
        elif "approve" in self.session.offered.get(self.profile, frozenset()):
            situations = ["waiting", *_APPROVED]
        else:
            situations = ["waiting", "cancelled"]
        return tuple(situation for situation in situations if situation not in self._failed)

    def fresh_id(self) -> str:
        """Return an identifier that was not used before."""
        self._count += 1
        return f"{self._nonce}-{self.profile.value[0]}f{self._count:04d}"

    async def one_for(self, operation: Operation, chance: Random) -> PooledOrder | None:
        """Return an order for a request, in a situation that chance picks; None where none can be made."""
        self._adopted = [order for order in self._adopted if not order.spent]
        if self._adopted and chance.random() < 0.25:
            return chance.choice(self._adopted)
        wanted = list(self.situations)
        if operation.deed in (OperationKind.REFUND, OperationKind.CAPTURE):
            wanted += [situation for situation in ("partly captured", "reserved") if situation in wanted]
        return await self.in_situation(chance.choice(wanted)) if wanted else None

    async def in_situation(self, situation: str) -> PooledOrder | None:
        """Return an order in a situation, a new one if need be; None where the target does not let us get there."""
        order = self._at_hand.get(situation)
        if order is None or order.spent:
            order = await self._made(situation)
            if order is None:
                # Tried once more before it is given up.
                order = await self._made(situation)
            if order is None:
                self._failed.add(situation)
                self._at_hand.pop(situation, None)
                return None
            self._at_hand[situation] = order
        return order

    async def fresh(self, situation: str) -> PooledOrder | None:
        """Return a new order in a situation."""
        self._at_hand.pop(situation, None)
        return await self.in_situation(situation)

    async def _made(self, situation: str) -> PooledOrder | None:
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
        return self.session.driver_for(self.profile, identifiers, self._link, self._record)

    def _ids(self, identifiers: OrderIdentifiers) -> dict[str, str]:
        if self.profile is Profile.RECURRING:
            self.agreement = identifiers.agreement_id
            return {"agreementId": identifiers.agreement_id, "chargeId": identifiers.charge_id}
        return {"orderId" if self.profile is Profile.ECOM else "reference": identifiers.order_id}

    async def adopt(self, identifier: str, amount: int) -> None:
        """Take up an order that a drawn request created, if it is what an ordinary one would be."""
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
    """Play a step of our own; return what is believed of the order then, or nothing if it went otherwise."""
    expectation = (
        initial_expectation(profile, step, context) if isinstance(step, Initiate) else expect(possible, step, context)
    )
    answer = await driver.perform(step)
    view: ObservedFields = {}
    for attempt in range(1, LOOKS + 1):
        view = await driver.look("prepare", log=False)
        observed = answer | view
        _, branches = judge(observable(expectation, observed, complete=True), observed)
        after = advance(step, possible, tuple(branch for branch in branches if branch.proves), observed)
        if after:
            return after, view
        await driver.pause(attempt)
    return (), view


async def executed_step(
    fellow: PooledOrder, step: Step, answer: ObservedFields, context: ModelContext, *, patience: int = LOOKS
) -> tuple[Judgement, PossibleOrders]:
    """Compare what a request did to an order with what the model permits; return the judgement and the new belief."""
    expectation = expect(fellow.possible, step, context)
    judgement = Judgement(StepStatus.INCONCLUSIVE)
    branches: tuple[Branch, ...] = ()
    observed: ObservedFields = {}
    for attempt in range(1, patience + 1):
        observed = answer | fellow.view
        judgement, branches = judge(observable(expectation, observed, complete=True), observed)
        if judgement.status in (StepStatus.CONFORMS, StepStatus.RECORDED) or attempt == patience:
            break
        await fellow.driver.pause(attempt)
        fellow.view = await fellow.driver.look("poll", log=False)
    return judgement, advance(step, fellow.possible, branches, observed)
