"""The part of ePayment in the provider double."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.merchant.protocol import Webhook
from conformance.merchant.provider_double.apis.base import ID, ApiPart, notification, problem
from conformance.sandbox.payment import Entry, EntryKind, Payment

_EVENTS: Final = {
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


class EpaymentPart(ApiPart):
    """Payments under ``/epayment/v1``."""

    profile: ClassVar[Profile] = Profile.EPAYMENT
    routes: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("POST", r"/epayment/v1/payments", "create"),
        ("POST", rf"/epayment/v1/payments/{ID}/cancel", "cancel"),
        ("POST", rf"/epayment/v1/payments/{ID}/capture", "capture"),
        ("POST", rf"/epayment/v1/payments/{ID}/refund", "refund"),
        ("GET", rf"/epayment/v1/payments/{ID}(?:/events)?", "read"),
    )
    codes: ClassVar[Mapping[str, str]] = {"processing-409": "6160", "missing-404": "5090", "sticky-400": "4000"}

    def wanted_id(self, body: Mapping[str, Any]) -> str:
        """Return the reference."""
        return str(body.get("reference") or "")

    def read_path(self, payment: str) -> str | None:
        """Return the path of the payment."""
        return f"/epayment/v1/payments/{payment}"

    def refusal(self, status: int, code: str, reason: str, path: str) -> Response:
        """Return a problem whose extra details have the code."""
        details = [{"name": "ErrorCode", "reason": code}]
        more = {"type": f"https://httpstatuses.io/{status}", "traceId": "c0ffee-1", "extraDetails": details}
        return problem(status, reason, path, more)

    def webhook(self, payment: Payment, entry: Entry) -> Webhook | None:
        """Return the webhook, if there is one."""
        event = _EVENTS.get(entry.kind)
        if event is None:
            return None
        body = {
            "msn": payment.msn,
            "reference": payment.id,
            "pspReference": entry.reference,
            "name": event.upper(),
            "amount": {"currency": payment.currency, "value": entry.amount},
            "timestamp": payment.shown(entry.at),
            "idempotencyKey": entry.key,
            "success": entry.success,
        }
        return notification(f"epayments.payment.{event}.v1", body)
