"""What the independent merchants store of an order, and how they make a view of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from conformance.merchant import Order, Setup, View
from tests.merchant.independent.api_clients import ApiClient, PaymentState


class ActionFailed(Exception):
    """An action did not succeed."""


@dataclass
class Row:
    """An order in the merchant's store; nothing else outlives a restart."""

    order_id: str
    reference: str
    amount: int
    currency: str
    text: str
    agreement: str
    created_at: datetime
    state: str = "open"
    authorized: int = 0
    captured: int = 0
    cancelled: int = 0
    refunded: int = 0
    cancel_wanted: bool = False
    needs_person: bool = False
    """A person has to look at it."""
    key: str = ""
    not_before: datetime | None = None
    jobs: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[Any, ...]] = field(default_factory=list)
    made: bool = False
    made_with: str = ""
    shipped: int = 0
    untold: tuple[int, int] | None = None
    """A capture whose success was told to nobody: its amount, and what is captured when it is done."""
    replaced: list[Row] = field(default_factory=list)
    """Earlier payments of the order, which nobody is to pay any more."""

    @property
    def remaining(self) -> int:
        return self.authorized - self.captured - self.cancelled

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to cancel."""
        return self.state == "ended" or (self.state == "taken" and self.remaining == 0)

    def update(self, payment: PaymentState | None) -> None:
        """Take over what a read showed, unless the payment is busy."""
        if payment is None or payment.state == "busy":
            return
        self.state, self.authorized, self.captured = payment.state, payment.authorized, payment.captured
        self.cancelled, self.refunded = payment.cancelled, payment.refunded


class IndependentMerchant:
    """A merchant with a store that outlives its process."""

    profiles: ClassVar[tuple[str, ...]] = ()
    client_class: ClassVar[type[ApiClient]]
    transport_class: ClassVar[type]
    pause: ClassVar[float] = 30.0
    """The least number of seconds between two cancels of one payment."""

    def __init__(self, setup: Setup, rows: dict[str, Row] | None = None) -> None:
        self.setup = setup
        self.rows: dict[str, Row] = {} if rows is None else rows
        self.api: Any = self.client_class(setup, self.transport_class(setup.base_url))

    def new_key(self) -> str:
        return uuid.uuid4().hex

    def create(self, order: Order) -> str:
        row = Row(
            order.id, order.id, order.amount, order.currency, order.description, order.agreement, self.setup.now()
        )
        self.rows[order.id] = row
        key = self.new_key()
        for _ in range(2):
            result = self.api.create(row, key)
            if result.status in (200, 201, 202):
                return row.reference
            if result.kind in ("refused", "unknown") and self.api.read(row) is not None:
                return row.reference
        raise ActionFailed(f"not created: {result}")

    def row_of_order(self, order_id: str) -> Row:
        return self.rows[order_id]

    def delay_next_cancel(self, row: Row, wait: float = 0.0) -> None:
        row.not_before = self.setup.now() + timedelta(seconds=max(wait, self.pause))

    def must_wait(self, row: Row) -> bool:
        return row.not_before is not None and self.setup.now() < row.not_before

    def too_late(self, row: Row, code: str, status: int) -> bool:
        aged = self.setup.now() - row.created_at > timedelta(days=13)
        return code in self.api.late or (status == 400 and aged)

    def status(self, row: Row) -> str:
        if row.state == "ended":
            return "cancelled"
        if row.state == "taken":
            return "captured"
        if row.needs_person:
            return "failed"
        if row.cancel_wanted:
            return "cancelling"
        return {"open": "open", "reserved": "authorized"}[row.state]

    def local_view(self, order_id: str) -> View:
        row = self.row_of_order(order_id)
        return View(
            self.status(row),
            captured=row.captured,
            cancelled=row.cancelled,
            authorized=row.authorized,
            remaining=row.remaining,
            currency=row.currency,
            reference=row.reference,
            refunded=row.refunded,
        )

    def restart(self) -> IndependentMerchant:
        return type(self)(self.setup, self.rows)


def row_of(rows: dict[str, Row], body: Any) -> Row | None:
    """Return the row of the order that a notification is about."""
    reference = body.get("reference") or body.get("chargeId") or body.get("orderId")
    return next((row for row in rows.values() if row.reference == reference), None)
