"""Faulty merchants that misread responses, or whose books differ from the provider's: M18 to M24."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import httpx

from conformance.merchant import View, Webhook
from examples.merchants import ecom, epayment
from examples.merchants.base import Row
from examples.merchants.client import Refused, TryLater
from tests.merchant.correct.asynchronous import RecurringBlind
from tests.merchant.correct.synchronous import Counting, Failed, payment_in
from tests.merchant.faulty.base import Believing, defect


@defect("B7", "M18")
class EveryErrorIsACancel(Believing):
    """Every refusal counts as cancelled."""

    def done(self, response: httpx.Response | None) -> bool:
        content = None if response is None else payment_in(response)
        return response is not None and (
            400 <= response.status_code < 500 or (content is not None and self.update_row({}, content))
        )


@defect("B8", "M18")
class FailureIgnored(Believing):
    """Whatever comes back, the order is cancelled in the shop, and its reference is forgotten."""

    def done(self, response: httpx.Response | None) -> bool:
        return True

    def local_view(self, order_id: str) -> View:
        status = self.rows[order_id]["status"]
        return View(status, reference=None if status == "cancelled" else order_id)


@defect("B11", "M20")
class PaidAfterAll(epayment.Adapter):
    """Abandons without the flag, and takes a payment that was approved in between for paid: its state is AUTHORIZED."""

    def cancel_payment(self, row: Row, key: str) -> None:
        self.client.call("POST", f"{self._path(row)}/cancel", None, key)

    def record_state(self, row: Row, *, ended: bool, authorized: int, captured: int, **sums: int) -> None:
        super().record_state(row, ended=ended, authorized=authorized, captured=captured, **sums)
        if row.wanted_end == "abandon" and authorized and not captured:
            row.status, row.cancelled = "authorized", 0


@defect("B21", "M24")
class CancelledIsTheTotal(epayment.Adapter):
    """Writes the order's total as cancelled, whatever was captured."""

    def local_view(self, order_id: str) -> View:
        row = self.books[order_id]
        cancelled = row.authorized if row.cancelled else 0
        left = row.authorized - row.captured - cancelled
        return View(row.status, captured=row.captured, cancelled=cancelled, authorized=row.authorized, remaining=left)


@defect("B22", "M20")
class StateIsEverything(epayment.Adapter):
    """Makes the status from the state alone, which stays AUTHORIZED."""

    def record_state(self, row: Row, *, ended: bool, authorized: int, captured: int, **sums: int) -> None:
        super().record_state(row, ended=ended, authorized=authorized, captured=captured, **sums)
        if authorized and not captured:
            row.status = "authorized"

    def local_view(self, order_id: str) -> View:
        row = self.books[order_id]
        authorized = row.status == "cancelling" and row.authorized
        return View("authorized" if authorized else row.status, captured=row.captured, reference=row.reference)


@defect("B22", "M19")
class AnySuccess(Believing):
    """Any 2xx is a cancel, whatever its body."""

    def done(self, response: httpx.Response | None) -> bool:
        return response is not None and response.is_success


@defect("B23", "M21")
class MissingName(epayment.Adapter):
    """Does not know the state ABORTED."""

    def read_payment(self, row: Row) -> None:
        super().read_payment(row)
        content = self.client.call("GET", self._path(row))
        if isinstance(content, dict) and content.get("state") == "ABORTED":
            row.status = "open"


@defect("B24", "M22")
class AcceptedIsDone(RecurringBlind):
    """Takes 202 for done."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        try:
            super().cancel(order_id)
        finally:
            if row["poll"] and row["status"] == "cancelling" and self.last == 202:
                row["status"], row["poll"] = "cancelled", False

    last = 0

    def __init__(self, setup: Any) -> None:
        super().__init__(setup)
        send = self.plain.send

        def noted(method: str, *args: Any) -> httpx.Response:
            response = send(method, *args)
            self.last = response.status_code if method == "DELETE" else 0
            return response

        self.plain.send = noted


@defect("B24", "M22")
class NoContentIsAnError(RecurringBlind):
    """Expects 200 with a charge, and takes 204 for a failure."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "failed":
            raise Failed("no charge in the answer")
        super().cancel(order_id)
        if row["status"] == "cancelled":
            row["status"] = "failed"
            raise Failed("no charge in the answer")


@defect("B26", "M23")
class VoidedByAnEvent(epayment.Adapter):
    """A notification of a cancel voids the order, with what was captured."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.void = set()

    def deliver(self, webhook: Webhook) -> None:
        super().deliver(webhook)
        if webhook.body["name"] == "CANCELLED":
            self.void.add(str(webhook.body["reference"]))

    def local_view(self, order_id: str) -> View:
        if order_id in self.void:
            return View("cancelled", captured=0, reference=order_id)
        return super().local_view(order_id)


@defect("B23", "M21")
class VoidIsUnknown(ecom.Adapter):
    """Knows CANCEL, and not VOID."""

    def read_payment(self, row: Row) -> None:
        super().read_payment(row)
        content = self.client.call("GET", f"{self._path(row)}/details")
        log = content["transactionLogHistory"] if isinstance(content, dict) else []
        if row.status == "cancelled" and any(entry["operation"] == "VOID" for entry in log):
            row.status = "cancelling" if row.wanted_end else "open"


@defect("B30", "M18")
class ShopFirst(Counting):
    """Cancels the order first, and the payment second; what comes of that is told, and the order stays cancelled."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        try:
            super().end(order_id)
        finally:
            row["status"] = "cancelled"


@defect("B33", "M20")
class StillToBeCaptured(epayment.Adapter):
    """What is shipped in the evening is captured then, and the list still has what was cancelled."""

    def tick(self, now: object) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status == "cancelled" and row.authorized and not row.problem:
                row.problem = "captured in the evening"
                try:
                    self.capture_payment(row, str(uuid.uuid4()), row.authorized)
                except (Refused, TryLater) as error:
                    row.problem = str(error) or "?"


@defect("B34", "M18")
class UnreadableIsCancelled(epayment.Adapter):
    """A payment that cannot be found, or must not be read, is cancelled in the shop."""

    def create_payment(self, row: Row) -> None:
        super().create_payment(row)
        row.problem = "made"

    def read_payment(self, row: Row) -> None:
        try:
            super().read_payment(row)
        except Refused as refusal:
            if refusal.status not in (403, 404) or row.problem != "made":
                raise
            row.status, row.wanted_end = "cancelled", ""

    def tick(self, now: object) -> None:
        for row in self._rows():
            if row.status != "cancelled":
                self.settle(row)


@defect("B36", "M24")
class FloatsInTheBooks(epayment.Adapter):
    """Keeps crowns instead of minor units."""

    def local_view(self, order_id: str) -> View:
        view = super().local_view(order_id)
        return replace(view, captured=(view.captured or 0) / 100, cancelled=None, authorized=None, remaining=None)
