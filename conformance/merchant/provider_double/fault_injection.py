"""Faults on the way between merchant and provider: which one meets a request, and the responses that they make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Final

from conformance.domain.messages import Response
from conformance.merchant.provider_double.apis import part_named
from conformance.merchant.provider_double.apis.base import problem
from conformance.merchant.provider_double.routes import ELSEWHERE
from conformance.obligations.history import Fault

_HTML: Final = (("Content-Type", "text/html; charset=utf-8"),)
_PAGE_TEMPLATE: Final = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>"
_JSON: Final = (("Content-Type", "application/json;charset=UTF-8"),)


class Faults:
    """The faults of one history, and how many requests of each operation there were.

    ``healed`` is set after the last step: from then on no fault meets a request.
    """

    def __init__(self, plan: Iterable[Fault]) -> None:
        self._plan = list(plan)
        self._counted: Counter[str] = Counter()
        self.healed = False

    def meeting(self, operation: str) -> list[Fault]:
        """Count a request of an operation, and return the faults that meet it."""
        self._counted[operation] += 1
        number = self._counted[operation]
        if self.healed:
            return []
        return [
            fault
            for fault in self._plan
            if fault.on == operation and number >= fault.at and (fault.times == 0 or number < fault.at + fault.times)
        ]


def web_page(status: int, text: bytes) -> Response:
    """Return a page of HTML, as a server in front of the provider would answer."""
    return Response(status, _HTML, _PAGE_TEMPLATE % (text, text))


def gateway_response(status: int, reason: str, seconds: int | None = None) -> Response:
    """Return a response of the gateway in front of the APIs, with ``Retry-After`` where ``seconds`` are given."""
    headers = _JSON if seconds is None else (*_JSON, ("Retry-After", str(seconds)))
    body = {"responseInfo": {"responseCode": status, "responseMessage": reason}, "result": {"message": reason}}
    return Response(status, headers, json.dumps(body).encode())


_GATEWAY_REFUSALS: Final = {
    "error-500": (500, "Internal server error"),
    "error-500-after": (500, "Internal server error"),
    "error-503": (503, "Service unavailable"),
    "busy-429": (429, "Rate limit is exceeded"),
    "locked-423": (423, "The payment is locked"),
    "timeout-408": (408, "Request timeout"),
    "unauthorized-401": (401, "The access token is missing, malformed or expired"),
    "forbidden-403": (403, "Forbidden"),
}
_FIXED_RESPONSES: Final = {
    "error-502-html": web_page(502, b"502 Bad Gateway"),
    "redirect-302": Response(302, (("Location", ELSEWHERE), *_HTML), b""),
    "empty-200": Response(200, (), b""),
    "empty-200-after": Response(200, (), b""),
    "html-200": web_page(200, b"Welcome"),
    "html-200-after": web_page(200, b"Welcome"),
    "accepted-202": Response(202, (), b""),
}
_API_REFUSALS: Final = {
    "processing-409": (409, "It is being processed"),
    "missing-404": (404, "Not found"),
    "sticky-400": (400, "It could not be handled"),
}


def faulty_response(fault: Fault, api: str, path: str) -> Response | None:
    """Return the response that a fault sends in the provider's place; None where it sends none."""
    if fault.kind in _GATEWAY_REFUSALS:
        status, reason = _GATEWAY_REFUSALS[fault.kind]
        return gateway_response(status, reason, fault.seconds or None)
    if fault.kind in _API_REFUSALS:
        status, reason = _API_REFUSALS[fault.kind]
        part = part_named(api)
        if part is None:
            return problem(status, reason, path, {})
        return part.refusal(status, part.codes[fault.kind], reason, path)
    return _FIXED_RESPONSES.get(fault.kind)
