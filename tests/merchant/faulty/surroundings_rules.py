"""Faulty merchants that depend on where they run: M41."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from examples.merchants import ecom, epayment
from examples.merchants.base import Row
from tests.merchant.faulty.base import defect


@defect("F20", "M41")
class RefundsInCrowns(epayment.Adapter):
    """The currency of a refund is built in."""

    def refund_payment(self, row: Row, key: str, amount: int) -> None:
        super().refund_payment(replace(row, currency="NOK"), key, amount)


@defect("F9", "M41")
class ExpiresByTheWallClockEcom(ecom.Adapter):
    """A checkout ends two hours after its creation, which is in UTC, by the clock on the wall."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now().replace(tzinfo=None)

    def tick(self, now: object) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status == "open" and datetime.now() - self.began > timedelta(hours=2):  # noqa: DTZ005
                self._want_cancel(row)


@defect("F9", "M41")
class ClosesOnTheNextDay(epayment.Adapter):
    """A checkout ends when the date on the wall is another one than the date of its creation in UTC."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.began = self.setup.now().date()

    def tick(self, now: object) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status == "open" and datetime.now().date() > self.began:  # noqa: DTZ005
                self._want_cancel(row)
