"""Faulty eCom: a wrong field that decides nothing, and another defect that only later steps show."""

from __future__ import annotations

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days, flagged, refund
from .afterwards import CancelForgottenAfterADay, CaptureAfterCancel, RefundRefusedAfterRelease
from .answers import AnotherOrderInTheAnswer, HistoryOldestFirst, TextWithAPrefix


@faulty(BLATANT, "EC-40 EC-31 EC-33 INV-2 INV-5 KB-15", approve, cancel, capture(500), options=KEPT)
class WrongTextAndCaptureAfterCancel(TextWithAPrefix, CaptureAfterCancel):
    """Every cancel answer has another text, and what was released can be captured all the same."""


@faulty(NARROW, "EC-38 EC-34", approve, capture(500), flagged, refund(250), options=KEPT)
class HistoryOldestFirstAndNoRefundAfterRelease(HistoryOldestFirst, RefundRefusedAfterRelease):
    """Every history begins with the initiation, and nothing can be refunded after a release."""


@faulty(TWO_FACED, "EC-39 INV-5 KB-15", approve, cancel, days(1), options=KEPT)
class AnotherOrderAndCancelForgotten(AnotherOrderInTheAnswer, CancelForgottenAfterADay):
    """Every cancel answer names another order, and a day after a cancel what was reserved can be captured again."""
