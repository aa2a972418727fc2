"""A client of the embedded provider whose every answer is held against the packaged OpenAPI description."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from conformance.domain.messages import Request, Response
from conformance.sandbox import Options, Provider, description

DESCRIPTION = json.loads(description())
REGISTRY = Registry().with_resource("urn:sandbox", Resource.from_contents(DESCRIPTION, DRAFT202012))
DAY = 86_400
MSN = "123456"
OTHER = "654321"
MISSING = object()


def fixed_now() -> datetime:
    return datetime(2026, 3, 1, 12, tzinfo=UTC)


@cache
def validator(pointer: str) -> Draft202012Validator:
    schema = {"$ref": f"urn:sandbox{pointer}"}
    return Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker())


@cache
def places() -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(DESCRIPTION["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]*", path)), path) for path in paths]


def operation(method: str, path: str) -> dict[str, Any] | None:
    """The described operation of a request, {} for a described path without this method, None for an unknown path."""
    for pattern, template in places():
        if pattern.fullmatch(path.partition("?")[0]):
            return DESCRIPTION["paths"][template].get(method.lower(), {})
    return None


def check_described(request: Request, response: Response) -> None:
    """Fail unless the description has this answer: its status, its content type, its body."""
    operation_described = operation(request.method, request.path)
    if not operation_described:
        assert response.status == (404 if operation_described is None else 405)
        validator("#/components/schemas/Gateway").validate(response.json())
        return
    described = operation_described["responses"].get(str(response.status))
    assert described is not None, (
        f"{operation_described['operationId']} answered {response.status}, which is not described"
    )
    if "$ref" in described:
        described = DESCRIPTION["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    for name in described.get("headers", {}):
        assert response.header(name) is not None
    if "content" not in described:
        assert response.body == b""
        return
    [(content_type, media)] = described["content"].items()
    assert response.header("content-type") == content_type
    validator(media["schema"]["$ref"]).validate(response.json())


class Client:
    def __init__(self, options: Options | None = None, **provider: Any) -> None:
        self.provider = Provider(options or Options(), **provider)
        self.keys = 0
        token = self.exchange(
            Request(
                "POST",
                "/accesstoken/get",
                (
                    ("client_id", "sandbox-client-id"),
                    ("client_secret", "sandbox-client-secret"),
                    ("Ocp-Apim-Subscription-Key", "sandbox-subscription-key"),
                ),
            )
        )
        self.token = token.json()["access_token"]

    def exchange(self, request: Request) -> Response:
        response = self.provider.handle(request)
        check_described(request, response)
        return response

    def send(
        self, method: str, path: str, body: object = MISSING, *, raw: bytes | None = None, **headers: str | None
    ) -> Response:
        """Send a request; a header is named with underscores, and None leaves it out."""
        values: dict[str, str | None] = {
            "authorization": f"Bearer {self.token}",
            "ocp_apim_subscription_key": "sandbox-subscription-key",
            "merchant_serial_number": MSN,
            **headers,
        }
        if raw is None:
            raw = b"" if body is MISSING else json.dumps(body).encode()
        sent = tuple((name.replace("_", "-"), value) for name, value in values.items() if value is not None)
        return self.exchange(Request(method, path, sent, raw))

    def new_key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    # test control

    def age(self, profile: str, id_: str, days: float = 0, seconds: float = 0) -> None:
        path = f"/control/v1/{profile}/payments/{id_}/age"
        assert self.send("POST", path, {"seconds": days * DAY + seconds}).status == 204

    def act(self, profile: str, id_: str, action: str) -> int:
        return self.send("POST", f"/control/v1/{profile}/payments/{id_}/action", {"action": action}).status


class Ecom(Client):
    BASE = "/ecomm/v2/payments"

    def merchant(self, msn: str = MSN) -> dict[str, Any]:
        return {"merchantInfo": {"merchantSerialNumber": msn}}

    def initiate(self, id_: str = "order-1", amount: int = 1000, msn: str = MSN) -> Response:
        body = {
            "merchantInfo": {
                "merchantSerialNumber": msn,
                "callbackPrefix": "https://example.com/callback",
                "fallBack": "https://example.com/back",
            },
            "customerInfo": {"mobileNumber": "40404040"},
            "transaction": {"amount": amount, "orderId": id_, "transactionText": "socks"},
        }
        return self.send("POST", self.BASE, body, merchant_serial_number=msn)

    def approve(self, id_: str = "order-1") -> Response:
        path = f"/ecomm/v2/integration-test/payments/{id_}/approve"
        return self.send("POST", path, {"customerPhoneNumber": "40404040"})

    def reserved(self, id_: str = "order-1", amount: int = 1000, captures: tuple[int, ...] = ()) -> None:
        assert self.initiate(id_, amount).status == 200
        assert self.approve(id_).status == 200
        for part in captures:
            assert self.capture(part, id_).status == 200

    def cancel(self, flag: object = MISSING, id_: str = "order-1", msn: str = MSN, **headers: str | None) -> Response:
        body: dict[str, Any] = {**self.merchant(msn), "transaction": {"transactionText": "no socks"}}
        if flag is not MISSING:
            body["shouldReleaseRemainingFunds"] = flag
        return self.send("PUT", f"{self.BASE}/{id_}/cancel", body, **{"merchant_serial_number": msn, **headers})

    def modify(self, verb: str, amount: int | None, id_: str = "order-1", key: str | None = None) -> Response:
        transaction = {"transactionText": verb} if amount is None else {"transactionText": verb, "amount": amount}
        body = {**self.merchant(), "transaction": transaction}
        return self.send("POST", f"{self.BASE}/{id_}/{verb}", body, x_request_id=key or self.new_key())

    def capture(self, amount: int | None = None, id_: str = "order-1", key: str | None = None) -> Response:
        return self.modify("capture", amount, id_, key)

    def refund(self, amount: int | None = None, id_: str = "order-1", key: str | None = None) -> Response:
        return self.modify("refund", amount, id_, key)

    def details(self, id_: str = "order-1") -> dict[str, Any]:
        return self.send("GET", f"{self.BASE}/{id_}/details").json()

    def status(self, id_: str = "order-1") -> str:
        return self.send("GET", f"{self.BASE}/{id_}/status").json()["transactionInfo"]["status"]

    def sums(self, id_: str = "order-1") -> tuple[int, int, int, int]:
        summary = self.details(id_)["transactionSummary"]
        names = ("capturedAmount", "refundedAmount", "remainingAmountToCapture", "remainingAmountToRefund")
        return tuple(summary[name] for name in names)

    def operations(self, id_: str = "order-1") -> list[str]:
        return [entry["operation"] for entry in self.details(id_)["transactionLogHistory"]]


def code(response: Response) -> tuple[int, str, str]:
    """Status, group and code of an eCom refusal."""
    [error] = response.json()
    return response.status, error["errorGroup"], error["errorCode"]


class EPayment(Client):
    BASE = "/epayment/v1/payments"

    def create(self, id_: str = "reference-1", value: int = 1000, key: str | None = None, **more: Any) -> Response:
        body = {
            "amount": {"currency": "NOK", "value": value},
            "paymentMethod": {"type": "WALLET"},
            "reference": id_,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://example.com/back",
            **more,
        }
        return self.send("POST", self.BASE, body, idempotency_key=key or self.new_key())

    def approve(self, id_: str = "reference-1") -> Response:
        body = {"customer": {"phoneNumber": "4740404040"}}
        return self.send("POST", f"/epayment/v1/test/payments/{id_}/approve", body)

    def authorized(self, id_: str = "reference-1", amount: int = 1000, captures: tuple[int, ...] = ()) -> None:
        assert self.create(id_, amount).status == 201
        assert self.approve(id_).status == 200
        for part in captures:
            assert self.capture(part, id_).status == 200

    def cancel(self, body: object = MISSING, id_: str = "reference-1", **headers: str | None) -> Response:
        return self.send("POST", f"{self.BASE}/{id_}/cancel", body, **headers)

    def modify(self, verb: str, amount: int, id_: str = "reference-1", key: str | None = None) -> Response:
        body = {"modificationAmount": {"currency": "NOK", "value": amount}}
        return self.send("POST", f"{self.BASE}/{id_}/{verb}", body, idempotency_key=key or self.new_key())

    def capture(self, amount: int, id_: str = "reference-1", key: str | None = None) -> Response:
        return self.modify("capture", amount, id_, key)

    def refund(self, amount: int, id_: str = "reference-1", key: str | None = None) -> Response:
        return self.modify("refund", amount, id_, key)

    def get(self, id_: str = "reference-1") -> dict[str, Any]:
        return self.send("GET", f"{self.BASE}/{id_}").json()

    def events(self, id_: str = "reference-1") -> list[dict[str, Any]]:
        return self.send("GET", f"{self.BASE}/{id_}/events").json()

    def names(self, id_: str = "reference-1") -> list[str]:
        return [event["name"] for event in self.events(id_)]


def sums(payment: dict[str, Any]) -> tuple[str, int, int, int, int]:
    """State, authorized, captured, refunded and cancelled amounts of an ePayment payment."""
    names = ("authorizedAmount", "capturedAmount", "refundedAmount", "cancelledAmount")
    return payment["state"], *(payment["aggregate"][name]["value"] for name in names)


def error_code(response: Response) -> tuple[int, str | None]:
    """Status and four-digit code of an ePayment refusal."""
    details = response.json().get("extraDetails", [])
    return response.status, next((d["reason"] for d in details if d["name"] == "ErrorCode"), None)


class Recurring(Client):
    BASE = "/recurring/v3/agreements"

    def __init__(self, options: Options | None = None, **provider: Any) -> None:
        super().__init__(options, **provider)
        self.agreement = ""

    def draft(self, initial: dict[str, Any] | None = None, key: str | None = None, **more: Any) -> Response:
        body: dict[str, Any] = {
            "pricing": {"type": "LEGACY", "amount": 1000, "currency": "NOK"},
            "interval": {"unit": "MONTH", "count": 1},
            "merchantRedirectUrl": "https://example.com/back",
            "merchantAgreementUrl": "https://example.com/me",
            "productName": "socks",
            **more,
        }
        if initial is not None:
            body["initialCharge"] = initial
        return self.send("POST", self.BASE, body, idempotency_key=key or self.new_key())

    def accept(self, id_: str | None = None) -> Response:
        path = f"{self.BASE}/{id_ or self.agreement}/accept"
        return self.send("PATCH", path, {"phoneNumber": "4740404040"}, idempotency_key=self.new_key())

    def update(self, body: object, key: str | None = None) -> Response:
        return self.send("PATCH", f"{self.BASE}/{self.agreement}", body, idempotency_key=key or self.new_key())

    def stop(self) -> Response:
        return self.update({"status": "STOPPED"})

    def active(self, initial: dict[str, Any] | None = None) -> str:
        """Make an active agreement and return its initial charge."""
        drafted = self.draft(initial).json()
        self.agreement = drafted["agreementId"]
        assert self.accept().status == 204
        return drafted["chargeId"]

    def reserved(self, amount: int = 1000, captures: tuple[int, ...] = ()) -> str:
        charge = self.active({"amount": amount, "description": "first", "transactionType": "RESERVE_CAPTURE"})
        for part in captures:
            assert self.capture(charge, part).status == 204
        return charge

    def create(self, days: int | None = 40, kind: str = "DIRECT_CAPTURE", amount: int = 1000, **more: Any) -> Response:
        body: dict[str, Any] = {"amount": amount, "description": "socks", "transactionType": kind, **more}
        if days is not None:
            due = datetime.fromtimestamp(self.provider.shared.clock.seconds() + days * DAY, UTC)
            body = {"due": due.date().isoformat(), "retryDays": 2, **body}
        path = f"{self.BASE}/{self.agreement}/charges"
        return self.send("POST", path, body, idempotency_key=self.new_key())

    def charge(self, days: int | None = 40, kind: str = "DIRECT_CAPTURE", amount: int = 1000, **more: Any) -> str:
        return self.create(days, kind, amount, **more).json()["chargeId"]

    def path(self, charge: str) -> str:
        return f"{self.BASE}/{self.agreement}/charges/{charge}"

    def cancel(self, charge: str, key: str | None = None, **headers: str | None) -> Response:
        return self.send("DELETE", self.path(charge), **{"idempotency_key": key or self.new_key(), **headers})

    def capture(self, charge: str, amount: int, key: str | None = None) -> Response:
        path = f"{self.path(charge)}/capture"
        return self.send("POST", path, {"amount": amount}, idempotency_key=key or self.new_key())

    def refund(self, charge: str, amount: int, key: str | None = None) -> Response:
        body = {"amount": amount, "description": "sorry"}
        return self.send("POST", f"{self.path(charge)}/refund", body, idempotency_key=key or self.new_key())

    def get(self, charge: str) -> dict[str, Any]:
        return self.send("GET", self.path(charge)).json()

    def status(self, charge: str) -> str:
        return self.get(charge)["status"]

    def sums(self, charge: str) -> tuple[str, int, int, int]:
        """Status, captured, refunded and cancelled amounts."""
        view = self.get(charge)
        return view["status"], *(view["summary"][name] for name in ("captured", "refunded", "cancelled"))

    def history(self, charge: str) -> list[tuple[str, int]]:
        return [(event["event"], event["amount"]) for event in self.get(charge)["history"]]


def problem_id(response: Response) -> tuple[int, str]:
    """Status and problem id of a Recurring refusal."""
    return response.status, response.json()["type"].partition("#")[2]
