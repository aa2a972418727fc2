"""Faulty Recurring providers: the embedded one, each with one defect."""

from __future__ import annotations

import dataclasses

from conformance.order import Profile
from conformance.sandbox import Recurring
from conformance.sandbox.charges import CANCELLABLE
from conformance.sandbox.payment import Kind, Stage
from conformance.sandbox.wire import Refusal, Refused, empty

from .fault import KEPT, Museum

MUSEUM = Museum(Profile.RECURRING)
shows = MUSEUM.shows
AGE = ("RE-18", "KB-02", "KB-02b")
PART = ("RE-04", "INV-9")


def captures(charge):
    return sum(entry.kind is Kind.CAPTURE for entry in charge.entries)


# Age


@shows(*AGE, options=KEPT)
class AgeLimitIgnored(Recurring):
    """A charge is cancelled however old its reservation is."""

    def is_too_old(self, order):
        return False


@shows(*AGE, options=KEPT)
class AgeLimitTenDaysLate(Recurring):
    """A charge is too old 190 days after its reservation."""

    def age_limit_days(self, order):
        return 190


@shows("RE-03", *PART, "KB-01", "KB-02", "KB-02b", options=KEPT)
class AgeLimitTenDaysEarly(Recurring):
    """A charge is too old 170 days after its reservation."""

    def age_limit_days(self, order):
        return 170


@shows(*AGE, options=KEPT)
class AgeLimitIgnoredAfterPartialCapture(Recurring):
    """The age limit is forgotten once something was captured."""

    def is_too_old(self, order):
        return order.captured == 0 and super().is_too_old(order)


@shows(*AGE, options=KEPT)
class TooOldAnswers409(Recurring):
    """A charge that is too old is refused with 409 where 400 is documented."""

    def refusal_for_cancel(self, charge):
        refusal = super().refusal_for_cancel(charge)
        return dataclasses.replace(refusal, status=409) if refusal is not None and self.is_too_old(charge) else refusal


# What can be cancelled


@shows("RE-01", "RE-29", "KB-01", "RE-11")
class PendingNotCancellable(Recurring):
    """A charge can be cancelled only once it is due."""

    def is_cancellable(self, charge):
        return charge.stage is not Stage.PENDING and super().is_cancellable(charge)


@shows("RE-02", "RE-29", "KB-01", "RE-11")
class DueNotCancellable(Recurring):
    """A charge that is due cannot be cancelled any more."""

    def is_cancellable(self, charge):
        return charge.stage is not Stage.DUE and super().is_cancellable(charge)


@shows("RE-02", "RE-29", "KB-01")
class DirectChargeDueNotCancellable(Recurring):
    """A charge of direct capture cannot be cancelled once it is due."""

    def is_cancellable(self, charge):
        if charge.transaction_type == "DIRECT_CAPTURE" and charge.stage is Stage.DUE:
            return False
        return super().is_cancellable(charge)


@shows(*PART, "RE-11")
class PartialCaptureRefused(Recurring):
    """A partly captured charge cannot be cancelled."""

    def is_cancellable(self, charge):
        return self.status(charge) != "PARTIALLY_CAPTURED" and super().is_cancellable(charge)


@shows("RE-05", "RE-29", "KB-08")
class ChargedCancelled(Recurring):
    """A charge of which everything is captured answers a cancel with success."""

    def is_cancellable(self, charge):
        return self.status(charge) == "CHARGED" or super().is_cancellable(charge)


@shows("RE-05", "KB-08", "RE-29")
class RefundedCancelled(Recurring):
    """A charge of which everything is captured can be cancelled once something was refunded."""

    def is_cancellable(self, charge):
        return charge.refunded > 0 or super().is_cancellable(charge)


@shows("RE-06")
class FailedCancelled(Recurring):
    """A charge that failed can be cancelled."""

    def is_cancellable(self, charge):
        return self.status(charge) in CANCELLABLE | {"FAILED"}


# What is released


@shows(*PART)
class PartlyCapturedEndsCancelled(Recurring):
    """A charge whose rest was released is CANCELLED."""

    def status_of_money(self, charge):
        if charge.captured and charge.cancelled and not charge.refunded:
            return "CANCELLED"
        return super().status_of_money(charge)


@shows(*PART, "RE-21", "INV-2", "INV-4")
class ReleaseIncludesTheCapture(Recurring):
    """A cancel after a partial capture counts the captured amount as cancelled, too."""

    def releasable(self, order):
        return order.authorized

    def status_of_money(self, charge):
        return "CHARGED" if charge.captured and charge.cancelled else super().status_of_money(charge)


@shows(*PART, "RE-21", "INV-2")
class ThirdCaptureKeepsAHalf(Recurring):
    """After exactly three captures a cancel releases half of what is left."""

    def releasable(self, order):
        return order.remaining // 2 if captures(order) == 3 else order.remaining


