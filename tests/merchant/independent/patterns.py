"""Correct merchants with well-known designs: an outbox, an event log, and a reconciler."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conformance.merchant import View, Webhook
from tests.merchant.independent import api_clients, transports
from tests.merchant.independent.base import ActionFailed, IndependentMerchant, Row, row_of


class Outbox(IndependentMerchant):
    """Every action only writes a job; the scheduled worker runs an order's jobs one after the other."""

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        if row.is_over or row.cancel_wanted:
            return
        row.cancel_wanted, row.needs_person = True, False
        row.jobs.append({"do": "cancel", "key": self.new_key()})

    def capture(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        if row.cancel_wanted:
            raise ActionFailed("the order is closed")
        row.update(self.api.read(row))
        if row.state not in ("reserved", "taken") or row.remaining < amount:
            raise ActionFailed("there is not so much reserved")
        captured_before = row.captured + sum(job["amount"] for job in row.jobs if job["do"] == "capture")
        row.jobs.append({"do": "capture", "amount": amount, "key": self.new_key(), "goal": captured_before + amount})

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None:
            row.jobs.append({"do": "look"})

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if not row.jobs and not row.is_over:
                row.update(self.api.read(row))
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)

    def do_look(self, row: Row, job: dict[str, Any]) -> bool:
        row.update(self.api.read(row))
        return True

    def do_capture(self, row: Row, job: dict[str, Any]) -> bool:
        payment = self.api.read(row)
        row.update(payment)
        if payment is None or row.is_over or row.captured >= job["goal"]:
            return payment is not None
        result = self.api.capture(row, job["amount"], job["key"])
        row.update(self.api.read(row))
        if row.captured >= job["goal"]:
            return True
        if result.kind == "refused":
            if row.is_over:
                return True
            job["key"] = self.new_key()
            job["no"] = job.get("no", 0) + 1
            row.needs_person = job["no"] > 3
        return False

    def do_cancel(self, row: Row, job: dict[str, Any]) -> bool:
        payment = self.api.read(row)
        row.update(payment)
        if row.is_over:
            return True
        if payment is None or payment.state == "busy" or self.must_wait(row):
            return False
        result = self.api.cancel(row, job["key"])
        self.delay_next_cancel(row, result.wait)
        row.update(result.payment if result.kind == "done" else self.api.read(row))
        if row.is_over:
            return True
        if result.kind == "refused":
            job["key"] = self.new_key()
            job["no"] = job.get("no", 0) + 1
            if self.too_late(row, result.code, result.status) or job["no"] > 6:
                row.needs_person, row.cancel_wanted = True, False
                return True
        return False


class OutboxEpayment(Outbox):
    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Httpx


class OutboxEcom(Outbox):
    profiles = ("ecom",)
    client_class = api_clients.Ecom
    transport_class = transports.Urllib


