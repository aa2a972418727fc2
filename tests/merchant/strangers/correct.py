"""Correct merchants, each another shape of shop. None of them may be accused of anything that decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conformance.merchant import View, Webhook
from tests.merchant.strangers import tongues, wires
from tests.merchant.strangers.books import NotDone, Row, Shop, row_of


class Outbox(Shop):
    """Every action only writes a job; the scheduled worker does them, one after the other for each order."""

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        if row.over or row.wants_cancel:
            return
        row.wants_cancel, row.by_hand = True, False
        row.jobs.append({"do": "cancel", "key": self.fresh()})

    def capture(self, order_id: str, amount: int) -> None:
        row = self.find(order_id)
        if row.wants_cancel:
            raise NotDone("the order is closed")
        row.learn(self.api.read(row))
        if row.state not in ("reserved", "taken") or row.rest < amount:
            raise NotDone("there is not so much reserved")
        before = row.captured + sum(one["amount"] for one in row.jobs if one["do"] == "capture")
        row.jobs.append({"do": "capture", "amount": amount, "key": self.fresh(), "goal": before + amount})

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None:
            row.jobs.append({"do": "look"})

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if not row.jobs and not row.over:
                row.learn(self.api.read(row))
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)

    def do_look(self, row: Row, job: dict[str, Any]) -> bool:
        row.learn(self.api.read(row))
        return True

    def do_capture(self, row: Row, job: dict[str, Any]) -> bool:
        seen = self.api.read(row)
        row.learn(seen)
        if seen is None or row.over or row.captured >= job["goal"]:
            return seen is not None
        got = self.api.capture(row, job["amount"], job["key"])
        row.learn(self.api.read(row))
        if row.captured >= job["goal"]:
            return True
        if got.kind == "refused":
            if row.over:
                return True
            job["key"] = self.fresh()
            job["no"] = job.get("no", 0) + 1
            row.by_hand = job["no"] > 3
        return False

    def do_cancel(self, row: Row, job: dict[str, Any]) -> bool:
        seen = self.api.read(row)
        row.learn(seen)
        if row.over:
            return True
        if seen is None or seen.state == "busy" or self.must_wait(row):
            return False
        got = self.api.cancel(row, job["key"])
        self.later(row, got.wait)
        row.learn(got.seen if got.kind == "done" else self.api.read(row))
        if row.over:
            return True
        if got.kind == "refused":
            job["key"] = self.fresh()
            job["no"] = job.get("no", 0) + 1
            if self.too_late(row, got.code, got.status) or job["no"] > 6:
                row.by_hand, row.wants_cancel = True, False
                return True
        return False


class OutboxEpayment(Outbox):
    profiles = ("epayment",)
    tongue = tongues.Epayment
    wire = wires.Httpx


class OutboxEcom(Outbox):
    profiles = ("ecom",)
    tongue = tongues.Ecom
    wire = wires.Urllib


class Sourced(Shop):
    """Nothing is kept but what happened; how an order stands is folded from it every time it is asked."""

    def happened(self, row: Row, *what: Any) -> None:
        row.log.append(what)

    def fold(self, row: Row) -> Row:
        now = Row(row.order_id, row.reference, row.amount, row.currency, row.text, row.agreement, row.born)
        now.log = row.log
        for what, *more in row.log:
            match what:
                case "asked":
                    now.wants_cancel, now.key, now.by_hand = True, more[0], False
                case "key spent":
                    now.key = more[0]
                case "seen":
                    now.learn(more[0])
                case "given up":
                    now.wants_cancel, now.by_hand = False, True
                case "wait":
                    now.not_before = more[0]
                case "shipping":
                    now.jobs.append({"key": more[0], "amount": more[1], "goal": more[2]})
                case "shipped":
                    now.jobs.clear()
        return now

    def local_view(self, order_id: str) -> View:
        row = self.fold(self.find(order_id))
        return View(self.status(row), captured=row.captured, reference=row.reference)

    def look(self, row: Row) -> Row:
        seen = self.api.read(row)
        if seen is not None and seen.state != "busy":
            self.happened(row, "seen", seen)
        return self.fold(row)

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        now = self.fold(row)
        if now.over:
            return
        if not now.wants_cancel:
            self.happened(row, "asked", self.fresh())
        if not self.pursue(row):
            raise NotDone("not cancelled yet")

    def pursue(self, row: Row) -> bool:
        """Send what was asked for, with its key; return whether the order is over."""
        now = self.fold(row)
        if now.jobs and not self.ship(row):
            return False
        if now.not_before is not None and self.setup.now() < now.not_before:
            return self.look(row).over
        if now.log and now.log[-1][0] == "sent":
            now = self.look(row)
            if now.over:
                return True
        self.happened(row, "sent")
        got = self.api.cancel(now, now.key)
        self.later(now, got.wait)
        self.happened(row, "wait", now.not_before)
        if got.kind == "done":
            self.happened(row, "seen", got.seen)
            now = self.fold(row)
        else:
            now = self.look(row)
        if got.kind == "refused" and not now.over:
            if self.too_late(row, got.code, got.status):
                self.happened(row, "given up")
            else:
                self.happened(row, "key spent", self.fresh())
        return now.over

    def capture(self, order_id: str, amount: int) -> None:
        row = self.find(order_id)
        now = self.look(row)
        if now.wants_cancel or now.state not in ("reserved", "taken") or now.rest < amount:
            raise NotDone("not to be captured")
        if now.jobs:
            raise NotDone("the shipment before this one is not settled")
        self.happened(row, "shipping", self.fresh(), amount, now.captured + amount)
        if not self.ship(row):
            raise NotDone("not captured yet")

    def ship(self, row: Row) -> bool:
        job = self.fold(row).jobs[-1]
        got = self.api.capture(self.fold(row), job["amount"], job["key"])
        now = self.look(row)
        if now.captured >= job["goal"] or now.over:
            self.happened(row, "shipped")
            return True
        if got.kind == "refused":
            self.happened(row, "shipped")
            self.happened(row, "shipping", self.fresh(), job["amount"], job["goal"])
        return False

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            stands = self.fold(row)
            if stands.over:
                continue
            if stands.wants_cancel:
                self.pursue(row)
            elif stands.jobs:
                self.ship(row)
            else:
                self.look(row)


class SourcedEpayment(Sourced):
    profiles = ("epayment",)
    tongue = tongues.Epayment
    wire = wires.Requests


class SourcedRecurring(Sourced):
    profiles = ("recurring",)
    tongue = tongues.Recurring
    wire = wires.Httpx


class Reconciler(Shop):
    """Sends a cancel once for each time that a person asks, never again by itself; reads until it knows how it went."""

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        seen = self.api.read(row)
        row.learn(seen)
        if row.over:
            row.wants_cancel = False
            return
        if seen is None or seen.state == "busy" or row.by_hand or self.must_wait(row):
            raise NotDone("not now")
        row.wants_cancel = True
        got = self.api.cancel(row, self.fresh())
        self.later(row, got.wait)
        row.learn(got.seen if got.kind == "done" else None)
        if got.kind == "refused":
            row.wants_cancel = False
            row.by_hand = self.too_late(row, got.code, got.status)
        if not row.over:
            row.learn(self.api.read(row))
        if not row.over:
            raise NotDone(f"{got.kind}: it is being looked at")
        row.wants_cancel = False

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            seen = None if row.over else self.api.read(row)
            if seen is None:
                continue
            row.learn(seen)
            if row.over or (seen.state != "busy" and not self.must_wait(row)):
                row.wants_cancel = False


class ReconcilerEpayment(Reconciler):
    """It captures nothing."""

    profiles = ("epayment",)
    tongue = tongues.Epayment
    wire = wires.Plain


class PollingRecurring(Reconciler):
    """Hears of nothing by itself, and asks; a charge that was accepted for cancelling (202) is polled as told."""

    profiles = ("recurring",)
    tongue = tongues.Recurring
    wire = wires.Plain

    def capture(self, order_id: str, amount: int) -> None:
        row = self.find(order_id)
        row.learn(self.api.read(row))
        if row.state not in ("reserved", "taken") or row.rest < amount or row.wants_cancel:
            raise NotDone("not to be captured")
        goal = row.captured + amount
        row.jobs[:] = row.jobs or [{"key": self.fresh(), "amount": amount, "goal": goal}]
        self.ship(row)

    def ship(self, row: Row) -> None:
        """Capture what is to be captured, with the key that it was given first."""
        job = row.jobs[0]
        if row.captured < job["goal"]:
            got = self.api.capture(row, job["amount"], job["key"])
            row.learn(self.api.read(row))
            if row.captured < job["goal"]:
                if got.kind == "refused":
                    row.jobs.clear()
                raise NotDone("not captured")
        row.jobs.clear()

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        if row.jobs:
            row.learn(self.api.read(row))
            if not row.over:
                self.ship(row)
            row.jobs.clear()
        super().cancel(order_id)
