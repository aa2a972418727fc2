"""Faulty eCom: what the user does, and 3-D Secure."""

from __future__ import annotations

from conformance.sandbox import Ecom
from conformance.sandbox.payment import EntryKind, Stage

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days, enter, expire, flagged, leave, reject


@faulty(BLATANT, "KB-05 EC-06", enter, cancel)
class CancelledIn3DSecure(Ecom):
    """A payment is cancelled while its user is in 3-D Secure."""

    def refusal_in_3ds(self, order):
        return None


@faulty(NARROW, "KB-05 EC-06", enter, flagged)
class CancelledIn3DSecureWithTheFlag(Ecom):
    """With the release flag a payment is cancelled while its user is in 3-D Secure."""

    def refusal_for_cancel(self, order, *, release_rest):
        self.release_rest = release_rest
        return super().refusal_for_cancel(order, release_rest=release_rest)

    release_rest = False

    def refusal_in_3ds(self, order):
        return None if self.release_rest else super().refusal_in_3ds(order)


@faulty(TWO_FACED, "KB-05 EC-06", enter, cancel)
class RefusedIn3DSecureAndCancelled(Ecom):
    """A cancel during 3-D Secure is refused, and the payment is cancelled all the same."""

    def refusal_in_3ds(self, order):
        self.release(order)
        return super().refusal_in_3ds(order)


@faulty(TWO_FACED, "INV-1", enter, cancel, leave)
class RefusedIn3DSecureAndDoneAfterwards(Ecom):
    """A cancel during 3-D Secure is refused, and carried out as soon as the payment is reserved."""

    def __init__(self, shared):
        super().__init__(shared)
        self.waiting = set()

    def refusal_in_3ds(self, order):
        self.waiting.add(order.id)
        return super().refusal_in_3ds(order)

    def reserve(self, order):
        super().reserve(order)
        if order.id in self.waiting:
            self.release(order)


@faulty(TWO_FACED, "INV-1", approve, capture(500), cancel, days(1))
class RefusedRemainderReleasedOvernight(Ecom):
    """A cancel that lacks the release flag is refused, and the remainder is released a day later."""

    def __init__(self, shared):
        super().__init__(shared)
        self.refused = {}

    def refuse_cancel(self, call, order, refusal):
        if order.remaining and not order.cancelled:
            self.refused.setdefault(order.id, self.moment(order))
        return super().refuse_cancel(call, order, refusal)

    def settle(self, order):
        super().settle(order)
        since = self.refused.get(order.id)
        if since is not None and order.remaining and self.moment(order) - since >= 86_400:
            self.release(order)


@faulty(BLATANT, "KB-12 EC-15", reject)
class RejectionNamedRejected(Ecom):
    """The history calls the user's rejection REJECTED."""

    def operation_name(self, order, entry):
        return "REJECTED" if entry.kind is EntryKind.REJECT else super().operation_name(order, entry)


@faulty(BLATANT, "KB-12 EC-16", expire)
class TimeoutNamedTimeout(Ecom):
    """The history calls the end of the user's time TIMEOUT."""

    def operation_name(self, order, entry):
        return "TIMEOUT" if entry.kind is EntryKind.EXPIRE else super().operation_name(order, entry)


@faulty(NARROW, "KB-12 EC-16", enter, expire)
class TimeoutIn3DSecureFails(Ecom):
    """A payment that times out in 3-D Secure is said to have failed."""

    def act(self, order, action):
        if action == "expire" and order.stage is Stage.IN_3DS:
            self.failed.add(order.id)
        return super().act(order, action)

    def operation_name(self, order, entry):
        if entry.kind is EntryKind.EXPIRE and order.id in self.failed:
            return "FAILED"
        return super().operation_name(order, entry)

    def __init__(self, shared):
        super().__init__(shared)
        self.failed = set()
