"""Recurring charges: created, processed, cancelled, captured, refunded.

Written from the Recurring guide, its description 3.1.2, its page of problems and the general page on idempotency.
"""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import parse_qs

from conformance.domain.messages import Response
from conformance.sandbox.agreement import Agreement, AgreementStatus, Charge, PendingCancel
from conformance.sandbox.api_base import REFUND_DAYS, SharedState
from conformance.sandbox.charge_requests import ChargeDraft, read_charge
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind, Payment, Stage
from conformance.sandbox.recurring_answers import RecurringAnswers
from conformance.sandbox.wire import BodyCheck, ProviderRequest, Refusal, RefusedError, empty_response, json_response

KEY = re.compile(r"[^#?/\\]{1,40}")
AGREEMENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
DUE_WINDOW = 30 * DAY
"""A charge is ``PENDING`` until this long before its due day, then ``DUE``."""

CANCELLABLE = frozenset({"PENDING", "DUE", "RESERVED", "PARTIALLY_CAPTURED"})


class Charges(RecurringAnswers):
    """The charges of one merchant's agreements."""

    ACTIONS = ("become_due", "start_processing", "reserve", "charge", "fail")

    def __init__(self, shared: SharedState) -> None:
        super().__init__(shared)
        self.agreements: dict[tuple[str, str], Agreement] = {}

    # Requests

    def key(self, call: ProviderRequest) -> str:
        """Return ``Idempotency-Key``.

        It must have 1 to 40 characters, and no number sign, question mark, slash or backslash.
        """
        key = call.headers.get("idempotency-key")
        if key is None:
            raise RefusedError(Refusal(400, "missing-request-header", "The header Idempotency-Key is missing"))
        if not KEY.fullmatch(key):
            raise RefusedError(
                Refusal(400, "idempotency-key-header", "The header Idempotency-Key is not as documented")
            )
        return key

    def pass_if_sound(self, check: BodyCheck) -> None:
        """Raise a refusal if a request has faults."""
        if check.faults:
            raise RefusedError(self.invalid(tuple(check.faults)))

    def need_agreement(self, call: ProviderRequest) -> Agreement:
        """Return the agreement in a request's path."""
        id_ = call.params[0]
        if not AGREEMENT_ID.fullmatch(id_):
            raise RefusedError(Refusal(400, "invalid-agreement-id", "The agreement id is malformed"))
        agreement = self.agreements.get((call.msn, id_))
        if agreement is None:
            raise RefusedError(self.unknown())
        return agreement

    def need_charge(self, call: ProviderRequest) -> Charge:
        """Return the charge in a request's path, which must belong to the agreement there."""
        if len(call.params) == 2:
            self.need_agreement(call)
        charge = cast(Charge, self.need(call))
        if len(call.params) == 2 and charge.agreement_id != call.params[0]:
            raise RefusedError(self.unknown())
        return charge

    def payment_id(self, call: ProviderRequest) -> str:
        """Return the charge id, which comes last in every path."""
        return call.params[-1]

    # Charges

    def create_charge(self, call: ProviderRequest) -> Response:
        """``POST /recurring/v3/agreements/{agreementId}/charges``."""
        return self.once(call, self.key(call), "carry_out_create")

    def carry_out_create(self, call: ProviderRequest, key: str | None) -> Response:
        """Create a charge of an active agreement; an unscheduled one is processed at once."""
        check = BodyCheck(call.body())
        draft = read_charge(check, self.clock.seconds())
        self.pass_if_sound(check)
        agreement = self.need_agreement(call)
        if agreement.status is not AgreementStatus.ACTIVE:
            raise RefusedError(Refusal(400, "operation-failed", f"The agreement is {agreement.status}"))
        charge = self.create(agreement, draft, key)
        if charge.type == "UNSCHEDULED":
            self.process(charge)
        return json_response(201, self.dressed({"chargeId": charge.id}))

    def create(self, agreement: Agreement, draft: ChargeDraft, key: str | None) -> Charge:
        """Create and store a charge; return it."""
        id_ = draft.order_id or f"chr-{self.ids.word(7)}"
        if self.find(agreement.msn, id_) is not None:
            raise RefusedError(Refusal(409, "conflict", "The order id was used before"))
        now = self.clock.seconds()
        is_due = draft.type == "RECURRING" and draft.due - now < DUE_WINDOW
        charge = Charge(
            id=id_,
            msn=agreement.msn,
            amount=draft.amount,
            currency=agreement.draft["pricing"]["currency"],
            reference=self.new_reference(),
            created_at=now,
            stage=Stage.DUE if is_due else Stage.PENDING,
            text=draft.description,
            agreement_id=agreement.id,
            type=draft.type,
            transaction_type=draft.transaction_type,
            due=draft.due,
            retry_days=draft.retry_days,
            processing_mode=draft.processing_mode,
            external_id=draft.external_id or id_,
        )
        self.add(charge)
        agreement.charge_ids.append(id_)
        self.record(charge, EntryKind.CREATE, charge.amount, reference=charge.reference, key=key)
        return charge

    def process(self, charge: Charge) -> None:
        """Reserve a charge, or capture it at once, as its transaction type says."""
        if charge.transaction_type == "RESERVE_CAPTURE":
            self.reserve(charge)
        else:
            self.charge(charge)

    def charge(self, charge: Charge) -> None:
        """Capture the whole charge. One with ``RESERVE_CAPTURE`` is reserved first."""
        if charge.transaction_type == "RESERVE_CAPTURE":
            self.reserve(charge)
        else:
            charge.stage = Stage.RESERVED
            charge.authorized = charge.amount
            charge.reserved_at = self.moment(charge)
        self.capture_money(charge, charge.amount)

    def get_charge(self, call: ProviderRequest) -> Response:
        """``GET …/charges/{chargeId}``, with or without the agreement in the path."""
        charge = self.need_charge(call)
        self.count_read(charge)
        return json_response(200, self.dressed(self.view(charge)))

    def list_charges(self, call: ProviderRequest) -> Response:
        """``GET …/agreements/{agreementId}/charges``, of the status in the query."""
        agreement = self.need_agreement(call)
        required_status = parse_qs(call.query).get("status", [""])[0]
        charges = [cast(Charge, self.find(agreement.msn, id_)) for id_ in agreement.charge_ids]
        for charge in charges:
            self.count_read(charge)
        shown = [charge for charge in charges if required_status in ("", self.status(charge))]
        return json_response(200, [self.dressed(self.view(charge)) for charge in shown])

    def cancel(self, call: ProviderRequest) -> Response:
        """``DELETE …/charges/{chargeId}``; no body belongs to it."""
        key = self.key(call)
        charge = self.find(call.msn, self.payment_id(call))
        limited = None if charge is None else self.count_cancel(charge)
        return limited or self.once(call, key, "carry_out_cancel_request")

    def carry_out_cancel_request(self, call: ProviderRequest, key: str | None) -> Response:
        """Refuse a cancel, or carry it out at once or later."""
        charge = self.need_charge(call)
        self.finish_cancel(charge)
        refusal = self.refusal_for_cancel(charge)
        if refusal is not None:
            return self.refuse_cancel(charge, refusal)
        if self.status(charge) == "CANCELLED":
            return self.repeat_cancel(charge)
        return self.carry_out_cancel(charge, key)

    def refusal_for_cancel(self, charge: Charge) -> Refusal | None:
        """Return why a charge cannot be cancelled now, or None."""
        if self.is_too_old(charge):
            reason = "The time in which the charge could be cancelled is over"
            return self.refusal_of("cancel-charge-failed", charge, reason, status=400)
        if self.status(charge) == "CANCELLED" and self.options.second_cancel == "repeat":
            return None
        if not self.is_cancellable(charge):
            return self.refusal_of("cancel-charge-failed", charge, "The charge cannot be cancelled any more")
        return None

    def is_cancellable(self, charge: Charge) -> bool:
        """Return whether a charge's status is one of those that can be cancelled."""
        return self.status(charge) in CANCELLABLE

    def refuse_cancel(self, charge: Charge, refusal: Refusal) -> Response:
        """Refuse a cancel; the charge stays as it is."""
        raise RefusedError(refusal)

    def carry_out_cancel(self, charge: Charge, key: str | None) -> Response:
        """Cancel a charge now, or accept its cancel for later."""
        if self.options.recurring_async:
            charge.pending_cancel = PendingCancel(self.options.recurring_async_reads, key)
        else:
            self.release(charge, key=key)
        return self.cancel_answer()

    def repeat_cancel(self, charge: Charge) -> Response:
        """Return the response to a cancel of a cancelled charge, as if it succeeded."""
        return self.cancel_answer()

    def cancel_answer(self) -> Response:
        """Return the response to a cancel that was accepted."""
        return empty_response(202, (("Retry-After", "1"),)) if self.options.recurring_async else empty_response(204)

    def count_read(self, charge: Charge) -> None:
        """Count a read, which an accepted cancel may wait for."""
        pending = charge.pending_cancel
        if pending is None:
            return
        if pending.reads_left <= 1:
            self.finish_cancel(charge)
        else:
            charge.pending_cancel = PendingCancel(pending.reads_left - 1, pending.key)

    def finish_cancel(self, charge: Charge) -> None:
        """Carry out an accepted cancel now, before any other change of the charge."""
        if charge.pending_cancel is not None:
            self.release(charge, key=charge.pending_cancel.key)
            charge.pending_cancel = None

    def capture(self, call: ProviderRequest) -> Response:
        """``POST …/charges/{chargeId}/capture``."""
        return self.once(call, self.key(call), "carry_out_capture")

    def carry_out_capture(self, call: ProviderRequest, key: str | None) -> Response:
        """Refuse a capture, or carry it out."""
        check = BodyCheck(call.body())
        amount = check.integer("amount", least=1)
        check.text("description", shortest=1, longest=100, required=False)
        self.pass_if_sound(check)
        charge = self.need_charge(call)
        self.finish_cancel(charge)
        refusal = self.refusal_for_capture(charge, amount)
        if refusal is not None:
            raise RefusedError(refusal)
        self.capture_money(charge, amount, key=key)
        return empty_response(204)

    def refusal_for_capture(self, charge: Charge, amount: int) -> Refusal | None:
        """Return why an amount cannot be captured now, or None."""
        if self.is_capture_too_late(charge):
            return self.refusal_of("charge-capture-failed", charge, "The time to capture is over", status=400)
        if charge.remaining == 0:
            return self.refusal_of("charge-capture-failed", charge, "Nothing of the charge is reserved")
        if amount > charge.remaining:
            return self.refusal_of("charge-capture-failed", charge, "More than what is still reserved")
        return None

    def refund(self, call: ProviderRequest) -> Response:
        """``POST …/charges/{chargeId}/refund``."""
        return self.once(call, self.key(call), "carry_out_refund")

    def carry_out_refund(self, call: ProviderRequest, key: str | None) -> Response:
        """Refuse a refund, or carry it out."""
        check = BodyCheck(call.body())
        amount = check.integer("amount", least=1)
        text = check.text("description", shortest=1, longest=100)
        self.pass_if_sound(check)
        charge = self.need_charge(call)
        self.finish_cancel(charge)
        refusal = self.refusal_for_refund(charge, amount)
        if refusal is not None:
            raise RefusedError(refusal)
        self.refund_money(charge, amount, text=text, key=key)
        return empty_response(204)

    def refusal_for_refund(self, charge: Charge, amount: int) -> Refusal | None:
        """Return why an amount cannot be refunded now, or None."""
        if charge.captured == 0:
            return self.refusal_of("operation-failed", charge, "Nothing was captured")
        if self.is_refund_too_late(charge):
            return self.refusal_of("operation-failed", charge, "The time to refund is over", status=400)
        if amount > charge.refundable:
            return self.refusal_of("operation-failed", charge, "More than what was captured and not refunded")
        return None

    def is_refund_too_late(self, order: Payment) -> bool:
        """Return whether the time to refund, which counts from the capture here, is over."""
        return self.days_since(order, order.captured_at) > REFUND_DAYS

    # Test control

    def act(self, order: Payment, action: str) -> bool:
        """Let the charge run act.

        Returns False if that cannot happen in the charge's state.
        """
        charge = cast(Charge, order)
        self.finish_cancel(charge)
        required_stages = (Stage.PENDING,) if action == "become_due" else (Stage.DUE, Stage.PROCESSING)
        if action == "start_processing":
            required_stages = (Stage.DUE,)
        if charge.stage not in required_stages or (action == "reserve" and charge.transaction_type == "DIRECT_CAPTURE"):
            return False
        if action == "become_due":
            charge.stage = Stage.DUE
        elif action == "start_processing":
            charge.stage = Stage.PROCESSING
        elif action == "reserve":
            self.reserve(charge)
        elif action == "charge":
            self.charge(charge)
        else:
            charge.stage = Stage.FAILED
            self.record(charge, EntryKind.FAIL, charge.amount)
        return True
