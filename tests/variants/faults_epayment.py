"""Faulty ePayment providers: the embedded one, each with one defect."""

from __future__ import annotations

import dataclasses

from conformance.order import Profile
from conformance.rulebook import Readings
from conformance.sandbox import EPayment
from conformance.sandbox.payment import Kind, Stage
from conformance.sandbox.wire import answer

from .fault import KEPT, Museum

MUSEUM = Museum(Profile.EPAYMENT)
shows = MUSEUM.shows
AGE = ("EP-14", "EP-15", "KB-02", "KB-02b")
FULL = ("EP-05", "EP-03", "EP-08", "KB-01")
PART = ("EP-06", "EP-08", "EP-42")


def captures(order):
    return sum(entry.kind is Kind.CAPTURE for entry in order.entries)


# Age


@shows(*AGE, options=KEPT)
class AgeLimitIgnored(EPayment):
    """A payment is cancelled however old it is."""

    def is_too_old(self, order):
        return False


@shows(*AGE, options=KEPT)
class AgeLimitTenDaysLate(EPayment):
    """A payment is too old after 190 days."""

    def age_limit_days(self, order):
        return 190


@shows(*FULL, *PART, "KB-02", "KB-02b", "EP-04", "EP-07", options=KEPT)
class AgeLimitTenDaysEarly(EPayment):
    """A payment is too old after 170 days."""

    def age_limit_days(self, order):
        return 170


@shows(*AGE, options=KEPT)
class AgeLimitIgnoredAfterPartialCapture(EPayment):
    """The age limit is forgotten once something was captured."""

    def is_too_old(self, order):
        return order.captured == 0 and super().is_too_old(order)


@shows(*AGE, "EP-04", options=KEPT)
class TooOldHasAnotherCode(EPayment):
    """A payment that is too old is refused with the code of one that was captured."""

    def refusal_for_cancel(self, order, *, transaction_only):
        refusal = super().refusal_for_cancel(order, transaction_only=transaction_only)
        if refusal is not None and refusal.code == "6030":
            return dataclasses.replace(refusal, code="6040")
        return refusal


# What is released


@shows(*PART)
class PartialCaptureRefused(EPayment):
    """A partly captured payment cannot be cancelled, as in eCom without its flag."""

    def refusal_for_authorized(self, order, *, transaction_only):
        if order.captured and order.remaining and not transaction_only:
            return self.refusal_of("6040", "A part was captured")
        return super().refusal_for_authorized(order, transaction_only=transaction_only)


@shows("EP-07", "KB-08")
class FullCaptureCancelled(EPayment):
    """A fully captured payment answers a cancel with success."""

    def refusal_for_authorized(self, order, *, transaction_only):
        return (
            None if order.remaining == 0 else super().refusal_for_authorized(order, transaction_only=transaction_only)
        )


@shows(*PART, "INV-4", "INV-2", "EP-30")
class ReleaseIncludesTheCapture(EPayment):
    """A cancel after a partial capture counts the captured amount as cancelled, too."""

    def releasable(self, order):
        return order.authorized


@shows(*PART, "INV-2", "EP-30")
class ThirdCaptureKeepsAHalf(EPayment):
    """After exactly three captures a cancel releases half of what is left."""

    def releasable(self, order):
        return order.remaining // 2 if captures(order) == 3 else order.remaining


@shows(*PART, "INV-2", "EP-30")
class UnderATenthReleasesNothing(EPayment):
    """A cancel releases nothing while less than a tenth is captured."""

    def releasable(self, order):
        return 0 if 0 < order.captured * 10 < order.amount else order.remaining


@shows("EP-42", "EP-08", "INV-2", "EP-30")
class RefundKeepsTheRest(EPayment):
    """After a refund a cancel leaves as much reserved as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@shows(*FULL, *PART, "INV-2", "EP-30")
class OddAmountsKeepOneUnit(EPayment):
    """One unit stays reserved when the rest is an odd number of units."""

    def releasable(self, order):
        return order.remaining - order.remaining % 2


@shows("INV-3", *PART)
class CancelRefundsTheCapture(EPayment):
    """A cancel after a partial capture gives back what was captured, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.refunded = order.captured
        return entry


# Two faces


@shows(*FULL, *PART, "EP-30", "INV-2")
class AnsweredAndNotReleased(EPayment):
    """A cancel of an authorized payment answers that everything is released, and nothing is."""

    def carry_out_cancel(self, order, key):
        if not order.is_reserved:
            return super().carry_out_cancel(order, key)
        kept = (order.cancelled, list(order.entries))
        response = super().carry_out_cancel(order, key)
        (order.cancelled, order.entries), order.cancel_answer = kept, None
        return response


