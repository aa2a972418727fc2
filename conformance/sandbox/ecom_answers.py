"""How eCom shows a payment: responses to a cancel, details, history.

Written from the eCom guide of November 2023 and its
description 2.0.3.
"""

from __future__ import annotations

from conformance.domain.messages import Response
from conformance.sandbox.api_base import ApiBase
from conformance.sandbox.payment import Entry, EntryKind, Payment
from conformance.sandbox.wire import JsonObject, json_response

PAYMENT_INSTRUMENT = "Mastercard"
BANK_IDENTIFICATION_NUMBER = 541333

OPERATIONS = {
    EntryKind.CREATE: "INITIATE",
    EntryKind.RESERVE: "RESERVE",
    EntryKind.SALE: "SALE",
    EntryKind.CAPTURE: "CAPTURE",
    EntryKind.REFUND: "REFUND",
    EntryKind.STOP: "CANCEL",
    EntryKind.RELEASE: "VOID",
    EntryKind.REJECT: "CANCEL",
    EntryKind.EXPIRE: "CANCEL",
}
USER_ENDINGS = (EntryKind.REJECT, EntryKind.EXPIRE)


class EcomAnswers(ApiBase):
    """Shows payments as eCom does."""

    def cancel_answer(self, order: Payment, text: str, released: int) -> Response:
        """Return the response to a cancel that succeeded."""
        info: JsonObject = {
            "amount": self.cancel_amount(order, released),
            "status": self.cancel_status(order),
            "timeStamp": order.shown(order.latest.at),
            "transactionText": text,
        }
        payload: JsonObject = {"orderId": order.id, "transactionInfo": info, "transactionSummary": self.summary(order)}
        if order.is_reserved:
            info["transactionId"] = order.latest.reference
            payload["paymentInstrument"] = PAYMENT_INSTRUMENT
        return json_response(200, self.dressed(payload))

    def cancel_amount(self, order: Payment, released: int) -> int:
        """Return the amount in the response to a cancel.

        It is what was ordered, as in the documented example.
        """
        return released if self.options.released_amount_in_answer and order.captured else order.amount

    def cancel_status(self, order: Payment) -> str:
        """Return the name of the state in a cancel answer."""
        return self.options.state_spelling

    def transaction_info(self, order: Payment, entry: Entry, amount: int, status: str) -> JsonObject:
        """Return what an answer to capture or refund says about the transaction."""
        return {
            "amount": amount,
            "status": status,
            "timeStamp": order.shown(entry.at),
            "transactionId": entry.reference,
            "transactionText": entry.text,
        }

    def summary(self, order: Payment) -> JsonObject:
        """Return the four sums of a payment.

        What a refund may still give back is captured less refunded.
        """
        return {
            "capturedAmount": order.captured,
            "refundedAmount": order.refunded,
            "remainingAmountToCapture": order.remaining,
            "remainingAmountToRefund": order.refundable,
        }

    def view(self, order: Payment) -> JsonObject:
        """Return a payment's details. The sums are there once it was reserved."""
        view: JsonObject = {"orderId": order.id}
        if order.is_reserved:
            view["transactionSummary"] = self.details_summary(order)
        view["transactionLogHistory"] = self.log(order)
        return view

    def details_summary(self, order: Payment) -> JsonObject:
        """Return the sums as the details show them."""
        return {**self.summary(order), "bankIdentificationNumber": BANK_IDENTIFICATION_NUMBER}

    def log(self, order: Payment) -> list[JsonObject]:
        """Return the whole history, newest first."""
        return [self.log_entry(order, entry) for entry in reversed(self.shown_entries(order))]

    def shown_entries(self, order: Payment) -> list[Entry]:
        """Return the entries that the details show."""
        if self.options.user_end_entry:
            return order.entries
        return [entry for entry in order.entries if entry.kind not in USER_ENDINGS]

    def log_entry(self, order: Payment, entry: Entry) -> JsonObject:
        """Return one entry of the history."""
        shown: JsonObject = {
            "amount": entry.amount,
            "operation": self.operation_name(order, entry),
            "operationSuccess": entry.success,
            "timeStamp": order.shown(entry.at),
            "transactionId": entry.reference,
            "transactionText": entry.text,
        }
        if entry.key is not None:
            shown["requestId"] = entry.key
        return shown

    def operation_name(self, order: Payment, entry: Entry) -> str:
        """Return eCom's name for an entry.

        A cancel is ``VOID`` after a reservation and ``CANCEL`` before.
        """
        return OPERATIONS[entry.kind]