class Sourced(IndependentMerchant):
    """Stores nothing but events; the state of an order is folded from them every time."""

    def append_event(self, row: Row, *event: Any) -> None:
        row.log.append(event)

    def folded(self, row: Row) -> Row:
        current = Row(row.order_id, row.reference, row.amount, row.currency, row.text, row.agreement, row.created_at)
        current.log = row.log
        for event, *values in row.log:
            match event:
                case "asked":
                    current.cancel_wanted, current.key, current.needs_person = True, values[0], False
                case "key spent":
                    current.key = values[0]
                case "seen":
                    current.update(values[0])
                case "given up":
                    current.cancel_wanted, current.needs_person = False, True
                case "wait":
                    current.not_before = values[0]
                case "shipping":
                    current.jobs.append({"key": values[0], "amount": values[1], "goal": values[2]})
                    current.untold = values[1], values[2]
                case "told":
                    current.untold = None
                case "shipped":
                    current.jobs.clear()
        return current

    def local_view(self, order_id: str) -> View:
        row = self.folded(self.row_of_order(order_id))
        return View(self.status(row), captured=row.captured, reference=row.reference)

    def read_payment(self, row: Row) -> Row:
        payment = self.api.read(row)
        if payment is not None and payment.state != "busy":
            self.append_event(row, "seen", payment)
        return self.folded(row)

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        current = self.folded(row)
        if current.is_over:
            return
        if not current.cancel_wanted:
            self.append_event(row, "asked", self.new_key())
        if not self.send_cancel(row):
            raise ActionFailed("not cancelled yet")

    def send_cancel(self, row: Row) -> bool:
        """Send the cancel that is wanted, with its key; return whether the order is over."""
        current = self.folded(row)
        if current.jobs and not self.send_capture(row):
            return False
        if current.not_before is not None and self.setup.now() < current.not_before:
            return self.read_payment(row).is_over
        if current.log and current.log[-1][0] == "sent":
            current = self.read_payment(row)
            if current.is_over:
                return True
        self.append_event(row, "sent")
        result = self.api.cancel(current, current.key)
        self.delay_next_cancel(current, result.wait)
        self.append_event(row, "wait", current.not_before)
        if result.kind == "done":
            self.append_event(row, "seen", result.payment)
            current = self.folded(row)
        else:
            current = self.read_payment(row)
        if result.kind == "refused" and not current.is_over:
            if self.too_late(row, result.code, result.status):
                self.append_event(row, "given up")
            else:
                self.append_event(row, "key spent", self.new_key())
        return current.is_over

    def capture(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        current = self.read_payment(row)
        if current.untold is None or current.untold[0] != amount:
            if current.cancel_wanted or current.state not in ("reserved", "taken") or current.remaining < amount:
                raise ActionFailed("not to be captured")
            if current.jobs:
                raise ActionFailed("the shipment before this one is not settled")
            self.append_event(row, "shipping", self.new_key(), amount, current.captured + amount)
        current = self.folded(row)
        if current.jobs and not self.send_capture(row):
            raise ActionFailed("not captured yet")
        self.append_event(row, "told")
        if current.untold is not None and self.folded(row).captured < current.untold[1]:
            raise ActionFailed("the payment has ended")

    def send_capture(self, row: Row) -> bool:
        job = self.folded(row).jobs[-1]
        result = self.api.capture(self.folded(row), job["amount"], job["key"])
        current = self.read_payment(row)
        if current.captured >= job["goal"] or current.is_over:
            self.append_event(row, "shipped")
            return True
        if result.kind == "refused":
            self.append_event(row, "shipped")
            self.append_event(row, "shipping", self.new_key(), job["amount"], job["goal"])
        return False

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            current = self.folded(row)
            if current.is_over:
                continue
            if current.cancel_wanted:
                self.send_cancel(row)
            elif current.jobs:
                self.send_capture(row)
            else:
                self.read_payment(row)


class SourcedEpayment(Sourced):
    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Requests


class SourcedRecurring(Sourced):
    profiles = ("recurring",)
    client_class = api_clients.Recurring
    transport_class = transports.Httpx


class Reconciler(IndependentMerchant):
    """Sends one cancel each time that a person asks, never by itself, and reads until it knows how it went."""

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        payment = self.api.read(row)
        row.update(payment)
        if row.is_over:
            row.cancel_wanted = False
            return
        if payment is None or payment.state == "busy" or row.needs_person or self.must_wait(row):
            raise ActionFailed("not now")
        row.cancel_wanted = True
        result = self.api.cancel(row, self.new_key())
        self.delay_next_cancel(row, result.wait)
        row.update(result.payment if result.kind == "done" else None)
        if result.kind == "refused":
            row.cancel_wanted = False
            row.needs_person = self.too_late(row, result.code, result.status)
        if not row.is_over:
            row.update(self.api.read(row))
        if not row.is_over:
            raise ActionFailed(f"{result.kind}: it is being looked at")
        row.cancel_wanted = False

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            payment = None if row.is_over else self.api.read(row)
            if payment is None:
                continue
            row.update(payment)
            if row.is_over or (payment.state != "busy" and not self.must_wait(row)):
                row.cancel_wanted = False


class ReconcilerEpayment(Reconciler):
    """The reconciler on ePayment; it captures nothing."""

    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Plain


class PollingRecurring(Reconciler):
    """Gets no webhooks, and polls; an accepted cancel (202) is polled until it is done."""

    profiles = ("recurring",)
    client_class = api_clients.Recurring
    transport_class = transports.Plain

    def capture(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        row.update(self.api.read(row))
        if row.state not in ("reserved", "taken") or row.remaining < amount or row.cancel_wanted:
            raise ActionFailed("not to be captured")
        if row.jobs and row.jobs[0]["amount"] != amount:
            raise ActionFailed("the shipment before this one is not settled")
        goal = row.captured + amount
        row.jobs[:] = row.jobs or [{"key": self.new_key(), "amount": amount, "goal": goal}]
        self.send_capture(row)

    def send_capture(self, row: Row) -> None:
        """Capture what is to be captured, with the key of the first attempt."""
        job = row.jobs[0]
        if row.captured < job["goal"]:
            result = self.api.capture(row, job["amount"], job["key"])
            row.update(self.api.read(row))
            if row.captured < job["goal"]:
                if result.kind == "refused":
                    job["key"] = self.new_key()
                raise ActionFailed("not captured")
        row.jobs.clear()

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        if row.jobs:
            row.update(self.api.read(row))
            if not row.is_over:
                self.send_capture(row)
            row.jobs.clear()
        super().cancel(order_id)
