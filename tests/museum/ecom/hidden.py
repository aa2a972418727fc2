"""Faulty eCom: a defect behind a wrong field that decides nothing, or behind a server error."""

from __future__ import annotations

from conformance.sandbox import Ecom, Options
from conformance.sandbox.payment import Stage

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days, enter, flagged, refund, spent
from .afterwards import CancelForgottenAfterADay, CaptureAfterCancel, RefundRefusedAfterRelease
from .answers import AnotherOrderInTheAnswer, HistoryOldestFirst, TextWithAPrefix
from .ends import RefusedIn3DSecureAndCancelled


@faulty(BLATANT, "EC-40 EC-31 EC-33 INV-2 INV-5 KB-15", approve, cancel, capture(500), options=KEPT)
class WrongTextAndCaptureAfterCancel(TextWithAPrefix, CaptureAfterCancel):
    """Every cancel answer has another text, and what was released can be captured all the same."""


@faulty(NARROW, "EC-38 EC-34", approve, capture(500), flagged, refund(250), options=KEPT)
class HistoryOldestFirstAndNoRefundAfterRelease(HistoryOldestFirst, RefundRefusedAfterRelease):
    """Every history begins with the initiation, and nothing can be refunded after a release."""


@faulty(TWO_FACED, "EC-39 INV-5 KB-15", approve, cancel, days(1), options=KEPT)
class AnotherOrderAndCancelForgotten(AnotherOrderInTheAnswer, CancelForgottenAfterADay):
    """Every cancel answer names another order, and a day after a cancel what was reserved can be captured again."""


@faulty(TWO_FACED, "KB-05 EC-06", enter, cancel, options=Options(threeds_status=500))
class BrokenIn3DSecureAndCancelled(RefusedIn3DSecureAndCancelled):
    """A cancel during 3-D Secure is answered with a server error, and the payment is cancelled all the same."""


@faulty(TWO_FACED, "KB-15 INV-5", approve, spent)
class SpentKeyRevivesItsOrder(Ecom):
    """A key that cancelled another order before reserves that one anew when it releases this one."""

    def __init__(self, shared):
        super().__init__(shared)
        self.before = None

    def release(self, order, *, text="", key=None):
        reserved = order.is_reserved
        entry = super().release(order, text=text, key=key)
        if not reserved:
            self.before = order
        elif self.before is not None:
            self.before.stage, self.before.cancelled = Stage.INITIATED, 0
            del self.before.entries[1:]
        return entry
