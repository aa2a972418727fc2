"""Faulty eCom: orders of steps."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Ecom

from .. import sequences as part
from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import another_operation, approve, broken, cancel, capture, days, flagged, hour, refund

flagged_with_its_key = dataclasses.replace(another_operation, flag=True)


@faulty(NARROW, "EC-03 EC-07 KB-01 KB-06 KB-10", approve, capture(2000), cancel)
class RefusedCaptureBlocksTheCancel(part.BlocksWhatIsMarked, part.MarksOverCaptures, Ecom):
    """After a capture of too much, which was refused, the order cannot be cancelled."""


@faulty(NARROW, "EC-03 EC-07 KB-01 KB-06 KB-10", approve, refund(500), cancel)
class RefusedRefundBlocksTheCancel(part.BlocksWhatIsMarked, part.MarksOverRefunds, Ecom):
    """After a refund of too much, which was refused, the order cannot be cancelled."""


@faulty(TWO_FACED, "EC-03 EC-07 INV-2 KB-06", approve, capture(2000), cancel)
class RefusedCaptureKeepsAPart(part.KeepsAPartOfWhatIsMarked, part.MarksOverCaptures, Ecom):
    """After a capture of too much, which was refused, a cancel leaves one unit reserved."""


@faulty(NARROW, "EC-03 KB-01", approve, capture(2000), cancel)
class RefusedCaptureCountsForTheFlag(part.MarksOverCaptures, Ecom):
    """After a capture that was refused, a reservation is cancelled with the flag only."""

    def refusal_for_captured(self, order, *, release_rest):
        if order.id in self.marks and not order.captured and not release_rest:
            return self.payment_refusal("51", "A part was captured; shouldReleaseRemainingFunds must be true")
        return super().refusal_for_captured(order, release_rest=release_rest)


@faulty(BLATANT, "EC-03 EC-07 KB-01 KB-06 KB-10", approve, broken("no-text"), cancel)
class BadRequestBlocksTheNext(part.RefusesAfterABadRequest, Ecom):
    """After a cancel that was refused for its form no other one is accepted."""


@faulty(NARROW, "EC-31 INV-2 KB-15 INV-5 EC-33", approve, cancel, days(7), capture(500))
class CapturableAgainAfterAWeek(part.CapturableAgain, Ecom):
    """What was released can be captured again from a week on."""


@faulty(NARROW, "EC-33 INV-2", approve, capture(500), flagged, days(30), capture(100))
class RestCapturableAgainAfterAMonth(part.CapturableAgain, Ecom):
    """The rest that was released after a capture can be captured again from a month on."""

    DAYS, WHOLE = range(30, 100), False


@faulty(NARROW, "EC-31 INV-2 KB-15 INV-5", approve, cancel, days(182), capture(500))
class CapturableAgainPastTheLimit(part.CapturableAgain, Ecom):
    """What was released can be captured again once the order is too old to cancel."""

    DAYS, REST = range(181, 400), False


@faulty(NARROW, "EC-34", approve, capture(500), flagged, days(15), refund(100))
class RefundRefusedForAMonth(part.RefundRefusedInBetween, Ecom):
    """After a release, nothing is refunded between two weeks and forty days."""


@faulty(TWO_FACED, "EC-34 INV-6", approve, capture(500), flagged, days(90), refund(100))
class LateRefundCountedTwice(part.RefundCountedTwiceInBetween, Ecom):
    """After a release, a refund of the third or fourth month is counted twice."""


@faulty(NARROW, "EC-03 EC-07 INV-10 INV-2 KB-06", approve, cancel, amount=16_777_217)
class ReleaseInSinglePrecision(part.SinglePrecision, Ecom):
    """What is released is computed in single precision."""


@faulty(NARROW, "EC-07 KB-06 INV-2", approve, capture(100), flagged, amount=64_999_999)
class ReleaseInHundredths(part.Hundredths, Ecom):
    """What is released is kept in hundredths of a minor unit in 32 bits."""


@faulty(TWO_FACED, "INV-1 INV-6", approve, capture(500), flagged, refund(200), hour, flagged)
class SecondCancelUndoesARefund(part.Marking, Ecom):
    """A second cancel puts back what was refunded since the first one."""

    def carry_out_cancel(self, order, text):
        self.marks[order.id] = order.refunded
        return super().carry_out_cancel(order, text)

    def finished_refusal(self, order):
        order.refunded = self.marks.get(order.id, order.refunded)
        return super().finished_refusal(order)


@faulty(
    BLATANT,
    "KB-03 EC-07 EC-09 INV-2 KB-06 KB-08 KB-09 EC-08 INV-7 KB-07",
    approve,
    capture(500),
    dataclasses.replace(another_operation, flag=True),
)
class CaptureAnswersTheCancel(Ecom):
    """A cancel with the request id of a capture gets that capture's answer, and nothing is done."""

    def cancel(self, call):
        key = call.headers.get("x-request-id")
        for (_, _, id_, used), (_, response) in self.requests.items():
            if (id_, used) == (call.params[0], key):
                return response
        return super().cancel(call)
