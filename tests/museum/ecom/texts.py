"""Faulty eCom: the flag as the text "true" or "false"."""

from __future__ import annotations

from conformance.sandbox import Ecom
from conformance.sandbox.wire import RefusedError

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, broken, capture

FLAG = "shouldReleaseRemainingFunds"


def is_text(call):
    """Tell whether the flag of a cancel is a text."""
    return isinstance(call.body().get(FLAG), str)


@faulty(BLATANT, "EC-08 KB-07 INV-7", approve, capture(500), broken("flag-as-text", flag=False))
class AnyTextIsTrue(Ecom):
    """A flag that is a text counts as true, whatever it says."""

    def release_flag(self, check):
        text = check.body.get(FLAG)
        return bool(text) if isinstance(text, str) else super().release_flag(check)


@faulty(TWO_FACED, "INV-1", approve, broken("flag-as-text", flag=True))
class RefusedTextReleases(Ecom):
    """A cancel whose flag is a text is refused, after the money was released."""

    def cancel(self, call):
        order = self.find(self.options.msn, call.params[0])
        if is_text(call) and order is not None and order.remaining:
            self.release(order)
        return super().cancel(call)


@faulty(TWO_FACED, "EC-07 INV-2 KB-06", approve, capture(500), broken("flag-as-text", flag=True))
class TextSaysReleasedAndIsNot(Ecom):
    """A cancel with the flag as the text true answers as if the rest was released, and keeps it."""

    def release_flag(self, check):
        text = check.body.get(FLAG)
        return text == "true" if isinstance(text, str) else super().release_flag(check)

    def cancel(self, call):
        order = self.find(self.options.msn, call.params[0])
        kept = is_text(call) and order is not None and order.captured > 0
        before = (order.cancelled, list(order.entries)) if kept else None
        response = super().cancel(call)
        if kept:
            order.cancelled, order.entries = before
        return response


@faulty(NARROW, "EC-03 INV-2", approve, broken("flag-as-text", flag=False))
class TextFalseReleasesHalf(Ecom):
    """A cancel of a reserved payment with the flag as the text false releases a half of it."""

    halved = False

    def release_flag(self, check):
        text = check.body.get(FLAG)
        self.halved = text == "false"
        return text == "true" if isinstance(text, str) else super().release_flag(check)

    def releasable(self, order):
        return order.remaining // 2 if self.halved and not order.captured else order.remaining


@faulty(NARROW, "INV-1 INV-6", approve, capture(500), broken("flag-as-text", flag=True))
class TextRefusedAndCapturesTheRest(Ecom):
    """A cancel of a partly captured payment whose flag is a text is refused, and the rest is captured."""

    def cancel(self, call):
        try:
            return super().cancel(call)
        except RefusedError:
            order = self.find(self.options.msn, call.params[0])
            if is_text(call) and order is not None and order.captured and order.remaining:
                self.capture_money(order, order.remaining)
            raise
