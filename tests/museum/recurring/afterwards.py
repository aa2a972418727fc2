"""Faulty Recurring: what can be done after a cancel, and late."""

from __future__ import annotations

from conformance.domain.order import Kind
from conformance.sandbox import Recurring
from conformance.sandbox.payment import Stage

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import cancel, capture, days, refund, reserve


@faulty(BLATANT, "RE-30 INV-2 INV-5 KB-15 RE-32", cancel, capture(500), options=KEPT)
class CaptureAfterCancel(Recurring):
    """What was released can be captured all the same."""

    def refusal_for_capture(self, charge, amount):
        if charge.is_reserved and charge.cancelled and charge.captured + amount <= charge.authorized:
            return None
        return super().refusal_for_capture(charge, amount)


@faulty(NARROW, "RE-30 INV-2", capture(500), cancel, capture(250), options=KEPT)
class CaptureAfterRelease(Recurring):
    """What was released after a partial capture can be captured all the same."""

    def refusal_for_capture(self, charge, amount):
        if charge.captured and charge.cancelled and charge.captured + amount <= charge.authorized:
            return None
        return super().refusal_for_capture(charge, amount)


@faulty(TWO_FACED, "RE-30 INV-2 INV-5 KB-15", cancel, capture(500))
class CaptureRefusedAndTaken(Recurring):
    """A capture of a cancelled charge is refused, and the money is taken."""

    def refusal_for_capture(self, charge, amount):
        refusal = super().refusal_for_capture(charge, amount)
        ended = charge.is_reserved and charge.cancelled and not charge.captured
        if ended and not self.is_capture_too_late(charge):
            charge.captured, charge.cancelled = amount, charge.cancelled - amount
        return refusal


@faulty(BLATANT, "RE-31", capture(500), cancel, refund(250))
class RefundRefusedAfterRelease(Recurring):
    """After the rest was released, what was captured cannot be refunded any more."""

    def refusal_for_refund(self, charge, amount):
        if charge.cancelled and charge.captured:
            return self.refusal_of("operation-failed", charge, "The charge was cancelled")
        return super().refusal_for_refund(charge, amount)


@faulty(NARROW, "RE-31", capture(500), cancel, refund(250), refund(100))
class OneRefundAfterRelease(Recurring):
    """After the rest was released there can be one refund, and no second one."""

    def refusal_for_refund(self, charge, amount):
        if charge.cancelled and charge.refunded:
            return self.refusal_of("operation-failed", charge, "The charge was refunded")
        return super().refusal_for_refund(charge, amount)


@faulty(BLATANT, "RE-30", cancel, refund(500))
class CancelledChargeRefunded(Recurring):
    """A charge that was cancelled without captures can be refunded."""

    def refusal_for_refund(self, charge, amount):
        if charge.is_reserved and charge.cancelled and not charge.captured:
            return None
        return super().refusal_for_refund(charge, amount)


@faulty(BLATANT, "KB-15 INV-5", cancel, reserve, kind=Kind.CHARGE_RESERVE)
class CancelledChargeReserved(Recurring):
    """A charge that was cancelled before its due date is reserved all the same."""

    def act(self, order, action):
        if action == "reserve" and order.stage is Stage.CANCELLED:
            order.cancelled = 0
            self.reserve(order)
            return True
        return super().act(order, action)


@faulty(NARROW, "KB-15 INV-5 INV-9", cancel, days(1), options=KEPT)
class CancelForgottenAfterADay(Recurring):
    """A day after its cancel, what was reserved can be captured again."""

    def settle(self, order):
        super().settle(order)
        if order.is_reserved and order.cancelled and self.moment(order) - order.latest.at >= 86_400:
            order.cancelled = 0


@faulty(BLATANT, "RE-32", days(182), capture(500), options=KEPT)
class LateCaptureAccepted(Recurring):
    """A capture has no deadline."""

    def is_capture_too_late(self, order):
        return False


@faulty(NARROW, "RE-32", capture(500), days(182), capture(250), options=KEPT)
class LateCaptureAcceptedAfterTheFirst(Recurring):
    """The first capture has a deadline, and further ones have none."""

    def is_capture_too_late(self, order):
        return order.captured == 0 and super().is_capture_too_late(order)


@faulty(NARROW, "RE-31 INV-10", capture(500), cancel, refund(750))
class MoreRefundedThanCapturedAfterRelease(Recurring):
    """Once the rest was released, as much can be refunded as was authorized."""

    def refusal_for_refund(self, charge, amount):
        within = charge.refunded + amount <= charge.authorized and not self.is_refund_too_late(charge)
        if charge.captured and charge.cancelled and within:
            return None
        return super().refusal_for_refund(charge, amount)


@faulty(NARROW, "INV-10 RE-31", capture(500), refund(500), refund(100))
class EachRefundComparedAlone(Recurring):
    """Each refund may be as large as what was captured, whatever was refunded before."""

    def refusal_for_refund(self, charge, amount):
        if charge.captured and charge.refunded and amount <= charge.captured:
            return None
        return super().refusal_for_refund(charge, amount)
