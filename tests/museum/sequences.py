"""What goes wrong in orders of steps, for all APIs: after a refusal, between two uses of a key, in time, and in large.

Each class here is one half of a fault: it stands before the API that it makes faulty.
"""

from __future__ import annotations

import struct

from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import RefusedError


def is_cancel(handler):
    return handler == "carry_out_cancel_request"


def single(amount):
    """Return what a binary fraction of single precision makes of an amount."""
    return int(struct.unpack("f", struct.pack("f", amount))[0])


def in_hundredths(amount):
    """Return an amount that was kept in hundredths in 32 bits on its way."""
    wrapped = amount * 100 & 0xFFFFFFFF
    return max((wrapped - (1 << 32) if wrapped >> 31 else wrapped) // 100, 0)


class Marking:
    """Keeps a note of orders and keys."""

    def __init__(self, shared):
        super().__init__(shared)
        self.marks = {}

    def no(self, order):
        """Return a refusal of a cancel in this API's words."""
        if self.NAME == "ecom":
            return self.payment_refusal("52", "The payment cannot be cancelled now")
        if self.NAME == "epayment":
            return self.refusal_of("6190", "The payment cannot be cancelled now")
        return self.refusal_of("cancel-charge-failed", order, "The charge cannot be cancelled now")


# A refused request, and what comes after it


class MarksOverCaptures(Marking):
    """Notes which orders were asked for more than was reserved."""

    def refusal_for_capture(self, order, amount):
        refusal = super().refusal_for_capture(order, amount)
        if refusal is not None and order.remaining and amount > order.remaining:
            self.marks[order.id] = amount
        return refusal


class MarksOverRefunds(Marking):
    """Notes which orders were asked to give back more than was captured."""

    def refusal_for_refund(self, order, amount):
        refusal = super().refusal_for_refund(order, amount)
        if refusal is not None and amount > order.refundable:
            self.marks[order.id] = amount
        return refusal


class BlocksWhatIsMarked:
    """Cancels no order that is noted."""

    def refusal_for_cancel(self, order, **flags):
        refusal = super().refusal_for_cancel(order, **flags)
        marked = order.id in self.marks and order.remaining
        return self.no(order) if refusal is None and marked else refusal


class KeepsAPartOfWhatIsMarked:
    """Releases one unit too few of an order that is noted."""

    def releasable(self, order):
        amount = super().releasable(order)
        return amount - 1 if order.id in self.marks and amount > 1 else amount


class RefusesAfterABadRequest(Marking):
    """A cancel that was refused for its form leaves the order locked for good."""

    def serve(self, call, handler):
        response = super().serve(call, handler)
        if handler == "cancel" and response.status == 400 and call.params:
            order = self.find(self.options.msn, call.params[-1])
            if order is not None and order.remaining and order.id not in self.marks:
                self.marks[order.id] = self.is_formal(response)
        return response

    def is_formal(self, response):
        """Return whether a refusal is about the form of the request."""
        formal = {"ecom": b"InvalidRequest", "epayment": b"must be", "recurring": b"dempotency"}
        return formal[self.NAME] in response.body

    def refusal_for_cancel(self, order, **flags):
        refusal = super().refusal_for_cancel(order, **flags)
        return self.no(order) if refusal is None and self.marks.get(order.id) and order.remaining else refusal


# Money in time


def released_at(order):
    """Return when something was released, long before the provider itself would have done it."""
    entries = (entry.at for entry in order.entries if entry.kind is EntryKind.RELEASE)
    return next((moment for moment in entries if moment - order.reserved_at < 100 * DAY), None)


class CapturableAgain:
    """What was released can be captured again after some days."""

    DAYS = range(7, 100)
    WHOLE = REST = True

    def refusal_for_capture(self, order, amount):
        moment = released_at(order)
        meant = self.REST if order.captured else self.WHOLE
        if meant and moment is not None and int(self.days_since(order, moment)) in self.DAYS:
            if amount > order.cancelled:
                return super().refusal_for_capture(order, amount)
            order.cancelled -= amount
            return None
        return super().refusal_for_capture(order, amount)


class RefundRefusedInBetween:
    """A refund after a release is refused for some days."""

    def is_refund_too_late(self, order):
        days = int(self.days_since(order, order.reserved_at))
        return bool(order.cancelled and 14 < days < 40) or super().is_refund_too_late(order)


class RefundCountedTwiceInBetween:
    """A refund in the third or fourth month is counted twice, if something was released."""

    def refund_money(self, order, amount, **named):
        entry = super().refund_money(order, amount, **named)
        if order.cancelled and 60 <= self.days_since(order, order.reserved_at) < 120:
            order.refunded += amount
        return entry


# Large amounts


class SinglePrecision:
    """What is released is computed in single precision."""

    def releasable(self, order):
        return single(order.authorized) - single(order.captured) - single(order.cancelled)


class Hundredths:
    """What is released is kept in hundredths in 32 bits."""

    def releasable(self, order):
        return in_hundredths(super().releasable(order))


# Between two uses of a key (ePayment and Recurring)


class Keyed(Marking):
    """Runs a request whose key is known once more."""

    def anew(self, call, key, handler):
        try:
            return getattr(self, handler)(call, key)
        except RefusedError as refused:
            return self.refuse(call, refused.refusal)


class ReplayRestores(Keyed):
    """The amounts of an order are put back to those of the first answer when its cancel is sent again."""

    def carry_out_cancel(self, order, key):
        self.marks[key] = order.refunded
        return super().carry_out_cancel(order, key)

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and key in self.marks:
            self.need(call).refunded = self.marks[key]
        return earlier


class ForgetsAfterHalfAnHour(Keyed):
    """A key of a cancel is forgotten after half an hour."""

    SECONDS = 1800

    def carry_out_cancel_request(self, call, key):
        order = self.need(call)
        self.marks[key] = self.moment(order)
        return super().carry_out_cancel_request(call, key)

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and key in self.marks and self.moment(self.need(call)) - self.marks[key] >= self.SECONDS:
            return self.anew(call, key, handler)
        return earlier


class KnowsTheLastKeyOnly(Keyed):
    """Of the keys of an order's cancels the last one is remembered."""

    def carry_out_cancel_request(self, call, key):
        self.marks[self.need(call).id] = key
        return super().carry_out_cancel_request(call, key)

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and self.marks.get(self.need(call).id) != key:
            return self.anew(call, key, handler)
        return earlier


class ConflictAfterMoney(Keyed):
    """A key of a cancel is a conflict once a refund came after it."""

    def refund_money(self, order, amount, **named):
        self.marks[order.id] = True
        return super().refund_money(order, amount, **named)

    def carry_out_cancel_request(self, call, key):
        self.marks.pop(self.need(call).id, None)
        return super().carry_out_cancel_request(call, key)

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and self.need(call).id in self.marks:
            return self.refuse(call, self.key_conflict(key))
        return earlier


class ReplayOfARefusalReleases(Keyed):
    """A refused cancel that is sent again once the order allows it is refused again, and carried out."""

    def replay(self, call, key, handler, earlier):
        order = self.need(call) if is_cancel(handler) else None
        if order is not None and earlier.status >= 400 and order.is_reserved and order.captured and order.remaining:
            self.release(order)
        return earlier
