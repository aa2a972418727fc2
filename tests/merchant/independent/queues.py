"""Correct merchants that queue everything: captures, releases, refunds and the end of a payment that was replaced."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain
from typing import Any, ClassVar

from conformance.merchant import Order, View, Webhook
from tests.merchant.independent import api_clients, transports
from tests.merchant.independent.base import ActionFailed, Row
from tests.merchant.independent.patterns import Outbox


class QueueOfAll(Outbox):
    """An outbox for every action: a close is a capture job and a release job behind it."""

    def __init__(self, setup: Any, rows: dict[str, Row] | None = None) -> None:
        super().__init__(setup, rows)
        self.woken = datetime.min.replace(tzinfo=setup.now().tzinfo)

    pause_of_worker: ClassVar[timedelta] = timedelta()
    """How long the worker sleeps after it has worked."""

    def all_rows(self) -> list[Row]:
        return list(chain.from_iterable((*row.replaced, row) for row in self.rows.values()))

    def is_known(self, row: Row) -> bool:
        """Return whether the provider has the payment; what was never made is not asked after."""
        return True

    def deliver(self, webhook: Webhook) -> None:
        named = {webhook.body.get(name) for name in ("reference", "chargeId", "orderId")}
        for row in self.all_rows():
            if row.reference in named:
                row.jobs.append({"do": "look"})

    def tick(self, now: datetime) -> None:
        if now - self.woken < self.pause_of_worker:
            return
        self.woken = now
        for row in self.all_rows():
            if not row.jobs and not row.is_over and self.is_known(row):
                row.update(self.api.read(row))
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)

    def capture(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        waiting = sum(job["goal"] - row.captured for job in row.jobs[-1:] if job["do"] == "capture")
        if row.remaining - waiting < amount:
            row.update(self.api.read(row))
        if row.remaining - waiting < amount:
            raise ActionFailed("there is not so much reserved")
        super().capture(order_id, amount)

    def complete(self, order_id: str, amount: int) -> None:
        self.capture(order_id, amount)
        self.cancel(order_id)

    def refund(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        coming = sum(job["amount"] for job in row.jobs if job["do"] == "capture")
        going = sum(job["amount"] for job in row.jobs if job["do"] == "refund")
        if row.captured + coming - row.refunded - going < amount:
            raise ActionFailed("there is not so much captured")
        goal = row.refunded + going + amount
        row.jobs.append({"do": "refund", "amount": amount, "key": self.new_key(), "goal": goal})

    def do_refund(self, row: Row, job: dict[str, Any]) -> bool:
        payment = self.api.read(row)
        row.update(payment)
        if payment is None or row.refunded >= job["goal"]:
            return payment is not None
        result = self.api.refund(row, job["amount"], job["key"])
        row.update(self.api.read(row))
        if result.kind == "refused":
            job["key"] = self.new_key()
        return row.refunded >= job["goal"]


class QueueEpayment(QueueOfAll):
    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Httpx


class QueueEcom(QueueOfAll):
    profiles = ("ecom",)
    client_class = api_clients.Ecom
    transport_class = transports.Httpx


class QueueRecurring(QueueOfAll):
    profiles = ("recurring",)
    client_class = api_clients.Recurring
    transport_class = transports.Httpx


class WakesEveryFiveMinutes(QueueEpayment):
    """The worker runs every five minutes, however often it is called."""

    pause_of_worker = timedelta(minutes=5)


class WakesEveryFiveMinutesEcom(QueueEcom):
    """The worker runs every five minutes, however often it is called."""

    pause_of_worker = timedelta(minutes=5)


class HardlyEverSends(QueueEpayment):
    """Sends a cancel again after an hour at the earliest."""

    pause = 3600.0


class NetBooks(QueueEpayment):
    """What it calls captured is what it has of the customer's money: refunds are taken off."""

    def local_view(self, order_id: str) -> View:
        row = self.row_of_order(order_id)
        return View(
            self.status(row), captured=row.captured - row.refunded, cancelled=row.cancelled, reference=row.reference
        )


class NetBooksEcom(QueueEcom):
    """What it calls captured is what it has of the customer's money: refunds are taken off."""

    local_view = NetBooks.local_view


class ReplacesBasket(QueueEpayment):
    """A new basket gets a payment of its own: ``-a``, ``-b``, and so on; the former one is cancelled by the worker."""

    def create(self, order: Order) -> str:
        row = self.rows.get(order.id) or self.new_row(order, f"{order.id}-a")
        self.rows[order.id] = row
        return self.open_payment(row)

    def is_known(self, row: Row) -> bool:
        return row.made

    def pay_again(self, order: Order) -> str:
        row = self.rows[order.id]
        if row.captured or row.cancel_wanted or any(job["do"] == "capture" for job in row.jobs):
            raise ActionFailed("this basket is sold")
        if row.made:
            letter = "bcdefgh"[len(row.replaced)]
            replaced, row = row, self.new_row(order, f"{order.id}-{letter}")
            row.replaced = [*replaced.replaced, replaced]
            self.rows[order.id] = row
            replaced.cancel_wanted = True
            replaced.jobs.append({"do": "cancel", "key": self.new_key()})
        return self.open_payment(row)

    def new_row(self, order: Order, reference: str) -> Row:
        now = self.setup.now()
        return Row(order.id, reference, order.amount, order.currency, order.description, order.agreement, now)

    def open_payment(self, row: Row) -> str:
        row.key = row.key or self.new_key()
        result = self.api.create(row, row.key)
        if result.status not in (200, 201) and self.api.read(row) is None:
            raise ActionFailed(f"not created: {result}")
        row.made = True
        return row.reference


class NumbersOfItsOwn(ReplacesBasket):
    """Orders have numbers, counted from 1 in an empty shop; payments are called after them."""

    def new_row(self, order: Order, reference: str) -> Row:
        number = 1 + len(self.all_rows())
        return super().new_row(order, f"order-{number:06d}")


class ReplacesBasketRecurring(ReplacesBasket):
    """A charge that is not wanted as it is, is cancelled and made anew."""

    profiles = ("recurring",)
    client_class = api_clients.Recurring
