"""A reference merchant on eCom v2."""

from __future__ import annotations

from urllib.parse import quote

from .base import ReferenceMerchant, Row
from .client import Refused, TryLater

PAYMENTS = "/ecomm/v2/payments"
ENDS = ("CANCEL", "VOID")


class Adapter(ReferenceMerchant):
    """Payments that are made, read, captured, refunded and cancelled through eCom."""

    profiles = ("ecom",)

    def create_payment(self, row: Row) -> None:
        """Create a payment; an order id that is taken belongs to the payment that was created before."""
        body = {
            "customerInfo": {},
            "merchantInfo": {
                "merchantSerialNumber": self.setup.msn,
                "callbackPrefix": "https://shop.example/callback",
                "fallBack": "https://shop.example/thanks",
            },
            "transaction": {
                "amount": row.amount,
                "orderId": row.reference,
                "transactionText": f"Order {row.order_id}",
            },
        }
        try:
            self.client.call("POST", PAYMENTS, body)
        except Refused as refusal:
            if "34" not in refusal.codes:
                raise

    def read_payment(self, row: Row) -> None:
        """Read the details: the log says what was done, and the sums are there once something was reserved."""
        details = self.client.call("GET", f"{self._path(row)}/details")
        if not isinstance(details, dict) or not isinstance(details.get("transactionLogHistory"), list):
            raise TryLater("no payment in the answer")
        done = {
            entry["operation"]: entry
            for entry in reversed(details["transactionLogHistory"])
            if entry["operationSuccess"]
        }
        summary = details.get("transactionSummary") or {}
        reserved = row.amount if done.keys() & {"RESERVE", "SALE"} else 0
        captured = int(summary.get("capturedAmount", 0))
        remaining = int(summary.get("remainingAmountToCapture", 0))
        self.record_state(
            row,
            ended=any(name in done for name in ENDS) and not reserved,
            authorized=reserved,
            captured=captured,
            refunded=int(summary.get("refundedAmount", 0)),
            cancelled=reserved - captured - remaining,
        )

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        """Capture."""
        self.client.call("POST", f"{self._path(row)}/capture", self._body(row, amount=amount), key)

    def refund_payment(self, row: Row, key: str, amount: int) -> None:
        """Refund."""
        self.client.call("POST", f"{self._path(row)}/refund", self._body(row, amount=amount), key)

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel; after a partial capture, with the flag that releases the rest."""
        body = self._body(row)
        if row.captured:
            body["shouldReleaseRemainingFunds"] = True
        self.client.call("PUT", f"{self._path(row)}/cancel", body)

    def _body(self, row: Row, **more: int) -> dict[str, object]:
        return {
            "merchantInfo": {"merchantSerialNumber": self.setup.msn},
            "transaction": {"transactionText": f"Order {row.order_id}", **more},
        }

    def _path(self, row: Row) -> str:
        return f"{PAYMENTS}/{quote(row.reference, safe='')}"
