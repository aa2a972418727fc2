"""Correct merchants with a way of their own: they capture at approval, give back, or end orders by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from tests.merchant.independent import api_clients
from tests.merchant.independent.base import ActionFailed, Row
from tests.merchant.independent.desk import Desk


class CapturesAtOnce(Desk):
    """Captures everything at approval, and gives back what is not shipped when the order is closed."""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        self.work(row)
        if row.cancel_wanted or row.captured - row.refunded < row.shipped + amount:
            raise ActionFailed("it is not paid")
        row.shipped += amount

    def complete(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        if not row.cancel_wanted:
            self.capture(order_id, amount)
        self.cancel(order_id)

    def refund(self, order_id: str, amount: int) -> None:
        super().refund(order_id, amount)
        self.row_of_order(order_id).shipped -= amount

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        row.cancel_wanted = True
        self.work(row)
        if not self.is_settled(row):
            raise ActionFailed("not all is given back yet")

    def is_settled(self, row: Row) -> bool:
        return row.state == "ended" or (row.state == "taken" and row.captured - row.refunded <= row.shipped)

    def work(self, row: Row) -> None:
        super().work(row)
        if row.state == "reserved" and not row.cancel_wanted and not row.jobs:
            self.job_of(row, "captured", row.amount)
            super().work(row)
        row.jobs = [job for job in row.jobs if getattr(row, job["of"]) < job["goal"]]
        excess = row.captured - row.refunded - row.shipped
        if row.state == "taken" and row.cancel_wanted and excess > 0:
            self.job_of(row, "refunded", excess)
            super().work(row)

    def finish(self, row: Row, job: dict[str, object]) -> None:
        self.work(row)
        if job in row.jobs:
            raise ActionFailed("not given back yet")

    def work_all(self) -> None:
        for row in self.rows.values():
            if row.state != "ended":
                self.work(row)

    def status(self, row: Row) -> str:
        returned = row.cancel_wanted and row.captured and row.captured == row.refunded
        return "cancelled" if returned else super().status(row)


class CapturesAtOnceAndSaysSo(CapturesAtOnce):
    """Captures everything at approval and refunds on a cancel, and has declared both."""

    captures_on_approval = True
    refunds_on_cancel = True


class CapturesAtOnceEcom(CapturesAtOnceAndSaysSo):
    profiles = ("ecom",)
    client_class = api_clients.Ecom


class CapturesAtOnceRecurring(CapturesAtOnceAndSaysSo):
    profiles = ("recurring",)
    client_class = api_clients.Recurring


class EndsAfterAWeek(Desk):
    """An order that was not shipped within a week is cancelled; this is declared."""

    ends_unshipped_after: ClassVar[timedelta | None] = timedelta(days=7)

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in self.rows.values():
            if row.state == "reserved" and not row.jobs and now - row.created_at > timedelta(days=7):
                row.cancel_wanted = True
                self.work(row)


class EndsAfterAWeekUnsaid(EndsAfterAWeek):
    """An order that was not shipped within a week is cancelled, and nobody has declared it."""

    ends_unshipped_after = None


class EndsUnpaid(Desk):
    """A checkout ends after 20 minutes, if a fresh look shows that it is not paid, with a cancel that spares money."""

    ends_unpaid_after: ClassVar[timedelta | None] = timedelta(minutes=20)

    def tick(self, now: datetime) -> None:
        super().tick(now)
        for row in self.rows.values():
            due = row.state == "open" and now - row.created_at > timedelta(minutes=20)
            if due and self.api.read(row) == api_clients.PaymentState("open") and not self.must_wait(row):
                row.text = row.text if row.text.startswith("stop-") else f"stop-{self.new_key()}"
                result = self.api.cancel(row, row.text, only_unapproved=True)
                self.delay_next_cancel(row, result.wait)
                if result.kind == "refused":
                    row.text = ""
                row.update(self.api.read(row))


class EndsUnpaidUnsaid(EndsUnpaid):
    """A checkout ends after 20 minutes, if a fresh look shows that it is not paid, and nobody has declared it."""

    ends_unpaid_after = None
