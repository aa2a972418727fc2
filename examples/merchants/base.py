"""What the three reference merchants have in common: their books, and when they capture, refund, cancel and wait.

The books are a plain mapping that outlives a restart of the process, as a database would.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.merchant import Order, Setup, View, Webhook

from .client import ProviderClient, Refused, TryLater

CLOSED = ("cancel", "complete")
"""The wanted ends after which nothing more of an order is shipped."""


def new_key() -> str:
    """Return an idempotency key that was never used."""
    return str(uuid.uuid4())


@dataclass
class Due:
    """A capture or refund that was asked for, until whoever asked has been told that it is done.

    Attributes:
        kind: ``captured`` or ``refunded``: the sum that it adds to.
        amount: Minor units.
        total: What the sum is at least when this is done.
        key: Its idempotency key, which changes only after a refusal.

    """

    kind: str
    amount: int
    total: int
    key: str = field(default_factory=new_key)


@dataclass
class Row:
    """One payment in the books. Amounts are minor units.

    Attributes:
        is_made: Whether the provider is known to have the payment.
        wanted_end: What was decided about the end: nothing, ``abandon``, ``complete``, or ``cancel``.
        due: Captures and refunds, in the order in which they were asked for.
        cancel_key: The key of the cancel, until a response settles it.
        not_before: The time before which nothing is sent, in seconds since 1970.
        problem: What went wrong last, for a person.
        former: Earlier payments of the same order, which are being cancelled.

    """

    order_id: str
    amount: int
    currency: str
    reference: str
    agreement: str = ""
    create_key: str = field(default_factory=new_key)
    is_made: bool = False
    status: str = "open"
    wanted_end: str = ""
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    cancelled: int = 0
    due: list[Due] = field(default_factory=list)
    cancel_key: str = ""
    not_before: float = 0.0
    problem: str = ""
    former: list[Row] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """What is still reserved."""
        return self.authorized - self.captured - self.cancelled

    def is_done(self, due: Due) -> bool:
        """Return whether a capture or refund was carried out."""
        return bool(getattr(self, due.kind) >= due.total)


Books = dict[str, Row]


class ReferenceMerchant:
    """A merchant's integration without the words of an API: when to cancel, when to wait, when to read.

    A subclass says how a payment is created, read, captured, refunded and cancelled. Every decision stands in the books
    before anything is sent, and whatever is not known is read before anything is decided.
    """

    profiles: tuple[str, ...]

    def __init__(self, setup: Setup, books: Books | None = None) -> None:
        self.setup = setup
        self.books: Books = {} if books is None else books
        self.client = ProviderClient(setup)

    # Defined by a subclass

    def create_payment(self, row: Row) -> None:
        """Create the payment."""
        raise NotImplementedError

    def read_payment(self, row: Row) -> None:
        """Read the payment, and write what was read into the row."""
        raise NotImplementedError

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        """Capture an amount."""
        raise NotImplementedError

    def refund_payment(self, row: Row, key: str, amount: int) -> None:
        """Refund an amount of what was captured."""
        raise NotImplementedError

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel what remains, as the row's ``wanted_end`` says."""
        raise NotImplementedError

    # The actions of the adapter

    def create(self, order: Order) -> str:
        """Make the payment of an order; return its reference. Asked again after a failure, it is the same payment."""
        row = self.books.setdefault(order.id, self._row_of(order, order.id))
        return self._make(row)

    def pay_again(self, order: Order) -> str:
        """Make another payment for an order. The former one is cancelled, also if it is approved in between."""
        row = self.books[order.id]
        if row.captured or row.due or row.wanted_end in CLOSED:
            raise RuntimeError("the order is paid or closed")
        if row.is_made:
            former, number = row, len(row.former) + 2
            row = self._row_of(order, f"{order.id}-{number}")
            row.former = [*former.former, former]
            self.books[order.id] = row
            self._want_cancel(former)
        return self._make(row)

    def cancel(self, order_id: str) -> None:
        """Cancel the order, or release what was not shipped of it."""
        self._want_cancel(self.books[order_id])

    def abandon(self, order_id: str) -> None:
        """Stop the payment unless it was approved."""
        row = self.books[order_id]
        row.wanted_end = row.wanted_end or "abandon"
        self.settle(row)

    def capture(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped. Asked again after a failure, it is still the same capture."""
        row = self.books[order_id]
        due = self._add_due(row, "captured", amount, is_allowed=row.wanted_end not in CLOSED)
        self._carry_through(row, due)

    def complete(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped, and release the rest, of which nothing will be shipped any more."""
        row = self.books[order_id]
        if row.wanted_end == "complete" and not row.due:
            self.settle(row)
            return
        due = self._add_due(row, "captured", amount, is_allowed=row.wanted_end not in CLOSED)
        row.wanted_end = row.wanted_end if row.wanted_end == "cancel" else "complete"
        self._carry_through(row, due)

    def refund(self, order_id: str, amount: int) -> None:
        """Give money back for goods that came back."""
        row = self.books[order_id]
        self._carry_through(row, self._add_due(row, "refunded", amount, is_allowed=True))

    def tick(self, now: object) -> None:
        """Finish what is unfinished, and read the payments that can still change."""
        for row in self._rows():
            is_taken = row.status == "captured" and not row.remaining
            if row.status != "cancelled" and not (is_taken and all(map(row.is_done, row.due))):
                self.settle(row)

    def deliver(self, webhook: Webhook) -> None:
        """Read the payment that a notification is about; believe nothing else of the notification."""
        ids = {str(value) for name, value in webhook.body.items() if name in ("reference", "orderId", "chargeId")}
        for row in self._rows():
            if row.reference in ids:
                self.settle(row)

    def restart(self) -> ReferenceMerchant:
        """Start again from the books."""
        return type(self)(self.setup, self.books)

    def local_view(self, order_id: str) -> View:
        """Return how the order's latest payment stands in the books."""
        row = self.books[order_id]
        return View(
            row.status,
            captured=row.captured,
            cancelled=row.cancelled,
            authorized=row.authorized,
            remaining=row.remaining,
            currency=row.currency,
            reference=row.reference,
            refunded=row.refunded,
        )

    # The books

    def _rows(self) -> Iterator[Row]:
        for row in self.books.values():
            yield from (*row.former, row)

    def _row_of(self, order: Order, reference: str) -> Row:
        return Row(order.id, order.amount, order.currency, reference, order.agreement)

    def _make(self, row: Row) -> str:
        self.create_payment(row)
        row.is_made = True
        return row.reference

    def _want_cancel(self, row: Row) -> None:
        if row.wanted_end != "cancel":
            # This is a different request than that of an abandoned order, so it has a key of its own.
            row.wanted_end, row.cancel_key = "cancel", ""
        self.settle(row)

    def _add_due(self, row: Row, kind: str, amount: int, *, is_allowed: bool) -> Due:
        """Write down a capture or refund, unless it is one whose success was never told to anybody."""
        for due in row.due:
            if (due.kind, due.amount) == (kind, amount):
                return due
        if not is_allowed:
            raise RuntimeError("the order is closed")
        waiting = sum(due.amount for due in row.due if due.kind == kind and not row.is_done(due))
        due = Due(kind, amount, getattr(row, kind) + waiting + amount)
        row.due.append(due)
        return due

    def record_state(
        self, row: Row, *, ended: bool, authorized: int, captured: int, refunded: int, cancelled: int
    ) -> None:
        """Write how a payment stands into its row."""
        row.authorized, row.captured, row.refunded, row.cancelled = authorized, captured, refunded, cancelled
        if captured:
            row.status = "captured"
        elif ended or (authorized and not row.remaining):
            row.status = "cancelled"
        else:
            row.status = "authorized" if authorized else "open"

    # How it is done

    def _carry_through(self, row: Row, due: Due) -> None:
        self.settle(row)
        if not row.is_done(due):
            raise RuntimeError(f"{due.amount} are not {due.kind}: {row.problem}")
        row.due.remove(due)

    def settle(self, row: Row) -> None:
        """Bring a payment to its wanted end: read it, do what is due, then cancel what remains."""
        if self.setup.now().timestamp() < row.not_before:
            return
        try:
            self.read_payment(row)
            for due in list(row.due):
                self._do(row, due)
            if self._has_to_cancel(row):
                self._cancel_rest(row)
        except TryLater as error:
            self._wait(row, max(15.0, error.seconds), error)
        except Refused as refusal:
            self._wait(row, 60, refusal)
            self._read_again(row)
        if row.status in ("open", "authorized") and row.wanted_end == "cancel":
            row.status = "cancelling"

    def _do(self, row: Row, due: Due) -> None:
        """Carry out a capture or refund, unless it was done; forget it where there is not so much money."""
        if row.is_done(due):
            return
        if due.amount > (row.remaining if due.kind == "captured" else row.captured - row.refunded):
            row.due.remove(due)
            row.wanted_end = "" if row.wanted_end == "complete" else row.wanted_end
            row.problem = "there is not so much money"
            return
        send = self.capture_payment if due.kind == "captured" else self.refund_payment
        try:
            send(row, due.key, due.amount)
        except Refused:
            due.key = new_key()
            raise
        self.read_payment(row)

    def _cancel_rest(self, row: Row) -> None:
        row.cancel_key = row.cancel_key or new_key()
        try:
            self.cancel_payment(row, row.cancel_key)
        except Refused:
            # The key has its response, so the next attempt needs another.
            row.cancel_key = ""
            raise
        self.read_payment(row)
        if self._has_to_cancel(row):
            raise TryLater("the response was a success, and nothing has changed")
        row.cancel_key = ""

    def _has_to_cancel(self, row: Row) -> bool:
        if row.wanted_end == "abandon":
            return row.status == "open"
        return row.wanted_end in CLOSED and row.status != "cancelled" and self._has_remainder(row)

    def _has_remainder(self, row: Row) -> bool:
        return not row.authorized or row.remaining > 0

    def _wait(self, row: Row, seconds: float, why: Exception) -> None:
        row.not_before = self.setup.now().timestamp() + seconds
        row.problem = str(why)

    def _read_again(self, row: Row) -> None:
        """Read after a refusal: what was refused may have been done already."""
        try:
            self.read_payment(row)
        except (TryLater, Refused) as error:
            row.problem += f"; {error}"
