"""Faulty merchants: each is a correct one with a single defect that a real integration had.

``@defect`` names it as `merchant-obligations.md` does, and the obligation that has to be blamed first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from conformance.merchant import View, Webhook
from examples.merchants import ecom, epayment, recurring
from examples.merchants.ledger import Refused, Row, TryLater
from tests.merchant.shapes import BUSY, Failed, Plain, RecurringBlind, Synchronous, parsed

FAULTY: list[type[Any]] = []
T = TypeVar("T", bound=type[Any])


def defect(name: str, first: str) -> Callable[[T], T]:
    def mark(made: T) -> T:
        made.defect, made.first = name, first
        FAULTY.append(made)
        return made

    return mark


@defect("B1", "M8")
class OneKeyForAll(epayment.Adapter):
    """Every cancel of every order has the same idempotency key."""

    def stop(self, row: Row, key: str) -> None:
        super().stop(row, "1")


@defect("B2", "M9")
class KeyOfTheOrder(epayment.Adapter):
    """The key of a cancel is made from the order, and so the same after a refusal."""

    def stop(self, row: Row, key: str) -> None:
        super().stop(row, f"cancel-{row.wanted}-{row.order_id}")


@defect("B2", "M9")
class KeyOfTheCharge(recurring.Adapter):
    """The key of a cancel is made from the charge, and so the same after a refusal."""

    def stop(self, row: Row, key: str) -> None:
        super().stop(row, f"x{row.order_id}"[:40])


@defect("B3", "M8")
class ReferenceAsKey(epayment.Adapter):
    """The payment's reference is the key of its capture and of its cancel."""

    def take(self, row: Row, key: str, amount: int) -> None:
        super().take(row, row.reference, amount)

    def stop(self, row: Row, key: str) -> None:
        super().stop(row, row.reference)


@defect("B4", "M7")
class KeyOfTheCall(Synchronous):
    """Every call makes a key of its own: a cancel that is sent again looks like a new one."""

    def cancel(self, order_id: str) -> None:
        self.rows[order_id]["key"] = ""
        super().cancel(order_id)


@defect("B6", "M6")
class NoKey(recurring.Adapter):
    """A cancel of a charge has no key."""

    def stop(self, row: Row, key: str) -> None:
        super().stop(row, "")


class Believing(Synchronous):
    """Takes what ``done`` says for a cancel, and looks at nothing."""

    def done(self, got: httpx.Response | None) -> bool:
        raise NotImplementedError

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        try:
            got = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        except httpx.TransportError:
            got = None
        if self.done(got):
            row["status"], row["key"] = "cancelled", ""
            return
        if got is not None and 400 <= got.status_code < 500 and got.status_code not in BUSY:
            row["key"] = ""
        raise Failed("not cancelled")

    def local_view(self, order_id: str) -> View:
        return View(self.rows[order_id]["status"], reference=order_id)

    capture = None


@defect("B7", "M18")
class EveryErrorIsACancel(Believing):
    """Every refusal counts as cancelled."""

    def done(self, got: httpx.Response | None) -> bool:
        said = None if got is None else parsed(got)
        return got is not None and (400 <= got.status_code < 500 or (said is not None and self.learn({}, said)))


@defect("B8", "M18")
class FailureIgnored(Believing):
    """Whatever comes back, the order is cancelled in the shop, and its reference is forgotten."""

    def done(self, got: httpx.Response | None) -> bool:
        return True

    def local_view(self, order_id: str) -> View:
        status = self.rows[order_id]["status"]
        return View(status, reference=None if status == "cancelled" else order_id)


@defect("B9", "M1")
class WrongPath(Believing):
    """Cancels at a path that does not exist, and takes no notice."""

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        return super().send(method, path.replace("/v1/payments/", "/v1/") if "cancel" in path else path, body, key)

    def done(self, got: httpx.Response | None) -> bool:
        return True


@defect("B10", "M4")
class AmountInTheBody(epayment.Adapter):
    """Sends the amount that it means to release."""

    def stop(self, row: Row, key: str) -> None:
        body = {"modificationAmount": {"value": row.authorized - row.captured, "currency": row.currency}}
        self.wire.call("POST", f"{self._path(row)}/cancel", body, key)


@defect("B11", "M20")
class PaidAfterAll(epayment.Adapter):
    """Abandons without the flag, and takes a payment that was approved in between for paid: its state is AUTHORIZED."""

    def stop(self, row: Row, key: str) -> None:
        self.wire.call("POST", f"{self._path(row)}/cancel", None, key)

    def stands(self, row: Row, *, ended: bool, authorized: int, captured: int, cancelled: int) -> None:
        super().stands(row, ended=ended, authorized=authorized, captured=captured, cancelled=cancelled)
        if row.wanted == "abandon" and authorized and not captured:
            row.status, row.cancelled = "authorized", 0