@shows(*PART, "RE-21", "INV-2")
class UnderATenthReleasesNothing(Recurring):
    """A cancel releases nothing while less than a tenth is captured."""

    def releasable(self, order):
        return 0 if 0 < order.captured * 10 < order.amount else order.remaining


@shows("INV-9", "INV-2", "RE-21")
class RefundKeepsTheRest(Recurring):
    """After a refund a cancel leaves as much reserved as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@shows("INV-3", *PART)
class CancelRefundsTheCapture(Recurring):
    """A cancel after a partial capture gives back what was captured, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.refunded = order.captured
        return entry

    def status_of_money(self, charge):
        return "CHARGED" if charge.captured and charge.cancelled else super().status_of_money(charge)


# Two faces


@shows("RE-03", *PART, "RE-21", "INV-2", "KB-01", "RE-10")
class AnsweredAndNotReleased(Recurring):
    """A cancel of a reserved charge answers 204 and does nothing."""

    def carry_out_cancel(self, charge, key):
        return empty(204) if charge.is_reserved else super().carry_out_cancel(charge, key)


@shows("RE-21")
class HistoryForgetsTheCancel(Recurring):
    """The charge is cancelled, and its history does not say so."""

    def events(self, charge):
        return [event for event in super().events(charge) if event["event"] != "CANCEL"]


@shows("RE-03", "RE-21", "RE-22", *PART, "INV-2")
class SummaryForgetsTheRelease(Recurring):
    """The charge is cancelled, and its summary says that nothing was."""

    def summary(self, charge):
        return {**super().summary(charge), "cancelled": 0}


@shows("INV-1", "INV-4", "INV-10")
class RefusedAndReleasedAllTheSame(Recurring):
    """A cancel of a charge that is charged is refused, and counts what was captured as cancelled."""

    def refuse_cancel(self, charge, refusal):
        if self.status(charge) == "CHARGED" and not charge.cancelled:
            charge.cancelled = charge.amount
        return super().refuse_cancel(charge, refusal)

    def status_of_money(self, charge):
        return "CHARGED" if charge.captured == charge.authorized else super().status_of_money(charge)


@shows("INV-1", "INV-4", "RE-09")
class SecondCancelReleasesAgain(Recurring):
    """A second cancel is refused, and counted as released once more."""

    def refuse_cancel(self, charge, refusal):
        if charge.is_reserved and charge.cancelled and self.status(charge) == "CANCELLED":
            charge.cancelled += charge.authorized
        return super().refuse_cancel(charge, refusal)

    def status_of_money(self, charge):
        return "CANCELLED" if charge.cancelled > charge.authorized else super().status_of_money(charge)


@shows("INV-1", "INV-3", "RE-09")
class ThirdCancelIsLoggedAgain(Recurring):
    """The third cancel of a charge is refused and leaves one more event."""

    def refuse_cancel(self, charge, refusal):
        if self.status(charge) == "CANCELLED" and len(charge.cancel_times) == 3:
            charge.entries.append(charge.latest)
        return super().refuse_cancel(charge, refusal)


# Names


@shows("RE-19")
class DetailNamesNoStatus(Recurring):
    """The detail of a refusal does not say which status forbids the cancel."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        return dataclasses.replace(super().refusal_of(problem_id, charge, reason, status=status), reason=reason)


@shows("RE-05", "RE-06", "RE-29", "KB-08")
class ProblemTypeOfARequestFault(Recurring):
    """A refusal on the charge's status has the type of a request that is not as documented."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        return super().refusal_of("validation-error", charge, reason, status=status)


@shows("RE-03", "RE-10", "RE-22")
class CancelledNamedVoided(Recurring):
    """A reservation that was released is VOIDED."""

    def status_of_money(self, charge):
        name = super().status_of_money(charge)
        return "VOIDED" if name == "CANCELLED" else name


# Idempotency


@shows("RE-10")
class ReplayExecutesAgain(Recurring):
    """A cancel that is sent again with its key is carried out as a new one."""

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request":
            return self.carry_out_cancel_request(call, key)
        return earlier


@shows("RE-10", "RE-12")
class ReplayAnswersConflict(Recurring):
    """A cancel that is sent again with its key is refused as a conflict."""

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request" and earlier.status == 204:
            return self.refuse(call, self.key_conflict(key))
        return earlier


@shows("RE-11", *("RE-01", "RE-02", "RE-03", "RE-05", "RE-09", "RE-21", "RE-29", "INV-2", "KB-08", *PART))
class KeySwallowsAnotherChargesCancel(Recurring):
    """A key that cancelled one charge answers the cancel of another, which is not carried out."""

    def is_same_request(self, now, earlier):
        return now.method == "DELETE" == earlier.method


