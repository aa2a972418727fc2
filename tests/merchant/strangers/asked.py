"""More correct merchants: what makes them act is a person, a callback, or the end of time."""

from __future__ import annotations

from datetime import datetime

from conformance.merchant import View, Webhook
from tests.merchant.strangers import tongues, wires
from tests.merchant.strangers.books import NotDone, Row, Shop, row_of
from tests.merchant.strangers.correct import Reconciler


class CallbackEcom(Shop):
    """Driven by callbacks, captures nothing, and its books are a word and a reference."""

    profiles = ("ecom",)
    tongue = tongues.Ecom
    wire = wires.Requests

    def local_view(self, order_id: str) -> View:
        row = self.find(order_id)
        return View(self.status(row), reference=row.reference)

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None:
            row.learn(self.api.read(row))
            if row.wants_cancel and not row.over:
                self.send(row)

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        row.learn(self.api.read(row))
        if row.over:
            return
        row.wants_cancel = True
        if not self.send(row):
            raise NotDone("asked for; not done")

    def send(self, row: Row) -> bool:
        if row.by_hand or self.must_wait(row):
            return False
        got = self.api.cancel(row, "")
        self.later(row, got.wait)
        row.learn(self.api.read(row))
        if got.kind == "refused" and not row.over and self.too_late(row, got.code, got.status):
            row.by_hand = True
        return row.over

    def tick(self, now: datetime) -> None:
        """The fallback for callbacks that never came."""
        for row in self.rows.values():
            if not row.over:
                row.learn(self.api.read(row))
                if row.wants_cancel and not row.over:
                    self.send(row)


class FlagFirst(Shop):
    """What it believes not to be approved it stops with ``cancelTransactionOnly``; if it was, it decides again."""

    profiles = ("epayment",)
    tongue = tongues.Epayment
    wire = wires.Httpx

    def abandon(self, order_id: str) -> None:
        row = self.find(order_id)
        if row.state != "open" or row.wants_cancel:
            return
        if not row.key:
            row.key = self.fresh()
        self.stop(row)
        if row.state == "open":
            raise NotDone("still open")

    def stop(self, row: Row) -> None:
        if self.must_wait(row):
            return
        got = self.api.cancel(row, row.key, only_unapproved=True)
        self.later(row, got.wait)
        if got.kind == "refused":
            row.key = self.fresh()
        row.learn(got.seen if got.kind == "done" else self.api.read(row))
        if row.state != "open":
            row.key = ""

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        if row.over:
            return
        row.wants_cancel = True
        self.go_on(row)
        if not row.over:
            raise NotDone("not yet")

    def go_on(self, row: Row) -> None:
        if row.state == "open":
            row.key = row.key or self.fresh()
            self.stop(row)
            if row.state != "reserved":
                return
        seen = self.api.read(row)
        row.learn(seen)
        if row.over or seen is None or row.by_hand or self.must_wait(row):
            return
        row.jobs[:] = row.jobs or [{"key": self.fresh()}]
        got = self.api.cancel(row, row.jobs[0]["key"])
        self.later(row, got.wait)
        row.learn(got.seen if got.kind == "done" else self.api.read(row))
        if got.kind == "refused" and not row.over:
            row.jobs.clear()
            row.by_hand = self.too_late(row, got.code, got.status)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if row.over:
                continue
            if row.wants_cancel:
                self.go_on(row)
            elif row.key:
                self.stop(row)
            else:
                row.learn(self.api.read(row))


class WaitsForTheEnd(Reconciler):
    """Never cancels what is not approved: it waits until that has expired, and says so meanwhile."""

    profiles = ("epayment",)
    tongue = tongues.Epayment
    wire = wires.Httpx

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        row.learn(self.api.read(row))
        row.wants_cancel = not row.over
        if row.state == "reserved":
            super().cancel(order_id)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if row.over:
                continue
            row.learn(self.api.read(row))
            if row.wants_cancel and row.state == "reserved" and not row.by_hand and not self.must_wait(row):
                try:
                    super().cancel(row.order_id)
                except NotDone:
                    row.wants_cancel = not row.by_hand


class BareEcom(Shop):
    """Nothing but create, cancel and a view: no scheduled work and no notifications. The person at the desk asks."""

    profiles = ("ecom",)
    tongue = tongues.Ecom
    wire = wires.Plain
    restart = None  # type: ignore[assignment]

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        seen = self.api.read(row)
        row.learn(seen)
        if row.over:
            return
        if seen is None or self.must_wait(row):
            raise NotDone("please ask again")
        got = self.api.cancel(row, "")
        self.later(row, got.wait)
        row.learn(self.api.read(row))
        if not row.over:
            row.wants_cancel = got.kind in ("unknown", "unclear")
            raise NotDone(f"{got.kind} {got.status}")
