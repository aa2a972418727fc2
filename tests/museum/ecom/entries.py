"""Faulty eCom: what the history says of a cancel, and how often."""

from __future__ import annotations

from conformance.sandbox import Ecom, Options
from conformance.sandbox.payment import EntryKind, Stage

from ..fault import NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, flagged

REPEATS = Options(second_cancel="repeat")


@faulty(TWO_FACED, "INV-10", approve, cancel, cancel, options=REPEATS)
class RepeatedCancelIsVoidedAgain(Ecom):
    """A second cancel of a reserved payment answers as the first did, and leaves a second VOID of the amount."""

    def repeat_cancel(self, order, text):
        if order.is_reserved and not order.captured:
            self.record(order, EntryKind.RELEASE, order.amount, text=text)
        return super().repeat_cancel(order, text)


@faulty(TWO_FACED, "INV-10", cancel, cancel, options=REPEATS)
class RepeatedCancelIsListedAgain(Ecom):
    """A second cancel of an initiated payment answers as the first did, and leaves a second CANCEL of the amount."""

    def repeat_cancel(self, order, text):
        if order.stage is Stage.CANCELLED:
            self.record(order, EntryKind.STOP, order.amount, text=text)
        return super().repeat_cancel(order, text)


@faulty(TWO_FACED, "INV-1 EC-37", cancel, cancel)
class RefusedSecondCancelIsListed(Ecom):
    """A second cancel of an initiated payment is refused, and listed as one that succeeded."""

    def refuse_cancel(self, call, order, refusal):
        if order.stage is Stage.CANCELLED:
            self.record(order, EntryKind.STOP, order.amount)
        return super().refuse_cancel(call, order, refusal)


@faulty(NARROW, "EC-37", cancel)
class CancelIsListedTwice(Ecom):
    """A cancel of an initiated payment leaves two entries."""

    def carry_out_cancel(self, order, text):
        if order.stage is Stage.INITIATED:
            self.record(order, EntryKind.STOP, order.amount, text=text)
        return super().carry_out_cancel(order, text)


@faulty(TWO_FACED, "EC-10 INV-10 INV-1", approve, capture(1000), flagged, options=Options(flag_on_full_capture="no-op"))
class NothingIsVoidedWithMoney(Ecom):
    """A cancel with the flag after a full capture does nothing, and is listed as a VOID of the amount."""

    def cancel_answer(self, order, text, released):
        if order.is_reserved and order.captured == order.amount:
            self.record(order, EntryKind.RELEASE, order.amount, text=text)
        return super().cancel_answer(order, text, released)


@faulty(NARROW, "EC-38", cancel)
class InitiationIsForgotten(Ecom):
    """The history of a cancelled payment no longer has its initiation."""

    def shown_entries(self, order):
        shown = super().shown_entries(order)
        return [entry for entry in shown if entry.kind is not EntryKind.CREATE] if order.cancelled else shown


@faulty(NARROW, "EC-38", approve, capture(500))
class ReservationIsForgotten(Ecom):
    """The history of a captured payment no longer has its reservation."""

    def shown_entries(self, order):
        shown = super().shown_entries(order)
        return [entry for entry in shown if entry.kind is not EntryKind.RESERVE] if order.captured else shown


@faulty(NARROW, "INV-6", approve)
class ReservationCountsAsRefundable(Ecom):
    """The details of a reserved payment show its amount as what remains to refund, before anything was captured."""

    def details_summary(self, order):
        shown = super().details_summary(order)
        return {**shown, "remainingAmountToRefund": order.amount} if order.remaining == order.amount else shown
