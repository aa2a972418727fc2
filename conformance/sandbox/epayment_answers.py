"""How ePayment shows a payment, its events, and why something was refused.

Written from the ePayment guide, its description 1.8.1 and the page on errors.
"""

from __future__ import annotations

from conformance.domain.messages import Response
from conformance.sandbox.api_base import ApiBase
from conformance.sandbox.payment import Entry, EntryKind, Payment, Stage
from conformance.sandbox.wire import (
    REASONS,
    Fault,
    JsonObject,
    ProviderRequest,
    Refusal,
    json_response,
    problem_response,
)

STATES = {
    Stage.INITIATED: "CREATED",
    Stage.IN_3DS: "CREATED",
    Stage.RESERVED: "AUTHORIZED",
    Stage.CANCELLED: "TERMINATED",
    Stage.REJECTED: "ABORTED",
    Stage.EXPIRED: "EXPIRED",
}
EVENTS = {
    EntryKind.CREATE: "CREATED",
    EntryKind.RESERVE: "AUTHORIZED",
    EntryKind.SALE: "CAPTURED",
    EntryKind.CAPTURE: "CAPTURED",
    EntryKind.REFUND: "REFUNDED",
    EntryKind.STOP: "TERMINATED",
    EntryKind.RELEASE: "CANCELLED",
    EntryKind.REJECT: "ABORTED",
    EntryKind.EXPIRE: "EXPIRED",
}


class EPaymentAnswers(ApiBase):
    """Shows payments as ePayment does."""

    NAME = "epayment"

    # Refusals

    def refuse(self, call: ProviderRequest, refusal: Refusal) -> Response:
        """Return a refusal as a problem document."""
        payload: JsonObject = {
            "type": self.problem_type(refusal),
            "title": REASONS[refusal.status],
            "status": refusal.status,
            "detail": refusal.reason,
            "instance": call.path,
            "traceId": self.ids.uuid(),
        }
        details = self.extra_details(refusal)
        if details:
            payload["extraDetails"] = details
        return problem_response(refusal.status, self.dressed(payload))

    def problem_type(self, refusal: Refusal) -> str:
        """Return the problem's type.

        It names the HTTP status, or by the older interpretation the error.
        """
        if self.options.error_identity == "type-only" and refusal.code:
            return f"https://developer.vippsmobilepay.com/docs/APIs/epayment-api/errors#{refusal.code}"
        return f"https://httpstatuses.io/{refusal.status}"

    def extra_details(self, refusal: Refusal) -> list[JsonObject]:
        """Return the error code, or the faults of a request that is not as documented."""
        if refusal.faults:
            return [{"name": fault.field, "reason": fault.reason} for fault in refusal.faults]
        if refusal.code and self.options.error_identity == "codes":
            return [{"name": "ErrorCode", "reason": refusal.code}]
        return []

    def invalid(self, faults: tuple[Fault, ...]) -> Refusal:
        """Return a refusal with status 400, the faults and no error code."""
        return Refusal(400, "", "The request is not as documented", faults=faults)

    def missing(self, header: str) -> Refusal:
        """Return the refusal of a request without a required header: code 4140."""
        return Refusal(400, "4140", f"The header {header} is missing")

    def unknown(self) -> Refusal:
        """Return a refusal with status 404, code 5090."""
        return Refusal(404, "5090", "This sales unit has no such payment")

    def key_conflict(self, key: str) -> Refusal:
        """Return a refusal with status 409, code 4020."""
        return Refusal(409, "4020", f"The idempotency key {key!r} was used for another request")

    def refusal_of(self, code: str, reason: str) -> Refusal:
        """Return a refusal on the state of the payment."""
        return Refusal(self.options.epayment_refusal_status, code, reason)

    # Payments

    def cancel_answer(self, order: Payment) -> Response:
        """Return the response to a cancel that succeeded."""
        return json_response(200, self.dressed(self.modification(order)))

    def modification(self, order: Payment) -> JsonObject:
        """Return the payment as responses to cancel, capture and refund have it.

        Its pspReference is the creation's.
        """
        return {
            "amount": self.money(order, order.amount),
            "state": self.state(order),
            "aggregate": self.aggregate(order),
            "pspReference": order.reference,
            "reference": order.id,
        }

    def view(self, order: Payment) -> JsonObject:
        """Return the payment as it is read."""
        view = self.modification(order)
        view["paymentMethod"] = {"type": "WALLET"}
        view["profile"] = {}
        view["redirectUrl"] = self.redirect_url(order)
        return view

    def state(self, order: Payment) -> str:
        """Return the state; once authorized, it stays so whatever happens to the money."""
        return STATES[order.stage]

    def aggregate(self, order: Payment) -> JsonObject:
        """Return the four sums.

        A payment cancelled before its authorization counts as cancelled in full.
        """
        return {
            "authorizedAmount": self.money(order, order.authorized),
            "cancelledAmount": self.money(order, order.cancelled),
            "capturedAmount": self.money(order, order.captured),
            "refundedAmount": self.money(order, order.refunded),
        }

    def money(self, order: Payment, value: int) -> JsonObject:
        """Return an amount of the payment's currency."""
        return {"currency": order.currency, "value": value}

    def redirect_url(self, order: Payment) -> str:
        """Return where the user would approve."""
        return f"https://landing.apitest.vipps.no/payment/{order.reference}"

    def events(self, order: Payment) -> list[JsonObject]:
        """Return the event log."""
        events = [self.event(order, entry) for entry in order.entries]
        if self.options.events_order == "newest-first":
            events.reverse()
        return events

    def event(self, order: Payment, entry: Entry) -> JsonObject:
        """Return one event, with a pspReference of its own."""
        return self.dressed(
            {
                "reference": order.id,
                "pspReference": entry.reference,
                "name": self.event_name(order, entry),
                "amount": self.money(order, entry.amount),
                "timestamp": order.shown(entry.at),
                "idempotencyKey": entry.key,
                "success": entry.success,
            }
        )

    def event_name(self, order: Payment, entry: Entry) -> str:
        """Return ePayment's name for an entry."""
        return EVENTS[entry.kind]
