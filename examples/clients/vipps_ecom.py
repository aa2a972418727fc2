"""A small shop on eCom with the client ``vipps`` of PyPI, in three stages."""

from __future__ import annotations

import uuid
from contextlib import suppress

import requests
from vipps import VippsEcomApi

from conformance.merchant import Order, Setup, View


class Adapter:
    """It does what the client's answers suggest, and nothing more."""

    profiles = ("ecom",)
    client = VippsEcomApi

    def __init__(self, setup: Setup) -> None:
        keys = (setup.client_id, setup.client_secret, setup.subscription_key, setup.msn)
        back = ("https://shop.example/callback", "https://shop.example/thanks")
        self.api = self.client(*keys, setup.base_url, *back, vipps_system_name="shop")
        self.orders: dict[str, View] = {}

    def create(self, order: Order) -> str:
        """Make the payment."""
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
        """Tell how the payment stands in the books."""
        return self.orders[order_id]


class WithRequestId(VippsEcomApi):
    """The client, with the ``X-Request-Id`` without which no capture is accepted."""

    request_id: str | None = None

    @property
    def headers(self) -> dict[str, str | None]:
        """The headers of the next call."""
        return {**super().headers, "X-Request-Id": self.request_id}


class Keyed(Adapter):
    """The same shop, whose captures are accepted. The id stays the same until a capture is confirmed."""

    client = WithRequestId

    def capture(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped."""
        self.api.request_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{order_id} {self.orders[order_id].captured}"))
        try:
            super().capture(order_id, amount)
        finally:
            self.api.request_id = None


class Careful(Keyed):
    """The same shop, believing nothing but the payment's details: it looks before and after whatever it sends."""

    def is_over(self, order_id: str) -> bool:
        """Look at the payment, and tell whether nothing is left of it."""
        try:
            said = self.api.details_payment(order_id)
        except requests.HTTPError:
            self.api._access_token = None  # The client keeps a token for ever.
            raise
        done = {one["operation"] for one in said["transactionLogHistory"] if one["operationSuccess"]}
        sums = said.get("transactionSummary") or {}
        taken, left = sums.get("capturedAmount", 0), sums.get("remainingAmountToCapture", 0)
        over = not left if done & {"RESERVE", "SALE"} else bool(done & {"CANCEL", "VOID"})
        status = "captured" if taken else "cancelled" if over else "authorized" if left else "open"
        self.orders[order_id] = View(status, captured=taken, reference=order_id)
        return over

    def cancel(self, order_id: str) -> None:
        """Cancel the order, or what is left of it."""
        if self.is_over(order_id):
            return
        with suppress(requests.RequestException, ValueError):
            self.api.cancel_payment(order_id, "Cancelled")
        if not self.is_over(order_id):
            raise RuntimeError(f"{order_id} is not cancelled")
