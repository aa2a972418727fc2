"""The embedded provider behind the double: payments, the customer, and webhooks, from history to history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar, cast

from conformance.domain.messages import Request, Response
from conformance.merchant.protocol import Webhook
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.obligations.history import Behaviour
from conformance.obligations.observation import ProviderRecord
from conformance.sandbox import Market, Options, Provider
from conformance.sandbox.agreement import AgreementStatus, Charge
from conformance.sandbox.api_base import ApiBase as Api
from conformance.sandbox.payment import Entry, EntryKind, Payment, Stage

PAYABLE: Final = (Stage.INITIATED, Stage.IN_3DS, Stage.PENDING, Stage.DUE, Stage.PROCESSING)
REMEMBERED: Final = 100
"""How many payments and tokens of earlier histories are still known."""
_Key = TypeVar("_Key")
_Item = TypeVar("_Item")

PaymentKey: TypeAlias = tuple[str, str]
"""The API of a payment, and its identifier there."""
_CHARGE_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "reject": ("become_due", "fail"),
    "start_3ds": ("become_due", "start_processing"),
    "finish_3ds": ("reserve",),
    "fail_3ds": ("fail",),
}
"""What the customer does to a payment, as steps of the charge run."""


class ProviderState:
    """The embedded provider of one history.

    Args:
        clock: the history's clock.
        behaviour: how the provider behaves where the documentation leaves a choice.
        market: the sales unit's country.
        seed: decides every identifier.
        former: the provider of the previous history; its latest tokens and payments stay known.

    """

    def __init__(
        self, clock: VirtualClock, behaviour: Behaviour, market: str, seed: int, former: ProviderState | None = None
    ) -> None:
        self.options = Options(
            market=Market(market),
            key_scope=cast(Any, behaviour.key_scope),
            second_cancel=cast(Any, behaviour.second_cancel),
            cancel_key_ignored=not behaviour.keys_on_cancel,
            recurring_async=behaviour.accepts,
        )
        self.provider = Provider(self.options, seed=seed, now=clock.now)
        self._reported: dict[PaymentKey, int] = {}
        if former is not None:
            # A merchant may keep its token from one history to the next, and read its older orders.
            self.provider.tokens.expiries.update(_latest(former.provider.tokens.expiries))
            self.provider.ecom.shared.payments.update(_latest(former.provider.ecom.shared.payments))
            self.provider.recurring.agreements.update(_latest(former.provider.recurring.agreements))
        self.inherited = frozenset(id_ for (_, id_), _ in self._payments())

    def _payments(self) -> list[tuple[PaymentKey, Payment]]:
        house = self.provider.ecom.shared
        return [((api, id_), payment) for (api, _, id_), payment in house.payments.items()]

    def handle(self, request: Request) -> Response:
        """Return the provider's response to one request."""
        return self.provider.handle(request)

    def _api(self, name: str) -> Api:
        known: dict[str, Api] = {"ecom": self.provider.ecom, "epayment": self.provider.epayment}
        return known.get(name, self.provider.recurring)

    def payment(self, api: str, id_: str) -> Payment | None:
        """Return a payment, brought up to date; None where there is none. An eCom payment can be one of ePayment's."""
        payment = self._api(api).find(self.options.msn, id_)
        return payment or (self._api("epayment").find(self.options.msn, id_) if api == "ecom" else None)

    def record(self, api: str, id_: str) -> ProviderRecord | None:
        """Return a payment as the provider has it; None where there is none."""
        payment = self.payment(api, id_)
        if payment is None:
            return None
        pending = isinstance(payment, Charge) and payment.pending_cancel is not None
        return ProviderRecord(
            stage=payment.stage.value,
            amount=payment.amount,
            authorized=payment.authorized,
            captured=payment.captured,
            cancelled=payment.cancelled,
            remaining=payment.remaining,
            payable=payment.stage in PAYABLE,
            pending=pending,
            late=self._api(api).is_too_old(payment),
            currency=payment.currency,
        )

    def agree(self, name: str) -> str:
        """Make an agreement that the customer has accepted, and return its id."""
        token = self.token()
        draft = {
            "pricing": {"type": "VARIABLE", "suggestedMaxAmount": 2_000_000, "currency": self.options.currency},
            "interval": {"unit": "MONTH", "count": 1},
            "productName": "Shop",
            "merchantRedirectUrl": "https://example.com/redirect",
            "merchantAgreementUrl": "https://example.com/agreement",
        }
        response = self._call("POST", "/recurring/v3/agreements", draft, token, f"suite-draft-{name}")
        id_ = str(response.json()["agreementId"])
        path = f"/recurring/v3/agreements/{id_}/accept"
        self._call("PATCH", path, {"phoneNumber": "4712345678"}, token, f"suite-accept-{name}")
        return id_

    def token(self) -> str:
        """Return a new access token."""
        options = self.options
        headers = (
            ("client_id", options.client_id),
            ("client_secret", options.client_secret),
            ("Ocp-Apim-Subscription-Key", options.subscription_key),
        )
        return str(self.handle(Request("POST", "/accesstoken/get", headers)).json()["access_token"])

    def _call(self, method: str, path: str, body: object, token: str, key: str) -> Response:
        headers = (
            ("Authorization", f"Bearer {token}"),
            ("Ocp-Apim-Subscription-Key", self.options.subscription_key),
            ("Merchant-Serial-Number", self.options.msn),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
        )
        return self.handle(Request(method, path, headers, json.dumps(body).encode()))

    def act(self, api: str, id_: str, action: str) -> bool:
        """Let the customer, time or the charge run act on a payment; return whether the action was possible."""
        with self.provider.turn():
            payment = self.payment(api, id_)
            if payment is None:
                return False
            if isinstance(payment, Charge):
                return self._act_on_charge(payment, action)
            owner = self._api("ecom" if ("ecom", payment.msn, payment.id) in self._api(api).shared.payments else api)
            return owner.act(payment, action)

    def _act_on_charge(self, charge: Charge, action: str) -> bool:
        recurring = self.provider.recurring
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
        if action not in _CHARGE_STEPS:
            return False
        steps = _CHARGE_STEPS[action]
        if action == "finish_3ds" and charge.transaction_type == "DIRECT_CAPTURE":
            steps = ("charge",)
        return [recurring.act(charge, step) for step in steps][-1]

    def age(self, api: str, id_: str, days: int) -> bool:
        """Make a payment older by a number of days; return whether there is such a payment."""
        with self.provider.turn():
            payment = self.payment(api, id_)
            if payment is not None:
                payment.grow_older(days * 86_400.0)
                self.payment(api, id_)
            return payment is not None

    def cancel_in_portal(self, api: str, id_: str) -> bool:
        """Cancel a payment as the merchant's staff would in the portal; return whether that was possible."""
        with self.provider.turn():
            payment = self.payment(api, id_)
            if payment is None or (
                not payment.is_reserved and payment.stage not in (Stage.INITIATED, Stage.PENDING, Stage.DUE)
            ):
                return False
            if payment.is_reserved and payment.remaining == 0:
                return False
            self._api(api).release(payment)
            return True

    def new_webhooks(self) -> list[Webhook]:
        """Return the webhooks of what happened since the last call, oldest first."""
        with self.provider.turn():
            events = []
            for (api, id_), payment in self._payments():
                if id_ in self.inherited:
                    continue
                reported = self._reported.get((api, id_), 0)
                entries = payment.entries[reported:]
                self._reported[api, id_] = reported + len(entries)
                events += [(entry.at, _webhook(api, payment, entry)) for entry in entries]
        ordered = sorted((at, number, webhook) for number, (at, webhook) in enumerate(events) if webhook is not None)
        return [webhook for _, _, webhook in ordered]


