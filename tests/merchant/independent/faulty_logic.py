"""Faulty variants of the independent merchants: what they store, decide or state is wrong.

Each has one defect; ``first`` is the obligation to be blamed first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from conformance.merchant import Order, View, Webhook
from tests.merchant.independent import api_clients, event_driven, patterns
from tests.merchant.independent.api_clients import CallResult
from tests.merchant.independent.base import ActionFailed, Row, row_of


class ForgetsTheFailedCapture(patterns.OutboxEpayment):
    """A capture job is done when it was tried, and the release behind it goes ahead."""

    first = "M12"

    def do_capture(self, row: Row, job: dict[str, Any]) -> bool:
        super().do_capture(row, job)
        return True


class EndedWhenQueued(patterns.OutboxEpayment):
    """The order is called cancelled when the job is written."""

    first = "M15"

    def status(self, row: Row) -> str:
        return "cancelled" if row.cancel_wanted and row.state != "taken" else super().status(row)


class HammersUntilDone(patterns.OutboxEpayment):
    """The worker tries a job eight times in a row before it takes the next."""

    first = "M27"
    pause = 0.0

    def do_cancel(self, row: Row, job: dict[str, Any]) -> bool:
        return any(super(HammersUntilDone, self).do_cancel(row, job) for _ in range(8))

    def delay_next_cancel(self, row: Row, wait: float = 0.0) -> None:
        row.not_before = None


class CancelledEventVoids(patterns.OutboxEpayment):
    """A notification of a cancel ends the order, and nobody looks at what was captured."""

    first = "M23"

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None and "cancelled" in webhook.name:
            row.state, row.captured, row.jobs = "ended", 0, []
            return
        super().deliver(webhook)


class SilenceIsNo(patterns.SourcedEpayment):
    """When no answer comes, the cancel was not done: the order is payable again, and nobody looks."""

    first = "M25"

    def send_cancel(self, row: Row) -> bool:
        current = self.folded(row)
        result = self.api.cancel(current, current.key)
        if result.kind == "done":
            self.append_event(row, "seen", result.payment)
        elif result.kind == "unclear":
            self.read_payment(row)
        elif not self.folded(row).is_over:
            self.append_event(row, "forgotten")
        return self.folded(row).is_over

    def folded(self, row: Row) -> Row:
        current = super().folded(row)
        if row.log and row.log[-1][0] == "forgotten":
            current.cancel_wanted = False
        return current

    def tick(self, now: datetime) -> None:
        return


class WholeAmountCancelled(patterns.OutboxEpayment):
    """What was cancelled is the order's amount, whatever was captured of it."""

    first = "M24"

    def local_view(self, order_id: str) -> View:
        row = self.row_of_order(order_id)
        released = row.amount if row.is_over and row.cancelled else row.cancelled
        return View(self.status(row), captured=row.captured, cancelled=released, reference=row.reference)


class Floats(patterns.SourcedEpayment):
    """Amounts are kept in kroner, and cut when they are sent."""

    first = "M12"

    def capture(self, order_id: str, amount: int) -> None:
        kroner = amount / 100
        super().capture(order_id, int(kroner * 100))


class DropsTheReference(patterns.ReconcilerEpayment):
    """The reference is deleted with the order, before the cancel is known to have worked."""

    first = "M30"

    def cancel(self, order_id: str) -> None:
        try:
            super().cancel(order_id)
        finally:
            self.row_of_order(order_id).text = "deleted"

    def local_view(self, order_id: str) -> View:
        row = self.row_of_order(order_id)
        return View(self.status(row), reference="" if row.text == "deleted" else row.reference)


class TenMinutesAreOver(event_driven.WaitsForTheEnd):
    """What was not paid within ten minutes by the shop's own clock is over."""

    first = "M15"

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if row.cancel_wanted and row.state == "open" and now - row.created_at > timedelta(minutes=1):
                row.state = "ended"
        super().tick(now)


class BelievesTheEvent(patterns.OutboxEpayment):
    """The order stands as the last notification says, in whatever order they arrive."""

    first = "M20"

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is None:
            return
        if "authorized" in webhook.name:
            row.state, row.authorized, row.cancelled, row.cancel_wanted = "reserved", row.amount, 0, False
        elif "terminated" in webhook.name or "expired" in webhook.name or "aborted" in webhook.name:
            row.state = "ended"
        elif "cancelled" in webhook.name:
            row.cancelled = row.authorized - row.captured
            row.state = "taken" if row.captured else "ended"

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)


