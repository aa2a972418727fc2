"""The words of the three APIs, as their documentation has them: requests to send, and what an answer proves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from conformance.merchant import Setup
from tests.merchant.strangers.wires import Answered, Lost

Send = Callable[..., Answered]


@dataclass(frozen=True)
class Standing:
    """What a read proves. ``state`` is open, reserved, taken, ended or busy; amounts are minor units."""

    state: str
    authorized: int = 0
    captured: int = 0
    cancelled: int = 0

    @property
    def rest(self) -> int:
        return self.authorized - self.captured - self.cancelled


@dataclass(frozen=True)
class Verdict:
    """What became of a request: done, unclear (a success that proves nothing), unknown, later or refused."""

    kind: str
    status: int = 0
    code: str = ""
    wait: float = 0.0
    seen: Standing | None = None


class Tongue:
    """What the three have in common: the token, the headers, and which answers mean what."""

    late: frozenset[str] = frozenset()
    """Codes that say that it is too late."""
    busy: frozenset[str] = frozenset()
    """Codes that say that it cannot be done now."""

    def __init__(self, setup: Setup, send: Send) -> None:
        self.setup, self.send = setup, send
        self.token = ""
        self.until = datetime.min.replace(tzinfo=UTC)

    def headers(self) -> dict[str, str]:
        """Raises `Lost` where there is no token to be had."""
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
            found = parsed(body) if status == 200 else None
            if not isinstance(found, dict) or not isinstance(found.get("access_token"), str):
                raise Lost("no token")
            self.token = found["access_token"]
            self.until = self.setup.now() + timedelta(seconds=int(found.get("expires_in", 3600)) - 60)
        return {
            "Authorization": f"Bearer {self.token}",
            "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
            "Merchant-Serial-Number": self.setup.msn,
            "Vipps-System-Name": "stranger",
            "Vipps-System-Version": "1.0",
        }

    def call(self, method: str, path: str, body: Any = None, **more: str) -> Answered:
        """Send; a 401 is answered once with a new token."""
        got = self.send(method, path, self.headers() | more, body)
        if got[0] == 401:
            self.token = ""
            got = self.send(method, path, self.headers() | more, body)
        return got

    def asked(self, method: str, path: str, body: Any = None, **more: str) -> Verdict:
        """Send something that changes a payment and classify the answer by its status and numeric code alone."""
        try:
            status, headers, raw = self.call(method, path, body, **more)
        except Lost:
            return Verdict("unknown")
        wait = self.pause(headers)
        if 200 <= status < 300:
            seen = self.proof(status, parsed(raw))
            return Verdict("unclear" if seen is None else "done", status, wait=wait, seen=seen)
        code = self.code(parsed(raw))
        if status < 400 or status >= 500 or status == 408:
            return Verdict("unknown", status, wait=wait)
        if status in (401, 423, 429) or code in self.busy:
            return Verdict("later", status, code, wait)
        return Verdict("refused", status, code, wait)

    def pause(self, headers: dict[str, str]) -> float:
        said = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        if said.isdigit():
            return float(said)
        try:
            return max(0.0, (parsedate_to_datetime(said) - self.setup.now()).total_seconds())
        except (TypeError, ValueError):
            return 0.0

    def reading(self, path: str) -> Standing | None:
        """What a read proves, or None where it proves nothing."""
        try:
            status, _, raw = self.call("GET", path)
        except Lost:
            return None
        return self.standing(parsed(raw)) if status == 200 else None

    def proof(self, status: int, found: Any) -> Standing | None:
        return self.standing(found)

    def code(self, found: Any) -> str:
        raise NotImplementedError

    def standing(self, found: Any) -> Standing | None:
        raise NotImplementedError


class Epayment(Tongue):
    late = frozenset({"6030"})
    busy = frozenset({"6160", "6250"})

    def create(self, row: Any, key: str) -> Verdict:
        body = {
            "amount": {"currency": row.currency, "value": row.amount},
            "paymentMethod": {"type": "WALLET"},
            "reference": row.reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://stranger.example/back",
            "paymentDescription": row.text,
        }
        return self.asked("POST", "/epayment/v1/payments", body, **{"Idempotency-Key": key})

    def path(self, row: Any) -> str:
        return f"/epayment/v1/payments/{quote(row.reference, safe='')}"

    def read(self, row: Any) -> Standing | None:
        return self.reading(self.path(row))

    def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
        body = {"cancelTransactionOnly": True} if only_unapproved else None
        return self.asked("POST", self.path(row) + "/cancel", body, **{"Idempotency-Key": key})

    def capture(self, row: Any, amount: int, key: str) -> Verdict:
        body = {"modificationAmount": {"currency": row.currency, "value": amount}}
        return self.asked("POST", self.path(row) + "/capture", body, **{"Idempotency-Key": key})

    def code(self, found: Any) -> str:
        details = found.get("extraDetails") if isinstance(found, dict) else None
        for one in details if isinstance(details, list) else ():
            if isinstance(one, dict) and one.get("name") == "ErrorCode":
                return str(one.get("reason"))
        return ""

    def standing(self, found: Any) -> Standing | None:
        try:
            sums = [
                found["aggregate"][name]["value"]
                for name in ("authorizedAmount", "capturedAmount", "cancelledAmount", "refundedAmount")
            ]
            state = found["state"]
        except (KeyError, TypeError):
            return None
        if not all(type(one) is int and one >= 0 for one in sums):
            return None
        authorized, captured, cancelled, _ = sums
        if state in ("ABORTED", "EXPIRED", "TERMINATED"):
            return Standing("ended")
        if state == "CREATED":
            return Standing("open")
        if state != "AUTHORIZED":
            return None
        name = "taken" if captured else "ended" if cancelled >= authorized else "reserved"
        return Standing(name, authorized, captured, cancelled)


class Ecom(Tongue):
    late = frozenset({"Payment/98", "Payment/96"})
    busy = frozenset({"VippsError/94", "VippsError/98"})

    def create(self, row: Any, key: str) -> Verdict:
        body = {
            "merchantInfo": {
                "merchantSerialNumber": self.setup.msn,
                "callbackPrefix": "https://stranger.example/callback",
                "fallBack": "https://stranger.example/back",
            },
            "customerInfo": {},
            "transaction": {"orderId": row.reference, "amount": row.amount, "transactionText": row.text},
        }
        return self.asked("POST", "/ecomm/v2/payments", body)

    def path(self, row: Any) -> str:
        return f"/ecomm/v2/payments/{quote(row.reference, safe='')}"

    def read(self, row: Any) -> Standing | None:
        return self.reading(self.path(row) + "/details")

    def _body(self, row: Any, **transaction: Any) -> dict[str, Any]:
        return {
            "merchantInfo": {"merchantSerialNumber": self.setup.msn},
            "transaction": {"transactionText": row.text} | transaction,
        }

    def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
        body = self._body(row)
        if row.captured:
            body["shouldReleaseRemainingFunds"] = True
        return self.asked("PUT", self.path(row) + "/cancel", body)

    def capture(self, row: Any, amount: int, key: str) -> Verdict:
        return self.asked("POST", self.path(row) + "/capture", self._body(row, amount=amount), **{"X-Request-Id": key})

    def code(self, found: Any) -> str:
        first = found[0] if isinstance(found, list) and found else None
        return f"{first.get('errorGroup')}/{first.get('errorCode')}" if isinstance(first, dict) else ""

    def proof(self, status: int, found: Any) -> Standing | None:
        """A cancel's or a capture's own answer is not trusted here: the details are read after it."""
        return None

    def standing(self, found: Any) -> Standing | None:
        try:
            log = [one for one in found["transactionLogHistory"] if one["operationSuccess"] is True]
            names = {one["operation"] for one in log}
            amounts = {one["operation"]: one["amount"] for one in log}
        except (KeyError, TypeError):
            return None
        summary = found.get("transactionSummary")
        if names & {"CANCEL", "VOID"} and not names & {"CAPTURE", "SALE"}:
            authorized = amounts.get("RESERVE", 0)
            return Standing("ended", authorized, 0, authorized)
        if not names & {"RESERVE", "SALE"}:
            return Standing("open")
        try:
            captured, rest = summary["capturedAmount"], summary["remainingAmountToCapture"]
        except (KeyError, TypeError):
            return None
        authorized = amounts.get("RESERVE", amounts.get("SALE", 0))
        gone = authorized - captured - rest
        return Standing("taken" if captured else "reserved" if rest else "ended", authorized, captured, gone)


class Recurring(Tongue):
    def create(self, row: Any, key: str) -> Verdict:
        body = {
            "amount": row.amount,
            "transactionType": "RESERVE_CAPTURE",
            "description": row.text,
            "due": f"{self.setup.now() + timedelta(days=2):%Y-%m-%d}",
            "retryDays": 0,
            "orderId": row.reference,
        }
        return self.asked("POST", self.charges(row), body, **{"Idempotency-Key": key})

    def charges(self, row: Any) -> str:
        return f"/recurring/v3/agreements/{quote(row.agreement, safe='')}/charges"

    def path(self, row: Any) -> str:
        return f"{self.charges(row)}/{quote(row.reference, safe='')}"

    def read(self, row: Any) -> Standing | None:
        return self.reading(self.path(row))

    def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
        return self.asked("DELETE", self.path(row), None, **{"Idempotency-Key": key})

    def capture(self, row: Any, amount: int, key: str) -> Verdict:
        body = {"amount": amount, "description": row.text}
        return self.asked("POST", self.path(row) + "/capture", body, **{"Idempotency-Key": key})

    def proof(self, status: int, found: Any) -> Standing | None:
        """Nothing comes with the answer: what was done is read."""
        return None

    def code(self, found: Any) -> str:
        return str(found.get("type", "")).rpartition("#")[2] if isinstance(found, dict) else ""

    def standing(self, found: Any) -> Standing | None:
        try:
            status, amount = found["status"], found["amount"]
            captured, cancelled = found["summary"]["captured"], found["summary"]["cancelled"]
        except (KeyError, TypeError):
            return None
        match status:
            case "PENDING" | "DUE":
                return Standing("open")
            case "PROCESSING":
                return Standing("busy")
            case "RESERVED":
                return Standing("reserved", amount, captured, cancelled)
            case "PARTIALLY_CAPTURED" | "CHARGED" | "PARTIALLY_REFUNDED" | "REFUNDED":
                return Standing("taken", amount, captured, cancelled)
            case "CANCELLED":
                return Standing("ended", cancelled, 0, cancelled)
            case "FAILED":
                return Standing("ended")
            case _:
                return None


def parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
