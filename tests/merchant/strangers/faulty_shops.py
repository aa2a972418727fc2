"""Faulty relatives of the strangers, in what they remember, decide and tell.

One defect each, and ``first`` is the obligation that has to be blamed first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from conformance.merchant import Order, View, Webhook
from tests.merchant.strangers import asked, correct, tongues
from tests.merchant.strangers.books import NotDone, Row, row_of
from tests.merchant.strangers.tongues import Verdict


class ForgetsTheFailedCapture(correct.OutboxEpayment):
    """A capture job is done when it was tried, and the release behind it goes ahead."""

    first = "M12"

    def do_capture(self, row: Row, job: dict[str, Any]) -> bool:
        super().do_capture(row, job)
        return True


class EndedWhenQueued(correct.OutboxEpayment):
    """The order is called cancelled when the job is written."""

    first = "M15"

    def status(self, row: Row) -> str:
        return "cancelled" if row.wants_cancel and row.state != "taken" else super().status(row)


class HammersUntilDone(correct.OutboxEpayment):
    """The worker tries a job eight times in a row before it takes the next."""

    first = "M27"
    pause = 0.0

    def do_cancel(self, row: Row, job: dict[str, Any]) -> bool:
        return any(super(HammersUntilDone, self).do_cancel(row, job) for _ in range(8))

    def later(self, row: Row, wait: float = 0.0) -> None:
        row.not_before = None


class CancelledEventVoids(correct.OutboxEpayment):
    """A notification of a cancel ends the order, and nobody looks at what was captured."""

    first = "M23"

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None and "cancelled" in webhook.name:
            row.state, row.captured, row.jobs = "ended", 0, []
            return
        super().deliver(webhook)


class SilenceIsNo(correct.SourcedEpayment):
    """When no answer comes, the cancel was not done: the order is payable again, and nobody looks."""

    first = "M25"

    def pursue(self, row: Row) -> bool:
        now = self.fold(row)
        got = self.api.cancel(now, now.key)
        if got.kind == "done":
            self.happened(row, "seen", got.seen)
        elif got.kind == "unclear":
            self.look(row)
        elif not self.fold(row).over:
            self.happened(row, "forgotten")
        return self.fold(row).over

    def fold(self, row: Row) -> Row:
        now = super().fold(row)
        if row.log and row.log[-1][0] == "forgotten":
            now.wants_cancel = False
        return now

    def tick(self, now: datetime) -> None:
        return


class WholeAmountCancelled(correct.OutboxEpayment):
    """What was cancelled is the order's amount, whatever was captured of it."""

    first = "M24"

    def local_view(self, order_id: str) -> View:
        row = self.find(order_id)
        gone = row.amount if row.over and row.cancelled else row.cancelled
        return View(self.status(row), captured=row.captured, cancelled=gone, reference=row.reference)


class Floats(correct.SourcedEpayment):
    """Amounts are kept in kroner, and cut when they are sent."""

    first = "M12"

    def capture(self, order_id: str, amount: int) -> None:
        kroner = amount / 100
        super().capture(order_id, int(kroner * 100))


class DropsTheReference(correct.ReconcilerEpayment):
    """The reference is deleted with the order, before the cancel is known to have worked."""

    first = "M30"

    def cancel(self, order_id: str) -> None:
        try:
            super().cancel(order_id)
        finally:
            self.find(order_id).text = "deleted"

    def local_view(self, order_id: str) -> View:
        row = self.find(order_id)
        return View(self.status(row), reference="" if row.text == "deleted" else row.reference)


class TenMinutesAreOver(asked.WaitsForTheEnd):
    """What was not paid within ten minutes by the shop's own clock is over."""

    first = "M15"

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if row.wants_cancel and row.state == "open" and now - row.born > timedelta(minutes=1):
                row.state = "ended"
        super().tick(now)


