"""Requests and responses inside the provider.

Headers and bodies are parsed here, and refusals and JSON are written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from conformance.domain.messages import Headers, Request, Response

JsonObject = dict[str, Any]

JSON = "application/json;charset=UTF-8"
PROBLEM = "application/problem+json"

_encode_slowly = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_JSON_HEADERS: Headers = (("Content-Type", JSON),)
_PROBLEM_HEADERS: Headers = (("Content-Type", PROBLEM),)

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    422: "Unprocessable Content",
    423: "Locked",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a request: the field or header, and a sentence about it."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not carried out, independent of an API's format.

    Attributes:
        status: HTTP status of the response.
        code: The API's name for the error: an eCom error code, an ePayment four-digit code, or the id of a Recurring
            problem. Empty where the API has none.
        reason: One sentence for the reader.
        group: eCom error group.
        faults: What is wrong with the request; empty for a refusal on the payment's state.
        transient: The caller is expected to try again with the same idempotency key, so it is never stored.

    """

    status: int
    code: str
    reason: str
    group: str = ""
    faults: tuple[Fault, ...] = ()
    transient: bool = False


class RefusedError(Exception):
    """Carries a refusal out of a handler.

    A refusal is an outcome of the request, and no error of the provider.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class BadBodyError(ValueError):
    """The body is not a JSON object in UTF-8."""


@dataclass(slots=True)
class ProviderRequest:
    """A request inside the provider.

    Attributes:
        request: As received.
        path: Path without the query.
        query: The raw query, without its question mark.
        operation: Template of the route, for instance ``PUT /ecomm/v2/payments/{orderId}/cancel``.
        params: Percent-decoded values of the template's braces, in order.
        headers: First value of each header, by lower-case name.
        msn: The sales unit, once the gateway has found it.

    """

    request: Request
    path: str
    query: str
    operation: str
    params: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    msn: str = ""

    def body(self, *, required: bool = True) -> JsonObject:
        """Return the body as a JSON object.

        An empty one counts as ``{}`` unless it is required.

        Raises:
            BadBody: it is something else.

        """
        raw = self.request.body
        if not raw and not required:
            return {}
        try:
            value = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadBodyError("The body is not JSON in UTF-8") from error
        if not isinstance(value, dict):
            raise BadBodyError("The body is not a JSON object")
        return value


def header_map(headers: Headers) -> dict[str, str]:
    """Return the first value of each header, by lower-case name."""
    first_values: dict[str, str] = {}
    for name, value in headers:
        first_values.setdefault(name.lower(), value)
    return first_values


def _encoded(payload: object) -> bytes:
    try:
        return msgspec.json.encode(payload)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which a merchant sent in JSON, is given back as it came.
        return _encode_slowly(payload).encode("ascii")


def json_response(status: int, payload: object, extra: Headers = ()) -> Response:
    """Return a response with a JSON body."""
    return Response(status, _JSON_HEADERS + extra if extra else _JSON_HEADERS, _encoded(payload))


def problem_response(status: int, payload: object, extra: Headers = ()) -> Response:
    """Return a response with a problem document (RFC 7807)."""
    return Response(status, _PROBLEM_HEADERS + extra if extra else _PROBLEM_HEADERS, _encoded(payload))


def empty_response(status: int, extra: Headers = ()) -> Response:
    """Return a response without a body."""
    return Response(status, extra)


def gateway_response(status: int, message: str, extra: Headers = ()) -> Response:
    """Return a response of the gateway, which has a format of its own."""
    payload = {
        "responseInfo": {"responseCode": status, "responseMessage": REASONS[status]},
        "result": {"message": message},
    }
    return json_response(status, payload, extra)


class BodyCheck:
    """Reads a JSON object field by field and collects what is wrong with it.

    A value of the wrong type is replaced by a harmless one, so that reading can go on. What was read must not be used
    if there are ``faults``.
    """

    def __init__(self, body: JsonObject, prefix: str = "") -> None:
        self.body = body
        self.prefix = prefix
        self.faults: list[Fault] = []

    def fault(self, name: str, reason: str) -> None:
        """Add a fault of a field, named by its path such as ``amount.value``."""
        self.faults.append(Fault(self.prefix + name, reason))

    def text(
        self,
        name: str,
        *,
        pattern: re.Pattern[str] | None = None,
        shortest: int = 0,
        longest: int | None = None,
        required: bool = True,
    ) -> str:
        """Return a string field, or an empty string."""
        value = self.body.get(name)
        if value is None and name not in self.body:
            if required:
                self.fault(name, "is required")
            return ""
        if not isinstance(value, str):
            self.fault(name, "must be a string")
            return ""
        if len(value) < shortest or (longest is not None and len(value) > longest):
            self.fault(name, f"must have {shortest} to {longest} characters")
        elif pattern is not None and not pattern.fullmatch(value):
            self.fault(name, f"must match {pattern.pattern}")
        return value

    def choice(self, name: str, values: frozenset[str], *, required: bool = True) -> str:
        """Return a string field that has one of a few values, or an empty string."""
        value = self.text(name, required=required)
        if value and value not in values:
            self.fault(name, "must be one of " + ", ".join(sorted(values)))
        return value

    def integer(
        self, name: str, *, least: int = 0, most: int = 65_000_000, required: bool = True, default: int = 0
    ) -> int:
        """Return an integer field, or the default. ``true`` and ``1.0`` are not integers."""
        value = self.body.get(name)
        if value is None and name not in self.body:
            if required:
                self.fault(name, "is required")
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(name, "must be an integer")
            return default
        if not least <= value <= most:
            self.fault(name, f"must be from {least} to {most}")
            return default
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return an optional boolean field."""
        value = self.body.get(name, default)
        if not isinstance(value, bool):
            self.fault(name, "must be a boolean")
            return default
        return value

    def part(self, name: str, *, required: bool = True) -> BodyCheck:
        """Return a check of an inner object, which adds its faults to this one's."""
        value = self.body.get(name)
        inner = BodyCheck(value if isinstance(value, dict) else {}, f"{self.prefix}{name}.")
        if isinstance(value, dict):
            inner.faults = self.faults
        elif name in self.body:
            self.fault(name, "must be an object")
        elif required:
            self.fault(name, "is required")
        return inner

    def has(self, name: str) -> bool:
        """Return whether the object has a field, whatever its value."""
        return name in self.body
