"""The part of Recurring in the provider double: its customer accepts agreements, and the charge run does the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, ClassVar, Final, cast

from conformance.domain.messages import Request, Response
from conformance.domain.order import Profile
from conformance.merchant.protocol import Webhook
from conformance.merchant.provider_double.apis.base import ID, ApiPart, notification, problem
from conformance.sandbox import Provider, Recurring
from conformance.sandbox.agreement import Agreement, AgreementStatus, Charge
from conformance.sandbox.payment import Entry, EntryKind, Payment, Stage

_PROBLEMS: Final = "https://developer.vippsmobilepay.com/docs/APIs/recurring-api/recurring-api-problems"
_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "reject": ("become_due", "fail"),
    "start_3ds": ("become_due", "start_processing"),
    "finish_3ds": ("reserve",),
    "fail_3ds": ("fail",),
}
"""What the customer does to a payment, in the words of a charge run."""
_EVENTS: Final = {
    EntryKind.RESERVE: "charge-reserved",
    EntryKind.CAPTURE: "charge-captured",
    EntryKind.REFUND: "charge-refunded",
    EntryKind.STOP: "charge-canceled",
    EntryKind.RELEASE: "charge-canceled",
    EntryKind.FAIL: "charge-failed",
}


class RecurringPart(ApiPart):
    """Agreements and charges under ``/recurring/v3``."""

    profile: ClassVar[Profile] = Profile.RECURRING
    routes: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("POST", r"/recurring/v3/agreements", "draft"),
        ("GET", rf"/recurring/v3/agreements/{ID}", "agreement"),
        ("PATCH", rf"/recurring/v3/agreements/{ID}", "stop"),
        ("GET", rf"/recurring/v3/agreements/{ID}/charges", "list"),
        ("POST", rf"/recurring/v3/agreements/{ID}/charges", "create"),
        ("GET", rf"/recurring/v3/agreements/{ID}/charges/{ID}", "read"),
        ("DELETE", rf"/recurring/v3/agreements/{ID}/charges/{ID}", "cancel"),
        ("POST", rf"/recurring/v3/agreements/{ID}/charges/{ID}/capture", "capture"),
        ("POST", rf"/recurring/v3/agreements/{ID}/charges/{ID}/refund", "refund"),
        ("GET", rf"/recurring/v3/charges/{ID}", "read"),
    )
    codes: ClassVar[Mapping[str, str]] = {
        "processing-409": "conflict",
        "missing-404": "resource-not-found",
        "sticky-400": "operation-failed",
    }

    def wanted_id(self, body: Mapping[str, Any]) -> str:
        """Return the order id, which becomes the charge's identifier."""
        return str(body.get("orderId") or "")

    def _api(self, provider: Provider) -> Recurring:
        return cast(Recurring, provider.apis[self.profile])

    def act(self, provider: Provider, payment: Payment, action: str) -> bool:
        """Let the customer accept the agreement, or the charge run move the charge."""
        recurring, charge = self._api(provider), cast(Charge, payment)
        agreement = recurring.agreements[charge.msn, charge.agreement_id]
        if action == "approve":
            if agreement.status is AgreementStatus.PENDING:
                agreement.status = AgreementStatus.ACTIVE
                agreement.started_at = recurring.clock.seconds()
                if agreement.initial_charge == charge.id and charge.stage in (Stage.PENDING, Stage.DUE):
                    recurring.process(charge)
                    return True
            recurring.act(charge, "become_due")
            return recurring.act(charge, "charge" if charge.transaction_type == "DIRECT_CAPTURE" else "reserve")
        if action == "customer_stop":
            return _stop_as_customer(recurring, agreement)
        if action not in _STEPS:
            return False
        steps = _STEPS[action]
        if action == "finish_3ds" and charge.transaction_type == "DIRECT_CAPTURE":
            steps = ("charge",)
        return [recurring.act(charge, step) for step in steps][-1]

    def agree(self, provider: Provider, token: Callable[[], str], name: str) -> str:
        """Make an agreement that the customer has accepted."""
        access = token()
        draft = {
            "pricing": {"type": "VARIABLE", "suggestedMaxAmount": 2_000_000, "currency": provider.options.currency},
            "interval": {"unit": "MONTH", "count": 1},
            "productName": "Shop",
            "merchantRedirectUrl": "https://example.com/redirect",
            "merchantAgreementUrl": "https://example.com/agreement",
        }
        response = _call(provider, "POST", "/recurring/v3/agreements", draft, access, f"suite-draft-{name}")
        id_ = str(response.json()["agreementId"])
        path = f"/recurring/v3/agreements/{id_}/accept"
        _call(provider, "PATCH", path, {"phoneNumber": "4712345678"}, access, f"suite-accept-{name}")
        return id_

    def agreement_status(self, provider: Provider, payment: Payment) -> str:
        """Return the status of a charge's agreement."""
        charge = cast(Charge, payment)
        return self._api(provider).agreements[charge.msn, charge.agreement_id].status.value

    def inherit(self, provider: Provider, former: Provider, most: int) -> None:
        """Take over the latest agreements."""
        agreements = self._api(former).agreements
        latest = islice(agreements.items(), max(0, len(agreements) - most), None)
        self._api(provider).agreements.update(latest)

    def forget(self, provider: Provider, payment: Payment) -> None:
        """Take a charge out of its agreement's list."""
        charge = cast(Charge, payment)
        agreement = self._api(provider).agreements.get((charge.msn, charge.agreement_id))
        if agreement is not None and charge.id in agreement.charge_ids:
            agreement.charge_ids.remove(charge.id)

    def refusal(self, status: int, code: str, reason: str, path: str) -> Response:
        """Return a problem whose type has the code."""
        return problem(status, reason, path, {"type": f"{_PROBLEMS}#{code}", "contextId": "c0ffee-1"})

    def webhook(self, payment: Payment, entry: Entry) -> Webhook | None:
        """Return the webhook, if there is one."""
        event = _EVENTS.get(entry.kind)
        if event is None:
            return None
        charge, name = cast(Charge, payment), f"recurring.{event}.v1"
        body = {
            "agreementId": charge.agreement_id,
            "chargeId": charge.id,
            "chargeExternalId": charge.external_id,
            "amount": charge.amount,
            "chargeType": charge.type,
            "eventType": name,
            "currency": charge.currency,
            "occurred": charge.shown(entry.at),
            "amountCaptured": charge.captured,
            "amountCanceled": charge.cancelled,
            "amountRefunded": charge.refunded,
            "transactionId": entry.reference,
        }
        return notification(name, body)


def _stop_as_customer(recurring: Recurring, agreement: Agreement) -> bool:
    """Stop an agreement as the customer does in the app: a reservation stays for the merchant to capture or cancel."""
    if agreement.status is not AgreementStatus.ACTIVE:
        return False
    agreement.status = AgreementStatus.STOPPED
    agreement.stopped_at = recurring.clock.seconds()
    for id_ in agreement.charge_ids:
        charge = recurring.find(agreement.msn, id_)
        if charge is not None and charge.stage in (Stage.PENDING, Stage.DUE):
            recurring.release(charge)
    return True


def _call(provider: Provider, method: str, path: str, body: Any, token: str, key: str) -> Response:
    headers = (
        ("Authorization", f"Bearer {token}"),
        ("Ocp-Apim-Subscription-Key", provider.options.subscription_key),
        ("Merchant-Serial-Number", provider.options.msn),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", key),
    )
    return provider.handle(Request(method, path, headers, json.dumps(body).encode()))