@shows("RE-13")
class KeyNotRequired(Recurring):
    """A cancel without an idempotency key is carried out."""

    def key(self, call):
        if call.request.method == "DELETE" and "idempotency-key" not in call.headers:
            return self.ids.uuid()
        return super().key(call)


@shows("RE-13")
class LongKeyAccepted(Recurring):
    """An idempotency key may have any length."""

    def key(self, call):
        call.headers["idempotency-key"] = call.headers.get("idempotency-key", "")[:40] or "#"
        return super().key(call)


# Whose charge, and who asks


@shows("RE-14")
class UnknownChargeAnswers204(Recurring):
    """A cancel of a charge that does not exist answers success."""

    def carry_out_cancel_request(self, call, key):
        if self.find(call.msn, self.payment_id(call)) is None:
            return empty(204)
        return super().carry_out_cancel_request(call, key)


@shows("RE-14", "INV-1")
class ChargeOfAnotherAgreementCancelled(Recurring):
    """A cancel does not look whether the charge belongs to the agreement."""

    def need_charge(self, call):
        if call.request.method == "DELETE":
            self.need_agreement(call)
            return self.need(call)
        return super().need_charge(call)


@shows("RE-16")
class TokenNotChecked(Recurring):
    """A cancel needs no valid access token."""

    def authorize(self, call):
        return None if call.request.method == "DELETE" else super().authorize(call)


@shows("RE-15", "INV-1")
class MalformedAgreementIgnored(Recurring):
    """A cancel does not look at the agreement at all."""

    def carry_out_cancel_request(self, call, key):
        if " " in call.params[0]:
            call.params = call.params[1:]
        return super().carry_out_cancel_request(call, key)


# The agreement


@shows("RE-22")
class StopKeepsReservedCharges(Recurring):
    """The merchant's stop of the agreement leaves reserved charges alone."""

    def is_ended_by_stop(self, charge):
        return not charge.is_reserved and super().is_ended_by_stop(charge)


@shows("RE-22")
class StopKeepsDueCharges(Recurring):
    """The merchant's stop of the agreement leaves charges alone that are due."""

    def is_ended_by_stop(self, charge):
        return charge.stage is not Stage.DUE and super().is_ended_by_stop(charge)


@shows("RE-27")
class StopTakesOtherChanges(Recurring):
    """A stop that comes together with another change is carried out."""

    def carry_out_update(self, call, key):
        if call.body().get("status") == "STOPPED":
            return self.stop(self.need_agreement(call), key)
        return super().carry_out_update(call, key)


@shows("RE-27")
class StopWithChangesRefusedAndDone(Recurring):
    """A stop that comes together with another change is refused, and the charges are cancelled."""

    def carry_out_update(self, call, key):
        if len(call.body()) > 1 and "status" in call.body():
            for id_ in self.need_agreement(call).charge_ids:
                charge = self.find(call.msn, id_)
                if self.is_ended_by_stop(charge):
                    self.release(charge)
        return super().carry_out_update(call, key)


@shows("RE-26")
class SecondStopAnswers409(Recurring):
    """A second stop of an agreement is a conflict."""

    def stop(self, agreement, key):
        if agreement.stopped_at is not None:
            raise Refused(Refusal(409, "conflict", "The agreement is stopped"))
        return super().stop(agreement, key)


# Afterwards


@shows("RE-30", "INV-2", "INV-5", "KB-15", options=KEPT)
class CaptureAfterCancel(Recurring):
    """What was released can be captured all the same."""

    def refusal_for_capture(self, charge, amount):
        if charge.is_reserved and charge.cancelled and charge.captured + amount <= charge.authorized:
            return None
        return super().refusal_for_capture(charge, amount)


@shows("RE-31")
class RefundRefusedAfterRelease(Recurring):
    """After the rest was released, what was captured cannot be refunded any more."""

    def refusal_for_refund(self, charge, amount):
        if charge.cancelled and charge.captured:
            return self.refusal_of("operation-failed", charge, "The charge was cancelled")
        return super().refusal_for_refund(charge, amount)


@shows("RE-30", "INV-3", "INV-10")
class CancelledChargeRefunded(Recurring):
    """A charge that was cancelled without captures can be refunded."""

    def refusal_for_refund(self, charge, amount):
        if charge.is_reserved and charge.cancelled and not charge.captured:
            return None
        return super().refusal_for_refund(charge, amount)


@shows("KB-15", "INV-5")
class CancelledChargeReserved(Recurring):
    """A charge that was cancelled while it was due is reserved on its due date."""

    def act(self, order, action):
        if action == "reserve" and order.stage is Stage.CANCELLED:
            order.cancelled = 0
            self.reserve(order)
            return True
        return super().act(order, action)


@shows("RE-32", options=KEPT)
class LateCaptureAccepted(Recurring):
    """A capture has no deadline."""

    def is_capture_too_late(self, order):
        return False
