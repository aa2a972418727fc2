"""A small implementation of ePayment's Cancel, in memory, with the adapter through which it is tested.

    cancel-conformance run --target python:conformance.examples.adapter_example:InMemoryEpayment --profile epayment

Your own adapter implements nothing: its methods call the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from conformance.adapter import Accepted, Answer, Event, OrderView, Refused

TOO_OLD = timedelta(days=180)
TOO_OLD_TO_REFUND = timedelta(days=365)


@dataclass
class Payment:
    """One payment. ``reserved_for`` and ``captured_for`` are None until that has happened."""

    amount: int
    currency: str
    state: str = "CREATED"
    in_3ds: bool = False
    captured: int = 0
    refunded: int = 0
    cancelled: int = 0
    reserved_for: timedelta | None = None
    captured_for: timedelta | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """What can still be captured or cancelled."""
        return self.amount - self.captured - self.cancelled if self.state == "AUTHORIZED" else 0


class InMemoryEpayment:
    """The adapter. Every method beyond the first three lets the suite test more rules."""

    profiles = ("epayment",)

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.answers: dict[tuple[str, str], tuple[bool | None, Answer]] = {}

    def initiate(self, order_id: str, amount: int, currency: str, kind: str) -> Answer:
        """Create a payment that waits for the user."""
        if order_id in self.payments:
            return Refused(status=409)
        self.payments[order_id] = Payment(amount, currency, events=[Event("CREATED", amount)])
        return Accepted()

    def cancel(self, order_id: str, *, flag: bool | None, key: str) -> Answer:
        """Cancel a payment; the same key gets the same response again."""
        if (order_id, key) in self.answers:
            earlier_flag, answer = self.answers[order_id, key]
            return answer if earlier_flag == flag else Refused(status=409)
        payment = self.payments.get(order_id)
        answer = Refused("5090", 404) if payment is None else self._cancel(payment, flag)
        self.answers[order_id, key] = (flag, answer)
        return answer

    def _cancel(self, payment: Payment, flag: bool | None) -> Answer:
        if payment.in_3ds:
            return Refused("6250", 409)
        if payment.reserved_for is not None and payment.reserved_for > TOO_OLD:
            return Refused("6030", 400)
        if payment.state == "CREATED":
            payment.state, payment.cancelled = "TERMINATED", payment.amount
            payment.events.append(Event("TERMINATED", payment.amount))
            return Accepted()
        if payment.state != "AUTHORIZED" or payment.cancelled:
            return Refused("6190", 400)
        if payment.remaining == 0:
            return Refused("6040", 400)
        if flag:
            return Refused("6060", 400)
        payment.events.append(Event("CANCELLED", payment.remaining))
        payment.cancelled = payment.remaining
        return Accepted()

    def read(self, order_id: str) -> OrderView | Refused:
        """Return a payment as it stands."""
        payment = self.payments.get(order_id)
        if payment is None:
            return Refused(status=404)
        return OrderView(
            payment.state,
            payment.captured,
            payment.refunded,
            payment.cancelled,
            authorized=payment.amount if payment.state == "AUTHORIZED" else 0,
            currency=payment.currency,
            events=payment.events,
        )

    # Other actions of the merchant. An adapter may leave any of them out.

    def capture(self, order_id: str, amount: int) -> Answer:
        """Capture an amount."""
        payment = self.payments[order_id]
        if payment.reserved_for is not None and payment.reserved_for > TOO_OLD:
            return Refused("6100", 400)
        if amount > payment.remaining:
            return Refused("6070" if payment.cancelled else "6090", 400)
        payment.captured += amount
        payment.captured_for = payment.captured_for or timedelta()
        payment.events.append(Event("CAPTURED", amount))
        return Accepted()

    def refund(self, order_id: str, amount: int) -> Answer:
        """Refund an amount."""
        payment = self.payments[order_id]
        if payment.captured == 0:
            return Refused("6150", 400)
        if payment.captured_for is not None and payment.captured_for > TOO_OLD_TO_REFUND:
            return Refused("6220", 400)
        if amount > payment.captured - payment.refunded:
            return Refused("6210", 400)
        payment.refunded += amount
        payment.events.append(Event("REFUNDED", amount))
        return Accepted()

    # The user's actions, taken by the suite.

    def approve(self, order_id: str) -> Answer:
        """The user approves, and the amount is reserved."""
        return self._user(order_id, "AUTHORIZED")

    def reject(self, order_id: str) -> Answer:
        """The user rejects."""
        return self._user(order_id, "ABORTED")

    def expire(self, order_id: str) -> Answer:
        """The user does nothing until the payment times out."""
        payment = self.payments[order_id]
        return self._user(order_id, "EXPIRED", in_3ds=payment.in_3ds)

    def start_3ds(self, order_id: str) -> Answer:
        """The user is sent into a 3-D Secure session."""
        answer = self._user(order_id, "CREATED")
        self.payments[order_id].in_3ds = self.payments[order_id].in_3ds or isinstance(answer, Accepted)
        return answer

    def finish_3ds(self, order_id: str) -> Answer:
        """The user comes back from 3-D Secure, and the amount is reserved."""
        return self._user(order_id, "AUTHORIZED", in_3ds=True)

    def fail_3ds(self, order_id: str) -> Answer:
        """3-D Secure fails."""
        return self._user(order_id, "ABORTED", in_3ds=True)

    def _user(self, order_id: str, state: str, *, in_3ds: bool = False) -> Answer:
        payment = self.payments[order_id]
        if payment.state != "CREATED" or payment.in_3ds != in_3ds:
            return Refused(status=409)
        payment.state, payment.in_3ds = state, False
        payment.reserved_for = timedelta() if state == "AUTHORIZED" else None
        return Accepted()

    def age(self, order_id: str, by: timedelta) -> Answer:
        """Let time pass for one payment."""
        payment = self.payments[order_id]
        if payment.reserved_for is not None:
            payment.reserved_for += by
        if payment.captured_for is not None:
            payment.captured_for += by
        return Accepted()