@shows("EP-30")
class EventHasTheAuthorizedAmount(EPayment):
    """The event of a release has the authorized amount and not the released one."""

    def event(self, order, entry):
        if entry.kind is Kind.RELEASE:
            entry = dataclasses.replace(entry, amount=order.authorized)
        return super().event(order, entry)


@shows("EP-30")
class EventLogForgetsTheRelease(EPayment):
    """The money is released, and the event log does not say so."""

    def events(self, order):
        return [event for event in super().events(order) if event["name"] != "CANCELLED"]


@shows("INV-1", "EP-04")
class RefusedAndReleasedAllTheSame(EPayment):
    """A cancel of the transaction only is refused on an authorized payment, and the funds are gone."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6060":
            self.release(order)
        return super().refuse_cancel(order, refusal)


@shows("INV-1", "INV-4", "EP-13")
class SecondCancelReleasesAgain(EPayment):
    """A second cancel of an authorized payment is refused, and counted as released once more."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6190" and order.is_reserved:
            order.cancelled += order.authorized - order.captured
        return super().refuse_cancel(order, refusal)


@shows("INV-1", "INV-3", "EP-13")
class ThirdCancelIsLoggedAgain(EPayment):
    """The third cancel of a payment is refused and leaves one more event."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6190" and order.is_reserved and len(order.cancel_times) == 3:
            order.entries.append(order.latest)
        return super().refuse_cancel(order, refusal)


# The field cancelTransactionOnly


@shows("EP-04")
class TransactionOnlyReleases(EPayment):
    """A cancel of the transaction only releases an authorized payment."""

    def transaction_only_flag(self, check):
        super().transaction_only_flag(check)
        return False


@shows(*FULL, *PART)
class AbsentFlagTakenAsTrue(EPayment):
    """A cancel without the field is treated as one of the transaction only."""

    def transaction_only_flag(self, check):
        return check.flag("cancelTransactionOnly", default=True)


@shows(*FULL, *PART)
class FlagPresenceTakenAsTrue(EPayment):
    """The field counts as set as soon as it is there, whatever its value."""

    def transaction_only_flag(self, check):
        return super().transaction_only_flag(check) or check.has("cancelTransactionOnly")


@shows("EP-02", "KB-01")
class TransactionOnlyRefusedWhenCreated(EPayment):
    """A created payment cannot be cancelled with the field set."""

    def refusal_for_cancel(self, order, *, transaction_only):
        if transaction_only and order.stage is Stage.INITIATED:
            return self.refusal_of("6050", "Nothing is reserved yet")
        return super().refusal_for_cancel(order, transaction_only=transaction_only)


# Names


@shows("EP-05", "INV-8", "EP-06", "EP-03", "EP-08", "EP-42")
class AuthorizedEndsTerminated(EPayment):
    """A payment whose funds were released is TERMINATED."""

    def state(self, order):
        return "TERMINATED" if order.is_reserved and order.cancelled else super().state(order)


@shows("EP-06", "INV-8", "EP-08", "EP-42")
class PartlyCapturedEndsCancelled(EPayment):
    """A payment whose rest was released is CANCELLED."""

    def state(self, order):
        return "CANCELLED" if order.captured and order.cancelled else super().state(order)


@shows("EP-01", "EP-02")
class CreatedEndsCancelled(EPayment):
    """A payment that was cancelled before its approval is CANCELLED."""

    def state(self, order):
        return "CANCELLED" if order.stage is Stage.CANCELLED else super().state(order)


@shows("EP-29")
class EarlyCancelLoggedAsCancelled(EPayment):
    """The event of a cancel before the authorization is named CANCELLED."""

    def event_name(self, order, entry):
        return "CANCELLED" if entry.kind is Kind.STOP else super().event_name(order, entry)


@shows("EP-32")
class AnswerHasThePspOfTheCancel(EPayment):
    """The pspReference in the cancel answer is that of the cancel."""

    def cancel_answer(self, order):
        return answer(200, {**self.modification(order), "pspReference": order.latest.reference})

    def new_reference(self):
        return self.ids.uuid()

    def stop_reference(self, order):
        return self.ids.uuid()


@shows("EP-01", "EP-02", "INV-2")
class TerminatedCountsAsNothingCancelled(EPayment):
    """A payment that was cancelled before its approval shows a cancelled amount of zero."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        if not order.is_reserved:
            order.cancelled = 0
        return entry


@shows("INV-10")
class CancelledAmountInAnotherCurrency(EPayment):
    """The cancelled amount is in a currency of its own."""

    def aggregate(self, order):
        sums = super().aggregate(order)
        return {**sums, "cancelledAmount": {**sums["cancelledAmount"], "currency": "SEK"}} if order.cancelled else sums


@shows("EP-07", "EP-04", "KB-08")
class FullCaptureHasAnotherCode(EPayment):
    """A cancel of a fully captured payment is refused with a code that says something else."""

    def refusal_for_authorized(self, order, *, transaction_only):
        refusal = super().refusal_for_authorized(order, transaction_only=transaction_only)
        return dataclasses.replace(refusal, code="6050") if refusal is not None and refusal.code == "6040" else refusal


