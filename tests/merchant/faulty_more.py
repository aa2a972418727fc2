"""More faulty merchants, so that every defect class of `merchant-obligations.md` that can be seen has one.

`UNSEEN` names the others, with the reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

import httpx

from conformance.merchant import View
from examples.merchants import ecom, epayment, recurring
from examples.merchants.ledger import Refused, Row, TryLater
from tests.merchant.shapes import BUSY, Failed, Synchronous

MORE: Final[list[type[Any]]] = []
T = TypeVar("T", bound=type[Any])


def defect(name: str, first: str) -> Callable[[T], T]:
    """Name the defect, and the obligation that has to be blamed first."""

    def mark(made: T) -> T:
        made.defect, made.first = name, first
        MORE.append(made)
        return made

    return mark


class Counting(Synchronous):
    """Correct: it knows when everything was captured, and sends no cancel then."""

    def cancel(self, order_id: str) -> None:
        if self.rows[order_id]["captured"] < self.rows[order_id]["amount"]:
            self.end(order_id)

    def end(self, order_id: str) -> None:
        super().cancel(order_id)


UNSEEN: Final = {
    "B16, of a replaced basket": "no history replaces an order's payment by another one, so none is left behind",
    "B35": "every order has an agreement of its own, and so no other order's charges to be lost when it is stopped",
}
"""Defects that no history can show, with the reason."""


@defect("B5", "M7")
class KeyDeletedOnFailure(Counting):
    """A failed attempt deletes the order's key, and the next one makes another."""

    def end(self, order_id: str) -> None:
        try:
            super().end(order_id)
        except (Failed, httpx.TransportError):
            self.rows[order_id]["key"] = ""
            raise


@defect("B6", "M6b")
class NoKeyOnEPayment(epayment.Adapter):
    """A cancel has no key."""

    def stop(self, row: Row, key: str) -> None:
        super().stop(row, "")


@defect("B8", "M30")
class ReferenceDeleted(epayment.Adapter):
    """A cancel that failed deletes what the order knows of its payment."""

    def local_view(self, order_id: str) -> View:
        view = super().local_view(order_id)
        return replace(view, reference=None) if self.books[order_id].problem else view


@defect("B10", "M4")
class EmptyListAsBody(recurring.Adapter):
    """Encodes "nothing" as an empty list, and sends it."""

    def stop(self, row: Row, key: str) -> None:
        self.wire.call("DELETE", self._path(row), [], key)


@defect("B16", "M17")
class NotNowIsNever(Counting):
    """Takes "cannot be cancelled now" for the end of the matter, and leaves it to a person."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "failed":
            return
        try:
            super().end(order_id)
        except Failed as trouble:
            if str(trouble) not in ("cancel: 409", "cancel: 423"):
                raise
            row["status"] = "failed"


@defect("B23", "M21")
class VoidIsUnknown(ecom.Adapter):
    """Knows CANCEL, and not VOID."""

    def look(self, row: Row) -> None:
        super().look(row)
        said = self.wire.call("GET", f"{self._path(row)}/details")
        log = said["transactionLogHistory"] if isinstance(said, dict) else []
        if row.status == "cancelled" and any(one["operation"] == "VOID" for one in log):
            row.status = "cancelling" if row.wanted else "open"


@defect("B25", "M26")
class WaitsForCancelled(recurring.Adapter):
    """Waits for the status CANCELLED, which a partly captured charge never gets, and cancels it until it is refused."""

    def _left(self, row: Row) -> bool:
        return super()._left(row) or bool(0 < row.captured < row.authorized and not row.problem)

    def local_view(self, order_id: str) -> View:
        view = super().local_view(order_id)
        waits = self.books[order_id].wanted == "cancel" and view.status == "captured"
        return replace(view, status="cancelling") if waits else view


@defect("B27", "M27b")
class Impatient(Counting):
    """Tries again after a second, whatever Retry-After says."""

    def end(self, order_id: str) -> None:
        for pause in (1.0, 0.0):
            try:
                super().end(order_id)
            except Failed:
                if not pause:
                    raise
                self.setup.sleep(pause)
            else:
                return


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
            got = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        except (httpx.TransportError, Failed):
            row["locked"] = False
            raise
        got.json()
        row["locked"] = False
        if 400 <= got.status_code < 500 and got.status_code not in BUSY:
            row["key"] = ""
        if not self.read(order_id):
            raise Failed(got.status_code)


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


@defect("B31", "M28")
class InReviewForEver(Counting):
    """Asked a second time, a cancelled order is not found fit for a cancel, and stays in review."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            row["status"] = "failed"
        if row["status"] != "failed":
            super().end(order_id)


@defect("B32", "M2")
class OfAnyGateway(epayment.Adapter):
    """The hook for cancelled orders is called for what was never paid here, too."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        with suppress(Refused, TryLater):
            self.wire.call("POST", f"{epayment.PAYMENTS}/invoice-{order_id}/cancel", None, str(uuid.uuid4()))


@defect("B33", "M20")
class StillToBeCaptured(epayment.Adapter):
    """What is shipped in the evening is captured then, and the list still has what was cancelled."""

    def tick(self, now: object) -> None:
        super().tick(now)
        for row in self.books.values():
            if row.status == "cancelled" and row.authorized and not row.problem:
                row.problem = "captured in the evening"
                try:
                    self.take(row, str(uuid.uuid4()), row.authorized)
                except (Refused, TryLater) as trouble:
                    row.problem = str(trouble) or "?"


@defect("B34", "M18")
class UnreadableIsCancelled(epayment.Adapter):
    """A payment that cannot be found, or must not be read, is cancelled in the shop."""

    def make(self, row: Row) -> None:
        super().make(row)
        row.problem = "made"

    def look(self, row: Row) -> None:
        try:
            super().look(row)
        except Refused as refusal:
            if refusal.status not in (403, 404) or row.problem != "made":
                raise
            row.status, row.wanted = "cancelled", ""

    def tick(self, now: object) -> None:
        for row in self.books.values():
            if row.status != "cancelled":
                self.settle(row)


@defect("B36", "M12")
class FloatsOnTheWire(Counting):
    """Counts in crowns and cuts off what is behind the comma."""

    def capture(self, order_id: str, amount: int) -> None:
        super().capture(order_id, int(amount / 100 * 100))


@defect("B36", "M24")
class FloatsInTheBooks(epayment.Adapter):
    """Keeps crowns instead of minor units."""

    def local_view(self, order_id: str) -> View:
        view = super().local_view(order_id)
        return replace(view, captured=(view.captured or 0) / 100, cancelled=None, authorized=None, remaining=None)


@defect("B40", "M14")
class MatchesASentence(Counting):
    """Knows by its text that it is too late; whatever else is refused is tried again in a minute."""

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        got = super().send(method, path, body, key)
        for _ in range(3):
            if got.status_code != 400 or not path.endswith("/cancel") or "more than 180 days" in got.text:
                break
            self.setup.sleep(61)
            key = self.rows[path.split("/")[-2]]["key"] = str(uuid.uuid4())
            got = super().send(method, path, body, key)
        return got
