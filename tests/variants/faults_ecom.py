"""Faulty eCom providers: the embedded one, each with one defect."""

from __future__ import annotations

import dataclasses
import json

from conformance.order import Profile
from conformance.sandbox import Ecom, Options
from conformance.sandbox.ecom_answers import BANK_IDENTIFICATION_NUMBER, PAYMENT_INSTRUMENT
from conformance.sandbox.payment import Kind, Stage
from conformance.sandbox.wire import answer

from .fault import KEPT, Museum

MUSEUM = Museum(Profile.ECOM)
shows = MUSEUM.shows
AGE = ("EC-13", "KB-02", "KB-02b")
WITHOUT_FLAG = ("KB-07", "KB-09", "INV-7")


def captures(order):
    return sum(entry.kind is Kind.CAPTURE for entry in order.entries)


# Age


@shows(*AGE, options=KEPT)
class AgeLimitIgnored(Ecom):
    """A payment is cancelled however old it is."""

    def is_too_old(self, order):
        return False


@shows(*AGE, options=KEPT)
class AgeLimitTenDaysLate(Ecom):
    """A payment is too old after 195 days, which is ten days more than any reading of six months."""

    def age_limit_days(self, order):
        return 195


@shows("EC-03", "EC-07", "KB-01", "KB-06", "KB-02", "KB-02b", "KB-10", "EC-09", "EC-10", options=KEPT)
class AgeLimitTenDaysEarly(Ecom):
    """A payment is too old after 170 days."""

    def age_limit_days(self, order):
        return 170


@shows(*AGE, options=KEPT)
class AgeLimitIgnoredAfterPartialCapture(Ecom):
    """The age limit is forgotten once something was captured."""

    def is_too_old(self, order):
        return order.captured == 0 and super().is_too_old(order)


@shows(*AGE, options=KEPT)
class AgeLimitLiftedByFlag(Ecom):
    """The release flag lifts the age limit, of partly captured payments too."""

    def refusal_for_cancel(self, order, *, release_rest):
        refusal = super().refusal_for_cancel(order, release_rest=release_rest)
        if release_rest and order.is_reserved and order.remaining and refusal is not None and refusal.code == "98":
            return None
        return refusal


@shows(*AGE, options=KEPT)
class TooOldAnswers409(Ecom):
    """A payment that is too old is refused with 409 where 400 is documented."""

    def refusal_for_cancel(self, order, *, release_rest):
        refusal = super().refusal_for_cancel(order, release_rest=release_rest)
        return dataclasses.replace(refusal, status=409) if refusal is not None and refusal.code == "98" else refusal


# The flag and the captured part


@shows("EC-08", *WITHOUT_FLAG)
class PartialCaptureNeedsNoFlag(Ecom):
    """The rest of a partly captured payment is released without the flag."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(order, release_rest=release_rest or order.remaining > 0)


@shows("EC-08", *WITHOUT_FLAG)
class AbsentFlagTakenAsTrue(Ecom):
    """A cancel without the flag is treated as one that sets it."""

    def release_flag(self, check):
        return check.flag("shouldReleaseRemainingFunds", default=True)


@shows("EC-08", *WITHOUT_FLAG)
class FlagPresenceTakenAsTrue(Ecom):
    """The flag counts as set as soon as it is there, whatever its value."""

    def release_flag(self, check):
        return check.has("shouldReleaseRemainingFunds")


@shows("EC-08", *WITHOUT_FLAG)
class FlagNotNeededUnderATenth(Ecom):
    """The rest is released without the flag while less than a tenth is captured."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(order, release_rest=release_rest or 0 < order.captured * 10 < order.amount)


@shows("EC-08", *WITHOUT_FLAG)
class FlagNotNeededAtTheThirdCapture(Ecom):
    """The rest is released without the flag after exactly three captures."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(
            order, release_rest=release_rest or (order.remaining > 0 and captures(order) == 3)
        )


@shows("EC-07", "KB-06", "KB-10")
class FlagRefused(Ecom):
    """A partly captured payment cannot be cancelled at all."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(order, release_rest=release_rest and order.remaining == 0)


@shows("EC-09", "KB-08", "KB-09")
class FullCaptureCancelled(Ecom):
    """A fully captured payment answers a cancel without the flag with success."""

    def refusal_for_captured(self, order, *, release_rest):
        return None if order.remaining == 0 else super().refusal_for_captured(order, release_rest=release_rest)


