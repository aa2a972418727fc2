"""Faulty ePayment: what the user does, 3-D Secure, and payments that have ended."""

from __future__ import annotations

from conformance.sandbox import EPayment
from conformance.sandbox.payment import Stage

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, enter, expire, leave, reject


@faulty(BLATANT, "EP-09 KB-05", enter, cancel)
class CancelledIn3DSecure(EPayment):
    """A payment is cancelled while its user is in 3-D Secure."""

    def refusal_in_3ds(self, order):
        return None


@faulty(TWO_FACED, "EP-09 KB-05", enter, cancel)
class RefusedIn3DSecureAndCancelled(EPayment):
    """A cancel during 3-D Secure is refused, and the payment is cancelled all the same."""

    def refusal_in_3ds(self, order):
        self.release(order)
        return super().refusal_in_3ds(order)


@faulty(TWO_FACED, "INV-1", enter, cancel, leave)
class RefusedIn3DSecureAndDoneAfterwards(EPayment):
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


@faulty(BLATANT, "KB-12", reject)
class AbortedNamedRejected(EPayment):
    """A payment that its user rejected has the name that eCom's callbacks give it."""

    def state(self, order):
        return "REJECTED" if order.stage is Stage.REJECTED else super().state(order)


@faulty(BLATANT, "KB-12 EP-39", expire)
class ExpiredNamedAborted(EPayment):
    """A payment that timed out is ABORTED."""

    def state(self, order):
        return "ABORTED" if order.stage is Stage.EXPIRED else super().state(order)


@faulty(NARROW, "KB-12 EP-39", enter, expire)
class ExpiredIn3DSecureNamedAborted(EPayment):
    """A payment that timed out in 3-D Secure is ABORTED, and EXPIRED elsewhere."""

    def __init__(self, shared):
        super().__init__(shared)
        self.secured = set()

    def act(self, order, action):
        if action == "start_3ds":
            self.secured.add(order.id)
        return super().act(order, action)

    def state(self, order):
        return "ABORTED" if order.stage is Stage.EXPIRED and order.id in self.secured else super().state(order)


@faulty(BLATANT, "EP-10", reject, cancel)
class AbortedNotFound(EPayment):
    """A payment that its user rejected is not found by a cancel."""

    def finished_refusal(self, order):
        return self.unknown() if order.stage is Stage.REJECTED else super().finished_refusal(order)


@faulty(BLATANT, "EP-11", expire, cancel)
class ExpiredNotFound(EPayment):
    """A payment that timed out is not found by a cancel."""

    def finished_refusal(self, order):
        return self.unknown() if order.stage is Stage.EXPIRED else super().finished_refusal(order)


@faulty(BLATANT, "EP-12", cancel, cancel)
class TerminatedNotFound(EPayment):
    """A payment that was cancelled before its approval is not found by a second cancel."""

    def finished_refusal(self, order):
        return self.unknown() if order.stage is Stage.CANCELLED else super().finished_refusal(order)


@faulty(BLATANT, "EP-13", approve, cancel, cancel)
class ReleasedNotFound(EPayment):
    """A payment whose funds were released is not found by a second cancel."""

    def finished_refusal(self, order):
        return self.unknown() if order.is_reserved else super().finished_refusal(order)


@faulty(TWO_FACED, "INV-1", reject, cancel)
class AbortedRefusedAndTerminated(EPayment):
    """A cancel of a payment that its user rejected is refused, and makes it TERMINATED."""

    def refuse_cancel(self, order, refusal):
        if order.stage is Stage.REJECTED:
            order.stage = Stage.CANCELLED
        return super().refuse_cancel(order, refusal)