class BelievesTheEvent(correct.OutboxEpayment):
    """The order stands as the last notification says, in whatever order they arrive."""

    first = "M20"

    def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is None:
            return
        if "authorized" in webhook.name:
            row.state, row.authorized, row.cancelled, row.wants_cancel = "reserved", row.amount, 0, False
        elif "terminated" in webhook.name or "expired" in webhook.name or "aborted" in webhook.name:
            row.state = "ended"
        elif "cancelled" in webhook.name:
            row.cancelled = row.authorized - row.captured
            row.state = "taken" if row.captured else "ended"

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)


class BusyMeansNever(correct.SourcedRecurring):
    """A cancel that cannot be done now is given up, and the order is shipped."""

    first = "M17"

    class tongue(tongues.Recurring):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            got = super().cancel(row, key)
            return Verdict("never", got.status, got.code) if got.status == 423 else got

    def fold(self, row: Row) -> Row:
        now = super().fold(row)
        if any(one[0] == "never" for one in row.log) and not now.over:
            now.wants_cancel = False
        return now

    def pursue(self, row: Row) -> bool:
        if any(one[0] == "never" for one in row.log):
            return True
        now = self.fold(row)
        got = self.api.cancel(now, now.key)
        self.later(now, got.wait)
        if got.kind == "never":
            self.happened(row, "never")
            return True
        if got.kind == "refused":
            self.happened(row, "key spent", self.fresh())
        return self.look(row).over


class ForgetsOnRestart(correct.OutboxEpayment):
    """Cancels are kept in memory, and what was to be cancelled is not cancelled after a restart."""

    first = "M10"

    def restart(self) -> Any:
        for row in self.rows.values():
            row.jobs = [job for job in row.jobs if job["do"] != "cancel"]
        return super().restart()


class TwoQueues(correct.OutboxEpayment):
    """Captures wait for the worker, cancels do not: the release overtakes the capture that was to come before it."""

    first = "M12"

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        waiting, row.jobs = row.jobs, []
        super().cancel(order_id)
        if row.jobs and self.do_cancel(row, row.jobs[0]):
            row.jobs.pop(0)
        row.jobs = waiting + row.jobs


class RefusesAuthorized(correct.ReconcilerEpayment):
    """Only what is not paid can be cancelled, says the shop's own rule."""

    first = "M10"

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        row.learn(self.api.read(row))
        if row.state in ("reserved", "taken"):
            raise NotDone("a paid order cannot be cancelled")
        super().cancel(order_id)


class SecondPayment(correct.ReconcilerEpayment):
    """A second cancel opens a new payment, as the checkout is entered again."""

    first = "M15"

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        if row.over and row.text != "again":
            row.text = "again"
            self.create(Order(f"{row.reference}-2"[:40], row.amount, row.currency, row.text))
            return
        super().cancel(order_id)


class NeverLooksAgain(correct.OutboxEpayment):
    """An authorized order is never read again, and the portal's cancel is not subscribed to."""

    first = "M29"

    def deliver(self, webhook: Webhook) -> None:
        if "cancelled" not in webhook.name:
            super().deliver(webhook)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if not row.jobs and row.state == "open":
                row.learn(self.api.read(row))
            while row.jobs and getattr(self, "do_" + row.jobs[0]["do"])(row, row.jobs[0]):
                row.jobs.pop(0)

    def do_capture(self, row: Row, job: dict[str, Any]) -> bool:
        got = self.api.capture(row, job["amount"], job["key"])
        if got.kind in ("done", "unclear", "refused"):
            row.learn(self.api.read(row))
        return row.captured >= job["goal"] or row.over


class CancelsWhatIsTaken(correct.OutboxEpayment):
    """Sends a cancel also when everything was captured."""

    first = "M13"

    def cancel(self, order_id: str) -> None:
        row = self.find(order_id)
        if row.state == "ended" or row.wants_cancel:
            return
        row.wants_cancel = True
        row.jobs.append({"do": "cancel", "key": self.fresh()})

    def do_cancel(self, row: Row, job: dict[str, Any]) -> bool:
        if row.state == "taken" and row.rest == 0:
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
