"""Adapters that raise, and applications: what their author sees is tested in `tests/reports/test_troubles.py`."""

import os

from conformance.adapter import Refused
from conformance.sandbox import Provider, create_app
from examples.adapter_example import InMemoryEpayment

good = create_app(Provider())


class CancelRaises(InMemoryEpayment):
    def cancel(self, order_id, *, flag, key):
        return {}[order_id]


class CancelRaisesAfterCapture(InMemoryEpayment):
    def cancel(self, order_id, *, flag, key):
        payment = self.payments.get(order_id)
        if payment is not None and payment.captured:
            raise KeyError(order_id)
        return super().cancel(order_id, flag=flag, key=key)


class QuotesSecret(InMemoryEpayment):
    def cancel(self, order_id, *, flag, key):
        raise RuntimeError(f"cannot connect with {os.environ['VIPPS_CLIENT_SECRET']}")


class NotMade(InMemoryEpayment):
    def __init__(self):
        raise KeyError("dsn")


class NotMadeWithSecret(InMemoryEpayment):
    def __init__(self):
        raise RuntimeError(f"cannot connect with {os.environ['VIPPS_CLIENT_SECRET']}")


class RefusesOrders(InMemoryEpayment):
    def initiate(self, order_id, amount, currency, kind):
        return Refused("71", 400, "no such sales unit")


async def cancel_raises(scope, receive, send):
    if scope["type"] == "http" and scope["path"].endswith("/cancel"):
        raise KeyError("order")
    await good(scope, receive, send)


class RefusesLater:
    """An application that takes one order, and refuses all others."""

    def __init__(self):
        self.orders = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/epayment/v1/payments"):
            self.orders += 1
            if self.orders > 1:
                headers = [(b"content-type", b"application/problem+json")]
                await send({"type": "http.response.start", "status": 400, "headers": headers})
                await send({"type": "http.response.body", "body": b'{"title": "Daily limit reached"}'})
                return
        await good(scope, receive, send)


def application():
    """Make an application, and be none."""
    return good
