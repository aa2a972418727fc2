"""The part of eCom in the provider double."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.merchant.protocol import Webhook
from conformance.merchant.provider_double.apis.base import ID, ApiPart, notification
from conformance.sandbox.payment import Entry, EntryKind, Payment

_JSON: Final = (("Content-Type", "application/json;charset=UTF-8"),)
_STATUSES: Final = {
    EntryKind.RESERVE: "RESERVED",
    EntryKind.SALE: "SALE",
    EntryKind.REJECT: "CANCELLED",
    EntryKind.EXPIRE: "REJECTED",
}
"""eCom calls back for what the customer or time did, and for nothing else."""


class EcomPart(ApiPart):
    """Payments under ``/ecomm/v2``."""

    profile: ClassVar[Profile] = Profile.ECOM
    routes: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("POST", r"/ecomm/v2/payments", "create"),
        ("PUT", rf"/ecomm/v2/payments/{ID}/cancel", "cancel"),
        ("POST", rf"/ecomm/v2/payments/{ID}/capture", "capture"),
        ("POST", rf"/ecomm/v2/payments/{ID}/refund", "refund"),
        ("GET", rf"/ecomm/v2/payments/{ID}/(?:details|status)", "read"),
    )
    calls_back: ClassVar[bool] = True
    codes: ClassVar[Mapping[str, str]] = {"processing-409": "94", "missing-404": "35", "sticky-400": "99"}

    def wanted_id(self, body: Mapping[str, Any]) -> str:
        """Return the order id of the transaction."""
        transaction = body.get("transaction")
        return str(transaction.get("orderId") or "") if isinstance(transaction, Mapping) else ""

    def read_path(self, payment: str) -> str | None:
        """Return the path of the details."""
        return f"/ecomm/v2/payments/{payment}/details"

    def refusal(self, status: int, code: str, reason: str, path: str) -> Response:
        """Return a list with one error."""
        error = {
            "errorGroup": "VippsError" if code in ("91", "92", "94", "99") else "Payment",
            "errorCode": code,
            "errorMessage": reason,
            "contextId": "c0ffee00-0000-4000-8000-0",
        }
        return Response(status, _JSON, json.dumps([error]).encode())

    def webhook(self, payment: Payment, entry: Entry) -> Webhook | None:
        """Return the callback, if there is one."""
        status = _STATUSES.get(entry.kind)
        if status is None:
            return None
        body = {
            "merchantSerialNumber": payment.msn,
            "orderId": payment.id,
            "transactionInfo": {
                "amount": entry.amount,
                "status": status,
                "timeStamp": payment.shown(entry.at),
                "transactionId": entry.reference,
            },
        }
        return notification(f"ecom.callback.{status}", body)
