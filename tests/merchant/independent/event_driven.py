"""Correct merchants that act when a person, a callback or the end of time makes them."""

from __future__ import annotations

from datetime import datetime

from conformance.merchant import View, Webhook
from tests.merchant.independent import api_clients, transports
from tests.merchant.independent.base import ActionFailed, IndependentMerchant, Row, row_of
from tests.merchant.independent.patterns import Reconciler


class CallbackEcom(IndependentMerchant):
    """Driven by callbacks; captures nothing, and its books have a status and a reference."""

    profiles = ("ecom",)
    client_class = api_clients.Ecom
    transport_class = transports.Requests

    def local_view(self, order_id: str) -> View:
        row = self.row_of_order(order_id)
        return View(self.status(row), reference=row.reference)

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None:
            row.update(self.api.read(row))
            if row.cancel_wanted and not row.is_over:
                self.send(row)

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        row.update(self.api.read(row))
        if row.is_over:
            return
        row.cancel_wanted = True
        if not self.send(row):
            raise ActionFailed("asked for; not done")

    def send(self, row: Row) -> bool:
        if row.needs_person or self.must_wait(row):
            return False
        result = self.api.cancel(row, "")
        self.delay_next_cancel(row, result.wait)
        row.update(self.api.read(row))
        if result.kind == "refused" and not row.is_over and self.too_late(row, result.code, result.status):
            row.needs_person = True
        return row.is_over

    def tick(self, now: datetime) -> None:
        """Read every open payment, in case a callback never came."""
        for row in self.rows.values():
            if not row.is_over:
                row.update(self.api.read(row))
                if row.cancel_wanted and not row.is_over:
                    self.send(row)


class FlagFirst(IndependentMerchant):
    """Stops what it believes to be unapproved with ``cancelTransactionOnly``; if it was approved, it decides again."""

    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Httpx

    def abandon(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        if row.state != "open" or row.cancel_wanted:
            return
        if not row.key:
            row.key = self.new_key()
        self.stop(row)
        if row.state == "open":
            raise ActionFailed("still open")

    def stop(self, row: Row) -> None:
        if self.must_wait(row):
            return
        result = self.api.cancel(row, row.key, only_unapproved=True)
        self.delay_next_cancel(row, result.wait)
        if result.kind == "refused":
            row.key = self.new_key()
        row.update(result.payment if result.kind == "done" else self.api.read(row))
        if row.state != "open":
            row.key = ""

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        if row.is_over:
            return
        row.cancel_wanted = True
        self.continue_cancel(row)
        if not row.is_over:
            raise ActionFailed("not yet")

    def continue_cancel(self, row: Row) -> None:
        if row.state == "open":
            row.key = row.key or self.new_key()
            self.stop(row)
            if row.state != "reserved":
                return
        payment = self.api.read(row)
        row.update(payment)
        if row.is_over or payment is None or row.needs_person or self.must_wait(row):
            return
        row.jobs[:] = row.jobs or [{"key": self.new_key()}]
        result = self.api.cancel(row, row.jobs[0]["key"])
        self.delay_next_cancel(row, result.wait)
        row.update(result.payment if result.kind == "done" else self.api.read(row))
        if result.kind == "refused" and not row.is_over:
            row.jobs.clear()
            row.needs_person = self.too_late(row, result.code, result.status)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if row.is_over:
                continue
            if row.cancel_wanted:
                self.continue_cancel(row)
            elif row.key:
                self.stop(row)
            else:
                row.update(self.api.read(row))


class WaitsForTheEnd(Reconciler):
    """Never cancels an unapproved payment: it waits until that has expired, and says so meanwhile."""

    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Httpx

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        row.update(self.api.read(row))
        row.cancel_wanted = not row.is_over
        if row.state == "reserved":
            super().cancel(order_id)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if row.is_over:
                continue
            row.update(self.api.read(row))
            if row.cancel_wanted and row.state == "reserved" and not row.needs_person and not self.must_wait(row):
                try:
                    super().cancel(row.order_id)
                except ActionFailed:
                    row.cancel_wanted = not row.needs_person


class BareEcom(IndependentMerchant):
    """Has nothing but create, cancel and a view: no scheduled work and no notifications. A person asks."""

    profiles = ("ecom",)
    client_class = api_clients.Ecom
    transport_class = transports.Plain
    restart = None  # type: ignore[assignment]

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        payment = self.api.read(row)
        row.update(payment)
        if row.is_over:
            return
        if payment is None or self.must_wait(row):
            raise ActionFailed("please ask again")
        result = self.api.cancel(row, "")
        self.delay_next_cancel(row, result.wait)
        row.update(self.api.read(row))
        if not row.is_over:
            row.cancel_wanted = result.kind in ("unknown", "unclear")
            raise ActionFailed(f"{result.kind} {result.status}")
