"""Faulty ePayment that nobody planned for."""

from __future__ import annotations

from conformance.sandbox import EPayment
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind, Stage
from conformance.sandbox.wire import RefusedError

from ..steps import again, approve, cancel, capture, days, enter, flagged, leave, refund
from .registry import unplanned


def captures(order):
    """Return the amounts of an order's captures."""
    return [entry.amount for entry in order.entries if entry.kind is EntryKind.CAPTURE]


@unplanned(approve, capture(100), capture(100), capture(150), cancel)
class ThreeCapturesReleaseWholeUnits(EPayment):
    """After three captures the remainder is taken from a report in whole kroner, and the rest of it stays reserved."""

    def releasable(self, order):
        remaining = order.remaining
        return remaining // 100 * 100 if len(captures(order)) > 2 else remaining


@unplanned(approve, flagged, capture(400), cancel)
class RefusalIsCachedUntilTheEnd(EPayment):
    """The refusal of a cancel with the flag is cached for the payment, and given again once something was captured."""

    def __init__(self, shared):
        super().__init__(shared)
        self.cached = {}

    def refusal_for_authorized(self, order, *, transaction_only):
        refusal = super().refusal_for_authorized(order, transaction_only=transaction_only)
        if refusal is not None and transaction_only:
            self.cached[order.id] = refusal
        return refusal or (self.cached.get(order.id) if order.captured else None)


@unplanned(approve, capture(1100), capture(400), cancel)
class RefusedCaptureLeavesASnapshot(EPayment):
    """A refused capture leaves a snapshot of the remainder behind, which the cancel releases without a look at later
    captures.
    """

    def __init__(self, shared):
        super().__init__(shared)
        self.snapshots = {}

    def refusal_for_capture(self, order, amount):
        refusal = super().refusal_for_capture(order, amount)
        if refusal is not None and order.is_reserved and not order.cancelled:
            self.snapshots[order.id] = order.remaining
        return refusal

    def releasable(self, order):
        return self.snapshots.get(order.id, order.remaining)


@unplanned(approve, capture(400), cancel, refund(200), again)
class RetryRestoresTheSums(EPayment):
    """A cancel that is sent again with its key writes the sums of its first answer back: a refund since is lost."""

    def __init__(self, shared):
        super().__init__(shared)
        self.refunded = {}

    def release(self, order, *, text="", key=None):
        self.refunded[order.id] = order.refunded
        return super().release(order, text=text, key=key)

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request" and earlier.status == 200:
            order = self.need(call)
            order.refunded = self.refunded.get(order.id, order.refunded)
        return earlier


@unplanned(enter, leave, flagged)
class SessionCacheSaysCreated(EPayment):
    """A cache has a payment as created after its 3-D Secure session: the flag does not protect its reservation."""

    def __init__(self, shared):
        super().__init__(shared)
        self.sessions = set()

    def act(self, order, action):
        if action == "start_3ds":
            self.sessions.add(order.id)
        return super().act(order, action)

    def carry_out_cancel_request(self, call, key):
        order = self.find(call.msn, self.payment_id(call))
        self.stale = order is not None and order.id in self.sessions and order.stage is Stage.RESERVED
        return super().carry_out_cancel_request(call, key)

    def transaction_only_flag(self, check):
        return super().transaction_only_flag(check) and not self.stale


@unplanned(approve, capture(400), days(91), cancel)
class CapturesAreArchived(EPayment):
    """Captures older than ninety days are in the archive, and a cancel releases their amounts as well."""

    def releasable(self, order):
        now = self.moment(order)
        taken = [e.amount for e in order.entries if e.kind is EntryKind.CAPTURE and now - e.at <= 90 * DAY]
        return order.authorized - sum(taken) if order.remaining else 0


@unplanned(approve, capture(400), refund(100), cancel)
class CancelAnswersWithTheRefundsReference(EPayment):
    """The answer to a cancel after a refund has the refund's pspReference."""

    def carry_out_cancel(self, order, key):
        refunds = [entry.reference for entry in order.entries if entry.kind is EntryKind.REFUND]
        if not refunds:
            return super().carry_out_cancel(order, key)
        creation, order.reference = order.reference, refunds[-1]
        try:
            return super().carry_out_cancel(order, key)
        finally:
            order.reference = creation


@unplanned(approve, cancel, capture(100), again)
class RetryAfterARefusedCaptureIsLogged(EPayment):
    """A cancel that is sent again with its key leaves a second event if a capture was refused in between."""

    def __init__(self, shared):
        super().__init__(shared)
        self.refused = set()

    def carry_out_capture(self, call, key):
        try:
            return super().carry_out_capture(call, key)
        except RefusedError:
            self.refused.add(self.payment_id(call))
            raise

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request" and earlier.status == 200:
            order = self.need(call)
            if order.id in self.refused:
                self.refused.discard(order.id)
                order.entries.append(next(e for e in reversed(order.entries) if e.kind in (EntryKind.RELEASE,)))
        return earlier


@unplanned(cancel, days(1))
class ExpiryJobTakesCancelledPayments(EPayment):
    """The job that ends payments at their expiry takes those as well that were cancelled before their approval."""

    def settle(self, order):
        super().settle(order)
        if order.stage is Stage.CANCELLED and self.is_window_over(order):
            order.stage = Stage.EXPIRED


@unplanned(approve, capture(300), capture(300), cancel)
class EqualCapturesAreJoinedIntoOne(EPayment):
    """The remainder comes from a query that counts captures of equal amount once."""

    def releasable(self, order):
        return order.authorized - sum(set(captures(order))) if order.remaining else 0
