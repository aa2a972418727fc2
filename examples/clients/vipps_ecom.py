"""A small merchant on eCom with the client ``vipps`` from PyPI, in three stages."""

from __future__ import annotations

import uuid
from contextlib import suppress

import requests
from vipps import VippsEcomApi

from conformance.merchant import Order, Setup, View


class Adapter:
    """Does what the client's responses suggest, and nothing more."""

    profiles = ("ecom",)
    client = VippsEcomApi

    def __init__(self, setup: Setup) -> None:
        keys = (setup.client_id, setup.client_secret, setup.subscription_key, setup.msn)
        back = ("https://shop.example/callback", "https://shop.example/thanks")
        self.api = self.client(*keys, setup.base_url, *back, vipps_system_name="shop")
        self.orders: dict[str, View] = {}

    def create(self, order: Order) -> str:
        """Create the payment."""
        self.orders[order.id] = View("open", captured=0, reference=order.id)
        return str(self.api.init_payment(order.id, order.amount, order.description)["orderId"])

    def capture(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped."""
        self.api.capture_payment(order_id, amount, "Shipped")
        taken = self.orders[order_id].captured or 0
        self.orders[order_id] = View("captured", captured=taken + amount, reference=order_id)

    def cancel(self, order_id: str) -> None:
        """Cancel the order, or what is left of it."""
        self.api.cancel_payment(order_id, "Cancelled")
        if not self.orders[order_id].captured:
            self.orders[order_id] = View("cancelled", captured=0, reference=order_id)

    def local_view(self, order_id: str) -> View:
        """Return how the payment stands in the books."""
        return self.orders[order_id]


class WithRequestId(VippsEcomApi):
    """The client, with the ``X-Request-Id`` that a capture needs to be accepted."""

    request_id: str | None = None

    @property
    def headers(self) -> dict[str, str | None]:
        """The headers of the next call."""
        return {**super().headers, "X-Request-Id": self.request_id}


class Keyed(Adapter):
    """The same merchant with captures that are accepted: the id stays the same until a capture is confirmed."""

    client = WithRequestId

    def capture(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped."""
        self.api.request_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{order_id} {self.orders[order_id].captured}"))
        try:
            super().capture(order_id, amount)
        finally:
            self.api.request_id = None


class Careful(Keyed):
    """The same merchant, which believes nothing but the payment's details: it reads before and after what it sends."""

    def read_whether_over(self, order_id: str) -> bool:
        """Read the payment; return whether nothing of it remains."""
        try:
            details = self.api.details_payment(order_id)
        except requests.HTTPError:
            self.api._access_token = None  # The client keeps a token for ever.
            raise
        done = {entry["operation"] for entry in details["transactionLogHistory"] if entry["operationSuccess"]}
        sums = details.get("transactionSummary") or {}
        taken, remaining = sums.get("capturedAmount", 0), sums.get("remainingAmountToCapture", 0)
        ended = not remaining if done & {"RESERVE", "SALE"} else bool(done & {"CANCEL", "VOID"})
        status = "captured" if taken else "cancelled" if ended else "authorized" if remaining else "open"
        self.orders[order_id] = View(status, captured=taken, reference=order_id)
        return ended

    def cancel(self, order_id: str) -> None:
        """Cancel the order, or what is left of it."""
        if self.read_whether_over(order_id):
            return
        with suppress(requests.RequestException, ValueError):
            self.api.cancel_payment(order_id, "Cancelled")
        if not self.read_whether_over(order_id):
            raise RuntimeError(f"{order_id} is not cancelled")
