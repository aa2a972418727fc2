"""Faulty eCom: the names of states and operations, and what stands in answers and details."""

from __future__ import annotations

from conformance.sandbox import Ecom
from conformance.sandbox.ecom_answers import BANK_IDENTIFICATION_NUMBER, PAYMENT_INSTRUMENT
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import json_response

from ..fault import BLATANT, NARROW, faulty
from ..steps import approve, cancel, capture, flagged


@faulty(BLATANT, "KB-03", cancel)
class StateNamedVoid(Ecom):
    """The answer names the state by the operation that the history has."""

    def cancel_status(self, order):
        return "Void"


@faulty(NARROW, "KB-03", approve, capture(500), flagged)
class StateOfThePartialRelease(Ecom):
    """After a partial capture the answer names the state that the payment had before its cancel."""

    def cancel_status(self, order):
        return "Captured" if order.captured else super().cancel_status(order)


@faulty(BLATANT, "EC-01", cancel)
class EarlyCancelNamedVoid(Ecom):
    """A cancel before the reservation is named VOID in the history."""

    def operation_name(self, order, entry):
        return "VOID" if entry.kind is EntryKind.STOP else super().operation_name(order, entry)


@faulty(BLATANT, "EC-03", approve, cancel)
class ReleaseNamedCancel(Ecom):
    """A cancel after the reservation is named CANCEL in the history."""

    def operation_name(self, order, entry):
        return "CANCEL" if entry.kind is EntryKind.RELEASE else super().operation_name(order, entry)


@faulty(BLATANT, "EC-38", cancel)
class HistoryOldestFirst(Ecom):
    """The history begins with the initiation."""

    def log(self, order):
        return super().log(order)[::-1]


@faulty(NARROW, "EC-38", approve, capture(500), flagged)
class CancelAppendedToTheHistory(Ecom):
    """After a partial capture the release stands at the end of the history."""

    def log(self, order):
        entries = super().log(order)
        if order.captured and entries[0]["operation"] == "VOID":
            return [*entries[1:], entries[0]]
        return entries


@faulty(BLATANT, "EC-37", cancel)
class SummaryOfNothing(Ecom):
    """A payment that was cancelled before its approval has a summary in its details."""

    def view(self, order):
        return {**super().view(order), "transactionSummary": self.summary(order)}


@faulty(NARROW, "EC-39", cancel)
class InstrumentBeforeApproval(Ecom):
    """The answer names a payment instrument that nobody has chosen yet."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        return json_response(200, {**payload, "paymentInstrument": PAYMENT_INSTRUMENT})


@faulty(BLATANT, "EC-39", cancel)
class BankNumberInTheAnswer(Ecom):
    """The cancel answer has the bank identification number, which belongs into the details alone."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        payload["transactionSummary"]["bankIdentificationNumber"] = BANK_IDENTIFICATION_NUMBER
        return json_response(200, payload)


@faulty(BLATANT, "EC-39", cancel)
class AnotherOrderInTheAnswer(Ecom):
    """The answer names the order in lower case with a prefix of the provider's own."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        return json_response(200, {**payload, "orderId": f"vipps-{order.id}".lower()})


@faulty(BLATANT, "EC-40", cancel)
class TextWithAPrefix(Ecom):
    """The answer puts a word in front of the request's text."""

    def cancel_answer(self, order, text, released):
        return super().cancel_answer(order, f"Cancelled: {text}", released)


@faulty(NARROW, "EC-40", approve, cancel)
class TextCutToItsFirstWord(Ecom):
    """After the approval the answer has the text of the request, cut to its first word."""

    def cancel_answer(self, order, text, released):
        return super().cancel_answer(order, text.partition(" ")[0] if order.is_reserved else text, released)
