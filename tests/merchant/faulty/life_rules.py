"""Faulty merchants that lose an order that was to live, or a payment of it: M33, M35, M42, and M18, M20, M25, M29."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from conformance.merchant import Order, View, Webhook
from examples.merchants import ecom, epayment, recurring
from examples.merchants.base import ReferenceMerchant, Row, new_key
from examples.merchants.client import Refused, TryLater
from tests.merchant.faulty.base import defect


class _Unheard(ReferenceMerchant):
    def deliver(self, webhook: Webhook) -> None:
        named = {str(webhook.body.get(name)) for name in ("reference", "orderId", "chargeId")}
        if any(row.reference in named and row.status != "open" for row in self._rows()):
            super().deliver(webhook)

    def tick(self, now: object) -> None:
        for row in self._rows():
            if row.wanted_end or row.due or row.status not in ("open", "cancelled"):
                self.settle(row)


@defect("F7", "M33")
class UnheardEcom(_Unheard, ecom.Adapter):
    """A callback about an order that is still open is dropped, and nothing polls what is open."""


@defect("F7", "M33")
class UnheardRecurring(_Unheard, recurring.Adapter):
    """A notification about a charge that is still open is dropped, and nothing polls what is open."""


@defect("a job cancels what it believes to be unpaid", "M33")
class EndsInTheBooks(epayment.Adapter):
    """A job ends in its books what it has not seen paid within half an hour, without a look."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now()

    def tick(self, now: datetime) -> None:
        for row in self.books.values():
            if row.status == "open" and now - self.began > timedelta(minutes=30):
                row.status = "cancelled"
            elif row.status != "open" or row.wanted_end:
                self.settle(row)

    def settle(self, row: Row) -> None:
        if row.status != "cancelled":
            super().settle(row)


class _KeepsTheFormer(ReferenceMerchant):
    def pay_again(self, order: Order) -> str:
        former = self.books.pop(order.id)
        row = self._row_of(order, f"{former.reference}-2")
        self.books[order.id] = row
        return self._make(row)


@defect("B16", "M35")
class KeepsTheFormer(_KeepsTheFormer, epayment.Adapter):
    """A new basket gets a payment of its own, and the former one is forgotten."""


@defect("B16", "M35")
class KeepsTheFormerEcom(_KeepsTheFormer, ecom.Adapter):
    """A new basket gets a payment of its own, and the former one is forgotten."""


@defect("B16", "M35")
class KeepsTheFormerRecurring(_KeepsTheFormer, recurring.Adapter):
    """A charge that is made anew leaves the former one as it is."""


class _NotWritten(ReferenceMerchant):
    def create(self, order: Order) -> str:
        self.tries = getattr(self, "tries", 0) + 1
        row = self._row_of(order, f"{order.id}-{self.tries}")
        self.create_payment(row)
        if self.tries == 1:
            raise KeyError("order_total")
        self.books[order.id] = row
        return row.reference


@defect("F12", "M35")
class NotWrittenEcom(_NotWritten, ecom.Adapter):
    """The order is written after its payment was made; where that fails the first time, the payment is forgotten."""


@defect("F12", "M35")
class NotWrittenRecurring(_NotWritten, recurring.Adapter):
    """The order is written after its charge was made; where that fails the first time, the charge is forgotten."""


@defect("B35", "M42")
class StopsTheAgreement(recurring.Adapter):
    """Cancels a charge by stopping its agreement."""

    def cancel_payment(self, row: Row, key: str) -> None:
        self.client.call("PATCH", f"{recurring.AGREEMENTS}/{row.agreement}", {"status": "STOPPED"}, key)


@defect("B35", "M42")
class CancelsEveryCharge(recurring.Adapter):
    """Cancels every charge of the customer's agreement, although one order is to end."""

    def cancel_payment(self, row: Row, key: str) -> None:
        for other in self._rows():
            if other.agreement == row.agreement and other is not row and other.status != "cancelled":
                with suppress(Refused, TryLater):
                    super().cancel_payment(other, new_key())
        super().cancel_payment(row, key)


@defect("B9", "M1")
class NotAllowedIsDone(epayment.Adapter):
    """Cancels with DELETE, which is not allowed, and takes the 405 for a cancel."""

    def cancel_payment(self, row: Row, key: str) -> None:
        with suppress(Refused):
            self.client.call("DELETE", f"{self._path(row)}/cancel", None, key)
        row.problem = "cancelled"

    def local_view(self, order_id: str) -> View | dict[str, Any]:
        view = super().local_view(order_id)
        gone = self.books[order_id].problem == "cancelled" and not view.captured
        return {"status": "cancelled", "reference": view.reference} if gone else view


@defect("F22", "M20")
class ShipsWhatWasCancelledEcom(ecom.Adapter):
    """A cancelled order can be shipped from another screen, which takes no notice of the refused capture."""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.books[order_id]
        if row.status == "cancelled":
            with suppress(Refused, TryLater):
                self.capture_payment(row, new_key(), amount)
        else:
            super().capture(order_id, amount)


@defect("B29", "M25")
class LooksAndIgnores(epayment.Adapter):
    """After a cancel without a response it looks, sees a reservation, and calls the order cancelled all the same."""

    def settle(self, row: Row) -> None:
        if row.status == "cancelled" and row.problem == "no response":
            return
        super().settle(row)
        if row.cancel_key and row.problem and row.wanted_end == "cancel" and "HTTP" not in row.problem:
            self._read_again(row)
            if not row.captured:
                row.status, row.problem = "cancelled", "no response"


class _NeverLooksAgain(ReferenceMerchant):
    def deliver(self, webhook: Webhook) -> None:
        return

    def tick(self, now: object) -> None:
        for row in self._rows():
            if row.status == "open" or (row.wanted_end and row.status != "cancelled") or row.due:
                self.settle(row)


@defect("B39", "M29")
class NeverLooksAgainEcom(_NeverLooksAgain, ecom.Adapter):
    """What is reserved is not read again, whatever is done with it in the portal."""


@defect("B39", "M34")
class NeverLooksAgainRecurring(_NeverLooksAgain, recurring.Adapter):
    """What is reserved is not read again, whatever is done with it in the portal."""
