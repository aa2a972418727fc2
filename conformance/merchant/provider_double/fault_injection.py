"""What goes wrong on the wire: which fault meets a request, and the answers that no provider gave."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Final

from conformance.domain.messages import Response
from conformance.merchant.provider_double.routes import ELSEWHERE
from conformance.obligations.history import Fault

_HTML: Final = (("Content-Type", "text/html; charset=utf-8"),)
_PAGE: Final = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>"
_JSON: Final = (("Content-Type", "application/json;charset=UTF-8"),)
_PROBLEM: Final = (("Content-Type", "application/problem+json"),)


class Faults:
    """A plan of faults on its way through a history."""

    def __init__(self, plan: Iterable[Fault]) -> None:
        self._plan = list(plan)
        self._seen: Counter[str] = Counter()
        self.healed = False

    def meeting(self, operation: str) -> list[Fault]:
        """Count a request, and return what it meets."""
        self._seen[operation] += 1
        number = self._seen[operation]
        if self.healed:
            return []
        return [
            fault
            for fault in self._plan
            if fault.on == operation and number >= fault.at and (fault.times == 0 or number < fault.at + fault.times)
        ]


def page(status: int, text: bytes) -> Response:
    """Return a web page, as something in front of the provider answers."""
    return Response(status, _HTML, _PAGE % (text, text))


def refusal(api: str, status: int, code: str, reason: str, path: str) -> Response:
    """Return a refusal in the words of an API."""
    if api == "ecom":
        group = "VippsError" if code in ("91", "92", "94", "99") else "Payment"
        error = {
            "errorGroup": group,
            "errorCode": code,
            "errorMessage": reason,
            "contextId": "c0ffee00-0000-4000-8000-0",
        }
        return Response(status, _JSON, json.dumps([error]).encode())
    body = {"title": "Error", "status": status, "detail": reason, "instance": path}
    if api == "epayment":
        details = [{"name": "ErrorCode", "reason": code}]
        body |= {"type": f"https://httpstatuses.io/{status}", "traceId": "c0ffee-1", "extraDetails": details}
    else:
        problems = "https://developer.vippsmobilepay.com/docs/APIs/recurring-api/recurring-api-problems"
        body |= {"type": f"{problems}#{code}", "contextId": "c0ffee-1"}
    return Response(status, _PROBLEM, json.dumps(body).encode())


def gateway(status: int, reason: str, seconds: int | None = None) -> Response:
    """Return an answer of the gateway in front of the APIs."""
    headers = _JSON if seconds is None else (*_JSON, ("Retry-After", str(seconds)))
    body = {"responseInfo": {"responseCode": status, "responseMessage": reason}, "result": {"message": reason}}
    return Response(status, headers, json.dumps(body).encode())


_GATEWAY: Final = {
    "error-500": (500, "Internal server error"),
    "error-500-after": (500, "Internal server error"),
    "error-503": (503, "Service unavailable"),
    "busy-429": (429, "Rate limit is exceeded"),
    "locked-423": (423, "The payment is locked"),
    "timeout-408": (408, "Request timeout"),
    "unauthorized-401": (401, "The access token is missing, malformed or expired"),
    "forbidden-403": (403, "Forbidden"),
}
_PLAIN: Final = {
    "error-502-html": page(502, b"502 Bad Gateway"),
    "redirect-302": Response(302, (("Location", ELSEWHERE), *_HTML), b""),
    "empty-200": Response(200, (), b""),
    "empty-200-after": Response(200, (), b""),
    "html-200": page(200, b"Welcome"),
    "html-200-after": page(200, b"Welcome"),
    "accepted-202": Response(202, (), b""),
}
_CODES: Final = {
    "processing-409": (409, {"ecom": "94", "epayment": "6160", "recurring": "conflict"}, "It is being processed"),
    "missing-404": (404, {"ecom": "35", "epayment": "5090", "recurring": "resource-not-found"}, "Not found"),
    "sticky-400": (400, {"ecom": "99", "epayment": "4000", "recurring": "operation-failed"}, "It could not be handled"),
}


def made_up(fault: Fault, api: str, path: str) -> Response | None:
    """Return the answer that a fault gives in the provider's place; None where it gives none at all."""
    if fault.kind in _GATEWAY:
        status, reason = _GATEWAY[fault.kind]
        return gateway(status, reason, fault.seconds or None)
    if fault.kind in _CODES:
        status, codes, reason = _CODES[fault.kind]
        return refusal(api, status, codes.get(api, ""), reason, path)
    return _PLAIN.get(fault.kind)
