"""Faulty Recurring: which charges can be cancelled, and what they become."""

from __future__ import annotations

import dataclasses

from conformance.domain.order import Kind
from conformance.sandbox import Recurring
from conformance.sandbox.charges import CANCELLABLE
from conformance.sandbox.payment import Stage
from conformance.sandbox.wire import empty_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import cancel, capture, charge, due, fail, processing, refund, reserve

RESERVING, DIRECT = Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT


@faulty(BLATANT, "RE-01 KB-01 RE-29", cancel, kind=RESERVING)
class PendingNotCancellable(Recurring):
    """A charge can be cancelled only once it is due."""

    def is_cancellable(self, charge):
        return charge.stage is not Stage.PENDING and super().is_cancellable(charge)


@faulty(BLATANT, "RE-02 KB-01 RE-29", due, cancel, kind=RESERVING)
class DueNotCancellable(Recurring):
    """A charge that is due cannot be cancelled any more."""

    def is_cancellable(self, charge):
        return charge.stage is not Stage.DUE and super().is_cancellable(charge)


@faulty(NARROW, "RE-02 KB-01 RE-29", due, cancel, kind=DIRECT)
class DirectChargeDueNotCancellable(Recurring):
    """A charge of direct capture cannot be cancelled once it is due."""

    def is_cancellable(self, charge):
        if charge.transaction_type == "DIRECT_CAPTURE" and charge.stage is Stage.DUE:
            return False
        return super().is_cancellable(charge)


@faulty(NARROW, "RE-02 RE-29", due, cancel, kind=DIRECT)
class DirectChargeEndsFailed(Recurring):
    """A charge of direct capture that was cancelled when it was due is FAILED."""

    def __init__(self, shared):
        super().__init__(shared)
        self.were_due = set()

    def carry_out_cancel(self, charge, key):
        if charge.stage is Stage.DUE:
            self.were_due.add(charge.id)
        return super().carry_out_cancel(charge, key)

    def status(self, charge):
        name = super().status(charge)
        direct = charge.transaction_type == "DIRECT_CAPTURE"
        return "FAILED" if direct and name == "CANCELLED" and charge.id in self.were_due else name


@faulty(BLATANT, "RE-03 KB-01", cancel)
class ReservedNotCancellable(Recurring):
    """A reserved charge cannot be cancelled before a part of it was captured."""

    def is_cancellable(self, charge):
        return self.status(charge) != "RESERVED" and super().is_cancellable(charge)


@faulty(NARROW, "RE-03 KB-01", due, processing, reserve, cancel, kind=RESERVING)
class ProcessedNotCancellable(Recurring):
    """A charge that was processed cannot be cancelled, though it is reserved."""

    def __init__(self, shared):
        super().__init__(shared)
        self.processed = set()

    def act(self, order, action):
        if action == "start_processing":
            self.processed.add(order.id)
        return super().act(order, action)

    def is_cancellable(self, charge):
        spared = charge.id in self.processed and self.status(charge) == "RESERVED"
        return not spared and super().is_cancellable(charge)


@faulty(BLATANT, "RE-04 INV-9", capture(500), cancel)
class PartialCaptureRefused(Recurring):
    """A partly captured charge cannot be cancelled."""

    def is_cancellable(self, charge):
        return self.status(charge) != "PARTIALLY_CAPTURED" and super().is_cancellable(charge)


@faulty(BLATANT, "RE-05 KB-08 RE-29", capture(1000), cancel)
class ChargedCancelled(Recurring):
    """A charge of which everything is captured answers a cancel with success."""

    def is_cancellable(self, charge):
        return self.status(charge) == "CHARGED" or super().is_cancellable(charge)


@faulty(NARROW, "RE-05 KB-08 RE-29", due, charge, cancel, kind=DIRECT)
class DirectChargedCancelled(Recurring):
    """A charge that was captured directly answers a cancel with success."""

    def is_cancellable(self, charge):
        if charge.transaction_type == "DIRECT_CAPTURE" and self.status(charge) == "CHARGED":
            return True
        return super().is_cancellable(charge)


@faulty(NARROW, "RE-05 KB-08", capture(1000), refund(500), cancel)
class RefundedCancelled(Recurring):
    """A charge of which everything is captured can be cancelled once something was refunded."""

    def is_cancellable(self, charge):
        refunded = charge.refunded > 0 and charge.transaction_type == "RESERVE_CAPTURE"
        return refunded or super().is_cancellable(charge)


