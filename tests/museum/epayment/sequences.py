"""Faulty ePayment: orders of steps."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import EPayment

from .. import sequences as part
from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import again, another_operation, approve, broken, cancel, capture, days, first, flagged, hour, refund
from .keys import HONOURED

again_flagged = dataclasses.replace(again, flag=True)


@faulty(NARROW, "EP-05 EP-03 EP-06 EP-42 KB-01", approve, capture(2000), cancel)
class RefusedCaptureBlocksTheCancel(part.BlocksWhatIsMarked, part.MarksOverCaptures, EPayment):
    """After a capture of too much, which was refused, the payment cannot be cancelled."""


@faulty(NARROW, "EP-05 EP-03 EP-06 EP-42 KB-01", approve, refund(500), cancel)
class RefusedRefundBlocksTheCancel(part.BlocksWhatIsMarked, part.MarksOverRefunds, EPayment):
    """After a refund of too much, which was refused, the payment cannot be cancelled."""


@faulty(TWO_FACED, "EP-05 EP-03 EP-06 EP-08 EP-30 EP-42 INV-2", approve, capture(2000), cancel)
class RefusedCaptureKeepsAPart(part.KeepsAPartOfWhatIsMarked, part.MarksOverCaptures, EPayment):
    """After a capture of too much, which was refused, a cancel leaves one unit reserved."""


@faulty(TWO_FACED, "EP-06 EP-03 EP-05 EP-08 EP-30 EP-42 INV-2", approve, capture(500), refund(600), cancel)
class RefusedRefundKeepsAPart(part.KeepsAPartOfWhatIsMarked, part.MarksOverRefunds, EPayment):
    """After a refund of too much, which was refused, a cancel leaves one unit reserved."""


@faulty(BLATANT, "EP-05 EP-03 EP-06 KB-01", approve, broken("flag-as-number", True), cancel)
class BadRequestBlocksTheNext(part.RefusesAfterABadRequest, EPayment):
    """After a cancel that was refused for its form no other one is accepted."""


@faulty(NARROW, "EP-05 EP-03 EP-06 KB-01 EP-42", approve, flagged, cancel)
class RefusedFlagStays(part.Marking, EPayment):
    """The flag of a cancel that was refused for it counts for the next one as well."""

    def refusal_for_authorized(self, order, *, transaction_only):
        refusal = super().refusal_for_authorized(order, transaction_only=transaction_only or order.id in self.marks)
        if transaction_only:
            self.marks[order.id] = True
        return refusal


@faulty(NARROW, "EP-33 INV-2 KB-15 INV-5", approve, cancel, days(7), capture(500))
class CapturableAgainAfterAWeek(part.CapturableAgain, EPayment):
    """What was released can be captured again from a week on."""


@faulty(NARROW, "EP-33 INV-2", approve, capture(500), cancel, days(30), capture(100))
class RestCapturableAgainAfterAMonth(part.CapturableAgain, EPayment):
    """The rest that was released after a capture can be captured again from a month on."""

    DAYS, WHOLE = range(30, 100), False


@faulty(NARROW, "EP-33 INV-2 KB-15 INV-5", approve, cancel, days(182), capture(500))
class CapturableAgainPastTheLimit(part.CapturableAgain, EPayment):
    """What was released can be captured again once the payment is too old to cancel."""

    DAYS, REST = range(181, 400), False


@faulty(NARROW, "EP-35", approve, capture(500), cancel, days(15), refund(100))
class RefundRefusedForAMonth(part.RefundRefusedInBetween, EPayment):
    """After a release, nothing is refunded between two weeks and forty days."""


@faulty(TWO_FACED, "EP-35 INV-10", approve, capture(500), cancel, days(90), refund(100))
class LateRefundCountedTwice(part.RefundCountedTwiceInBetween, EPayment):
    """After a release, a refund of the third or fourth month is counted twice."""


@faulty(NARROW, "EP-05 EP-03 EP-06 EP-08 EP-30 INV-2 INV-4", approve, cancel, amount=16_777_217)
class ReleaseInSinglePrecision(part.SinglePrecision, EPayment):
    """What is released is computed in single precision."""


@faulty(NARROW, "EP-06 EP-08 EP-30 INV-2", approve, capture(100), cancel, amount=64_999_999)
class ReleaseInHundredths(part.Hundredths, EPayment):
    """What is released is kept in hundredths of a minor unit in 32 bits."""


@faulty(TWO_FACED, "EP-22 INV-3", approve, capture(500), cancel, refund(200), again)
class ReplayUndoesARefund(part.ReplayRestores, EPayment):
    """A cancel that is sent again with its key puts back what was refunded since."""


@faulty(NARROW, "EP-22", approve, cancel, hour, again, readings=HONOURED)
class KeyForgottenAfterHalfAnHour(part.ForgetsAfterHalfAnHour, EPayment):
    """A cancel that is sent again with its key after half an hour is a new one."""


@faulty(NARROW, "EP-22", approve, cancel, cancel, first, readings=HONOURED)
class LastKeyRemembered(part.KnowsTheLastKeyOnly, EPayment):
    """Of the keys of a payment's cancels the last one is remembered."""


@faulty(NARROW, "EP-22 EP-24", approve, capture(500), cancel, refund(200), again, readings=HONOURED)
class RefundMakesTheKeyAConflict(part.ConflictAfterMoney, EPayment):
    """A cancel that is sent again with its key after a refund is refused as a conflict."""


@faulty(TWO_FACED, "INV-1", approve, flagged, capture(500), again_flagged)
class RefusedAgainAndReleased(part.ReplayOfARefusalReleases, EPayment):
    """A refused cancel that is sent again with its key after a capture is refused again, and carried out."""


@faulty(BLATANT, "EP-06 EP-07 EP-08 EP-30 EP-42 INV-2 KB-08", approve, capture(500), another_operation)
class CaptureAnswersTheCancel(EPayment):
    """A cancel with the key of a capture gets that capture's answer, and nothing is done."""

    def is_same_request(self, now, earlier):
        if now.path.endswith("/cancel") and earlier.path.endswith(("/capture", "/refund")):
            return True
        return super().is_same_request(now, earlier)


@faulty(TWO_FACED, "INV-1", approve, capture(500), another_operation)
class ConflictWithACaptureAndCancelled(EPayment):
    """A cancel with the key of a capture is refused as a conflict, and carried out."""

    def once(self, call, key, handler):
        response = super().once(call, key, handler)
        if part.is_cancel(handler) and response.status == 409 and self.need(call).captured:
            self.release(self.need(call))
        return response
