"""The embedded provider as the seat uses it: its truth, its customer, its notifications, from history to history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any, Final, TypeVar, cast

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
"""So many payments of earlier histories are still known."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_TO_RECURRING: Final[Mapping[str, tuple[str, ...]]] = {
    "reject": ("become_due", "fail"),
    "start_3ds": ("become_due", "start_processing"),
    "finish_3ds": ("reserve",),
    "fail_3ds": ("fail",),
}
"""What the customer does to a payment, in the words of a charge run."""


class ProviderState:
    """A provider for one history.

    Args:
        clock: the history's clock.
        behaviour: how the provider reads what the documentation leaves open.
        market: the sales unit's country.
        seed: decides every identifier.
        former: the provider of the history before.

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
        self._told: dict[tuple[str, str], int] = {}
        if former is not None:
            # A merchant may keep its token from one history to the next, and ask after its older orders.
            self.provider.tokens.expiries.update(_latest(former.provider.tokens.expiries))
            self.provider.ecom.shared.payments.update(_latest(former.provider.ecom.shared.payments))
            self.provider.recurring.agreements.update(_latest(former.provider.recurring.agreements))
        self.inherited = frozenset(id_ for (_, id_), _ in self._payments())

    def _payments(self) -> list[tuple[tuple[str, str], Payment]]:
        house = self.provider.ecom.shared
        return [((api, id_), payment) for (api, _, id_), payment in house.payments.items()]

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        return self.provider.handle(request)

    def _api(self, name: str) -> Api:
        known: dict[str, Api] = {"ecom": self.provider.ecom, "epayment": self.provider.epayment}
        return known.get(name, self.provider.recurring)

    def payment(self, api: str, id_: str) -> Payment | None:
        """Return a payment, brought up to date; an eCom payment is one of ePayment's, too."""
        found = self._api(api).find(self.options.msn, id_)
        return found or (self._api("epayment").find(self.options.msn, id_) if api == "ecom" else None)

    def truth(self, api: str, id_: str) -> ProviderRecord | None:
        """Return how a payment stands; None where there is no such payment."""
        found = self.payment(api, id_)
        if found is None:
            return None
        pending = isinstance(found, Charge) and found.pending_cancel is not None
        return ProviderRecord(
            stage=found.stage.value,
            amount=found.amount,
            authorized=found.authorized,
            captured=found.captured,
            cancelled=found.cancelled,
            remaining=found.remaining,
            payable=found.stage in PAYABLE,
            pending=pending,
            late=self._api(api).is_too_old(found),
            currency=found.currency,
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
        made = self._call("POST", "/recurring/v3/agreements", draft, token, f"suite-draft-{name}")
        id_ = str(made.json()["agreementId"])
        path = f"/recurring/v3/agreements/{id_}/accept"
        self._call("PATCH", path, {"phoneNumber": "4712345678"}, token, f"suite-accept-{name}")
        return id_

    def token(self) -> str:
        """Return an access token."""
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
        """Let the customer, time or the charge run do something to a payment; tell whether it happened."""
        with self.provider.turn():
            found = self.payment(api, id_)
            if found is None:
                return False
            if isinstance(found, Charge):
                return self._act_on_charge(found, action)
            owner = self._api("ecom" if ("ecom", found.msn, found.id) in self._api(api).shared.payments else api)
            return owner.act(found, action)

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
        if action not in _TO_RECURRING:
            return False
        steps = _TO_RECURRING[action]
        if action == "finish_3ds" and charge.transaction_type == "DIRECT_CAPTURE":
            steps = ("charge",)
        return [recurring.act(charge, step) for step in steps][-1]

    def age(self, api: str, id_: str, days: int) -> bool:
        """Make a payment older."""
        with self.provider.turn():
            found = self.payment(api, id_)
            if found is not None:
                found.grow_older(days * 86_400.0)
                self.payment(api, id_)
            return found is not None

    def cancel_in_portal(self, api: str, id_: str) -> bool:
        """Cancel a payment as the merchant's staff does in the portal."""
        with self.provider.turn():
            found = self.payment(api, id_)
            if found is None or (
                not found.is_reserved and found.stage not in (Stage.INITIATED, Stage.PENDING, Stage.DUE)
            ):
                return False
            if found.is_reserved and found.remaining == 0:
                return False
            self._api(api).release(found)
            return True

    def news(self) -> list[Webhook]:
        """Return the notifications of what happened since the last time, oldest first."""
        with self.provider.turn():
            out = []
            for (api, id_), payment in self._payments():
                if id_ in self.inherited:
                    continue
                known = self._told.get((api, id_), 0)
                entries = payment.entries[known:]
                self._told[api, id_] = known + len(entries)
                out += [(entry.at, _webhook(api, payment, entry)) for entry in entries]
        made = sorted((at, number, hook) for number, (at, hook) in enumerate(out) if hook is not None)
        return [hook for _, _, hook in made]


def _latest(known: Mapping[_Key, _Value]) -> dict[_Key, _Value]:
    return dict(islice(known.items(), max(0, len(known) - REMEMBERED), None))


def provider_record_as_json(truth: ProviderRecord | None) -> dict[str, Any] | None:
    """Return a truth for a record."""
    return None if truth is None else asdict(truth)


_EPAYMENT: Final = {
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
_RECURRING: Final = {
    EntryKind.RESERVE: "charge-reserved",
    EntryKind.CAPTURE: "charge-captured",
    EntryKind.REFUND: "charge-refunded",
    EntryKind.STOP: "charge-canceled",
    EntryKind.RELEASE: "charge-canceled",
    EntryKind.FAIL: "charge-failed",
}
_ECOM: Final = {
    EntryKind.RESERVE: "RESERVED",
    EntryKind.SALE: "SALE",
    EntryKind.REJECT: "CANCELLED",
    EntryKind.EXPIRE: "REJECTED",
}
"""eCom calls back for what the customer or time did, and for nothing else."""


def _webhook(api: str, payment: Payment, entry: Entry) -> Webhook | None:
    moment = payment.shown(entry.at)
    if api == "epayment":
        word = _EPAYMENT.get(entry.kind)
        name = f"epayments.payment.{word}.v1"
        body: dict[str, Any] = {
            "msn": payment.msn,
            "reference": payment.id,
            "pspReference": entry.reference,
            "name": (word or "").upper(),
            "amount": {"currency": payment.currency, "value": entry.amount},
            "timestamp": moment,
            "idempotencyKey": entry.key,
            "success": entry.success,
        }
    elif isinstance(payment, Charge):
        word = _RECURRING.get(entry.kind)
        name = f"recurring.{word}.v1"
        body = {
            "agreementId": payment.agreement_id,
            "chargeId": payment.id,
            "chargeExternalId": payment.external_id,
            "amount": payment.amount,
            "chargeType": payment.type,
            "eventType": name,
            "currency": payment.currency,
            "occurred": moment,
            "amountCaptured": payment.captured,
            "amountCanceled": payment.cancelled,
            "amountRefunded": payment.refunded,
            "transactionId": entry.reference,
        }
    else:
        word = _ECOM.get(entry.kind)
        name = f"ecom.callback.{word}"
        body = {
            "merchantSerialNumber": payment.msn,
            "orderId": payment.id,
            "transactionInfo": {
                "amount": entry.amount,
                "status": word,
                "timeStamp": moment,
                "transactionId": entry.reference,
            },
        }
    return None if word is None else Webhook(name, body, json.dumps(body).encode())
