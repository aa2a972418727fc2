"""The tutorial's shop, with one defect."""

from conformance.examples.merchants import ecom
from conformance.examples.merchants.base import Row


class Adapter(ecom.Adapter):
    """A shop on eCom v2. Everything but the cancel comes from the reference merchant."""

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel the payment of an order."""
        body = {
            "merchantInfo": {"merchantSerialNumber": self.setup.msn},
            "transaction": {"transactionText": f"Order {row.order_id}"},
        }
        self.client.call("PUT", f"/ecomm/v2/payments/{row.reference}/cancel", body)
