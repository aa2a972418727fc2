"""Faulty ePayment: a defect behind a wrong field that decides nothing, or behind a server error."""

from __future__ import annotations

from conformance.sandbox import EPayment, Options
from conformance.sandbox.wire import json_response

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, enter, refund
from .afterwards import CaptureAfterCancel, RefundRefusedAfterRelease
from .ends import RefusedIn3DSecureAndCancelled
from .names import AnswerHasThePspOfTheCancel


@faulty(BLATANT, "EP-32 EP-33 INV-2 INV-5 KB-15", approve, cancel, capture(500), options=KEPT)
class WrongPspAndCaptureAfterCancel(AnswerHasThePspOfTheCancel, CaptureAfterCancel):
    """Every cancel answer has another pspReference, and what was released can be captured all the same."""


@faulty(NARROW, "EP-32 EP-35", approve, capture(500), cancel, refund(250), options=KEPT)
class WrongPspAndNoRefundAfterRelease(AnswerHasThePspOfTheCancel, RefundRefusedAfterRelease):
    """Every cancel answer has another pspReference, and nothing can be refunded after a release."""


@faulty(TWO_FACED, "INV-10 EP-08 EP-30 EP-42 INV-2", approve, capture(500), refund(250), cancel)
class WrongCurrencyAndTheRestKept(EPayment):
    """The refunded amount is read in Swedish kronor, and after a refund a cancel keeps as much as was refunded."""

    def get_payment(self, call):
        body = super().get_payment(call).json()
        body["aggregate"]["refundedAmount"]["currency"] = "SEK"
        return json_response(200, body)

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@faulty(TWO_FACED, "EP-09 KB-05", enter, cancel, options=Options(threeds_status=500))
class BrokenIn3DSecureAndCancelled(RefusedIn3DSecureAndCancelled):
    """A cancel during 3-D Secure is answered with a server error, and the payment is cancelled all the same."""
