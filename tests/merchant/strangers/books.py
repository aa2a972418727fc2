"""What the shops keep of an order, and how they make a view of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from conformance.merchant import Order, Setup, View
from tests.merchant.strangers.tongues import Standing, Tongue


class NotDone(Exception):
    """The action did not succeed."""


@dataclass
class Row:
    """An order in the shop's store; what is not in it does not outlive a restart."""

    order_id: str
    reference: str
    amount: int
    currency: str
    text: str
    agreement: str
    born: datetime
    state: str = "open"
    authorized: int = 0
    captured: int = 0
    cancelled: int = 0
    wants_cancel: bool = False
    by_hand: bool = False
    """A person has to look at it."""
    key: str = ""
    not_before: datetime | None = None
    jobs: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def rest(self) -> int:
        return self.authorized - self.captured - self.cancelled

    @property
    def over(self) -> bool:
        """Whether there is nothing left to cancel."""
        return self.state == "ended" or (self.state == "taken" and self.rest == 0)

    def learn(self, seen: Standing | None) -> None:
        if seen is None or seen.state == "busy":
            return
        self.state, self.authorized, self.captured, self.cancelled = (
            seen.state,
            seen.authorized,
            seen.captured,
            seen.cancelled,
        )


class Shop:
    """A shop with a store that outlives its process."""

    profiles: ClassVar[tuple[str, ...]] = ()
    tongue: ClassVar[type[Tongue]]
    wire: ClassVar[type]
    pause: ClassVar[float] = 30.0
    """Seconds between two cancels of one payment, at the least."""

    def __init__(self, setup: Setup, rows: dict[str, Row] | None = None) -> None:
        self.setup = setup
        self.rows: dict[str, Row] = {} if rows is None else rows
        self.api: Any = self.tongue(setup, self.wire(setup.base_url))

    def fresh(self) -> str:
        return uuid.uuid4().hex

    def create(self, order: Order) -> str:
        row = Row(
            order.id, order.id, order.amount, order.currency, order.description, order.agreement, self.setup.now()
        )
        self.rows[order.id] = row
        key = self.fresh()
        for _ in range(2):
            made = self.api.create(row, key)
            if made.status in (200, 201, 202):
                return row.reference
            if made.kind in ("refused", "unknown") and self.api.read(row) is not None:
                return row.reference
        raise NotDone(f"not created: {made}")

    def find(self, order_id: str) -> Row:
        return self.rows[order_id]

    def later(self, row: Row, wait: float = 0.0) -> None:
        row.not_before = self.setup.now() + timedelta(seconds=max(wait, self.pause))

    def must_wait(self, row: Row) -> bool:
        return row.not_before is not None and self.setup.now() < row.not_before

    def too_late(self, row: Row, code: str, status: int) -> bool:
        aged = self.setup.now() - row.born > timedelta(days=13)
        return code in self.api.late or (status == 400 and aged)

    def status(self, row: Row) -> str:
        if row.state == "ended":
            return "cancelled"
        if row.state == "taken":
            return "captured"
        if row.by_hand:
            return "failed"
        if row.wants_cancel:
            return "cancelling"
        return {"open": "open", "reserved": "authorized"}[row.state]

    def local_view(self, order_id: str) -> View:
        row = self.find(order_id)
        return View(
            self.status(row),
            captured=row.captured,
            cancelled=row.cancelled,
            authorized=row.authorized,
            remaining=row.rest,
            currency=row.currency,
            reference=row.reference,
        )

    def restart(self) -> Shop:
        return type(self)(self.setup, self.rows)


def row_of(rows: dict[str, Row], body: Any) -> Row | None:
    """The order that a notification is about."""
    named = body.get("reference") or body.get("chargeId") or body.get("orderId")
    return next((row for row in rows.values() if row.reference == named), None)
