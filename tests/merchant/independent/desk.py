"""A correct merchant that works off one list for each order, whenever it gets to it: at once, at night, when told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from conformance.merchant import Order, Setup, Webhook
from tests.merchant.independent import api_clients, transports
from tests.merchant.independent.base import ActionFailed, IndependentMerchant, Row, row_of


class Desk(IndependentMerchant):
    """Looks at the payment, then captures, gives back and releases what its list for the order says."""

    profiles = ("epayment",)
    client_class = api_clients.Epayment
    transport_class = transports.Httpx

    def create(self, order: Order) -> str:
        now = self.setup.now()
        row = self.rows.setdefault(
            order.id,
            Row(order.id, order.id, order.amount, order.currency, order.description, order.agreement, now),
        )
        row.made_with = row.made_with or self.new_key()
        result = self.api.create(row, row.made_with)
        if result.status not in (200, 201) and self.api.read(row) is None:
            raise ActionFailed(f"not created: {result}")
        return row.reference

    def capture(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        if row.cancel_wanted and not any(job["amount"] == amount for job in row.jobs):
            raise ActionFailed("the order is closed")
        self.finish(row, self.job_of(row, "captured", amount))

    def complete(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        if row.cancel_wanted and not row.jobs:
            self.work(row)
            return
        job = self.job_of(row, "captured", amount)
        row.cancel_wanted = True
        self.finish(row, job)

    def refund(self, order_id: str, amount: int) -> None:
        row = self.row_of_order(order_id)
        self.finish(row, self.job_of(row, "refunded", amount))

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        row.cancel_wanted = True
        self.work(row)
        if not row.is_over:
            raise ActionFailed("not cancelled yet")

    def job_of(self, row: Row, of: str, amount: int) -> dict[str, Any]:
        """Return the entry of the list for an amount; one that failed before is the same when it is asked for again."""
        for job in row.jobs:
            if job["of"] == of and job["amount"] == amount:
                return job
        job = {"of": of, "amount": amount, "key": self.new_key(), "goal": getattr(row, of) + amount}
        row.jobs.append(job)
        return job

    def finish(self, row: Row, job: dict[str, Any]) -> None:
        self.work(row)
        reached = getattr(row, job["of"]) >= job["goal"]
        if reached or job.get("hopeless"):
            row.jobs.remove(job)
        if not reached:
            raise ActionFailed(f"not {job['of']} yet")

    def work(self, row: Row) -> None:
        """Do what is on the list, as far as the provider lets it be done."""
        payment = self.api.read(row)
        row.update(payment)
        if payment is None or payment.state == "busy":
            return
        for job in row.jobs:
            if not self.do(row, job):
                return
        if row.cancel_wanted and not row.is_over and not self.must_wait(row):
            self.release(row)

    def do(self, row: Row, job: dict[str, Any]) -> bool:
        """Capture or give back; return whether what comes after it may be done."""
        captures = job["of"] == "captured"
        if getattr(row, job["of"]) >= job["goal"]:
            return True
        if job["amount"] > (row.remaining if captures else row.captured - row.refunded):
            job["hopeless"] = True
            return not captures
        result = (self.api.capture if captures else self.api.refund)(row, job["amount"], job["key"])
        if result.kind == "refused":
            job["key"] = self.new_key()
        row.update(self.api.read(row))
        return bool(getattr(row, job["of"]) >= job["goal"])

    def release(self, row: Row) -> None:
        row.key = row.key or self.new_key()
        result = self.api.cancel(row, row.key)
        self.delay_next_cancel(row, result.wait)
        if self.spends_key(result):
            row.key = self.new_key()
        row.update(self.api.read(row))

    def spends_key(self, result: api_clients.CallResult) -> bool:
        return result.kind == "refused"

    def work_all(self) -> None:
        for row in self.rows.values():
            if not row.is_over or any(getattr(row, job["of"]) < job["goal"] for job in row.jobs):
                self.work(row)

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None:
            self.work(row)

    def tick(self, now: datetime) -> None:
        self.work_all()


class WebhookOnly(Desk):
    """Has no scheduled work: it looks when it is notified, and when somebody asks."""

    tick = None  # type: ignore[assignment]


class WebhookOnlyEcom(WebhookOnly):
    profiles = ("ecom",)
    client_class = api_clients.Ecom


class WebhookOnlyRecurring(WebhookOnly):
    profiles = ("recurring",)
    client_class = api_clients.Recurring


class OnlySigned(Desk):
    """Takes signed notifications only, and refuses what is not signed; it polls as well."""

    def deliver(self, webhook: Webhook) -> None:
        raise ActionFailed("401: there is no signature")


class Rarely(Desk):
    """Gets no notifications, and looks at everything now and then."""

    deliver = None  # type: ignore[assignment]
    between: ClassVar[timedelta] = timedelta(minutes=30)

    def __init__(self, setup: Setup, rows: dict[str, Row] | None = None, looked: datetime | None = None) -> None:
        super().__init__(setup, rows)
        self.looked = looked or setup.now()

    def tick(self, now: datetime) -> None:
        if now - self.looked >= self.between:
            self.looked = now
            self.work_all()

    def restart(self) -> Rarely:
        return type(self)(self.setup, self.rows, self.looked)


class PollsEveryHalfHour(Rarely):
    """Polls every 30 minutes, and nothing else."""


class Nightly(Rarely):
    """Reconciles once a night."""

    between = timedelta(hours=24)


class NightlyEcom(Nightly):
    profiles = ("ecom",)
    client_class = api_clients.Ecom


class NightlyRecurring(Nightly):
    profiles = ("recurring",)
    client_class = api_clients.Recurring


class KeepsKeyAtTheGateway(Desk):
    """Keeps its key after a refusal that is not the API's own: a gateway stores nothing under it."""

    def spends_key(self, result: api_clients.CallResult) -> bool:
        return result.kind == "refused" and bool(result.code)


class KeepsKeyOfABusyCharge(Desk):
    """Keeps its key while the charge is being processed, which is no refusal for good."""

    profiles = ("recurring",)
    client_class = api_clients.Recurring

    def spends_key(self, result: api_clients.CallResult) -> bool:
        return result.kind == "refused" and result.status != 409


class ReadsLists(Desk):
    """Asks for the list of an agreement's charges, and takes the state of each of its orders from there."""

    profiles = ("recurring",)

    class client_class(api_clients.Recurring):
        def read(self, row: Any) -> api_clients.PaymentState | None:
            try:
                status, _, raw = self.call("GET", self.charges(row))
            except transports.NoResponse:
                return None
            charges = api_clients.parsed(raw) if status == 200 else None
            if not isinstance(charges, list):
                return None
            named = (charge for charge in charges if isinstance(charge, dict) and charge.get("id") == row.reference)
            return self.payment_state(next(named, None))


class StopsShipping(Desk):
    """After three captures that failed it neither ships nor releases: a person is to look at the order."""

    def do(self, row: Row, job: dict[str, Any]) -> bool:
        if row.needs_person:
            return getattr(row, job["of"]) >= job["goal"]
        done = super().do(row, job)
        job["failed"] = job.get("failed", 0) + (not done)
        row.needs_person = job["failed"] >= 3
        return done

    def capture(self, order_id: str, amount: int) -> None:
        if self.row_of_order(order_id).needs_person:
            raise ActionFailed("a person looks at it")
        super().capture(order_id, amount)
