"""Clients of the three APIs, as their documentation has them: which requests to send, and what a response proves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from conformance.merchant import Setup
from tests.merchant.independent.transports import NoResponse, RawResponse

Send = Callable[..., RawResponse]


@dataclass(frozen=True)
class PaymentState:
    """What a read proves of a payment.

    ``state`` is open, reserved, taken, ended or busy; amounts are minor units.
    """

    state: str
    authorized: int = 0
    captured: int = 0
    cancelled: int = 0
    refunded: int = 0

    @property
    def remaining(self) -> int:
        return self.authorized - self.captured - self.cancelled


@dataclass(frozen=True)
class CallResult:
    """What became of a request: done, unclear (a success that proves nothing), unknown, later or refused."""

    kind: str
    status: int = 0
    code: str = ""
    wait: float = 0.0
    payment: PaymentState | None = None


class ApiClient:
    """What the three clients have in common: the token, the headers, and which responses mean what."""

    late: frozenset[str] = frozenset()
    """Error codes that say that it is too late."""
    busy: frozenset[str] = frozenset()
    """Error codes that say that it cannot be done now."""

    def __init__(self, setup: Setup, send: Send) -> None:
        self.setup, self.send = setup, send
        self.token = ""
        self.until = datetime.min.replace(tzinfo=UTC)

    def headers(self) -> dict[str, str]:
        """Return the headers of a call, with a token; raise `NoResponse` where no token can be had."""
        if not self.token or self.setup.now() >= self.until:
            status, _, body = self.send(
                "POST",
                "/accesstoken/get",
                {
                    "client_id": self.setup.client_id,
                    "client_secret": self.setup.client_secret,
                    "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                    "Merchant-Serial-Number": self.setup.msn,
                },
            )
            content = parsed(body) if status == 200 else None
            if not isinstance(content, dict) or not isinstance(content.get("access_token"), str):
                raise NoResponse("no token")
            self.token = content["access_token"]
            self.until = self.setup.now() + timedelta(seconds=int(content.get("expires_in", 3600)) - 60)
        return {
            "Authorization": f"Bearer {self.token}",
            "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
            "Merchant-Serial-Number": self.setup.msn,
            "Vipps-System-Name": "stranger",
            "Vipps-System-Version": "1.0",
        }

    def call(self, method: str, path: str, body: Any = None, **extra_headers: str) -> RawResponse:
        """Send a request; after a 401, send it once more with a new token."""
        response = self.send(method, path, self.headers() | extra_headers, body)
        if response[0] == 401:
            self.token = ""
            response = self.send(method, path, self.headers() | extra_headers, body)
        return response

    def change(self, method: str, path: str, body: Any = None, **extra_headers: str) -> CallResult:
        """Send a request that changes a payment, and classify the response by its status and error code alone."""
        try:
            status, headers, raw = self.call(method, path, body, **extra_headers)
        except NoResponse:
            return CallResult("unknown")
        wait = self.pause(headers)
        if 200 <= status < 300:
            payment = self.proof(status, parsed(raw))
            return CallResult("unclear" if payment is None else "done", status, wait=wait, payment=payment)
        code = self.code(parsed(raw))
        if status < 400 or status >= 500 or status == 408:
            return CallResult("unknown", status, wait=wait)
        if status in (401, 423, 429) or code in self.busy:
            return CallResult("later", status, code, wait)
        return CallResult("refused", status, code, wait)

    def pause(self, headers: dict[str, str]) -> float:
        text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        if text.isdigit():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - self.setup.now()).total_seconds())
        except (TypeError, ValueError):
            return 0.0

    def state_at(self, path: str) -> PaymentState | None:
        """Return what a read proves; None where it proves nothing."""
        try:
            status, _, raw = self.call("GET", path)
        except NoResponse:
            return None
        return self.payment_state(parsed(raw)) if status == 200 else None

    def proof(self, status: int, content: Any) -> PaymentState | None:
        return self.payment_state(content)

    def code(self, content: Any) -> str:
        raise NotImplementedError

    def payment_state(self, content: Any) -> PaymentState | None:
        raise NotImplementedError


class Epayment(ApiClient):
    late = frozenset({"6030"})
    """Error codes that say that it is too late."""
    busy = frozenset({"6160", "6250"})
    """Error codes that say that it cannot be done now."""

    def create(self, row: Any, key: str) -> CallResult:
        body = {
            "amount": {"currency": row.currency, "value": row.amount},
            "paymentMethod": {"type": "WALLET"},
            "reference": row.reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://stranger.example/back",
            "paymentDescription": row.text,
        }
        return self.change("POST", "/epayment/v1/payments", body, **{"Idempotency-Key": key})

    def path(self, row: Any) -> str:
        return f"/epayment/v1/payments/{quote(row.reference, safe='')}"

    def read(self, row: Any) -> PaymentState | None:
        return self.state_at(self.path(row))

    def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
        body = {"cancelTransactionOnly": True} if only_unapproved else None
        return self.change("POST", self.path(row) + "/cancel", body, **{"Idempotency-Key": key})

    def capture(self, row: Any, amount: int, key: str) -> CallResult:
        body = {"modificationAmount": {"currency": row.currency, "value": amount}}
        return self.change("POST", self.path(row) + "/capture", body, **{"Idempotency-Key": key})

    def refund(self, row: Any, amount: int, key: str) -> CallResult:
        body = {"modificationAmount": {"currency": row.currency, "value": amount}}
        return self.change("POST", self.path(row) + "/refund", body, **{"Idempotency-Key": key})

    def code(self, content: Any) -> str:
        details = content.get("extraDetails") if isinstance(content, dict) else None
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, dict) and detail.get("name") == "ErrorCode":
                return str(detail.get("reason"))
        return ""

    def payment_state(self, content: Any) -> PaymentState | None:
        try:
            sums = [
                content["aggregate"][name]["value"]
                for name in ("authorizedAmount", "capturedAmount", "cancelledAmount", "refundedAmount")
            ]
            state = content["state"]
        except (KeyError, TypeError):
            return None
        if not all(type(amount) is int and amount >= 0 for amount in sums):
            return None
        authorized, captured, cancelled, refunded = sums
        if state in ("ABORTED", "EXPIRED", "TERMINATED"):
            return PaymentState("ended")
        if state == "CREATED":
            return PaymentState("open")
        if state != "AUTHORIZED":
            return None
        name = "taken" if captured else "ended" if cancelled >= authorized else "reserved"
        return PaymentState(name, authorized, captured, cancelled, refunded)


class Ecom(ApiClient):
    late = frozenset({"Payment/98", "Payment/96"})
    """Error codes that say that it is too late."""
    busy = frozenset({"VippsError/94", "VippsError/98"})
    """Error codes that say that it cannot be done now."""

    def create(self, row: Any, key: str) -> CallResult:
        body = {
            "merchantInfo": {
                "merchantSerialNumber": self.setup.msn,
                "callbackPrefix": "https://stranger.example/callback",
                "fallBack": "https://stranger.example/back",
            },
            "customerInfo": {},
            "transaction": {"orderId": row.reference, "amount": row.amount, "transactionText": row.text},
        }
        return self.change("POST", "/ecomm/v2/payments", body)

    def path(self, row: Any) -> str:
        return f"/ecomm/v2/payments/{quote(row.reference, safe='')}"

    def read(self, row: Any) -> PaymentState | None:
        return self.state_at(self.path(row) + "/details")

    def _body(self, row: Any, **transaction: Any) -> dict[str, Any]:
        return {
            "merchantInfo": {"merchantSerialNumber": self.setup.msn},
            "transaction": {"transactionText": row.text} | transaction,
        }

    def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
        body = self._body(row)
        if row.captured:
            body["shouldReleaseRemainingFunds"] = True
        return self.change("PUT", self.path(row) + "/cancel", body)

    def capture(self, row: Any, amount: int, key: str) -> CallResult:
        return self.change("POST", self.path(row) + "/capture", self._body(row, amount=amount), **{"X-Request-Id": key})

    def refund(self, row: Any, amount: int, key: str) -> CallResult:
        return self.change("POST", self.path(row) + "/refund", self._body(row, amount=amount), **{"X-Request-Id": key})

    def code(self, content: Any) -> str:
        first = content[0] if isinstance(content, list) and content else None
        return f"{first.get('errorGroup')}/{first.get('errorCode')}" if isinstance(first, dict) else ""

    def proof(self, status: int, content: Any) -> PaymentState | None:
        """A cancel's or a capture's own answer is not trusted here: the details are read after it."""
        return None

    def payment_state(self, content: Any) -> PaymentState | None:
        try:
            log = [entry for entry in content["transactionLogHistory"] if entry["operationSuccess"] is True]
            names = {entry["operation"] for entry in log}
            amounts = {entry["operation"]: entry["amount"] for entry in log}
        except (KeyError, TypeError):
            return None
        summary = content.get("transactionSummary")
        if names & {"CANCEL", "VOID"} and not names & {"CAPTURE", "SALE"}:
            authorized = amounts.get("RESERVE", 0)
            return PaymentState("ended", authorized, 0, authorized)
        if not names & {"RESERVE", "SALE"}:
            return PaymentState("open")
        try:
            captured, remaining = summary["capturedAmount"], summary["remainingAmountToCapture"]
            refunded = summary["refundedAmount"]
        except (KeyError, TypeError):
            return None
        authorized = amounts.get("RESERVE", amounts.get("SALE", 0))
        cancelled = authorized - captured - remaining
        name = "taken" if captured else "reserved" if remaining else "ended"
        return PaymentState(name, authorized, captured, cancelled, refunded)


class Recurring(ApiClient):
    def create(self, row: Any, key: str) -> CallResult:
        body = {
            "amount": row.amount,
            "transactionType": "RESERVE_CAPTURE",
            "description": row.text,
            "due": f"{self.setup.now() + timedelta(days=2):%Y-%m-%d}",
            "retryDays": 0,
            "orderId": row.reference,
        }
        return self.change("POST", self.charges(row), body, **{"Idempotency-Key": key})

    def charges(self, row: Any) -> str:
        return f"/recurring/v3/agreements/{quote(row.agreement, safe='')}/charges"

    def path(self, row: Any) -> str:
        return f"{self.charges(row)}/{quote(row.reference, safe='')}"

    def read(self, row: Any) -> PaymentState | None:
        return self.state_at(self.path(row))

    def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
        return self.change("DELETE", self.path(row), None, **{"Idempotency-Key": key})

    def capture(self, row: Any, amount: int, key: str) -> CallResult:
        body = {"amount": amount, "description": row.text}
        return self.change("POST", self.path(row) + "/capture", body, **{"Idempotency-Key": key})

    def refund(self, row: Any, amount: int, key: str) -> CallResult:
        body = {"amount": amount, "description": row.text}
        return self.change("POST", self.path(row) + "/refund", body, **{"Idempotency-Key": key})

    def proof(self, status: int, content: Any) -> PaymentState | None:
        """Nothing comes with the answer: what was done is read."""
        return None

    def code(self, content: Any) -> str:
        return str(content.get("type", "")).rpartition("#")[2] if isinstance(content, dict) else ""

    def payment_state(self, content: Any) -> PaymentState | None:
        try:
            status, amount = content["status"], content["amount"]
            captured, cancelled = content["summary"]["captured"], content["summary"]["cancelled"]
            refunded = content["summary"]["refunded"]
        except (KeyError, TypeError):
            return None
        match status:
            case "PENDING" | "DUE":
                return PaymentState("open")
            case "PROCESSING":
                return PaymentState("busy")
            case "RESERVED":
                return PaymentState("reserved", amount, captured, cancelled)
            case "PARTIALLY_CAPTURED" | "CHARGED" | "PARTIALLY_REFUNDED" | "REFUNDED":
                return PaymentState("taken", amount, captured, cancelled, refunded)
            case "CANCELLED":
                return PaymentState("ended", cancelled, 0, cancelled)
            case "FAILED":
                return PaymentState("ended")
            case _:
                return None


def parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
