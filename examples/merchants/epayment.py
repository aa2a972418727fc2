"""A reference merchant on ePayment v1."""

from __future__ import annotations

from urllib.parse import quote

from examples.merchants.ledger import Refused, Row, Shop, TryLater

PAYMENTS = "/epayment/v1/payments"


class Adapter(Shop):
    """Payments that are made, read, captured and cancelled through ePayment."""

    profiles = ("epayment",)

    def make(self, row: Row) -> None:
        """Make a payment; one that is there already is the one that was made before."""
        body = {
            "amount": {"value": row.amount, "currency": row.currency},
            "paymentMethod": {"type": "WALLET"},
            "reference": row.reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://shop.example/thanks",
            "paymentDescription": f"Order {row.order_id}",
        }
        try:
            self.wire.call("POST", PAYMENTS, body, f"create-{row.order_id}")
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def look(self, row: Row) -> None:
        """Read the sums: the state alone does not tell what is left."""
        said = self.wire.call("GET", self._path(row))
        if not isinstance(said, dict) or "aggregate" not in said:
            raise TryLater("no payment in the answer")
        sums = {name: int(amount["value"]) for name, amount in said["aggregate"].items()}
        ended = said.get("state") in ("TERMINATED", "ABORTED", "EXPIRED")
        released = sums["cancelledAmount"] if sums["authorizedAmount"] else 0
        self.stands(
            row,
            ended=ended,
            authorized=sums["authorizedAmount"],
            captured=sums["capturedAmount"],
            cancelled=released,
        )

    def take(self, row: Row, key: str, amount: int) -> None:
        """Capture."""
        money = {"value": amount, "currency": row.currency}
        self.wire.call("POST", f"{self._path(row)}/capture", {"modificationAmount": money}, key)

    def stop(self, row: Row, key: str) -> None:
        """Cancel; what is only abandoned is not released if it was approved in between."""
        body = {"cancelTransactionOnly": True} if row.wanted == "abandon" else None
        self.wire.call("POST", f"{self._path(row)}/cancel", body, key)

    def _path(self, row: Row) -> str:
        return f"{PAYMENTS}/{quote(row.reference, safe='')}"
