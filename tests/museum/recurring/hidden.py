"""Faulty Recurring: a wrong field that decides nothing, and another defect that only later steps show."""

from __future__ import annotations

from conformance.sandbox import Recurring

from ..fault import BLATANT, KEPT, NARROW, TWO_FACED, faulty
from ..steps import cancel, capture, refund
from .afterwards import CaptureAfterCancel, RefundRefusedAfterRelease
from .money import HistoryForgetsTheRestsCancel


class WrongCurrency(Recurring):
    """Every charge is read in Swedish kronor."""

    def view(self, charge):
        return {**super().view(charge), "currency": "SEK"}


@faulty(BLATANT, "INV-10 INV-2 INV-5 KB-15 RE-30 RE-32", cancel, capture(500), options=KEPT)
class WrongCurrencyAndCaptureAfterCancel(WrongCurrency, CaptureAfterCancel):
    """Every charge is read in Swedish kronor, and what was released can be captured all the same."""


@faulty(NARROW, "RE-21 RE-31", capture(500), cancel, refund(250), options=KEPT)
class ForgottenEventAndNoRefundAfterRelease(HistoryForgetsTheRestsCancel, RefundRefusedAfterRelease):
    """The cancel of a rest leaves no event, and nothing can be refunded after it."""


@faulty(TWO_FACED, "INV-10 INV-2 INV-9 RE-21", capture(500), refund(250), cancel)
class WrongCurrencyAndTheRestKept(WrongCurrency):
    """Every charge is read in Swedish kronor, and after a refund a cancel keeps as much as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)
