"""Which documented operation a merchant's request asks for, and for which payment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import unquote

from conformance.domain.api_table import SPECS
from conformance.merchant.provider_double.apis import PARTS, ApiPart

_TOKEN: Final = ("POST", re.compile(r"/accesstoken/get"), "token", "")
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

    """

    operation: str
    api: str
    payment_id: str


def route_request(method: str, target: str) -> RoutedRequest:
    """Return what a request to a path asks for."""
    path = target.partition("?")[0]
    for expected, pattern, operation, api in _routes(tuple(PARTS.values())):
        match = pattern.fullmatch(path) if method == expected else None
        if match is not None:
            about_payment = operation in ("cancel", "capture", "refund", "read")
            return RoutedRequest(operation, api, unquote(match[1]) if about_payment else "")
    api = next((spec.profile.value for spec in SPECS.values() if path.startswith(f"/{spec.root.split('/')[1]}/")), "")
    # Requests to other APIs are answered with 404 and not judged.
    if api or path.startswith(_TOKENS) or re.search(r"/(cancel|void)$", path):
        return RoutedRequest("unknown", api, "")
    return RoutedRequest("other", "", "")


@cache
def _routes(parts: tuple[ApiPart, ...]) -> tuple[tuple[str, re.Pattern[str], str, str], ...]:
    routes = [
        (method, re.compile(path), operation, part.profile.value)
        for part in parts
        for method, path, operation in part.routes
    ]
    return (_TOKEN, *routes)
