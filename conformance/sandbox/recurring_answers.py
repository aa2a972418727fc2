"""How Recurring shows agreements and charges, and why something was refused.

Written from the Recurring guide, its description 3.1.2 and its page of problems.
"""

from __future__ import annotations

from conformance.domain.messages import Response
from conformance.sandbox.agreement import Agreement, Charge
from conformance.sandbox.api_base import ApiBase
from conformance.sandbox.clock import iso
from conformance.sandbox.options import Market
from conformance.sandbox.payment import Entry, EntryKind, Stage
from conformance.sandbox.wire import REASONS, Fault, JsonObject, ProviderRequest, Refusal, problem_response

PROBLEMS = "https://developer.vippsmobilepay.com/docs/APIs/recurring-api/recurring-api-problems"
COUNTRIES = {Market.NO: "NO", Market.DK: "DK", Market.FI: "FI"}
EVENTS = {
    EntryKind.CREATE: "CREATE",
    EntryKind.RESERVE: "RESERVE",
    EntryKind.CAPTURE: "CAPTURE",
    EntryKind.REFUND: "REFUND",
    EntryKind.STOP: "CANCEL",
    EntryKind.RELEASE: "CANCEL",
    EntryKind.FAIL: "FAIL",
}
STATUSES = {
    Stage.PENDING: "PENDING",
    Stage.DUE: "DUE",
    Stage.PROCESSING: "PROCESSING",
    Stage.FAILED: "FAILED",
    Stage.CANCELLED: "CANCELLED",
}


class RecurringAnswers(ApiBase):
    """Shows agreements and charges as Recurring does."""

    NAME = "recurring"

    # Refusals

    def refuse(self, call: ProviderRequest, refusal: Refusal) -> Response:
        """Return a refusal as a problem document whose type ends in the problem's id."""
        payload: JsonObject = {
            "type": f"{PROBLEMS}#{refusal.code}",
            "title": REASONS[refusal.status],
            "status": refusal.status,
            "detail": refusal.reason,
            "instance": call.path,
            "contextId": self.ids.uuid(),
        }
        if refusal.faults:
            payload["extraDetails"] = [{"name": fault.field, "reason": fault.reason} for fault in refusal.faults]
        return problem_response(refusal.status, self.dressed(payload))

    def invalid(self, faults: tuple[Fault, ...]) -> Refusal:
        """Return a refusal with status 400, problem ``validation-error``."""
        return Refusal(400, "validation-error", "The request is not as documented", faults=faults)

    def unknown(self) -> Refusal:
        """Return a refusal with status 404, problem ``resource-not-found``."""
        return Refusal(404, "resource-not-found", "This sales unit has no such agreement or charge")

    def key_conflict(self, key: str) -> Refusal:
        """Return a refusal with status 409, problem ``idempotency-conflict``."""
        return Refusal(409, "idempotency-conflict", f"The idempotency key {key!r} was used for another request")

    def refusal_of(self, problem_id: str, charge: Charge, reason: str, *, status: int | None = None) -> Refusal:
        """Return a refusal on the state of a charge.

        Its detail names the charge's status (since June 2026).
        """
        return Refusal(
            status or self.options.recurring_refusal_status,
            problem_id,
            f"{reason}. The status of the charge is {self.status(charge)}",
            transient=charge.stage is Stage.PROCESSING,
        )

    # Charges

    def view(self, charge: Charge) -> JsonObject:
        """Return a charge as it is read."""
        view: JsonObject = {
            "id": charge.id,
            "agreementId": charge.agreement_id,
            "externalId": charge.external_id,
            "amount": charge.amount,
            "currency": charge.currency,
            "description": charge.text,
            "due": charge.shown(charge.due),
            "retryDays": charge.retry_days,
            "processingMode": charge.processing_mode,
            "status": self.status(charge),
            "transactionId": None if charge.stage is Stage.PENDING else charge.reference,
            "type": charge.type,
            "transactionType": charge.transaction_type,
            "summary": self.summary(charge),
            "history": self.events(charge),
        }
        if charge.stage is Stage.FAILED:
            view["failureReason"] = "user_action_required"
            view["failureDescription"] = "The customer's card could not be used"
        return view

    def status(self, charge: Charge) -> str:
        """Return a charge's status.

        Partially captured and then cancelled, it ends as ``CHARGED``.
        """
        if charge.stage is not Stage.RESERVED:
            return STATUSES[charge.stage]
        return self.status_of_money(charge)

    def status_of_money(self, charge: Charge) -> str:
        """Return the status that the sums of an approved charge give."""
        if charge.captured == 0:
            return "CANCELLED" if charge.remaining == 0 else "RESERVED"
        if charge.remaining > 0:
            return "PARTIALLY_CAPTURED"
        if charge.refunded == 0:
            return "CHARGED"
        return "REFUNDED" if charge.refundable == 0 else "PARTIALLY_REFUNDED"

    def summary(self, charge: Charge) -> JsonObject:
        """Return the three sums of a charge."""
        return {"captured": charge.captured, "refunded": charge.refunded, "cancelled": charge.cancelled}

    def events(self, charge: Charge) -> list[JsonObject]:
        """Return a charge's history, oldest first."""
        return [self.event(charge, entry) for entry in charge.entries]

    def event(self, charge: Charge, entry: Entry) -> JsonObject:
        """Return one entry of a charge's history.

        What nobody's request caused has a key of the provider's own.
        """
        return {
            "occurred": charge.shown(entry.at),
            "event": self.event_name(charge, entry),
            "amount": entry.amount,
            "idempotencyKey": entry.key or f"system-{entry.reference}",
            "success": entry.success,
            "transactionId": entry.reference,
        }

    def event_name(self, charge: Charge, entry: Entry) -> str:
        """Return Recurring's name for an entry."""
        return EVENTS[entry.kind]

    # Agreements

    def agreement_view(self, agreement: Agreement) -> JsonObject:
        """Return an agreement as it is read."""
        start, stop = agreement.started_at, agreement.stopped_at
        return {
            "id": agreement.id,
            "uuid": agreement.uuid,
            "status": agreement.status.value,
            "created": iso(agreement.created_at),
            "start": None if start is None else iso(start),
            "stop": None if stop is None else iso(stop),
            "countryCode": COUNTRIES[Market(self.options.market)],
            "vippsConfirmationUrl": self.confirmation_url(agreement),
            **agreement.draft,
        }

    def confirmation_url(self, agreement: Agreement) -> str:
        """Return where the user would accept."""
        return f"https://apitest.vipps.no/dwo-api-application/v1/deeplink/vippsgateway?v=2/{agreement.uuid}"
