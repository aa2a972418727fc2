"""Faulty Recurring that nobody planned for."""

from __future__ import annotations

from conformance.domain.order import Kind
from conformance.sandbox import Recurring
from conformance.sandbox.agreement import AgreementStatus
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind, Stage

from ..steps import (
    again,
    cancel,
    capture,
    charge,
    days,
    due,
    fail,
    foreign,
    processing,
    refund,
    reserve,
    stop,
)
from .registry import unplanned

RESERVING, DIRECT = Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT


class AgreementAware(Recurring):
    """Knows the agreement of a charge."""

    def is_stopped(self, charge):
        return self.agreements[charge.msn, charge.agreement_id].status is AgreementStatus.STOPPED


@unplanned(capture(400), stop, cancel)
class StopDetachesCapturedCharges(AgreementAware):
    """A cancel of a partially captured charge whose agreement was stopped is accepted, and releases nothing."""

    def carry_out_cancel(self, charge, key):
        if charge.captured and self.is_stopped(charge):
            return self.cancel_answer()
        return super().carry_out_cancel(charge, key)


@unplanned(due, processing, reserve, stop, capture(400), kind=RESERVING)
class StoppedReservationIsStillCaptured(AgreementAware):
    """A charge that was reserved by the charge run after its processing began can be captured after the stop."""

    def __init__(self, shared):
        super().__init__(shared)
        self.run = set()

    def act(self, order, action):
        if action == "start_processing" and order.stage is Stage.DUE:
            self.run.add(order.id)
        return super().act(order, action)

    def refusal_for_capture(self, charge, amount):
        if charge.id in self.run and self.is_stopped(charge) and charge.captured + amount <= charge.authorized:
            return None
        return super().refusal_for_capture(charge, amount)


@unplanned(due, cancel, days(5), kind=DIRECT)
class SchedulerTriesCancelledCharges(Recurring):
    """The scheduler of further tries picks up a due charge of direct capture three days after it was cancelled."""

    def settle(self, order):
        super().settle(order)
        if order.stage is not Stage.CANCELLED or order.transaction_type != "DIRECT_CAPTURE":
            return
        if self.was_due(order) and self.moment(order) - order.latest.at > 3 * DAY:
            order.cancelled = 0
            self.charge(order)

    def was_due(self, order):
        return order.id in self.due

    def __init__(self, shared):
        super().__init__(shared)
        self.due = set()

    def act(self, order, action):
        if action == "become_due":
            self.due.add(order.id)
        return super().act(order, action)


@unplanned(cancel, stop, again)
class StopForgetsKeys(AgreementAware):
    """The stop of an agreement throws the stored answers to its requests away: a retry is refused as a new request."""

    def once(self, call, key, handler):
        order = self.find(call.msn, self.payment_id(call)) if handler == "carry_out_cancel_request" else None
        if order is not None and self.is_stopped(order):
            return getattr(self, handler)(call, key)
        return super().once(call, key, handler)


@unplanned(due, charge, cancel, refund(1000), again, kind=DIRECT)
class RetryIsAcceptedAfterAFullRefund(Recurring):
    """A refused cancel that is sent again with its key is accepted once everything was refunded."""

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request" and earlier.status >= 400:
            order = self.find(call.msn, self.payment_id(call))
            if order is not None and order.captured and order.captured == order.refunded:
                return self.cancel_answer()
        return earlier


@unplanned(capture(400), stop, foreign)
class StoppedAgreementIsNotCompared(AgreementAware):
    """A charge of a stopped agreement is found under every other agreement."""

    def need_charge(self, call):
        order = self.find(call.msn, self.payment_id(call))
        if order is not None and len(call.params) == 2 and self.is_stopped(order):
            self.need_agreement(call)
            return order
        return super().need_charge(call)


@unplanned(capture(400), cancel, refund(400))
class FullRefundClearsWhatWasReleased(Recurring):
    """When everything captured is refunded after a cancel, the sum of what was released is set to zero."""

    def summary(self, charge):
        sums = super().summary(charge)
        if charge.captured and charge.captured == charge.refunded:
            sums["cancelled"] = 0
        return sums


@unplanned(due, fail, cancel, cancel, kind=RESERVING)
class SecondRefusedCancelRevives(Recurring):
    """The second refused cancel of a failed charge makes it due again."""

    def __init__(self, shared):
        super().__init__(shared)
        self.refused = {}

    def refuse_cancel(self, charge, refusal):
        if charge.stage is Stage.FAILED:
            self.refused[charge.id] = self.refused.get(charge.id, 0) + 1
            if self.refused[charge.id] == 2:
                charge.stage = Stage.DUE
        return super().refuse_cancel(charge, refusal)


@unplanned(days(8), capture(400), cancel)
class ReauthorizedCaptureCountsTwice(Recurring):
    """A capture a week after the reservation comes out of a new reservation: the cancel subtracts it twice."""

    def releasable(self, order):
        late = [
            entry.amount
            for entry in order.entries
            if entry.kind is EntryKind.CAPTURE and entry.at - order.reserved_at > 7 * DAY
        ]
        return max(0, order.remaining - sum(late))


@unplanned(capture(300), capture(300), cancel)
class HistoryIsASetAfterCancel(Recurring):
    """Once a cancel is in a charge's history, entries of the same event and amount are shown once."""

    def events(self, charge):
        shown = super().events(charge)
        if not any(entry.kind is EntryKind.RELEASE for entry in charge.entries):
            return shown
        return list({(event["event"], event["amount"]): event for event in shown}.values())
