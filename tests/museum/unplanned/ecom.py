"""Faulty eCom that nobody planned for."""

from __future__ import annotations

from conformance.sandbox import Ecom
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind

from ..fault import KEPT
from ..steps import approve, cancel, capture, days, enter, flagged, leave, refund
from .registry import unplanned


@unplanned(approve, capture(400), cancel, cancel)
class SecondRequestConfirms(Ecom):
    """A cancel that lacks the release flag is refused once; the next one is taken as the confirmation."""

    def __init__(self, shared):
        super().__init__(shared)
        self.warned = set()

    def refusal_for_captured(self, order, *, release_rest):
        refusal = super().refusal_for_captured(order, release_rest=release_rest)
        if refusal is None or order.remaining == 0:
            return refusal
        if order.id in self.warned:
            return None
        self.warned.add(order.id)
        return refusal


@unplanned(approve, capture(400), refund(400), cancel)
class RefundedInFullCountsAsUncaptured(Ecom):
    """The check for the release flag looks at captured less refunded: refunded in full, no flag is asked for."""

    def refusal_for_captured(self, order, *, release_rest):
        if order.remaining and order.captured == order.refunded:
            return None
        return super().refusal_for_captured(order, release_rest=release_rest)


@unplanned(approve, capture(400), flagged, refund(100), refund(100))
class SecondRefundAfterCancelIsStale(Ecom):
    """The sums are cached at the first change after a cancel, and are not renewed by the second refund."""

    def __init__(self, shared):
        super().__init__(shared)
        self.cached = {}

    def summary(self, order):
        sums = super().summary(order)
        kinds = [entry.kind for entry in order.entries]
        if EntryKind.RELEASE not in kinds:
            return sums
        after = kinds[kinds.index(EntryKind.RELEASE) :]
        if after.count(EntryKind.REFUND) == 0:
            return sums
        return dict(self.cached.setdefault(order.id, sums))


@unplanned(approve, capture(400), refund(100), days(31), flagged)
class OldRefundsAreForgotten(Ecom):
    """A cancel sums up the refunds of the last thirty days only, and writes that sum back."""

    def release(self, order, *, text="", key=None):
        now = self.moment(order)
        recent = [one for one in order.entries if one.kind is EntryKind.REFUND and now - one.at < 30 * DAY]
        order.refunded = sum(one.amount for one in recent)
        return super().release(order, text=text, key=key)


@unplanned(enter, leave, capture(400), cancel)
class FlagDefaultsToTrueAfterThreeDs(Ecom):
    """The release flag is taken as true when it is absent, for payments that went through 3-D Secure."""

    def __init__(self, shared):
        super().__init__(shared)
        self.challenged = set()

    def act(self, order, action):
        if action == "start_3ds":
            self.challenged.add(order.id)
        return super().act(order, action)

    def cancel(self, call):
        absent = b"shouldReleaseRemainingFunds" not in call.request.body
        self.assumed = absent and self.payment_id(call) in self.challenged
        return super().cancel(call)

    def release_flag(self, check):
        return super().release_flag(check) or self.assumed


@unplanned(approve, capture(400), capture(700), flagged)
class RefusedCaptureHoldsItsAmount(Ecom):
    """A refused capture of a partially captured payment leaves a lock of 100 that the cancel does not release."""

    def __init__(self, shared):
        super().__init__(shared)
        self.locked = set()

    def refusal_for_capture(self, order, amount):
        refusal = super().refusal_for_capture(order, amount)
        if refusal is not None and order.captured and order.remaining:
            self.locked.add(order.id)
        return refusal

    def releasable(self, order):
        return order.remaining - (min(100, order.remaining) if order.id in self.locked else 0)


@unplanned(approve, days(170), capture(400), days(20), flagged, options=KEPT)
class CaptureRestartsTheAge(Ecom):
    """The 180 days in which a payment can be cancelled count from the latest capture."""

    def age_origin(self, order):
        return order.captured_at if order.captured else super().age_origin(order)


@unplanned(approve, capture(600), flagged, refund(500))
class RefundIsBoundByWhatWasReleased(Ecom):
    """After a cancel, a refund of more than the released amount is refused."""

    def refusal_for_refund(self, order, amount):
        if order.cancelled and amount > order.cancelled:
            return self.payment_refusal("71", "More than what was released")
        return super().refusal_for_refund(order, amount)


@unplanned(approve, cancel, cancel, cancel)
class ThirdCancelReservesAgain(Ecom):
    """The second refused repetition of a cancel is compensated for: the reservation is there again."""

    def __init__(self, shared):
        super().__init__(shared)
        self.repeated = {}

    def finished_refusal(self, order):
        self.repeated[order.id] = self.repeated.get(order.id, 0) + 1
        if self.repeated[order.id] == 2 and order.is_reserved:
            order.cancelled = 0
        return super().finished_refusal(order)


@unplanned(approve, capture(200), capture(200), capture(200), refund(100), flagged, refund(100))
class LogHasOnePage(Ecom):
    """The details show the five newest entries of the log, which is one page of them."""

    def shown_entries(self, order):
        return super().shown_entries(order)[-5:]