# Two faces: the answer, the money and the history tell different stories


@shows("EC-03", "EC-07", "INV-2", "KB-01", "KB-06")
class AnsweredAndNotReleased(Ecom):
    """A cancel of a reserved payment answers success and releases nothing."""

    def carry_out_cancel(self, order, text):
        if not order.is_reserved:
            return super().carry_out_cancel(order, text)
        kept = (order.cancelled, list(order.entries))
        response = super().carry_out_cancel(order, text)
        (order.cancelled, order.entries), order.cancel_answer = kept, None
        return response


@shows("INV-1")
class RefusedAndReleasedAllTheSame(Ecom):
    """A cancel without the flag after a partial capture is refused, and the rest is gone."""

    def refuse_cancel(self, call, order, refusal):
        if refusal.code == "51" and order.remaining:
            self.release(order)
        return super().refuse_cancel(call, order, refusal)


@shows("EC-03", "EC-07", "KB-06")
class HistoryForgetsTheRelease(Ecom):
    """The money is released, and the history does not say so."""

    def shown_entries(self, order):
        return [entry for entry in super().shown_entries(order) if entry.kind is not Kind.RELEASE]


@shows("EC-07", "KB-06", "INV-3")
class AnswerForgetsTheCapture(Ecom):
    """The answer's summary says that nothing was captured, and the details say what was."""

    def cancel_answer(self, order, text, released):
        response = super().cancel_answer(order, text, released)
        return answer(200, {**response.json(), "transactionSummary": {**self.summary(order), "capturedAmount": 0}})


@shows("EC-07", "INV-3", "INV-6", "KB-06", "INV-10")
class ReleaseRefundsTheCapture(Ecom):
    """A release of the rest gives back what was captured, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.refunded = order.captured
        return entry


@shows("EC-03", "EC-07", "INV-2", "KB-06")
class OddAmountsKeepOneUnit(Ecom):
    """One unit stays reserved when the rest is an odd number of units."""

    def releasable(self, order):
        return order.remaining - order.remaining % 2


@shows("INV-2")
class RefundKeepsTheRest(Ecom):
    """After a refund a release leaves as much reserved as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@shows("INV-3", "INV-10", "EC-10", options=Options(second_cancel="repeat"))
class SecondCancelReleasesAgain(Ecom):
    """A second cancel of a reserved payment answers success and releases once more."""

    def repeat_cancel(self, order, text):
        if order.is_reserved:
            order.cancelled += order.authorized - order.captured
        return super().repeat_cancel(order, text)


@shows("INV-1", "INV-3", "INV-10")
class ThirdCancelReleasesAgain(Ecom):
    """The third cancel of a payment is refused and released once more."""

    def refuse_cancel(self, call, order, refusal):
        if refusal.code == "92" and order.is_reserved and len(order.cancel_times) == 3:
            entry = next(entry for entry in order.entries if entry.kind is Kind.RELEASE)
            order.entries.append(entry)
        return super().refuse_cancel(call, order, refusal)


# Names


@shows("KB-03")
class StateNamedVoid(Ecom):
    """The answer names the state by the operation that the history has."""

    def cancel_status(self, order):
        return "Void"


@shows("EC-01")
class EarlyCancelNamedVoid(Ecom):
    """A cancel before the reservation is named VOID in the history."""

    def operation_name(self, order, entry):
        return "VOID" if entry.kind is Kind.STOP else super().operation_name(order, entry)


@shows("EC-03")
class ReleaseNamedCancel(Ecom):
    """A cancel after the reservation is named CANCEL in the history."""

    def operation_name(self, order, entry):
        return "CANCEL" if entry.kind is Kind.RELEASE else super().operation_name(order, entry)


@shows("EC-38")
class HistoryOldestFirst(Ecom):
    """The history begins with the initiation."""

    def log(self, order):
        return super().log(order)[::-1]


@shows("EC-37")
class SummaryOfNothing(Ecom):
    """A payment that was cancelled before its approval has a summary in its details."""

    def view(self, order):
        return {**super().view(order), "transactionSummary": self.summary(order)}


