"""The shops of the field cases: the reference merchant with the defect of one public report.

``helps`` is what the sentence about it has to say, so that whoever reported it would have known where to look.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from conformance.merchant import Order, Webhook
from examples.merchants import epayment, recurring
from examples.merchants.base import Due, Row, new_key
from examples.merchants.client import Refused, TryLater
from tests.merchant.faulty.base import defect

Adapter = TypeVar("Adapter", bound=type[Any])


def field_case(number: str, first: str, *helps: str) -> Callable[[Adapter], Adapter]:
    """Name the field case of a shop, the obligation to be blamed first, and what the reason has to say."""

    def mark(adapter: Adapter) -> Adapter:
        adapter.helps = helps
        return defect(number, first)(adapter)

    return mark


@field_case("F1", "M15", "no cancel was sent for its payment")
class OneNoteForTwoPayments(epayment.Adapter):
    """The note that a payment was cancelled counts for the order, whose second payment stays reserved."""

    def cancel(self, order_id: str) -> None:
        row = self.books[order_id]
        if row.former:
            row.status = "cancelled"
        else:
            super().cancel(order_id)

    def settle(self, row: Row) -> None:
        if row.status != "cancelled":
            super().settle(row)


@field_case("F4", "M31", "refund")
class RefundsWhatWasShipped(epayment.Adapter):
    """Cancelling the rest gives the customer back what was shipped, too."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        row = self.books[order_id]
        if row.captured > row.refunded:
            with suppress(RuntimeError):
                self.refund(order_id, row.captured - row.refunded)


@field_case("F6", "M32", "cancel")
class CleansUpAfterTwentyMinutes(epayment.Adapter):
    """A clean-up job cancels every order of more than 20 minutes that is not shipped, paid or not."""

    minutes = 20.0

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status in ("open", "authorized") and not row.due and self._is_old(row, now):
                self._want_cancel(row)

    def _is_old(self, row: Row, now: datetime) -> bool:
        return now - self.began > timedelta(minutes=self.minutes)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now()


@field_case("F7", "M33", "open")
class DropsTheEarlyNotification(epayment.Adapter):
    """A notification that comes before the customer is back is acknowledged and dropped; nothing polls what is open."""

    def deliver(self, webhook: Webhook) -> None:
        if self._is_known(webhook):
            super().deliver(webhook)

    def _is_known(self, webhook: Webhook) -> bool:
        return any(row.reference == webhook.body["reference"] and row.status != "open" for row in self._rows())

    def tick(self, now: datetime) -> None:
        for row in self._rows():
            if row.wanted_end or row.due or row.status not in ("open", "cancelled"):
                self.settle(row)


@field_case("F9", "M41", "time zone")
class ExpiresByTheWallClock(epayment.Adapter):
    """A checkout ends an hour after its creation, which is in UTC, by the clock on the wall."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now().replace(tzinfo=None)

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status == "open" and datetime.now() - self.began > timedelta(hours=1):  # noqa: DTZ005
                self._want_cancel(row)


@field_case("F10", "M33", "cancelled")
class SevenDaysForEveryCard(epayment.Adapter):
    """A reservation of more than seven days is taken for lapsed, whatever the provider says."""

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in self.books.values():
            reserved = row.status == "authorized" and not row.wanted_end
            if reserved and now.timestamp() - self.began.timestamp() > 7 * 86_400:
                row.status, row.wanted_end = "cancelled", "abandon"

    def settle(self, row: Row) -> None:
        if row.status != "cancelled" or row.wanted_end == "cancel":
            super().settle(row)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now()


@field_case("F11", "M32", "charge")
class CollectsWhatWasCancelled(recurring.Adapter):
    """The job that collects what is due makes a new charge for one that was cancelled."""

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in list(self.books.values()):
            if row.status == "cancelled" and row.wanted_end == "cancel" and not row.former:
                again = replace(row, reference=f"{row.reference}-2", create_key=new_key(), former=[row])
                with suppress(Refused, TryLater):
                    self.create_payment(again)
                    row.former.append(again)


@field_case("F12", "M35", "2 payments", "never ended")
class ForgetsThePaymentItMade(epayment.Adapter):
    """The order is written after its payment was made; where that fails the first time, the payment is forgotten."""

    def create(self, order: Order) -> str:
        self.tries = getattr(self, "tries", 0) + 1
        row = self._row_of(order, f"{order.id}-{self.tries}")
        self.create_payment(row)
        if self.tries == 1:
            raise KeyError("order_total")
        self.books[order.id] = row
        return row.reference


@field_case("F13", "M36", "refund")
class GivesBackByRefund(epayment.Adapter):
    """An unwanted reservation is given back by a refund, which is refused."""

    def cancel_payment(self, row: Row, key: str) -> None:
        if row.authorized:
            self.refund_payment(row, key, row.remaining)
        else:
            super().cancel_payment(row, key)


@field_case("F20", "M41", "NOK", "DKK")
class CapturesInCrowns(epayment.Adapter):
    """The currency of a capture is built in."""

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        super().capture_payment(replace(row, currency="NOK"), key, amount)


@field_case("F22", "M20", "capture")
class ShipsFromAnotherScreen(epayment.Adapter):
    """A cancelled order can be shipped from another screen, which takes no notice of the refused capture."""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.books[order_id]
        if row.status == "cancelled":
            with suppress(Refused, TryLater):
                self.capture_payment(row, new_key(), amount)
        else:
            super().capture(order_id, amount)


@field_case("F30b", "M31", "shipped 4.00", "10.00 NOK were taken")
class CapturesAllOnAStatusChange(epayment.Adapter):
    """Every shipment captures all that is reserved."""

    def _add_due(self, row: Row, kind: str, amount: int, *, is_allowed: bool) -> Due:
        with suppress(TryLater, Refused):
            self.read_payment(row)
        everything = row.remaining if kind == "captured" and row.remaining else amount
        return super()._add_due(row, kind, everything, is_allowed=is_allowed)


@field_case("F39", "M16", "cancel")
class CannotVoid(epayment.Adapter):
    """The module does not say that it can void, so the shop cancels the order and sends nothing."""

    def cancel(self, order_id: str) -> None:
        row = self.books[order_id]
        if row.status != "captured":
            row.status = "cancelled"

    def settle(self, row: Row) -> None:
        if row.status != "cancelled":
            super().settle(row)


CASES = (
    OneNoteForTwoPayments, RefundsWhatWasShipped, CleansUpAfterTwentyMinutes, DropsTheEarlyNotification,
    ExpiresByTheWallClock, SevenDaysForEveryCard, CollectsWhatWasCancelled, ForgetsThePaymentItMade, GivesBackByRefund,
    CapturesInCrowns, ShipsFromAnotherScreen, CapturesAllOnAStatusChange, CannotVoid,
)  # fmt: skip
"""A shop for each field case about merchants that can be played; F3 and F21 are in `tests.merchant.signed`."""
