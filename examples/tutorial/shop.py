"""The tutorial's shop: correct, apart from its cancel after a partial shipment."""

from examples.merchants import ecom
from examples.merchants.base import Row


class Adapter(ecom.Adapter):
    """A shop on eCom v2. It buys what is not about cancelling from the reference merchant."""

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel the payment of an order."""
        body = {
            "merchantInfo": {"merchantSerialNumber": self.setup.msn},
            "transaction": {"transactionText": f"Order {row.order_id}"},
        }
        self.client.call("PUT", f"/ecomm/v2/payments/{row.reference}/cancel", body)