def _latest(items: Mapping[_Key, _Item]) -> dict[_Key, _Item]:
    """Return the last `REMEMBERED` items."""
    return dict(islice(items.items(), max(0, len(items) - REMEMBERED), None))


def provider_record_as_json(payment: ProviderRecord | None) -> dict[str, Any] | None:
    """Return a payment for a record of the journal."""
    return None if payment is None else asdict(payment)


_EPAYMENT_EVENTS: Final = {
    EntryKind.CREATE: "created",
    EntryKind.RESERVE: "authorized",
    EntryKind.SALE: "captured",
    EntryKind.CAPTURE: "captured",
    EntryKind.REFUND: "refunded",
    EntryKind.STOP: "terminated",
    EntryKind.RELEASE: "cancelled",
    EntryKind.REJECT: "aborted",
    EntryKind.EXPIRE: "expired",
}
_RECURRING_EVENTS: Final = {
    EntryKind.RESERVE: "charge-reserved",
    EntryKind.CAPTURE: "charge-captured",
    EntryKind.REFUND: "charge-refunded",
    EntryKind.STOP: "charge-canceled",
    EntryKind.RELEASE: "charge-canceled",
    EntryKind.FAIL: "charge-failed",
}
_ECOM_STATUSES: Final = {
    EntryKind.RESERVE: "RESERVED",
    EntryKind.SALE: "SALE",
    EntryKind.REJECT: "CANCELLED",
    EntryKind.EXPIRE: "REJECTED",
}
"""The status in eCom's callback. It reports what the customer or time did, and nothing else."""


def _webhook(api: str, payment: Payment, entry: Entry) -> Webhook | None:
    timestamp = payment.shown(entry.at)
    if api == "epayment":
        event = _EPAYMENT_EVENTS.get(entry.kind)
        name = f"epayments.payment.{event}.v1"
        body: dict[str, Any] = {
            "msn": payment.msn,
            "reference": payment.id,
            "pspReference": entry.reference,
            "name": (event or "").upper(),
            "amount": {"currency": payment.currency, "value": entry.amount},
            "timestamp": timestamp,
            "idempotencyKey": entry.key,
            "success": entry.success,
        }
    elif isinstance(payment, Charge):
        event = _RECURRING_EVENTS.get(entry.kind)
        name = f"recurring.{event}.v1"
        body = {
            "agreementId": payment.agreement_id,
            "chargeId": payment.id,
            "chargeExternalId": payment.external_id,
            "amount": payment.amount,
            "chargeType": payment.type,
            "eventType": name,
            "currency": payment.currency,
            "occurred": timestamp,
            "amountCaptured": payment.captured,
            "amountCanceled": payment.cancelled,
            "amountRefunded": payment.refunded,
            "transactionId": entry.reference,
        }
    else:
        event = _ECOM_STATUSES.get(entry.kind)
        name = f"ecom.callback.{event}"
        body = {
            "merchantSerialNumber": payment.msn,
            "orderId": payment.id,
            "transactionInfo": {
                "amount": entry.amount,
                "status": event,
                "timeStamp": timestamp,
                "transactionId": entry.reference,
            },
        }
    return None if event is None else Webhook(name, body, json.dumps(body).encode())
