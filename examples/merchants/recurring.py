"""A reference merchant on Recurring v3: charges of agreements that customers have accepted."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from .base import ReferenceMerchant, Row, new_key
from .client import Refused, TryLater

AGREEMENTS = "/recurring/v3/agreements"


class Adapter(ReferenceMerchant):
    """Charges that are made, read, captured, refunded and cancelled, of agreements that can be stopped."""

    profiles = ("recurring",)

    def create_payment(self, row: Row) -> None:
        """Create a charge; one that exists already is the one that was created before."""
        body = {
            "amount": row.amount,
            "transactionType": "RESERVE_CAPTURE",
            "description": f"Order {row.order_id}",
            "due": f"{self.setup.now() + timedelta(days=3):%Y-%m-%d}",
            "retryDays": 2,
            "orderId": row.reference,
        }
        try:
            self.client.call("POST", f"{_path(row.agreement)}/charges", body, row.create_key)
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def read_payment(self, row: Row) -> None:
        """Read the sums: a charge that was captured in part ends as CHARGED, not as CANCELLED."""
        charge = self.client.call("GET", self._path(row))
        if not isinstance(charge, dict) or "summary" not in charge:
            raise TryLater("no charge in the answer")
        status, sums = charge["status"], charge["summary"]
        done = {event["event"] for event in charge.get("history", []) if event["success"]}
        reserved = int(charge["amount"]) if done & {"RESERVE", "CAPTURE"} else 0
        self.record_state(
            row,
            ended=status in ("CANCELLED", "FAILED"),
            authorized=reserved,
            captured=int(sums["captured"]),
            refunded=int(sums["refunded"]),
            cancelled=int(sums["cancelled"]) if reserved else 0,
        )

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        """Capture."""
        self.client.call("POST", f"{self._path(row)}/capture", {"amount": amount, "description": "Shipped"}, key)

    def refund_payment(self, row: Row, key: str, amount: int) -> None:
        """Refund."""
        self.client.call("POST", f"{self._path(row)}/refund", {"amount": amount, "description": "Returned"}, key)

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel. 204 is done; 202 is not done yet, and is read again later."""
        self.client.call("DELETE", self._path(row), key=key)

    def stop_agreement(self, agreement: str) -> None:
        """Stop an agreement: the provider cancels its charges, so what was shipped is captured before."""
        rows = [row for row in self._rows() if row.agreement == agreement]
        for row in rows:
            self.settle(row)
        if not all(row.is_done(due) for row in rows for due in row.due):
            raise RuntimeError("a capture or refund of the agreement is not done")
        self.client.call("PATCH", _path(agreement), {"status": "STOPPED"}, new_key())
        for row in rows:
            self.settle(row)

    def _path(self, row: Row) -> str:
        return f"{_path(row.agreement)}/charges/{quote(row.reference, safe='')}"


def _path(agreement: str) -> str:
    return f"{AGREEMENTS}/{quote(agreement, safe='')}"
