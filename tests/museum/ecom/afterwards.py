"""Faulty eCom: what can be done after a cancel, and late."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Ecom
from conformance.sandbox.payment import Stage

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days, flagged, refund


@faulty(BLATANT, "EC-31 EC-33 INV-2 INV-5 KB-15", approve, cancel, capture(500), options=KEPT)
class CaptureAfterCancel(Ecom):
    """What was released can be captured all the same."""

    def refusal_for_capture(self, order, amount):
        if order.is_reserved and order.cancelled and order.captured + amount <= order.authorized:
            return None
        return super().refusal_for_capture(order, amount)


@faulty(NARROW, "EC-33 INV-2", approve, capture(500), flagged, capture(250), options=KEPT)
class CaptureAfterRelease(Ecom):
    """What was released after a partial capture can be captured all the same."""

    def refusal_for_capture(self, order, amount):
        if order.captured and order.cancelled and order.captured + amount <= order.authorized:
            return None
        return super().refusal_for_capture(order, amount)


@faulty(NARROW, "EC-31", cancel, capture(500))
class CaptureAfterCancelNotFound(Ecom):
    """A capture of a cancelled payment is refused as if there were no such order."""

    def refusal_for_capture(self, order, amount):
        refusal = super().refusal_for_capture(order, amount)
        ended = refusal is not None and order.cancelled and not order.captured
        return self.unknown() if ended and not self.is_capture_too_late(order) else refusal


@faulty(TWO_FACED, "EC-31 INV-2 INV-5 INV-6 KB-15 INV-4", approve, cancel, capture(500))
class CaptureRefusedAndTaken(Ecom):
    """A capture of a cancelled payment is refused, and the money is taken."""

    def refusal_for_capture(self, order, amount):
        ended = order.is_reserved and order.cancelled and not order.captured
        if ended and not self.is_capture_too_late(order):
            order.captured, order.cancelled = amount, order.cancelled - amount
        return super().refusal_for_capture(order, amount)


@faulty(BLATANT, "EC-34", approve, capture(500), flagged, refund(250), options=KEPT)
class RefundRefusedAfterRelease(Ecom):
    """After the rest was released, what was captured cannot be refunded any more."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        if refusal is None and order.cancelled and order.captured:
            return self.payment_refusal("73", "The payment was cancelled")
        return refusal


@faulty(NARROW, "EC-34", approve, capture(500), flagged, refund(500))
class WholeRefundRefusedAfterRelease(Ecom):
    """After the rest was released, a part of what was captured can be refunded, and not all of it."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        if refusal is None and order.cancelled and amount == order.captured:
            return self.payment_refusal("71", "Something must remain")
        return refusal


@faulty(BLATANT, "EC-32", approve, cancel, refund(500))
class CancelledPaymentRefunded(Ecom):
    """A payment that was cancelled without captures can be refunded."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and not order.captured and order.is_reserved:
            return None
        return super().refusal_for_refund(order, amount)


@faulty(NARROW, "EC-32", cancel, refund(500))
class RefundOfCancelledHasAnotherCode(Ecom):
    """A refund of a cancelled payment is refused with the code of one that was never captured."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        return self.payment_refusal("72", refusal.reason) if refusal is not None and refusal.code == "73" else refusal


@faulty(BLATANT, "KB-15 EC-37 INV-5", cancel, approve)
class CancelledPaymentApproved(Ecom):
    """A payment that was cancelled before its approval can be approved all the same."""

    def act(self, order, action):
        if action == "approve" and order.stage is Stage.CANCELLED:
            order.cancelled = 0
            self.reserve(order)
            return True
        return super().act(order, action)


@faulty(NARROW, "KB-15 INV-5", approve, cancel, days(1), options=KEPT)
class CancelForgottenAfterADay(Ecom):
    """A day after its cancel, what was reserved can be captured again."""

    def settle(self, order):
        super().settle(order)
        if order.is_reserved and order.cancelled and self.moment(order) - order.latest.at >= 86_400:
            order.cancelled = 0


@faulty(BLATANT, "EC-35", approve, days(186), capture(500), options=KEPT)
class LateCaptureAccepted(Ecom):
    """A capture has no deadline."""

    def is_capture_too_late(self, order):
        return False


@faulty(NARROW, "EC-35", approve, capture(500), days(186), capture(250), options=KEPT)
class LateCaptureAcceptedAfterTheFirst(Ecom):
    """The first capture has a deadline, and further ones have none."""

    def is_capture_too_late(self, order):
        return order.captured == 0 and super().is_capture_too_late(order)


@faulty(BLATANT, "EC-36", approve, capture(1000), days(367), refund(500), options=KEPT)
class LateRefundAccepted(Ecom):
    """A refund has no deadline."""

    def is_refund_too_late(self, order):
        return False


@faulty(NARROW, "EC-36", approve, capture(1000), days(367), refund(500), options=KEPT)
class LateRefundHasAnotherStatus(Ecom):
    """A refund that is too late is refused with 409 where 400 is documented."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        return dataclasses.replace(refusal, status=409) if refusal is not None and refusal.code == "95" else refusal


@faulty(NARROW, "EC-34 INV-10", approve, capture(500), flagged, refund(750))
class MoreRefundedThanCapturedAfterRelease(Ecom):
    """Once the rest was released, as much can be refunded as was authorized."""

    def refusal_for_refund(self, order, amount):
        within = order.refunded + amount <= order.authorized and not self.is_refund_too_late(order)
        if order.captured and order.cancelled and within:
            return None
        return super().refusal_for_refund(order, amount)


@faulty(NARROW, "INV-10 EC-34", approve, capture(500), refund(500), refund(100))
class EachRefundComparedAlone(Ecom):
    """Each refund may be as large as what was captured, whatever was refunded before."""

    def refusal_for_refund(self, order, amount):
        if order.captured and order.refunded and amount <= order.captured:
            return None
        return super().refusal_for_refund(order, amount)
