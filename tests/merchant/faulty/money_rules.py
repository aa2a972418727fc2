"""Faulty merchants that take, give back or keep what nobody asked for: M31, M32, M34, M36, and M12 and M13b."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from examples.merchants import ecom, epayment, recurring
from examples.merchants.base import Due, ReferenceMerchant, Row, new_key
from examples.merchants.client import Refused, TryLater
from tests.merchant.faulty.base import defect


class _TakenTwice(ReferenceMerchant):
    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        super().capture_payment(row, key, amount)
        with suppress(Refused, TryLater):
            super().capture_payment(row, new_key(), amount)


@defect("captured twice", "M31")
class TakenTwice(_TakenTwice, epayment.Adapter):
    """The screen of the warehouse captures, and so does the change of the order's status."""


@defect("captured twice", "M31")
class TakenTwiceEcom(_TakenTwice, ecom.Adapter):
    """The screen of the warehouse captures, and so does the change of the order's status."""


@defect("captured twice", "M31")
class TakenTwiceRecurring(_TakenTwice, recurring.Adapter):
    """The screen of the warehouse captures, and so does the change of the order's status."""


@defect("captured again after a lost response", "M31")
class TakenAgainWhenLost(epayment.Adapter):
    """A capture without a response is made again when it is asked for again, and nobody looks whether it was made."""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.books[order_id]
        self._read_again(row)
        try:
            super().capture(order_id, amount)
        except RuntimeError:
            row.due.clear()
            raise


class _AllAtOnce(ReferenceMerchant):
    def complete(self, order_id: str, amount: int) -> None:
        super().complete(order_id, self.books[order_id].amount)


@defect("F30b", "M31")
class CompletesWithAll(_AllAtOnce, epayment.Adapter):
    """An order that is completed is captured as a whole, whatever was shipped."""


@defect("F30b", "M31")
class CompletesWithAllEcom(_AllAtOnce, ecom.Adapter):
    """An order that is completed is captured as a whole, whatever was shipped."""


@defect("F30b", "M31")
class CompletesWithAllRecurring(_AllAtOnce, recurring.Adapter):
    """An order that is completed is captured as a whole, whatever was shipped."""


class _RefundsOnCancel(ReferenceMerchant):
    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        row = self.books[order_id]
        if row.captured > row.refunded:
            with suppress(RuntimeError):
                self.refund(order_id, row.captured - row.refunded)


@defect("F4", "M31")
class RefundsTheShippedEcom(_RefundsOnCancel, ecom.Adapter):
    """Cancelling what is left gives back what was shipped as well."""


@defect("F4", "M31")
class RefundsTheShippedRecurring(_RefundsOnCancel, recurring.Adapter):
    """Cancelling what is left gives back what was shipped as well."""


class _CleansUp(ReferenceMerchant):
    seconds = 30.0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now()

    def tick(self, now: object) -> None:
        super().tick(now)
        if self.setup.now() - self.began > timedelta(seconds=self.seconds):
            for row in self.books.values():
                if row.status in ("open", "authorized") and not row.due:
                    self._want_cancel(row)


@defect("F6", "M32")
class CleansUpAfterHalfAMinute(_CleansUp, ecom.Adapter):
    """A clean-up job cancels what is not shipped within 30 seconds."""


@defect("F6", "M32")
class CleansUpChargesAfterAnHour(_CleansUp, recurring.Adapter):
    """A clean-up job cancels charges that are not captured within an hour."""

    seconds = 3600.0


@defect("refund that nobody asked for", "M32")
class RoundsDown(epayment.Adapter):
    """A job that evens out what was rounded gives a crown back to whoever has paid."""

    def tick(self, now: object) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.captured >= 100 and not row.refunded and not row.due:
                with suppress(RuntimeError):
                    self.refund(row.order_id, 100)


@defect("an ending that nobody declared", "M32b")
class ForgottenRule(epayment.Adapter):
    """A rule that nobody remembers cancels what was not shipped within five days."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now()

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status == "authorized" and not row.due and now - self.began > timedelta(days=5):
                self._want_cancel(row)


class _RefusedIsDone(ReferenceMerchant):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.taken: dict[str, int] = {}

    def capture(self, order_id: str, amount: int) -> None:
        try:
            super().capture(order_id, amount)
        except RuntimeError:
            if self.books[order_id].status != "cancelled":
                raise
            self.taken[order_id] = amount

    def local_view(self, order_id: str) -> Any:
        view = super().local_view(order_id)
        amount = self.taken.get(order_id)
        return view if amount is None else {"status": "captured", "captured": amount, "reference": view.reference}


@defect("a refused capture is done", "M34")
class RefusedCaptureIsDone(_RefusedIsDone, epayment.Adapter):
    """A capture of what is not reserved any more is written down as done, and the goods go out."""


@defect("a refused capture is done", "M34")
class RefusedCaptureIsDoneEcom(_RefusedIsDone, ecom.Adapter):
    """A capture of what is not reserved any more is written down as done, and the goods go out."""


@defect("a refused capture is done", "M34")
class RefusedCaptureIsDoneRecurring(_RefusedIsDone, recurring.Adapter):
    """A capture of what is not reserved any more is written down as done, and the goods go out."""


@defect("F13", "M36")
class GivesBackByRefundEcom(ecom.Adapter):
    """An unwanted reservation is given back by a refund, which is refused."""

    def cancel_payment(self, row: Row, key: str) -> None:
        if row.authorized:
            self.refund_payment(row, key, row.remaining)
        else:
            super().cancel_payment(row, key)


@defect("F13", "M36")
class GivesBackByRefundRecurring(recurring.Adapter):
    """An unwanted reservation is given back by a refund, which is refused."""

    def cancel_payment(self, row: Row, key: str) -> None:
        if row.authorized:
            self.refund_payment(row, key, row.remaining)
        else:
            super().cancel_payment(row, key)


@defect("B17", "M12")
class ReportedAndReleased(epayment.Adapter):
    """A capture that failed is reported and taken off the list; closing the order then releases everything."""

    def _carry_through(self, row: Row, due: Due) -> None:
        try:
            super()._carry_through(row, due)
        except RuntimeError:
            if due.kind == "captured" and due in row.due:
                row.due.remove(due)
            raise


@defect("B18", "M13b")
class ErrorAfterAll(epayment.Adapter):
    """Sends a cancel although everything was captured; it is refused, and the order stays in error."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        row = self.books[order_id]
        if row.status == "captured" and not row.remaining and row.captured == row.authorized:
            with suppress(Refused, TryLater):
                self.cancel_payment(row, new_key())
            row.status = "failed"

    def settle(self, row: Row) -> None:
        if row.status != "failed":
            super().settle(row)
