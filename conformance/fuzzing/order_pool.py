"""The suite's own orders that fuzzed requests are about."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED
from conformance.domain.observation import Field
from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import Approve, Cancel, Capture, Initiate, Step
from conformance.fuzzing.request_bodies import SMALL
from conformance.judging.judge import Judgement
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.runner.preparation import LOOKS, prepare
from conformance.targets.http.driver import HttpDriver
from conformance.targets.http.session import HttpSession
from conformance.targets.target import RecordExchange
from conformance.targets.transport import Connection
from conformance.wire import WIRES
from conformance.wire.base import ObservedFields, OrderIdentifiers

MODIFIED: Final = 4
"""Modifying requests after which an order is not used any more: five a minute are allowed."""
OLDEST: Final = 240.0
"""Seconds after which an order is not used any more: without approval it ends after ten minutes."""
PART: Final = 400
"""The amount of a partial capture, in minor units."""

AGREEMENT: Final = "agreementId"
"""What a path calls the agreement that an order belongs to, where orders belong to one."""
WAITING: Final = "waiting"

_RESERVED: Final[Mapping[str, tuple[Step, ...]]] = {
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
        tracker: knows the orders that it can be; of an order without any, nothing is compared any more.
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
        return bool(self.tracker.orders)

    @property
    def is_used_up(self) -> bool:
        """Whether it should not be used any more."""
        return not self.is_known or self.modified >= MODIFIED or time.monotonic() - self.created > OLDEST

    @property
    def largest_amount(self) -> int:
        """The largest amount that can be captured or refunded next, in minor units."""
        return max((max(order.remaining, order.refundable) for order in self.tracker.orders), default=SMALL)

    def lose_track(self) -> None:
        """Stop following the order, so that it is not known any more."""
        self.tracker.orders = ()


class OrderPool:
    """The orders of one API, created when they are needed.

    Attributes:
        session: the target.
        profile: the API.
        context: what the model knows of the target.
        agreement: the id of an existing agreement, where orders belong to one.

    """

    def __init__(
        self,
        session: HttpSession,
        profile: Profile,
        context: ModelContext,
        naming: OrderNaming,
        connection: Connection,
        record: RecordExchange,
    ) -> None:
        self.session = session
        self.profile = profile
        self.context = context
        self.naming = naming
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
        situations = [WAITING, *_RESERVED] if self._can_reserve else [WAITING, "cancelled"]
        return tuple(situation for situation in situations if situation not in self._failed)

    @property
    def _can_reserve(self) -> bool:
        offered = self.session.offered.get(self.profile, frozenset())
        return not spec_of(self.profile).user_approves or "approve" in offered

    def fresh_id(self) -> str:
        """Return an order id that was not used before."""
        self._count += 1
        return self.naming.order_id(self.profile, f"f{self._count:04d}")

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
        spec = spec_of(self.profile)
        waits = situation == WAITING or not self._can_reserve
        opening = Initiate(SMALL, spec.waiting_kind if waits else spec.reserved_kind)
        steps: tuple[Step, ...] = (Approve(),) if spec.user_approves and not waits else ()
        steps += _RESERVED.get(situation, ())
        identifiers = OrderIdentifiers(self.fresh_id(), self.session.today, self.session.market, cancel_keys=None)
        driver = self._driver(identifiers)
        tracker = Tracker(self.profile, self.context)
        observation: ObservedFields | None = None
        for step in (opening, *steps):
            observation = await prepare(tracker, step, driver)
            if observation is None:
                return None
        return PooledOrder(situation, self._ids(identifiers), driver, tracker, observation or {})

    def _driver(self, identifiers: OrderIdentifiers) -> HttpDriver:
        return self.session.driver_for(self.profile, identifiers, self._connection, self._record)

    def _ids(self, identifiers: OrderIdentifiers) -> dict[str, str]:
        ids = WIRES[self.profile].path_parameters(identifiers)
        self.agreement = ids.get(AGREEMENT, self.agreement)
        return ids

    async def adopt(self, identifier: str, amount: int) -> None:
        """Add an order that a drawn request created, if it is like one of the suite's own."""
        if len(self._adopted) >= 3:
            return
        identifiers = OrderIdentifiers(identifier, self.session.today, self.session.market, cancel_keys=None)
        driver = self._driver(identifiers)
        opening, tracker = Initiate(amount), Tracker(self.profile, self.context)
        observation: ObservedFields = {Field.ANSWER_OUTCOME: ACCEPTED, **await driver.look("prepare", log=False)}
        _, branches = tracker.compare(opening, observation)
        tracker.advance(opening, branches, observation)
        if not tracker.orders:
            return
        if "approve" in self.session.offered.get(self.profile, frozenset()):
            observation = await prepare(tracker, Approve(), driver) or observation
        self._adopted.append(
            PooledOrder("created by a drawn request", self._ids(identifiers), driver, tracker, observation)
        )


async def follow(pooled: PooledOrder, step: Step, response: ObservedFields, *, patience: int = LOOKS) -> Judgement:
    """Compare what a request did to an order with what the model permits.

    The order is read again while it is not as permitted, at most ``patience`` times. Its tracker follows the step.
    """
    for attempt in range(1, patience + 1):
        observation = response | pooled.view
        judgement, branches = pooled.tracker.compare(step, observation)
        if judgement.is_permitted or attempt == patience:
            break
        await pooled.driver.pause(attempt)
        pooled.view = await pooled.driver.look("poll", log=False)
    pooled.tracker.advance(step, branches, observation)
    return judgement
