"""Faulty ePayment: what is released, and answers, sums and events that tell different stories."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import EPayment
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import json_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, flagged, refund


def captures(order):
    return sum(entry.kind is EntryKind.CAPTURE for entry in order.entries)


@faulty(BLATANT, "EP-06 EP-42", approve, capture(500), cancel)
class PartialCaptureRefused(EPayment):
    """A partly captured payment cannot be cancelled, as in eCom without its flag."""

    def refusal_for_authorized(self, order, *, transaction_only):
        if order.captured and order.remaining and not transaction_only:
            return self.refusal_of("6040", "A part was captured")
        return super().refusal_for_authorized(order, transaction_only=transaction_only)


@faulty(NARROW, "EP-42", approve, capture(500), refund(500), cancel)
class RefundedRefused(EPayment):
    """A partly captured payment cannot be cancelled once all of the capture was refunded."""

    def refusal_for_authorized(self, order, *, transaction_only):
        if order.remaining and order.refunded and not order.refundable and not transaction_only:
            return self.refusal_of("6040", "It was refunded")
        return super().refusal_for_authorized(order, transaction_only=transaction_only)


@faulty(BLATANT, "EP-07 KB-08", approve, capture(1000), cancel)
class FullCaptureCancelled(EPayment):
    """A fully captured payment answers a cancel with success."""

    def refusal_for_authorized(self, order, *, transaction_only):
        if order.remaining == 0:
            return None
        return super().refusal_for_authorized(order, transaction_only=transaction_only)


@faulty(NARROW, "EP-07", approve, capture(1000), cancel)
class FullCaptureHasAnotherCode(EPayment):
    """A cancel of a fully captured payment is refused with a code that says something else."""

    def refusal_for_authorized(self, order, *, transaction_only):
        refusal = super().refusal_for_authorized(order, transaction_only=transaction_only)
        if refusal is not None and refusal.code == "6040" and not transaction_only:
            return dataclasses.replace(refusal, code="6050")
        return refusal


@faulty(BLATANT, "EP-06 EP-08 EP-30 EP-42 INV-2 INV-4", approve, capture(500), cancel)
class ReleaseIncludesTheCapture(EPayment):
    """A cancel after a partial capture counts the captured amount as cancelled, too."""

    def releasable(self, order):
        return order.authorized


@faulty(NARROW, "EP-06 EP-08 EP-30 EP-42 INV-2", approve, capture(500), capture(200), capture(100), cancel)
class ThirdCaptureKeepsAHalf(EPayment):
    """After exactly three captures a cancel releases half of what is left."""

    def releasable(self, order):
        return order.remaining // 2 if captures(order) == 3 else order.remaining


@faulty(NARROW, "EP-06 EP-08 EP-30 EP-42 INV-2", approve, capture(1), cancel)
class UnderATenthReleasesNothing(EPayment):
    """A cancel releases nothing while less than a tenth is captured."""

    def releasable(self, order):
        return 0 if 0 < order.captured * 10 < order.amount else order.remaining


@faulty(NARROW, "EP-42 EP-08 EP-30 INV-2", approve, capture(500), refund(250), cancel)
class RefundKeepsTheRest(EPayment):
    """After a refund a cancel leaves as much reserved as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@faulty(NARROW, "EP-05 EP-03 EP-06 EP-08 EP-30 EP-42 INV-2", approve, cancel, amount=999)
class OddAmountsKeepOneUnit(EPayment):
    """One unit stays reserved when the rest is an odd number of units."""

    def releasable(self, order):
        return order.remaining - order.remaining % 2


@faulty(NARROW, "EP-05 EP-03 EP-06 EP-08 EP-30 INV-2 EP-42", approve, cancel, amount=1999)
class FloatArithmetic(EPayment):
    """The released amount goes through hundredths as a binary fraction, and is cut."""

    def releasable(self, order):
        return int(order.remaining / 100 * 100)


