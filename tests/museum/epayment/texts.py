"""Faulty ePayment: the flag as the text "true" or "false"."""

from __future__ import annotations

from conformance.sandbox import EPayment

from ..fault import NARROW, TWO_FACED, faulty
from ..steps import approve, broken

FLAG = "cancelTransactionOnly"


@faulty(NARROW, "EP-18", broken("flag-as-text"))
class TextTakenForABoolean(EPayment):
    """The field cancelTransactionOnly may be the text true or false, and means what it says."""

    def transaction_only_flag(self, check):
        text = check.body.get(FLAG)
        return text == "true" if text in ("true", "false") else super().transaction_only_flag(check)


@faulty(TWO_FACED, "INV-1", approve, broken("flag-as-text"))
class RefusedTextReleases(EPayment):
    """A cancel whose field cancelTransactionOnly is a text is refused, after the money was released."""

    def transaction_only_flag(self, check):
        self.text = isinstance(check.body.get(FLAG), str)
        return super().transaction_only_flag(check)

    text = False

    def carry_out_cancel_request(self, call, key):
        order = self.find(call.msn, call.params[0])
        try:
            return super().carry_out_cancel_request(call, key)
        finally:
            if self.text and order is not None and order.remaining:
                self.release(order)
            self.text = False