@faulty(BLATANT, "RE-06", due, fail, cancel, kind=RESERVING)
class FailedCancelled(Recurring):
    """A charge that failed can be cancelled."""

    def is_cancellable(self, charge):
        return self.status(charge) in CANCELLABLE | {"FAILED"}


@faulty(TWO_FACED, "INV-1", due, fail, cancel, kind=RESERVING)
class FailedRefusedAndCancelled(Recurring):
    """A cancel of a charge that failed is refused, and makes it CANCELLED."""

    def refuse_cancel(self, charge, refusal):
        if charge.stage is Stage.FAILED:
            charge.stage = Stage.CANCELLED
        return super().refuse_cancel(charge, refusal)


@faulty(BLATANT, "RE-07", due, processing, cancel, kind=RESERVING)
class ProcessingNotFound(Recurring):
    """A charge that is being processed is not found by a cancel."""

    def refusal_for_cancel(self, charge):
        return self.unknown() if charge.stage is Stage.PROCESSING else super().refusal_for_cancel(charge)


@faulty(TWO_FACED, "RE-07 RE-21", due, processing, cancel, kind=RESERVING)
class ProcessingAnsweredAndGoesOn(Recurring):
    """A cancel of a charge that is being processed is answered with success, and the charge goes on."""

    def refusal_for_cancel(self, charge):
        return None if charge.stage is Stage.PROCESSING else super().refusal_for_cancel(charge)

    def carry_out_cancel(self, charge, key):
        return empty_response(204) if charge.stage is Stage.PROCESSING else super().carry_out_cancel(charge, key)


@faulty(BLATANT, "RE-09", cancel, cancel)
class CancelledNotFound(Recurring):
    """A charge that was cancelled is not found by a second cancel."""

    def refusal_for_cancel(self, charge):
        if self.status(charge) == "CANCELLED" and not self.is_too_old(charge):
            return self.unknown()
        return super().refusal_for_cancel(charge)


@faulty(BLATANT, "RE-03 RE-22", cancel)
class CancelledNamedVoided(Recurring):
    """A reservation that was released is VOIDED."""

    def status_of_money(self, charge):
        name = super().status_of_money(charge)
        return "VOIDED" if name == "CANCELLED" else name


@faulty(BLATANT, "RE-04 INV-9", capture(500), cancel)
class PartlyCapturedEndsCancelled(Recurring):
    """A charge whose rest was released is CANCELLED."""

    def status_of_money(self, charge):
        if charge.captured and charge.cancelled and not charge.refunded:
            return "CANCELLED"
        return super().status_of_money(charge)


@faulty(BLATANT, "RE-19", capture(1000), cancel)
class DetailNamesNoStatus(Recurring):
    """The detail of a refusal does not say which status forbids the cancel."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        return dataclasses.replace(super().refusal_of(problem_id, charge, reason, status=status), reason=reason)


@faulty(NARROW, "RE-19", capture(1000), refund(500), cancel)
class DetailNamesTheEarlierStatus(Recurring):
    """The detail of a refusal calls a refunded charge by the status that it had before."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        refusal = super().refusal_of(problem_id, charge, reason, status=status)
        told = refusal.reason.replace("PARTIALLY_REFUNDED", "CHARGED").replace("REFUNDED", "CHARGED")
        return dataclasses.replace(refusal, reason=told)


@faulty(BLATANT, "RE-05 RE-06 RE-29", capture(1000), cancel)
class ProblemTypeOfARequestFault(Recurring):
    """A refusal on the charge's status has the type of a request that is not as documented."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        return super().refusal_of("validation-error", charge, reason, status=status)


@faulty(TWO_FACED, "INV-1", due, processing, cancel, reserve, kind=RESERVING)
class RefusedInProcessingAndDoneAfterwards(Recurring):
    """A cancel of a charge that is being processed is refused, and carried out as soon as the charge is reserved."""

    def __init__(self, shared):
        super().__init__(shared)
        self.waiting = set()

    def refuse_cancel(self, charge, refusal):
        if charge.stage is Stage.PROCESSING:
            self.waiting.add(charge.id)
        return super().refuse_cancel(charge, refusal)

    def reserve(self, charge):
        super().reserve(charge)
        if charge.id in self.waiting:
            self.release(charge)
