"""The Recurring API, version 3, as far as it concerns Cancel.

Agreements, their charges, and how both end. Written from the Recurring guide, its description 3.1.2, its page of
problems and the general page on idempotency.
"""

from __future__ import annotations

from typing import cast

from conformance.domain.messages import Response
from conformance.sandbox.agreement import Agreement, AgreementStatus, Charge
from conformance.sandbox.charge_requests import read_agreement, read_initial_charge
from conformance.sandbox.charges import Charges
from conformance.sandbox.payment import Stage
from conformance.sandbox.wire import (
    BodyCheck,
    JsonObject,
    ProviderRequest,
    Refusal,
    RefusedError,
    empty_response,
    json_response,
)

ENDED_BY_STOP = frozenset({"PENDING", "DUE", "RESERVED"})


class Recurring(Charges):
    """Agreements of one merchant's sales units, and their charges."""

    ROUTES = (
        ("POST", "/recurring/v3/agreements", "draft_agreement"),
        ("GET", "/recurring/v3/agreements/{agreementId}", "get_agreement"),
        ("PATCH", "/recurring/v3/agreements/{agreementId}", "update_agreement"),
        ("PATCH", "/recurring/v3/agreements/{agreementId}/accept", "accept_agreement"),
        ("GET", "/recurring/v3/agreements/{agreementId}/charges", "list_charges"),
        ("POST", "/recurring/v3/agreements/{agreementId}/charges", "create_charge"),
        ("GET", "/recurring/v3/agreements/{agreementId}/charges/{chargeId}", "get_charge"),
        ("DELETE", "/recurring/v3/agreements/{agreementId}/charges/{chargeId}", "cancel"),
        ("POST", "/recurring/v3/agreements/{agreementId}/charges/{chargeId}/capture", "capture"),
        ("POST", "/recurring/v3/agreements/{agreementId}/charges/{chargeId}/refund", "refund"),
        ("GET", "/recurring/v3/charges/{chargeId}", "get_charge"),
    )

    def draft_agreement(self, call: ProviderRequest) -> Response:
        """``POST /recurring/v3/agreements``."""
        return self.once(call, self.key(call), "carry_out_draft")

    def carry_out_draft(self, call: ProviderRequest, key: str | None) -> Response:
        """Create an agreement that waits for the user, with any initial charge."""
        check = BodyCheck(call.body())
        draft = read_agreement(check)
        initial_charge = (
            read_initial_charge(check.part("initialCharge"), self.clock.seconds()) if self.has_first(check) else None
        )
        self.pass_if_sound(check)
        agreement = Agreement(f"agr_{self.ids.word(7)}", self.ids.uuid(), call.msn, draft, self.clock.seconds())
        if initial_charge is not None:
            agreement.initial_charge = self.create(agreement, initial_charge, key).id
        self.agreements[agreement.msn, agreement.id] = agreement
        payload: JsonObject = {
            "agreementId": agreement.id,
            "uuid": agreement.uuid,
            "vippsConfirmationUrl": self.confirmation_url(agreement),
            "chargeId": agreement.initial_charge,
        }
        return json_response(201, self.dressed(payload))

    def has_first(self, check: BodyCheck) -> bool:
        """Return whether an initial charge was asked for; null counts as none."""
        return check.body.get("initialCharge") is not None

    def get_agreement(self, call: ProviderRequest) -> Response:
        """``GET /recurring/v3/agreements/{agreementId}``."""
        return json_response(200, self.dressed(self.agreement_view(self.need_agreement(call))))

    def accept_agreement(self, call: ProviderRequest) -> Response:
        """Accept for the user, as in the test environment."""
        return self.once(call, self.key(call), "carry_out_accept")

    def carry_out_accept(self, call: ProviderRequest, key: str | None) -> Response:
        """Start an agreement and process its initial charge."""
        check = BodyCheck(call.body())
        check.text("phoneNumber", shortest=1, longest=15)
        self.pass_if_sound(check)
        agreement = self.need_agreement(call)
        if agreement.status is not AgreementStatus.PENDING:
            raise RefusedError(Refusal(400, "illegal-agreement-update", f"The agreement is {agreement.status}"))
        agreement.status = AgreementStatus.ACTIVE
        agreement.started_at = self.clock.seconds()
        if agreement.initial_charge is not None:
            charge = cast(Charge, self.find(agreement.msn, agreement.initial_charge))
            if charge.stage in (Stage.PENDING, Stage.DUE):
                self.process(charge)
        return empty_response(204)

    def update_agreement(self, call: ProviderRequest) -> Response:
        """``PATCH /recurring/v3/agreements/{agreementId}``: change or stop it."""
        return self.once(call, self.key(call), "carry_out_update")

    def carry_out_update(self, call: ProviderRequest, key: str | None) -> Response:
        """Change an agreement, or stop it. A stop cannot be combined with another change."""
        check = BodyCheck(call.body())
        stop = check.choice("status", frozenset({"STOPPED"}), required=False)
        changes = {name: check.text(name, longest=longest, required=False) for name, longest in self.changeable(check)}
        if not check.body:
            check.fault("body", "has nothing to change")
        if check.has("status") and len(check.body) > 1:
            check.fault("status", "must come alone")
        self.pass_if_sound(check)
        agreement = self.need_agreement(call)
        if stop:
            return self.stop(agreement, key)
        if agreement.status is not AgreementStatus.ACTIVE:
            raise RefusedError(Refusal(400, "illegal-agreement-update", f"The agreement is {agreement.status}"))
        agreement.draft.update(changes)
        return empty_response(204)

    def changeable(self, check: BodyCheck) -> list[tuple[str, int]]:
        """Return the texts of an agreement that a request changes, and their limits."""
        texts = (
            ("productName", 45),
            ("productDescription", 100),
            ("merchantAgreementUrl", 1024),
            ("externalId", 64),
        )
        return [(name, longest) for name, longest in texts if check.has(name)]

    def stop(self, agreement: Agreement, key: str | None) -> Response:
        """Stop an agreement, and cancel its charges that were not captured yet."""
        if agreement.status is AgreementStatus.STOPPED and self.options.second_stop == 204:
            return empty_response(204)
        if agreement.status is not AgreementStatus.ACTIVE:
            raise RefusedError(Refusal(400, "illegal-agreement-update", f"The agreement is {agreement.status}"))
        agreement.status = AgreementStatus.STOPPED
        agreement.stopped_at = self.clock.seconds()
        for id_ in agreement.charge_ids:
            charge = cast(Charge, self.find(agreement.msn, id_))
            if self.is_ended_by_stop(charge):
                self.release(charge, key=key)
                charge.pending_cancel = None
        return empty_response(204)

    def is_ended_by_stop(self, charge: Charge) -> bool:
        """Return whether the merchant's stop of the agreement cancels a charge.

        That includes a reserved initial charge.
        """
        return self.status(charge) in ENDED_BY_STOP