# 3-D Secure


@shows("EP-09", "KB-05")
class CancelledIn3DSecure(EPayment):
    """A payment is cancelled while its user is in 3-D Secure."""

    def refusal_in_3ds(self, order):
        return None


@shows("EP-09", "KB-05", "INV-1")
class RefusedIn3DSecureAndCancelled(EPayment):
    """A cancel during 3-D Secure is refused, and the payment is cancelled all the same."""

    def refusal_in_3ds(self, order):
        self.release(order)
        return super().refusal_in_3ds(order)


# Idempotency


@shows("EP-22", "INV-3", "INV-4")
class ReplayReleasesAgain(EPayment):
    """A cancel that is sent again with its key gets its answer again, and is counted once more."""

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request" and earlier.status == 200:
            order = self.need(call)
            if order.is_reserved:
                order.cancelled += order.authorized - order.captured
        return earlier


@shows("EP-22", "EP-24", readings=Readings.choose(["C13=sales-unit-scope,operation-scope"]))
class ReplayAnswersConflict(EPayment):
    """A cancel that is sent again with its key is refused as a conflict."""

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request":
            return self.refuse(call, self.key_conflict(key))
        return earlier


@shows("EP-01", *FULL, *PART, "EP-07", "EP-29", "EP-30", "EP-32", "INV-2", "INV-3", "KB-08")
class KeySwallowsAnotherPaymentsCancel(EPayment):
    """A key that cancelled one payment answers the cancel of another, which is not carried out."""

    def is_same_request(self, now, earlier):
        return now.path.endswith("/cancel") and earlier.path.endswith("/cancel")


# Whose payment, and who asks


@shows("EP-16")
class UnknownPaymentAnswers200(EPayment):
    """A cancel of a payment that does not exist answers success."""

    def carry_out_cancel_request(self, call, key):
        if self.find(call.msn, call.params[0]) is None:
            return answer(200, {"reference": call.params[0]})
        return super().carry_out_cancel_request(call, key)


@shows("EP-16", "INV-1")
class ForeignPaymentReleased(EPayment):
    """A cancel reaches the payments of every sales unit."""

    def carry_out_cancel_request(self, call, key):
        if self.find(call.msn, call.params[0]) is None:
            call.msn = self.options.msn
        return super().carry_out_cancel_request(call, key)


@shows("EP-20")
class TokenNotChecked(EPayment):
    """A cancel needs no valid access token."""

    def authorize(self, call):
        denied = super().authorize(call)
        known = call.headers.get("ocp-apim-subscription-key") == self.options.subscription_key
        return None if call.path.endswith("/cancel") and known else denied


@shows("EP-19")
class SubscriptionKeyNotChecked(EPayment):
    """A cancel needs no subscription key."""

    def authorize(self, call):
        if call.path.endswith("/cancel"):
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@shows("EP-18", "EP-04")
class FlagOfAnyTypeAccepted(EPayment):
    """The field cancelTransactionOnly may have any type, and counts as false."""

    def transaction_only_flag(self, check):
        return check.body.get("cancelTransactionOnly") is True


@shows("EP-18", "EP-04")
class UnreadableBodyAccepted(EPayment):
    """A body that is not JSON counts as none."""

    def carry_out_cancel_request(self, call, key):
        try:
            call.body(required=False)
        except ValueError:
            call.request = dataclasses.replace(call.request, body=b"")
        return super().carry_out_cancel_request(call, key)


# Afterwards


@shows("EP-33", "INV-2", "INV-5", "KB-15", options=KEPT)
class CaptureAfterCancel(EPayment):
    """What was released can be captured all the same."""

    def refusal_for_capture(self, order, amount):
        if order.is_reserved and order.cancelled and order.captured + amount <= order.authorized:
            return None
        return super().refusal_for_capture(order, amount)


@shows("EP-35", "EP-37", options=KEPT)
class RefundRefusedAfterRelease(EPayment):
    """After the rest was released, what was captured cannot be refunded any more."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and order.captured:
            return self.refusal_of("6150", "The payment was cancelled")
        return super().refusal_for_refund(order, amount)


@shows("EP-34")
class CancelledPaymentRefunded(EPayment):
    """A payment that was cancelled without captures can be refunded."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and not order.captured and order.is_reserved:
            return None
        return super().refusal_for_refund(order, amount)


@shows("KB-15", "INV-5")
class CancelledPaymentApproved(EPayment):
    """A payment that was cancelled before its approval can be approved all the same."""

    def act(self, order, action):
        if action == "approve" and order.stage is Stage.CANCELLED:
            order.cancelled = 0
            self.reserve(order)
            return True
        return super().act(order, action)
