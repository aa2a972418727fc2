"""A reference merchant on Recurring v3: charges of agreements that customers have accepted."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from examples.merchants.ledger import Refused, Row, Shop, TryLater

AGREEMENTS = "/recurring/v3/agreements"


class Adapter(Shop):
    """Charges that are made, read, captured and cancelled."""

    profiles = ("recurring",)

    def make(self, row: Row) -> None:
        """Make a charge; one that is there already is the one that was made before."""
        body = {
            "amount": row.amount,
            "transactionType": "RESERVE_CAPTURE",
            "description": f"Order {row.order_id}",
            "due": f"{self.setup.now() + timedelta(days=3):%Y-%m-%d}",
            "retryDays": 2,
            "orderId": row.reference,
        }
        try:
            self.wire.call(
                "POST", f"{AGREEMENTS}/{quote(row.agreement, safe='')}/charges", body, f"create-{row.order_id}"[:40]
            )
        except Refused as refusal:
            if refusal.status != 409:
                raise

    def look(self, row: Row) -> None:
        """Read the sums: a charge that was captured in part ends as CHARGED, not as CANCELLED."""
        said = self.wire.call("GET", self._path(row))
        if not isinstance(said, dict) or "summary" not in said:
            raise TryLater("no charge in the answer")
        status, sums = said["status"], said["summary"]
        done = {one["event"] for one in said.get("history", []) if one["success"]}
        reserved = int(said["amount"]) if done & {"RESERVE", "CAPTURE"} else 0
        self.stands(
            row,
            ended=status in ("CANCELLED", "FAILED"),
            authorized=reserved,
            captured=int(sums["captured"]),
            cancelled=int(sums["cancelled"]) if reserved else 0,
        )

    def take(self, row: Row, key: str, amount: int) -> None:
        """Capture."""
        self.wire.call("POST", f"{self._path(row)}/capture", {"amount": amount, "description": "Shipped"}, key)

    def stop(self, row: Row, key: str) -> None:
        """Cancel. 204 is done; 202 is not yet, and is read again later."""
        self.wire.call("DELETE", self._path(row), key=key)

    def _path(self, row: Row) -> str:
        return f"{AGREEMENTS}/{quote(row.agreement, safe='')}/charges/{quote(row.reference, safe='')}"
