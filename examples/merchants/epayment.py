"""A reference merchant on ePayment v1."""

from __future__ import annotations

from urllib.parse import quote

from .base import ReferenceMerchant, Row
from .client import Refused, TryLater

PAYMENTS = "/epayment/v1/payments"


class Adapter(ReferenceMerchant):
    """Payments that are made, read, captured, refunded and cancelled through ePayment."""

    profiles = ("epayment",)

    def create_payment(self, row: Row) -> None:
        """Create a payment; one that exists already is the one that was created before."""
        body = {
            "amount": {"value": row.amount, "currency": row.currency},
            "paymentMethod": {"type": "WALLET"},
            "reference": row.reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://shop.example/thanks",
            "paymentDescription": f"Order {row.order_id}",
        }
        try:
            self.client.call("POST", PAYMENTS, body, row.create_key)
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def read_payment(self, row: Row) -> None:
        """Read the sums: the state alone does not show what remains."""
        payment = self.client.call("GET", self._path(row))
        if not isinstance(payment, dict) or "aggregate" not in payment:
            raise TryLater("no payment in the answer")
        sums = {name: int(amount["value"]) for name, amount in payment["aggregate"].items()}
        ended = payment.get("state") in ("TERMINATED", "ABORTED", "EXPIRED")
        cancelled = sums["cancelledAmount"] if sums["authorizedAmount"] else 0
        self.record_state(
            row,
            ended=ended,
            authorized=sums["authorizedAmount"],
            captured=sums["capturedAmount"],
            refunded=sums["refundedAmount"],
            cancelled=cancelled,
        )

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        """Capture."""
        self.client.call("POST", f"{self._path(row)}/capture", self._body(row, amount), key)

    def refund_payment(self, row: Row, key: str, amount: int) -> None:
        """Refund."""
        self.client.call("POST", f"{self._path(row)}/refund", self._body(row, amount), key)

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel; what is only abandoned is not released if it was approved in between."""
        body = {"cancelTransactionOnly": True} if row.wanted_end == "abandon" else None
        self.client.call("POST", f"{self._path(row)}/cancel", body, key)

    def _body(self, row: Row, amount: int) -> dict[str, object]:
        return {"modificationAmount": {"value": amount, "currency": row.currency}}

    def _path(self, row: Row) -> str:
        return f"{PAYMENTS}/{quote(row.reference, safe='')}"