@faulty(TWO_FACED, "INV-3 EP-06 EP-42", approve, capture(500), cancel)
class CancelRefundsTheCapture(EPayment):
    """A cancel after a partial capture gives back what was captured, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.refunded = order.captured
        return entry


@faulty(TWO_FACED, "EP-05 EP-03 EP-06 EP-08 EP-30 EP-42 INV-2", approve, cancel)
class AnsweredAndNotReleased(EPayment):
    """A cancel of an authorized payment answers that everything is released, and nothing is."""

    def carry_out_cancel(self, order, key):
        if not order.is_reserved:
            return super().carry_out_cancel(order, key)
        kept = (order.cancelled, list(order.entries))
        response = super().carry_out_cancel(order, key)
        (order.cancelled, order.entries), order.cancel_answer = kept, None
        return response


@faulty(TWO_FACED, "EP-30", approve, capture(500), cancel)
class EventHasTheAuthorizedAmount(EPayment):
    """The event of a release has the authorized amount and not the released one."""

    def event(self, order, entry):
        if entry.kind is EntryKind.RELEASE:
            entry = dataclasses.replace(entry, amount=order.authorized)
        return super().event(order, entry)


@faulty(TWO_FACED, "EP-30", approve, cancel)
class EventLogForgetsTheRelease(EPayment):
    """The money is released, and the event log does not say so."""

    def events(self, order):
        return [event for event in super().events(order) if event["name"] != "CANCELLED"]


@faulty(NARROW, "EP-30", approve, capture(500), cancel)
class EventsOfTheRestForgotten(EPayment):
    """The release of a whole reservation leaves an event, and that of a rest does not."""

    def events(self, order):
        entries = [entry for entry in order.entries if entry.kind is not EntryKind.RELEASE or not order.captured]
        return [self.event(order, entry) for entry in entries]


@faulty(TWO_FACED, "INV-1", approve, flagged)
class RefusedAndReleasedAllTheSame(EPayment):
    """A cancel of the transaction only is refused on an authorized payment, and the funds are gone."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6060":
            self.release(order)
        return super().refuse_cancel(order, refusal)


@faulty(TWO_FACED, "INV-1 INV-4", approve, cancel, cancel)
class SecondCancelReleasesAgain(EPayment):
    """A second cancel of an authorized payment is refused, and counted as released once more."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6190" and order.is_reserved:
            order.cancelled += order.authorized - order.captured
        return super().refuse_cancel(order, refusal)


@faulty(NARROW, "INV-1 EP-35", approve, cancel, cancel, cancel)
class ThirdCancelIsLoggedAgain(EPayment):
    """The third cancel of a payment is refused and leaves one more event."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6190" and order.is_reserved and len(order.cancel_times) == 3:
            order.entries.append(order.latest)
        return super().refuse_cancel(order, refusal)


@faulty(TWO_FACED, "EP-06 EP-08 INV-2", approve, capture(500), cancel)
class ReleaseRecordedAndHalfDone(EPayment):
    """After a partial capture a cancel records the release of the whole rest, and releases half of it."""

    def release(self, order, *, text="", key=None):
        halved = order.captured and not order.refunded
        entry = super().release(order, text=text, key=key)
        if halved:
            order.cancelled -= entry.amount // 2
        return entry


@faulty(TWO_FACED, "EP-05", approve, cancel)
class AnswerCancelsNothing(EPayment):
    """The money is released, and the answer says that nothing was cancelled."""

    def cancel_answer(self, order):
        response = super().cancel_answer(order)
        if not order.is_reserved or order.captured:
            return response
        payload = response.json()
        payload["aggregate"]["cancelledAmount"]["value"] = 0
        return json_response(200, payload)


@faulty(TWO_FACED, "INV-3", approve, capture(500), cancel)
class SumsRefundTheCapture(EPayment):
    """After a release the payment is read as if what was captured were refunded, which answer and events deny."""

    def view(self, order):
        view = super().view(order)
        if order.captured and order.cancelled:
            view["aggregate"]["refundedAmount"]["value"] = order.captured
        return view


@faulty(TWO_FACED, "EP-06", approve, capture(500), cancel)
class AnswerCancelsEverything(EPayment):
    """After a partial capture the rest is released, and the answer says that everything was cancelled."""

    def cancel_answer(self, order):
        response = super().cancel_answer(order)
        if not order.captured or order.refunded or not order.cancelled:
            return response
        payload = response.json()
        payload["aggregate"]["cancelledAmount"]["value"] = order.authorized
        return json_response(200, payload)
