"""A reference merchant on eCom v2."""

from __future__ import annotations

from urllib.parse import quote

from examples.merchants.ledger import Refused, Row, Shop, TryLater

PAYMENTS = "/ecomm/v2/payments"
ENDS = ("CANCEL", "VOID")


class Adapter(Shop):
    """Payments that are made, read, captured and cancelled through eCom."""

    profiles = ("ecom",)

    def make(self, row: Row) -> None:
        """Make a payment; an order id that is taken is the one that was made before."""
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
            self.wire.call("POST", PAYMENTS, body)
        except Refused as refusal:
            if "34" not in refusal.codes:
                raise

    def look(self, row: Row) -> None:
        """Read the whole history: the sums are there only once something was reserved."""
        said = self.wire.call("GET", f"{self._path(row)}/details")
        if not isinstance(said, dict) or not isinstance(said.get("transactionLogHistory"), list):
            raise TryLater("no payment in the answer")
        done = {one["operation"]: one for one in reversed(said["transactionLogHistory"]) if one["operationSuccess"]}
        sums = said.get("transactionSummary") or {}
        reserved = row.amount if done.keys() & {"RESERVE", "SALE"} else 0
        captured = int(sums.get("capturedAmount", 0))
        left = int(sums.get("remainingAmountToCapture", 0))
        self.stands(
            row,
            ended=any(name in done for name in ENDS) and not reserved,
            authorized=reserved,
            captured=captured,
            cancelled=reserved - captured - left,
        )

    def take(self, row: Row, key: str, amount: int) -> None:
        """Capture."""
        self.wire.call("POST", f"{self._path(row)}/capture", self._body(row, amount=amount), key)

    def stop(self, row: Row, key: str) -> None:
        """Cancel; after a partial capture, with the flag that releases the rest."""
        body = self._body(row)
        if row.captured:
            body["shouldReleaseRemainingFunds"] = True
        self.wire.call("PUT", f"{self._path(row)}/cancel", body)

    def _body(self, row: Row, **more: int) -> dict[str, object]:
        return {
            "merchantInfo": {"merchantSerialNumber": self.setup.msn},
            "transaction": {"transactionText": f"Order {row.order_id}", **more},
        }

    def _path(self, row: Row) -> str:
        return f"{PAYMENTS}/{quote(row.reference, safe='')}"
