"""Which documented operation a merchant's request asks for, and for which payment.

Paths are matched without regard to capital letters, as the provider's gateway does; identifiers keep theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Final
from urllib.parse import unquote

from conformance.domain.api_table import SPECS
from conformance.domain.messages import Request
from conformance.merchant.provider_double.apis import PARTS, ApiPart

_TOKEN: Final = ("POST", re.compile(r"/accesstoken/get", re.IGNORECASE), "token", "")
_TOKENS: Final = "/accesstoken/"
ELSEWHERE: Final = "/maintenance"
"""The path to which an injected redirect leads."""


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """What a request asks for.

    Attributes:
        operation: A documented operation, ``unknown`` for another path of an embedded API, ``other`` for another API,
            ``foreign`` for another host, or ``earlier`` for a payment of an earlier history.
        api: The API's name, or empty.
        payment_id: The decoded identifier of the payment in the path, where the operation has one.
        path: The path as it is documented, with the identifiers as they were sent; empty for an undocumented operation.

    """

    operation: str
    api: str
    payment_id: str
    path: str = ""

    def as_documented(self, request: Request) -> Request:
        """Return a request that asks for this, with its path in the documented spelling."""
        if not self.path:
            return request
        _, mark, query = request.path.partition("?")
        return replace(request, path=f"{self.path}{mark}{query}")


def route_request(method: str, target: str) -> RoutedRequest:
    """Return what a request to a path asks for."""
    path = target.partition("?")[0]
    for expected, pattern, operation, api in _routes(tuple(PARTS.values())):
        match = pattern.fullmatch(path) if method == expected else None
        if match is not None:
            about_payment = operation in ("cancel", "capture", "refund", "read")
            payment_id = unquote(match[match.re.groups]) if about_payment else ""
            return RoutedRequest(operation, api, payment_id, _in_documented_spelling(match))
    lowered = path.lower()
    roots = ((spec.profile.value, f"/{spec.root.split('/')[1]}/") for spec in SPECS.values())
    api = next((name for name, root in roots if lowered.startswith(root)), "")
    # Requests to other APIs are answered with 404 and not judged.
    if api or lowered.startswith(_TOKENS) or re.search(r"/(cancel|void)$", lowered):
        return RoutedRequest("unknown", api, "")
    return RoutedRequest("other", "", "")


def _in_documented_spelling(match: re.Match[str]) -> str:
    """Return a path in small letters, but for its identifiers."""
    path, end = "", 0
    for number in range(1, match.re.groups + 1):
        path += match.string[end : match.start(number)].lower() + match[number]
        end = match.end(number)
    return path + match.string[end:].lower()


@cache
def _routes(parts: tuple[ApiPart, ...]) -> tuple[tuple[str, re.Pattern[str], str, str], ...]:
    routes = [
        (method, re.compile(path, re.IGNORECASE), operation, part.profile.value)
        for part in parts
        for method, path, operation in part.routes
    ]
    return (_TOKEN, *routes)