@shows("EC-39")
class InstrumentBeforeApproval(Ecom):
    """The answer names a payment instrument that nobody has chosen yet."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        return answer(200, {**payload, "paymentInstrument": PAYMENT_INSTRUMENT})


@shows("EC-39")
class BankNumberInTheAnswer(Ecom):
    """The cancel answer has the bank identification number, which belongs into the details alone."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        payload["transactionSummary"]["bankIdentificationNumber"] = BANK_IDENTIFICATION_NUMBER
        return answer(200, payload)


@shows("EC-40")
class TextOfTheInitiation(Ecom):
    """The answer has a text of its own instead of the request's."""

    def cancel_answer(self, order, text, released):
        return super().cancel_answer(order, f"Cancelled: {text}", released)


# 3-D Secure


@shows("KB-05", "EC-06")
class CancelledIn3DSecure(Ecom):
    """A payment is cancelled while its user is in 3-D Secure."""

    def refusal_in_3ds(self, order):
        return None


@shows("KB-05", "EC-06", "INV-1")
class RefusedIn3DSecureAndCancelled(Ecom):
    """A cancel during 3-D Secure is refused, and the payment is cancelled all the same."""

    def refusal_in_3ds(self, order):
        self.release(order)
        return super().refusal_in_3ds(order)


# Whose order, and who asks


@shows("EC-19")
class UnknownOrderAnswers200(Ecom):
    """A cancel of an order that does not exist answers success."""

    def cancel(self, call):
        if self.find(call.msn, call.params[0]) is None and call.params[0].endswith("-none"):
            return answer(200, {"orderId": call.params[0]})
        return super().cancel(call)


@shows("EC-20", "INV-1")
class ForeignOrderReleased(Ecom):
    """A cancel reaches the orders of every sales unit."""

    def cancel(self, call):
        self.everywhere = True
        try:
            return super().cancel(call)
        finally:
            self.everywhere = False

    everywhere = False

    def find(self, msn, id_):
        order = super().find(msn, id_)
        if order is None and self.everywhere:
            return super().find(self.options.msn, id_)
        return order


@shows("EC-23")
class TokenNotChecked(Ecom):
    """A cancel needs no access token."""

    def authorize(self, call):
        return None if call.request.method == "PUT" and "authorization" not in call.headers else super().authorize(call)


@shows("EC-23")
class SubscriptionKeyNotChecked(Ecom):
    """A cancel is carried out under any subscription key."""

    def authorize(self, call):
        if call.request.method == "PUT":
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@shows("EC-25")
class TextNotRequired(Ecom):
    """A cancel without a transaction text is carried out."""

    def cancel(self, call):
        body = call.body()
        if body.get("transaction") == {}:
            body["transaction"] = {"transactionText": ""}
            call.request = dataclasses.replace(call.request, body=json.dumps(body).encode())
        return super().cancel(call)


# Afterwards


@shows("EC-31", "EC-33", "INV-2", "INV-5", "KB-15", options=KEPT)
class CaptureAfterCancel(Ecom):
    """What was released can be captured all the same."""

    def refusal_for_capture(self, order, amount):
        if order.is_reserved and order.cancelled and order.captured + amount <= order.authorized:
            return None
        return super().refusal_for_capture(order, amount)


@shows("EC-34", "EC-36", options=KEPT)
class RefundRefusedAfterRelease(Ecom):
    """After the rest was released, what was captured cannot be refunded any more."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and order.captured:
            return self.payment_refusal("73", "The payment was cancelled")
        return super().refusal_for_refund(order, amount)


@shows("EC-32", "INV-3", "INV-6", "INV-10")
class CancelledPaymentRefunded(Ecom):
    """A payment that was cancelled without captures can be refunded."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and not order.captured and order.is_reserved:
            return None
        return super().refusal_for_refund(order, amount)


@shows("EC-32")
class RefundOfCancelledHasAnotherCode(Ecom):
    """A refund of a cancelled payment is refused with the code of one that was never captured."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        return self.payment_refusal("72", refusal.reason) if refusal is not None and refusal.code == "73" else refusal


@shows("KB-15", "INV-5", "EC-37")
class CancelledPaymentApproved(Ecom):
    """A payment that was cancelled before its approval can be approved all the same."""

    def act(self, order, action):
        if action == "approve" and order.stage is Stage.CANCELLED:
            order.cancelled = 0
            self.reserve(order)
            return True
        return super().act(order, action)


@shows("EC-35", options=KEPT)
class LateCaptureAccepted(Ecom):
    """A capture has no deadline."""

    def is_capture_too_late(self, order):
        return False
