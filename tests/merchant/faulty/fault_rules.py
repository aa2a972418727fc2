"""Faulty merchants that handle faults, duplicates or the portal wrongly: M25 to M30."""

from __future__ import annotations

from dataclasses import replace

import httpx

from conformance.merchant import View, Webhook
from examples.merchants import epayment, recurring
from examples.merchants.base import Row
from tests.merchant.correct.synchronous import Counting, Failed, Synchronous, payment_in
from tests.merchant.faulty.base import Believing, defect


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

    def done(self, response: httpx.Response | None) -> bool:
        content = None if response is None else payment_in(response)
        return response is None or (
            content is not None and response.status_code == 200 and self.update_row({}, content)
        )


@defect("B39", "M34")
class PortalUnseen(epayment.Adapter):
    """Subscribes to everything but cancels, and never looks again at what is authorized."""

    def deliver(self, webhook: Webhook) -> None:
        if webhook.body["name"] != "CANCELLED":
            super().deliver(webhook)

    def tick(self, now: object) -> None:
        for row in self._rows():
            if row.wanted_end and row.status != "cancelled":
                self.settle(row)


@defect("B8", "M30")
class ReferenceDeleted(epayment.Adapter):
    """A cancel that failed deletes what the order knows of its payment."""

    def local_view(self, order_id: str) -> View:
        view = super().local_view(order_id)
        return replace(view, reference=None) if self.books[order_id].problem else view


@defect("B25", "M26")
class WaitsForCancelled(recurring.Adapter):
    """Waits for the status CANCELLED, which a partly captured charge never gets, and cancels it until it is refused."""

    def _has_remainder(self, row: Row) -> bool:
        return super()._has_remainder(row) or bool(0 < row.captured < row.authorized and not row.problem)

    def local_view(self, order_id: str) -> View:
        view = super().local_view(order_id)
        waits = self.books[order_id].wanted_end == "cancel" and view.status == "captured"
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


@defect("B31", "M28")
class InReviewForEver(Counting):
    """Asked a second time, a cancelled order is not found fit for a cancel, and stays in review."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            row["status"] = "failed"
        if row["status"] != "failed":
            super().end(order_id)
