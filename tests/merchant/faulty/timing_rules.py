"""Faulty merchants that cancel at the wrong time, or leave money reserved: M5 and M10 to M17."""

from __future__ import annotations

import uuid

import httpx

from examples.merchants import ecom, epayment
from examples.merchants.base import Row
from examples.merchants.client import Refused, TryLater
from tests.merchant.correct.synchronous import BUSY, Counting, Failed
from tests.merchant.faulty.base import defect


@defect("B12", "M5")
class AlwaysTheFlag(epayment.Adapter):
    """Always says cancelTransactionOnly, so that no reservation is ever released."""

    def cancel_payment(self, row: Row, key: str) -> None:
        self.client.call("POST", f"{self._path(row)}/cancel", {"cancelTransactionOnly": True}, key)


@defect("B13", "M10")
class NotOnceAuthorized(epayment.Adapter):
    """Refuses to cancel what is authorized."""

    def _has_to_cancel(self, row: Row) -> bool:
        return super()._has_to_cancel(row) and not row.authorized


@defect("B14", "M15")
class CronOnTheCache(epayment.Adapter):
    """Ends what it last knew to be open, without a look and without a request that could fail."""

    def abandon(self, order_id: str) -> None:
        row = self.books[order_id]
        if row.status == "open":
            row.status, row.wanted_end = "cancelled", ""

    def settle(self, row: Row) -> None:
        if row.status != "cancelled":
            super().settle(row)


@defect("B15", "M15")
class OnlyTheOrder(epayment.Adapter):
    """Cancels the order and leaves a payment alone that was not approved."""

    def cancel(self, order_id: str) -> None:
        row = self.books[order_id]
        if row.status == "open":
            row.status = "cancelled"
        else:
            super().cancel(order_id)

    def settle(self, row: Row) -> None:
        if row.status != "cancelled":
            super().settle(row)


@defect("B17", "M12")
class ReleasedAfterAFailedCapture(epayment.Adapter):
    """A capture that failed is noted and forgotten, and the rest is released, which is everything."""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.books[order_id]
        try:
            self.capture_payment(row, str(uuid.uuid4()), amount)
            row.captured += amount
        except (TryLater, Refused) as error:
            row.problem = str(error)


@defect("B18", "M13")
class CancelAfterAll(epayment.Adapter):
    """Sends a cancel although everything was captured."""

    def _has_remainder(self, row: Row) -> bool:
        return super()._has_remainder(row) or row.captured == row.authorized


@defect("B19", "M11")
class NoReleaseFlag(ecom.Adapter):
    """Never says shouldReleaseRemainingFunds."""

    def cancel_payment(self, row: Row, key: str) -> None:
        self.client.call("PUT", f"{self._path(row)}/cancel", self._body(row))


@defect("B20", "M10")
class DoneOnceCaptured(epayment.Adapter):
    """A cancel after a partial capture is done without a request."""

    def _has_to_cancel(self, row: Row) -> bool:
        return super()._has_to_cancel(row) and not row.captured


@defect("B16", "M17")
class NotNowIsNever(Counting):
    """Takes "cannot be cancelled now" for the end of the matter, and leaves it to a person."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "failed":
            return
        try:
            super().end(order_id)
        except Failed as error:
            if str(error) not in ("cancel: 409", "cancel: 423"):
                raise
            row["status"] = "failed"


@defect("B28", "M10")
class CrashesOnAWebPage(Counting):
    """Takes every answer for JSON; where it is none, it crashes, and the order is locked for ever."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row.get("locked"):
            raise Failed("somebody is at work on this order")
        row["locked"] = True
        row["key"] = row["key"] or str(uuid.uuid4())
        try:
            response = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        except (httpx.TransportError, Failed):
            row["locked"] = False
            raise
        response.json()
        row["locked"] = False
        if 400 <= response.status_code < 500 and response.status_code not in BUSY:
            row["key"] = ""
        if not self.read(order_id):
            raise Failed(response.status_code)


@defect("B36", "M31")
class FloatsOnTheWire(Counting):
    """Counts in crowns and cuts off what is behind the comma."""

    def capture(self, order_id: str, amount: int) -> None:
        super().capture(order_id, int(amount / 100 * 100))


@defect("B40", "M14")
class MatchesASentence(Counting):
    """Knows by its text that it is too late; whatever else is refused is tried again in a minute."""

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        response = super().send(method, path, body, key)
        for _ in range(3):
            if response.status_code != 400 or not path.endswith("/cancel") or "more than 180 days" in response.text:
                break
            self.setup.sleep(61)
            key = self.rows[path.split("/")[-2]]["key"] = str(uuid.uuid4())
            response = super().send(method, path, body, key)
        return response
