"""Faulty eCom: the answer, the money and the history tell different stories."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Ecom, Options
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import json_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, flagged, refund


@faulty(TWO_FACED, "EC-03 EC-07 INV-2 KB-06", approve, cancel)
class AnsweredAndNotReleased(Ecom):
    """A cancel of a reserved payment answers success and releases nothing."""

    def carry_out_cancel(self, order, text):
        if not order.is_reserved:
            return super().carry_out_cancel(order, text)
        kept = (order.cancelled, list(order.entries))
        response = super().carry_out_cancel(order, text)
        (order.cancelled, order.entries), order.cancel_answer = kept, None
        return response


@faulty(TWO_FACED, "INV-1", approve, capture(500), cancel)
class RefusedAndReleasedAllTheSame(Ecom):
    """A cancel without the flag after a partial capture is refused, and the rest is gone."""

    def refuse_cancel(self, call, order, refusal):
        if refusal.code == "51" and order.remaining:
            self.release(order)
        return super().refuse_cancel(call, order, refusal)


@faulty(TWO_FACED, "INV-1", approve, capture(500), cancel, cancel)
class SecondRefusalReleases(Ecom):
    """The second refused cancel of a partly captured payment releases the rest."""

    def refuse_cancel(self, call, order, refusal):
        if refusal.code == "51" and order.remaining and len(order.cancel_times) == 2:
            self.release(order)
        return super().refuse_cancel(call, order, refusal)


@faulty(TWO_FACED, "EC-03", approve, cancel)
class HistoryForgetsTheRelease(Ecom):
    """The money is released, and the history does not say so."""

    def shown_entries(self, order):
        return [entry for entry in super().shown_entries(order) if entry.kind is not EntryKind.RELEASE]


@faulty(TWO_FACED, "EC-07", approve, capture(500), flagged)
class AnswerForgetsTheCapture(Ecom):
    """The answer's summary says that nothing was captured, and the details say what was."""

    def cancel_answer(self, order, text, released):
        response = super().cancel_answer(order, text, released)
        return json_response(
            200, {**response.json(), "transactionSummary": {**self.summary(order), "capturedAmount": 0}}
        )


@faulty(TWO_FACED, "EC-07", approve, capture(500), flagged)
class AnswerForgetsTheRelease(Ecom):
    """After a partial capture the answer says that the rest can still be captured, which it cannot."""

    def cancel_answer(self, order, text, released):
        response = super().cancel_answer(order, text, released)
        if not order.captured:
            return response
        summary = {**self.summary(order), "remainingAmountToCapture": released}
        return json_response(200, {**response.json(), "transactionSummary": summary})


@faulty(TWO_FACED, "EC-07 INV-3 INV-6", approve, capture(500), flagged)
class ReleaseRefundsTheCapture(Ecom):
    """A release of the rest gives back what was captured, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.refunded = order.captured
        return entry


@faulty(TWO_FACED, "INV-3 INV-6", approve, capture(500), flagged)
class DetailsCountTheCaptureAsRefunded(Ecom):
    """After a release the details show what was captured as refunded, and the cancel answer does not."""

    def details_summary(self, order):
        summary = super().details_summary(order)
        return {**summary, "refundedAmount": order.captured} if order.captured and order.cancelled else summary


@faulty(TWO_FACED, "INV-6", approve, capture(500), flagged)
class NothingToRefundAfterTheRelease(Ecom):
    """After a release the details say that nothing is left to refund."""

    def details_summary(self, order):
        summary = super().details_summary(order)
        return {**summary, "remainingAmountToRefund": 0} if order.captured and order.cancelled else summary


@faulty(NARROW, "INV-4", approve, capture(600), flagged)
class ReservationShownAsReleased(Ecom):
    """After a release the history shows the reservation with the amount that was released."""

    def log_entry(self, order, entry):
        if entry.kind is EntryKind.RESERVE and order.captured and order.cancelled:
            entry = dataclasses.replace(entry, amount=order.cancelled)
        return super().log_entry(order, entry)


@faulty(NARROW, "EC-03 EC-07 INV-2 KB-06", approve, cancel, amount=999)
class OddAmountsKeepOneUnit(Ecom):
    """One unit stays reserved when the rest is an odd number of units."""

    def releasable(self, order):
        return order.remaining - order.remaining % 2


@faulty(NARROW, "EC-03 EC-07 INV-2 KB-06", approve, cancel, amount=12_345)
class SmallChangeKept(Ecom):
    """Of more than 100.00 a cancel releases whole hundreds of minor units only."""

    def releasable(self, order):
        return order.remaining // 100 * 100 if order.amount > 10_000 else order.remaining


@faulty(NARROW, "INV-2", approve, capture(500), refund(250), flagged)
class RefundKeepsTheRest(Ecom):
    """After a refund a release leaves as much reserved as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@faulty(NARROW, "INV-10 INV-6", approve, capture(500), refund(250))
class RefundTakenOffTheCapture(Ecom):
    """Until the payment is cancelled, the details show what was captured less what was refunded as captured."""

    def details_summary(self, order):
        summary = super().details_summary(order)
        return summary if order.cancelled else {**summary, "capturedAmount": order.refundable}


@faulty(TWO_FACED, "INV-3 INV-10", approve, cancel, cancel, options=Options(second_cancel="repeat"))
class SecondCancelReleasesAgain(Ecom):
    """A second cancel of a reserved payment answers success and releases once more."""

    def repeat_cancel(self, order, text):
        if order.is_reserved:
            order.cancelled += order.authorized - order.captured
        return super().repeat_cancel(order, text)


@faulty(NARROW, "INV-1 EC-38", approve, cancel, cancel, cancel)
class ThirdCancelReleasesAgain(Ecom):
    """The third cancel of a payment is refused and released once more."""

    def refuse_cancel(self, call, order, refusal):
        if refusal.code == "92" and order.is_reserved and len(order.cancel_times) == 3:
            entry = next(entry for entry in order.entries if entry.kind is EntryKind.RELEASE)
            order.entries.append(entry)
        return super().refuse_cancel(call, order, refusal)


@faulty(BLATANT, "EC-07 INV-10 INV-3 INV-6", approve, capture(500), flagged)
class ReleaseIncludesTheCapture(Ecom):
    """A release after a partial capture takes the captured amount off the books, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.captured = 0
        order.cancelled = order.authorized
        return entry
