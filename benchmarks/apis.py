"""The three APIs as the author of an ordinary test would write them down: a path and a body for each thing to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from conformance.domain.order import Profile
from conformance.sandbox import Options

PHONE = "4712345678"


@dataclass(frozen=True)
class Money:
    """What a read says of an order's money."""

    captured: int
    refunded: int


class Api(ABC):
    """One API, asked through one client."""

    profile: ClassVar[Profile]
    approved_at_once: ClassVar[bool] = False

    def __init__(self, client: httpx.Client) -> None:
        options = Options()
        self.client = client
        self.msn = options.msn
        self.sent = 0
        keys = {"Ocp-Apim-Subscription-Key": options.subscription_key, "Merchant-Serial-Number": options.msn}
        secret = {"client_id": options.client_id, "client_secret": options.client_secret}
        answer = client.post("/accesstoken/get", headers=keys | secret)
        self.headers = keys | {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        self.sent += 1
        headers = self.headers | {"X-Request-Id": f"r{self.sent}", "Idempotency-Key": f"k{self.sent}"}
        return self.client.request(method, path, headers=headers, json=body)

    def control(self, order: str, what: str, body: Any) -> httpx.Response:
        self.sent += 1
        name = order.rpartition("/")[2]
        return self.client.post(f"/control/v1/{self.profile.value}/payments/{name}/{what}", json=body)

    def age(self, order: str, days: int) -> httpx.Response:
        return self.control(order, "age", {"seconds": days * 86_400})

    def approve(self, order: str) -> httpx.Response:
        return self.control(order, "action", {"action": "approve"})

    @abstractmethod
    def create(self, number: int, amount: int) -> str:
        """Return what identifies a new order."""

    @abstractmethod
    def capture(self, order: str, amount: int) -> httpx.Response: ...

    @abstractmethod
    def refund(self, order: str, amount: int) -> httpx.Response: ...

    @abstractmethod
    def cancel(self, order: str, flag: bool | None) -> httpx.Response: ...

    @abstractmethod
    def money(self, order: str) -> Money: ...

    def permits(self, flag: bool | None, captured: int) -> bool:
        """Whether a reserved order that is not fully captured may be cancelled with this flag."""
        return True


class Ecom(Api):
    profile = Profile.ECOM
    base = "/ecomm/v2/payments"

    def create(self, number: int, amount: int) -> str:
        order = f"machine-{number}"
        merchant = {"callbackPrefix": "https://example.com/callbacks", "fallBack": "https://example.com/fallback"}
        body = {
            "customerInfo": {"mobileNumber": PHONE[-8:]},
            "merchantInfo": {"merchantSerialNumber": self.msn, **merchant},
            "transaction": {"amount": amount, "orderId": order, "transactionText": "Benchmark"},
        }
        assert self.ask("POST", self.base, body).status_code == 200
        return order

    def _change(self, method: str, order: str, what: str, **more: Any) -> httpx.Response:
        merchant = {"merchantSerialNumber": self.msn}
        return self.ask(method, f"{self.base}/{order}/{what}", {"merchantInfo": merchant, **more})

    def capture(self, order: str, amount: int) -> httpx.Response:
        return self._change("POST", order, "capture", transaction={"amount": amount, "transactionText": "Benchmark"})

    def refund(self, order: str, amount: int) -> httpx.Response:
        return self._change("POST", order, "refund", transaction={"amount": amount, "transactionText": "Benchmark"})

    def cancel(self, order: str, flag: bool | None) -> httpx.Response:
        more = {} if flag is None else {"shouldReleaseRemainingFunds": flag}
        return self._change("PUT", order, "cancel", transaction={"transactionText": "Benchmark"}, **more)

    def permits(self, flag: bool | None, captured: int) -> bool:
        return captured == 0 or flag is True

    def money(self, order: str) -> Money:
        summary = self.ask("GET", f"{self.base}/{order}/details").json().get("transactionSummary", {})
        return Money(summary.get("capturedAmount", 0), summary.get("refundedAmount", 0))


class EPayment(Api):
    profile = Profile.EPAYMENT
    base = "/epayment/v1/payments"

    def create(self, number: int, amount: int) -> str:
        reference = f"machine-{number}"
        body = {
            "amount": {"currency": "NOK", "value": amount},
            "paymentMethod": {"type": "WALLET"},
            "customer": {"phoneNumber": PHONE},
            "reference": reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://example.com/return",
            "paymentDescription": "Benchmark",
        }
        assert self.ask("POST", self.base, body).status_code == 201
        return reference

    def _change(self, order: str, what: str, amount: int) -> httpx.Response:
        body = {"modificationAmount": {"currency": "NOK", "value": amount}}
        return self.ask("POST", f"{self.base}/{order}/{what}", body)

    def capture(self, order: str, amount: int) -> httpx.Response:
        return self._change(order, "capture", amount)

    def refund(self, order: str, amount: int) -> httpx.Response:
        return self._change(order, "refund", amount)

    def cancel(self, order: str, flag: bool | None) -> httpx.Response:
        body = None if flag is None else {"cancelTransactionOnly": flag}
        return self.ask("POST", f"{self.base}/{order}/cancel", body)

    def permits(self, flag: bool | None, captured: int) -> bool:
        return flag is not True

    def money(self, order: str) -> Money:
        found = self.ask("GET", f"{self.base}/{order}").json()["aggregate"]
        return Money(found["capturedAmount"]["value"], found["refundedAmount"]["value"])


class Recurring(Api):
    profile = Profile.RECURRING
    base = "/recurring/v3/agreements"
    approved_at_once = True

    def create(self, number: int, amount: int) -> str:
        charge = {"amount": amount, "description": "Benchmark", "transactionType": "RESERVE_CAPTURE"}
        body = {
            "pricing": {"type": "LEGACY", "amount": amount, "currency": "NOK"},
            "interval": {"unit": "MONTH", "count": 1},
            "merchantRedirectUrl": "https://example.com/redirect",
            "merchantAgreementUrl": "https://example.com/agreement",
            "phoneNumber": PHONE,
            "productName": "Benchmark",
            "initialCharge": {**charge, "orderId": f"machine-{number}"},
        }
        made = self.ask("POST", self.base, body).json()
        agreement = f"{self.base}/{made['agreementId']}"
        assert self.ask("PATCH", f"{agreement}/accept", {"phoneNumber": PHONE}).status_code == 204
        return f"{agreement}/charges/{made['chargeId']}"

    def capture(self, order: str, amount: int) -> httpx.Response:
        return self.ask("POST", f"{order}/capture", {"amount": amount, "description": "Benchmark"})

    def refund(self, order: str, amount: int) -> httpx.Response:
        return self.ask("POST", f"{order}/refund", {"amount": amount, "description": "Benchmark"})

    def cancel(self, order: str, flag: bool | None) -> httpx.Response:
        return self.ask("DELETE", order)

    def money(self, order: str) -> Money:
        summary = self.ask("GET", order).json()["summary"]
        return Money(summary["captured"], summary["refunded"])


APIS = {api.profile: api for api in (Ecom, EPayment, Recurring)}
"""Each profile's API."""
