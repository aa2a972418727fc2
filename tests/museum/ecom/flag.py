"""Faulty eCom: the release flag and the captured part."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Ecom
from conformance.sandbox.payment import EntryKind

from ..fault import BLATANT, NARROW, faulty
from ..steps import approve, cancel, capture, flagged, unflagged


def captures(order):
    return sum(entry.kind is EntryKind.CAPTURE for entry in order.entries)


@faulty(BLATANT, "EC-08 INV-7 KB-07 KB-09", approve, capture(500), cancel)
class PartialCaptureNeedsNoFlag(Ecom):
    """The rest of a partly captured payment is released without the flag."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(order, release_rest=release_rest or order.remaining > 0)


@faulty(BLATANT, "EC-08 INV-7 KB-07 KB-09", approve, capture(500), cancel)
class AbsentFlagTakenAsTrue(Ecom):
    """A cancel without the flag is treated as one that sets it."""

    def release_flag(self, check):
        return check.flag("shouldReleaseRemainingFunds", default=True)


@faulty(NARROW, "EC-08 INV-7 KB-07", approve, capture(500), unflagged)
class FlagPresenceTakenAsTrue(Ecom):
    """The flag counts as set as soon as it is there, whatever its value."""

    def release_flag(self, check):
        return check.has("shouldReleaseRemainingFunds")


@faulty(NARROW, "EC-08 INV-7 KB-07 KB-09", approve, capture(100), cancel, amount=2000)
class FlagNotNeededUnderATenth(Ecom):
    """The rest is released without the flag while less than a tenth is captured."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(order, release_rest=release_rest or 0 < order.captured * 10 < order.amount)


@faulty(NARROW, "EC-08 INV-7 KB-07 KB-09", approve, capture(500), capture(200), capture(100), cancel)
class FlagNotNeededAtTheThirdCapture(Ecom):
    """The rest is released without the flag after exactly three captures."""

    def refusal_for_captured(self, order, *, release_rest):
        third = order.remaining > 0 and captures(order) == 3
        return super().refusal_for_captured(order, release_rest=release_rest or third)


@faulty(BLATANT, "EC-07 KB-06 KB-10", approve, capture(500), flagged)
class FlagRefused(Ecom):
    """A partly captured payment cannot be cancelled at all."""

    def refusal_for_captured(self, order, *, release_rest):
        return super().refusal_for_captured(order, release_rest=release_rest and order.remaining == 0)


@faulty(BLATANT, "EC-03 KB-01", approve, cancel)
class ReservedRefused(Ecom):
    """A payment can be cancelled before its approval and after a capture, and not in between."""

    def refusal_for_cancel(self, order, *, release_rest):
        if order.is_reserved and not order.captured and not order.cancelled:
            return self.vipps_refusal("91", "The payment is reserved")
        return super().refusal_for_cancel(order, release_rest=release_rest)


@faulty(BLATANT, "EC-09 KB-08 KB-09", approve, capture(1000), cancel)
class FullCaptureCancelled(Ecom):
    """A fully captured payment answers a cancel without the flag with success."""

    def refusal_for_captured(self, order, *, release_rest):
        return None if order.remaining == 0 else super().refusal_for_captured(order, release_rest=release_rest)


@faulty(NARROW, "EC-09 KB-08", approve, capture(1000), unflagged)
class FullCaptureCancelledWithFalse(Ecom):
    """A fully captured payment answers a cancel whose flag is false with success."""

    def release_flag(self, check):
        self.said_no = check.body.get("shouldReleaseRemainingFunds") is False
        return super().release_flag(check)

    said_no = False

    def refusal_for_captured(self, order, *, release_rest):
        if order.remaining == 0 and self.said_no:
            return None
        return super().refusal_for_captured(order, release_rest=release_rest)


@faulty(NARROW, "EC-09", approve, capture(1000), cancel)
class FullCaptureHasAnotherCode(Ecom):
    """A cancel of a fully captured payment is refused with the code of one that has ended."""

    def refusal_for_captured(self, order, *, release_rest):
        refusal = super().refusal_for_captured(order, release_rest=release_rest)
        if refusal is not None and order.remaining == 0 and not release_rest:
            return dataclasses.replace(refusal, code="52")
        return refusal


@faulty(NARROW, "EC-10", approve, capture(1000), flagged)
class FullCaptureWithFlagHasAnotherCode(Ecom):
    """A cancel with the flag of a fully captured payment is refused as too old, which it is not."""

    def refusal_for_captured(self, order, *, release_rest):
        refusal = super().refusal_for_captured(order, release_rest=release_rest)
        if refusal is not None and order.remaining == 0 and release_rest:
            return dataclasses.replace(refusal, code="98")
        return refusal


@faulty(BLATANT, "INV-3 INV-6", approve, capture(1000), flagged)
class FlagRefundsTheFullCapture(Ecom):
    """A cancel with the flag of a fully captured payment answers success and gives the money back."""

    def refusal_for_captured(self, order, *, release_rest):
        if order.remaining == 0 and release_rest:
            order.refunded = order.captured
            return None
        return super().refusal_for_captured(order, release_rest=release_rest)