@defect("B12", "M5")
class AlwaysTheFlag(epayment.Adapter):
    """Always says cancelTransactionOnly, so that no reservation is ever released."""

    def stop(self, row: Row, key: str) -> None:
        self.wire.call("POST", f"{self._path(row)}/cancel", {"cancelTransactionOnly": True}, key)


@defect("B13", "M10")
class NotOnceAuthorized(epayment.Adapter):
    """Refuses to cancel what is authorized."""

    def _has_to_stop(self, row: Row) -> bool:
        return super()._has_to_stop(row) and not row.authorized


@defect("B14", "M15")
class CronOnTheCache(epayment.Adapter):
    """Ends what it last knew to be open, without a look and without a request that could fail."""

    def abandon(self, order_id: str) -> None:
        row = self.books[order_id]
        if row.status == "open":
            row.status, row.wanted = "cancelled", ""

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
            self.take(row, str(uuid.uuid4()), amount)
            row.captured += amount
        except (TryLater, Refused) as trouble:
            row.problem = str(trouble)


@defect("B18", "M13")
class CancelAfterAll(epayment.Adapter):
    """Sends a cancel although everything was captured."""

    def _left(self, row: Row) -> bool:
        return super()._left(row) or row.captured == row.authorized


@defect("B19", "M11")
class NoReleaseFlag(ecom.Adapter):
    """Never says shouldReleaseRemainingFunds."""

    def stop(self, row: Row, key: str) -> None:
        self.wire.call("PUT", f"{self._path(row)}/cancel", self._body(row))


@defect("B20", "M10")
class DoneOnceCaptured(epayment.Adapter):
    """A cancel after a partial capture is done without a request."""

    def _has_to_stop(self, row: Row) -> bool:
        return super()._has_to_stop(row) and not row.captured


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

    def stands(self, row: Row, *, ended: bool, authorized: int, captured: int, cancelled: int) -> None:
        super().stands(row, ended=ended, authorized=authorized, captured=captured, cancelled=cancelled)
        if authorized and not captured:
            row.status = "authorized"

    def local_view(self, order_id: str) -> View:
        row = self.books[order_id]
        authorized = row.status == "cancelling" and row.authorized
        return View("authorized" if authorized else row.status, captured=row.captured, reference=row.reference)


@defect("B22", "M19")
class AnySuccess(Believing):
    """Any 2xx is a cancel, whatever its body."""

    def done(self, got: httpx.Response | None) -> bool:
        return got is not None and got.is_success


@defect("B23", "M21")
class MissingName(epayment.Adapter):
    """Does not know the state ABORTED."""

    def look(self, row: Row) -> None:
        super().look(row)
        said = self.wire.call("GET", self._path(row))
        if isinstance(said, dict) and said.get("state") == "ABORTED":
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
            got = send(method, *args)
            self.last = got.status_code if method == "DELETE" else 0
            return got

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


@defect("B27", "M27")
class Storm(Synchronous):
    """Tries again at once, ten times."""

    def cancel(self, order_id: str) -> None:
        for _ in range(10):
            try:
                super().cancel(order_id)
            except (Failed, httpx.TransportError):
                continue
            return
        raise Failed("ten times in vain")

    def read(self, order_id: str) -> bool:
        return super().read(order_id)


@defect("B29", "M25")
class TimeoutIsACancel(Believing):
    """Takes no answer for a cancel."""

    def done(self, got: httpx.Response | None) -> bool:
        said = None if got is None else parsed(got)
        return got is None or (said is not None and got.status_code == 200 and self.learn({}, said))


@defect("B37", "M2")
class LowerCase(epayment.Adapter):
    """Keeps references in another case than they were made in."""

    def stop(self, row: Row, key: str) -> None:
        self.wire.call("POST", f"{self._path(row).replace('cc-', 'CC-')}/cancel", None, key)


@defect("B38", "M3")
class SecretEverywhere(epayment.Adapter):
    """Sends the client secret with every call."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.wire._client.headers["client_secret"] = self.setup.client_secret


@defect("B39", "M29")
class PortalUnseen(epayment.Adapter):
    """Subscribes to everything but cancels, and never looks again at what is authorized."""

    def deliver(self, webhook: Webhook) -> None:
        if webhook.body["name"] != "CANCELLED":
            super().deliver(webhook)

    def tick(self, now: object) -> None:
        for row in self.books.values():
            if row.wanted and row.status != "cancelled":
                self.settle(row)


__all__ = ["FAULTY", "Plain"]
