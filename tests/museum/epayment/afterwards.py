"""Faulty ePayment: what can be done after a cancel, and late."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import EPayment
from conformance.sandbox.payment import Stage

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days, refund


@faulty(BLATANT, "EP-33 INV-2 INV-5 KB-15", approve, cancel, capture(500), options=KEPT)
class CaptureAfterCancel(EPayment):
    """What was released can be captured all the same."""

    def refusal_for_capture(self, order, amount):
        if order.is_reserved and order.cancelled and order.captured + amount <= order.authorized:
            return None
        return super().refusal_for_capture(order, amount)


@faulty(NARROW, "EP-33 INV-2", approve, capture(500), cancel, capture(250), options=KEPT)
class CaptureAfterRelease(EPayment):
    """What was released after a partial capture can be captured all the same."""

    def refusal_for_capture(self, order, amount):
        if order.captured and order.cancelled and order.captured + amount <= order.authorized:
            return None
        return super().refusal_for_capture(order, amount)


@faulty(TWO_FACED, "EP-33 INV-2 INV-5 KB-15 INV-10", approve, cancel, capture(500))
class CaptureRefusedAndTaken(EPayment):
    """A capture of a cancelled payment is refused, and the money is taken."""

    def refusal_for_capture(self, order, amount):
        refusal = super().refusal_for_capture(order, amount)
        if refusal is not None and refusal.code == "6070" and order.is_reserved and not order.captured:
            order.captured, order.cancelled = amount, order.cancelled - amount
        return refusal


@faulty(BLATANT, "EP-35", approve, capture(500), cancel, refund(250), options=KEPT)
class RefundRefusedAfterRelease(EPayment):
    """After the rest was released, what was captured cannot be refunded any more."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        if refusal is None and order.cancelled and order.captured:
            return self.refusal_of("6150", "The payment was cancelled")
        return refusal


@faulty(NARROW, "EP-35 INV-4", approve, capture(500), cancel, refund(250))
class RefundGrowsTheCancelledAmount(EPayment):
    """A refund after the release of the rest is added to the cancelled amount as well."""

    def refund_money(self, order, amount, *, text="", key=None):
        if order.cancelled:
            order.cancelled += amount
        return super().refund_money(order, amount, text=text, key=key)


@faulty(BLATANT, "EP-34", approve, cancel, refund(500))
class CancelledPaymentRefunded(EPayment):
    """A payment that was cancelled without captures can be refunded."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and not order.captured and order.is_reserved:
            return None
        return super().refusal_for_refund(order, amount)


@faulty(BLATANT, "KB-15 INV-5", cancel, approve)
class CancelledPaymentApproved(EPayment):
    """A payment that was cancelled before its approval can be approved all the same."""

    def act(self, order, action):
        if action == "approve" and order.stage is Stage.CANCELLED:
            order.cancelled = 0
            self.reserve(order)
            return True
        return super().act(order, action)


@faulty(NARROW, "KB-15 INV-5", approve, cancel, days(1), options=KEPT)
class CancelForgottenAfterADay(EPayment):
    """A day after its cancel, what was authorized can be captured again."""

    def settle(self, order):
        super().settle(order)
        if order.is_reserved and order.cancelled and self.moment(order) - order.latest.at >= 86_400:
            order.cancelled = 0


@faulty(BLATANT, "EP-36", approve, days(182), capture(500), options=KEPT)
class LateCaptureAccepted(EPayment):
    """A capture has no deadline."""

    def is_capture_too_late(self, order):
        return False


@faulty(NARROW, "EP-36", approve, days(182), capture(500), options=KEPT)
class LateCaptureHasAnotherCode(EPayment):
    """A capture that is too late is refused with the code of one that is too large."""

    def refusal_for_capture(self, order, amount):
        refusal = super().refusal_for_capture(order, amount)
        return dataclasses.replace(refusal, code="6090") if refusal is not None and refusal.code == "6100" else refusal


@faulty(BLATANT, "EP-37", approve, capture(1000), days(367), refund(500), options=KEPT)
class LateRefundAccepted(EPayment):
    """A refund has no deadline."""

    def is_refund_too_late(self, order):
        return False


@faulty(NARROW, "EP-37", approve, capture(500), cancel, days(367), refund(250), options=KEPT)
class LateRefundAcceptedAfterRelease(EPayment):
    """A refund has no deadline once the rest was released."""

    def is_refund_too_late(self, order):
        return not order.cancelled and super().is_refund_too_late(order)


@faulty(NARROW, "EP-35 INV-10", approve, capture(500), cancel, refund(750))
class MoreRefundedThanCapturedAfterRelease(EPayment):
    """Once the rest was released, as much can be refunded as was authorized."""

    def refusal_for_refund(self, order, amount):
        within = order.refunded + amount <= order.authorized and not self.is_refund_too_late(order)
        if order.captured and order.cancelled and within:
            return None
        return super().refusal_for_refund(order, amount)


@faulty(NARROW, "INV-10 EP-35", approve, capture(500), refund(500), refund(100))
class EachRefundComparedAlone(EPayment):
    """Each refund may be as large as what was captured, whatever was refunded before."""

    def refusal_for_refund(self, order, amount):
        if order.captured and order.refunded and amount <= order.captured:
            return None
        return super().refusal_for_refund(order, amount)
