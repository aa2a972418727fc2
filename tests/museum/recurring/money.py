"""Faulty Recurring: what is released, and answers, sums and events that tell different stories."""

from __future__ import annotations

from conformance.domain.order import Market
from conformance.sandbox import Recurring
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import empty_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import cancel, capture, refund


def captures(charge):
    return sum(entry.kind is EntryKind.CAPTURE for entry in charge.entries)


@faulty(BLATANT, "RE-04 INV-2 INV-4 RE-21", capture(500), cancel)
class ReleaseIncludesTheCapture(Recurring):
    """A cancel after a partial capture counts the captured amount as cancelled, too."""

    def releasable(self, order):
        return order.authorized

    def status_of_money(self, charge):
        return "CHARGED" if charge.captured and charge.cancelled else super().status_of_money(charge)


@faulty(NARROW, "RE-04 INV-2 INV-9 RE-21", capture(500), capture(200), capture(100), cancel)
class ThirdCaptureKeepsAHalf(Recurring):
    """After exactly three captures a cancel releases half of what is left."""

    def releasable(self, order):
        return order.remaining // 2 if captures(order) == 3 else order.remaining


@faulty(NARROW, "RE-04 INV-2 INV-9 RE-21", capture(1), cancel)
class UnderATenthReleasesNothing(Recurring):
    """A cancel releases nothing while less than a tenth is captured."""

    def releasable(self, order):
        return 0 if 0 < order.captured * 10 < order.amount else order.remaining


@faulty(NARROW, "INV-9 INV-2 RE-21", capture(500), refund(250), cancel)
class RefundKeepsTheRest(Recurring):
    """After a refund a cancel leaves as much reserved as was refunded."""

    def releasable(self, order):
        return max(0, order.remaining - order.refunded)


@faulty(NARROW, "RE-03 INV-2 INV-9 RE-04 RE-21 RE-22", cancel, amount=999)
class OddAmountsKeepOneUnit(Recurring):
    """One unit stays reserved when the rest is an odd number of units."""

    def releasable(self, order):
        return order.remaining - order.remaining % 2


@faulty(NARROW, "RE-03 INV-2 INV-9 RE-04 RE-21 RE-22", cancel, amount=1999)
class FloatArithmetic(Recurring):
    """The released amount goes through hundredths as a binary fraction, and is cut."""

    def releasable(self, order):
        return int(order.remaining / 100 * 100)


@faulty(TWO_FACED, "RE-04 INV-3 INV-9", capture(500), cancel)
class CancelRefundsTheCapture(Recurring):
    """A cancel after a partial capture gives back what was captured, too."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        order.refunded = order.captured
        return entry


@faulty(TWO_FACED, "INV-3", capture(500), cancel)
class SummaryRefundsTheCapture(Recurring):
    """After a release the summary shows what was captured as refunded, and nothing else does."""

    def summary(self, charge):
        shown = super().summary(charge)
        return {**shown, "refunded": charge.captured} if charge.captured and charge.cancelled else shown


@faulty(TWO_FACED, "RE-03 INV-2 INV-9 RE-04 RE-21", cancel)
class AnsweredAndNotReleased(Recurring):
    """A cancel of a reserved charge answers 204 and does nothing."""

    def carry_out_cancel(self, charge, key):
        return empty_response(204) if charge.is_reserved else super().carry_out_cancel(charge, key)


@faulty(TWO_FACED, "RE-21", cancel)
class HistoryForgetsTheCancel(Recurring):
    """The charge is cancelled, and its history does not say so."""

    def events(self, charge):
        return [event for event in super().events(charge) if event["event"] != "CANCEL"]


@faulty(NARROW, "RE-21", capture(500), cancel)
class HistoryForgetsTheRestsCancel(Recurring):
    """The cancel of a whole reservation leaves an event, and that of a rest does not."""

    def events(self, charge):
        shown = super().events(charge)
        return [event for event in shown if event["event"] != "CANCEL"] if charge.captured else shown


@faulty(TWO_FACED, "RE-03 INV-2 RE-04 RE-21 RE-22", cancel)
class SummaryForgetsTheRelease(Recurring):
    """The charge is cancelled, and its summary says that nothing was."""

    def summary(self, charge):
        return {**super().summary(charge), "cancelled": 0}


@faulty(TWO_FACED, "INV-1 INV-10 INV-4", capture(1000), cancel)
class RefusedAndCountedAsCancelled(Recurring):
    """A cancel of a charge that is charged is refused, and counts what was captured as cancelled."""

    def refuse_cancel(self, charge, refusal):
        if self.status(charge) == "CHARGED" and not charge.cancelled:
            charge.cancelled = charge.amount
        return super().refuse_cancel(charge, refusal)

    def status_of_money(self, charge):
        return "CHARGED" if charge.captured == charge.authorized else super().status_of_money(charge)


@faulty(TWO_FACED, "INV-1 INV-4", cancel, cancel)
class SecondCancelReleasesAgain(Recurring):
    """A second cancel is refused, and counted as released once more."""

    def refuse_cancel(self, charge, refusal):
        if charge.is_reserved and charge.cancelled and self.status(charge) == "CANCELLED":
            charge.cancelled += charge.authorized
        return super().refuse_cancel(charge, refusal)

    def status_of_money(self, charge):
        return "CANCELLED" if charge.cancelled > charge.authorized else super().status_of_money(charge)


@faulty(NARROW, "INV-1", cancel, cancel, cancel)
class ThirdCancelIsLoggedAgain(Recurring):
    """The third cancel of a charge is refused and leaves one more event."""

    def refuse_cancel(self, charge, refusal):
        if self.status(charge) == "CANCELLED" and len(charge.cancel_times) == 3:
            charge.entries.append(charge.latest)
        return super().refuse_cancel(charge, refusal)


@faulty(NARROW, "INV-10", cancel, market=Market.DK)
class CancelledChargeInKroner(Recurring):
    """A charge that was cancelled is shown in Norwegian kroner, which only other markets notice."""

    def view(self, charge):
        view = super().view(charge)
        return {**view, "currency": "NOK"} if charge.cancelled else view
