"""Faulty Recurring: orders of steps."""

from __future__ import annotations

from conformance.domain.order import Kind
from conformance.sandbox import Recurring

from .. import sequences as part
from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import (
    again,
    another_operation,
    broken,
    cancel,
    capture,
    days,
    due,
    first,
    hour,
    processing,
    refund,
    reserve,
    stop,
)


@faulty(NARROW, "RE-03 INV-9 KB-01 RE-04", capture(2000), cancel)
class RefusedCaptureBlocksTheCancel(part.BlocksWhatIsMarked, part.MarksOverCaptures, Recurring):
    """After a capture of too much, which was refused, the charge cannot be cancelled."""


@faulty(NARROW, "RE-03 INV-9 KB-01 RE-04", refund(500), cancel)
class RefusedRefundBlocksTheCancel(part.BlocksWhatIsMarked, part.MarksOverRefunds, Recurring):
    """After a refund of too much, which was refused, the charge cannot be cancelled."""


@faulty(TWO_FACED, "RE-03 INV-2 INV-9 RE-04 RE-21", capture(2000), cancel)
class RefusedCaptureKeepsAPart(part.KeepsAPartOfWhatIsMarked, part.MarksOverCaptures, Recurring):
    """After a capture of too much, which was refused, a cancel leaves one unit reserved."""


@faulty(TWO_FACED, "RE-04 INV-2 INV-9 RE-03 RE-21", capture(500), refund(600), cancel)
class RefusedRefundKeepsAPart(part.KeepsAPartOfWhatIsMarked, part.MarksOverRefunds, Recurring):
    """After a refund of too much, which was refused, a cancel leaves one unit reserved."""


@faulty(BLATANT, "RE-03 INV-9 KB-01 RE-04", broken("long-key"), cancel)
class BadRequestBlocksTheNext(part.RefusesAfterABadRequest, Recurring):
    """After a cancel that was refused for its form no other one is accepted."""


@faulty(NARROW, "RE-30 INV-2 KB-15 INV-5", cancel, days(7), capture(500))
class CapturableAgainAfterAWeek(part.CapturableAgain, Recurring):
    """What was released can be captured again from a week on."""


@faulty(NARROW, "RE-30 INV-2", capture(500), cancel, days(30), capture(100))
class RestCapturableAgainAfterAMonth(part.CapturableAgain, Recurring):
    """The rest that was released after a capture can be captured again from a month on."""

    DAYS, WHOLE = range(30, 100), False


@faulty(NARROW, "RE-30 INV-2 KB-15 INV-5", cancel, days(182), capture(500))
class CapturableAgainPastTheLimit(part.CapturableAgain, Recurring):
    """What was released can be captured again once the charge is too old to cancel."""

    DAYS, REST = range(181, 400), False


@faulty(NARROW, "RE-31", capture(500), cancel, days(15), refund(100))
class RefundRefusedForAMonth(part.RefundRefusedInBetween, Recurring):
    """After a release, nothing is refunded between two weeks and forty days."""


@faulty(TWO_FACED, "RE-31", capture(500), cancel, days(90), refund(100))
class LateRefundCountedTwice(part.RefundCountedTwiceInBetween, Recurring):
    """After a release, a refund of the third or fourth month is counted twice."""


@faulty(NARROW, "RE-04 INV-2 INV-9 RE-03 RE-21 RE-22", capture(100), cancel, amount=1_999_999)
class ReleaseUpToALimit(Recurring):
    """No cancel releases more than a million and a half minor units."""

    def releasable(self, order):
        return min(super().releasable(order), 1_500_000)


@faulty(TWO_FACED, "RE-10 INV-3", capture(500), cancel, refund(200), again)
class ReplayUndoesARefund(part.ReplayRestores, Recurring):
    """A cancel that is sent again with its key puts back what was refunded since."""


@faulty(NARROW, "RE-10", cancel, hour, again)
class KeyForgottenAfterHalfAnHour(part.ForgetsAfterHalfAnHour, Recurring):
    """A cancel that is sent again with its key after half an hour is a new one."""


@faulty(NARROW, "RE-10", cancel, cancel, first)
class LastKeyRemembered(part.KnowsTheLastKeyOnly, Recurring):
    """Of the keys of a charge's cancels the last one is remembered."""


@faulty(NARROW, "RE-10", capture(500), cancel, refund(200), again)
class RefundMakesTheKeyAConflict(part.ConflictAfterMoney, Recurring):
    """A cancel that is sent again with its key after a refund is refused as a conflict."""


@faulty(NARROW, "RE-10", cancel, stop, again)
class StopForgetsTheKeys(part.Keyed, Recurring):
    """A cancel that is sent again with its key after the agreement's end is a new one."""

    def replay(self, call, key, handler, earlier):
        if part.is_cancel(handler) and self.need_agreement(call).stopped_at is not None:
            return self.anew(call, key, handler)
        return earlier


@faulty(NARROW, "RE-12", capture(1000), cancel, refund(500), again)
class RefundMakesARefusalASuccess(Recurring):
    """A refused cancel that is sent again with its key after a refund is answered with success."""

    def replay(self, call, key, handler, earlier):
        if part.is_cancel(handler) and earlier.status >= 400 and self.need_charge(call).refunded:
            return self.cancel_answer()
        return earlier


@faulty(TWO_FACED, "INV-1", due, processing, cancel, reserve, again, kind=Kind.CHARGE_RESERVE)
class RefusedAgainAndReleased(Recurring):
    """A refused cancel that is sent again with its key after the reservation is refused again, and carried out."""

    def is_kept(self, response, *, transient):
        return True

    def replay(self, call, key, handler, earlier):
        charge = self.need_charge(call) if part.is_cancel(handler) else None
        if charge is not None and earlier.status >= 400 and charge.remaining:
            self.release(charge)
        return earlier


@faulty(BLATANT, "RE-11 INV-2 INV-9 KB-08 RE-04 RE-05 RE-21 RE-29", capture(500), another_operation)
class CaptureAnswersTheCancel(Recurring):
    """A cancel with the key of a capture gets that capture's answer, and nothing is done."""

    def is_same_request(self, now, earlier):
        if now.method == "DELETE" and earlier.path.endswith(("/capture", "/refund")):
            return True
        return super().is_same_request(now, earlier)


@faulty(TWO_FACED, "INV-1 RE-11", capture(500), another_operation)
class ConflictWithACaptureAndCancelled(Recurring):
    """A cancel with the key of a capture is refused as a conflict, and carried out."""

    def once(self, call, key, handler):
        response = super().once(call, key, handler)
        if part.is_cancel(handler) and response.status == 409 and b"idempotency-conflict" in response.body:
            charge = self.need_charge(call)
            if charge.captured and charge.remaining and not self.is_too_old(charge):
                self.release(charge)
        return response