class BusyMeansNever(patterns.SourcedRecurring):
    """A cancel that cannot be done now is given up, and the order is shipped."""

    first = "M17"

    class client_class(api_clients.Recurring):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            result = super().cancel(row, key)
            return CallResult("never", result.status, result.code) if result.status == 423 else result

    def folded(self, row: Row) -> Row:
        current = super().folded(row)
        if any(event[0] == "never" for event in row.log) and not current.is_over:
            current.cancel_wanted = False
        return current

    def send_cancel(self, row: Row) -> bool:
        if any(event[0] == "never" for event in row.log):
            return True
        current = self.folded(row)
        result = self.api.cancel(current, current.key)
        self.delay_next_cancel(current, result.wait)
        if result.kind == "never":
            self.append_event(row, "never")
            return True
        if result.kind == "refused":
            self.append_event(row, "key spent", self.new_key())
        return self.read_payment(row).is_over


class ForgetsOnRestart(patterns.OutboxEpayment):
    """Cancels are kept in memory, and what was to be cancelled is not cancelled after a restart."""

    first = "M10"

    def restart(self) -> Any:
        for row in self.rows.values():
            row.jobs = [job for job in row.jobs if job["do"] != "cancel"]
        return super().restart()


class TwoQueues(patterns.OutboxEpayment):
    """Captures wait for the worker, cancels do not: the release overtakes the capture that was to come before it."""

    first = "M12"

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        waiting, row.jobs = row.jobs, []
        super().cancel(order_id)
        if row.jobs and self.do_cancel(row, row.jobs[0]):
            row.jobs.pop(0)
        row.jobs = waiting + row.jobs


class RefusesAuthorized(patterns.ReconcilerEpayment):
    """Only what is not paid can be cancelled, says the shop's own rule."""

    first = "M10"

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        row.update(self.api.read(row))
        if row.state in ("reserved", "taken"):
            raise ActionFailed("a paid order cannot be cancelled")
        super().cancel(order_id)


class SecondPayment(patterns.ReconcilerEpayment):
    """A second cancel opens a new payment, as the checkout is entered again."""

    first = "M32"

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        if row.is_over and row.text != "again":
            row.text = "again"
            self.create(Order(f"{row.reference}-2"[:40], row.amount, row.currency, row.text))
            return
        super().cancel(order_id)


class NeverLooksAgain(patterns.OutboxEpayment):
    """An authorized order is never read again, and the portal's cancel is not subscribed to."""

    first = "M34"

    def deliver(self, webhook: Webhook) -> None:
        if "cancelled" not in webhook.name:
            super().deliver(webhook)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if not row.jobs and row.state == "open":
                row.update(self.api.read(row))
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)

    def do_capture(self, row: Row, job: dict[str, Any]) -> bool:
        result = self.api.capture(row, job["amount"], job["key"])
        if result.kind in ("done", "unclear", "refused"):
            row.update(self.api.read(row))
        return row.captured >= job["goal"] or row.is_over


class CancelsWhatIsTaken(patterns.OutboxEpayment):
    """Sends a cancel also when everything was captured."""

    first = "M13"

    def cancel(self, order_id: str) -> None:
        row = self.row_of_order(order_id)
        if row.state == "ended" or row.cancel_wanted:
            return
        row.cancel_wanted = True
        row.jobs.append({"do": "cancel", "key": self.new_key()})

    def do_cancel(self, row: Row, job: dict[str, Any]) -> bool:
        if row.state == "taken" and row.remaining == 0:
            self.api.cancel(row, job["key"])
            return True
        return super().do_cancel(row, job)


FAULTY = (
    ForgetsTheFailedCapture,
    EndedWhenQueued,
    HammersUntilDone,
    CancelledEventVoids,
    SilenceIsNo,
    WholeAmountCancelled,
    Floats,
    DropsTheReference,
    TenMinutesAreOver,
    BelievesTheEvent,
    BusyMeansNever,
    ForgetsOnRestart,
    TwoQueues,
    RefusesAuthorized,
    SecondPayment,
    NeverLooksAgain,
    CancelsWhatIsTaken,
)
