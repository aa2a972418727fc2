"""Which documented operation a merchant's request asks for, and for which payment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_ID: Final = r"([^/]*)"
_ROUTES: Final = (
    ("POST", r"/accesstoken/get", "token", ""),
    ("POST", r"/ecomm/v2/payments", "create", "ecom"),
    ("PUT", rf"/ecomm/v2/payments/{_ID}/cancel", "cancel", "ecom"),
    ("POST", rf"/ecomm/v2/payments/{_ID}/capture", "capture", "ecom"),
    ("POST", rf"/ecomm/v2/payments/{_ID}/refund", "refund", "ecom"),
    ("GET", rf"/ecomm/v2/payments/{_ID}/(?:details|status)", "read", "ecom"),
    ("POST", r"/epayment/v1/payments", "create", "epayment"),
    ("POST", rf"/epayment/v1/payments/{_ID}/cancel", "cancel", "epayment"),
    ("POST", rf"/epayment/v1/payments/{_ID}/capture", "capture", "epayment"),
    ("POST", rf"/epayment/v1/payments/{_ID}/refund", "refund", "epayment"),
    ("GET", rf"/epayment/v1/payments/{_ID}(?:/events)?", "read", "epayment"),
    ("POST", r"/recurring/v3/agreements", "draft", "recurring"),
    ("GET", rf"/recurring/v3/agreements/{_ID}", "agreement", "recurring"),
    ("PATCH", rf"/recurring/v3/agreements/{_ID}", "stop", "recurring"),
    ("GET", rf"/recurring/v3/agreements/{_ID}/charges", "list", "recurring"),
    ("POST", rf"/recurring/v3/agreements/{_ID}/charges", "create", "recurring"),
    ("GET", rf"/recurring/v3/agreements/[^/]*/charges/{_ID}", "read", "recurring"),
    ("DELETE", rf"/recurring/v3/agreements/[^/]*/charges/{_ID}", "cancel", "recurring"),
    ("POST", rf"/recurring/v3/agreements/[^/]*/charges/{_ID}/capture", "capture", "recurring"),
    ("POST", rf"/recurring/v3/agreements/[^/]*/charges/{_ID}/refund", "refund", "recurring"),
    ("GET", rf"/recurring/v3/charges/{_ID}", "read", "recurring"),
)
_COMPILED: Final = tuple((method, re.compile(path), name, api) for method, path, name, api in _ROUTES)
_FAMILIES: Final = ("/ecomm/", "/epayment/", "/recurring/", "/accesstoken/")
"""Where the paths of the embedded APIs begin. Requests to other APIs are answered with 404 and not judged."""
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
    for expected, pattern, operation, api in _COMPILED:
        match = pattern.fullmatch(path) if method == expected else None
        if match is not None:
            about_payment = operation in ("cancel", "capture", "refund", "read")
            return RoutedRequest(operation, api, unquote(match[1]) if about_payment else "")
    family = next((prefix for prefix in _FAMILIES if path.startswith(prefix)), "")
    if family or re.search(r"/(cancel|void)$", path):
        api = {"/ecomm/": "ecom", "/epayment/": "epayment", "/recurring/": "recurring"}.get(family, "")
        return RoutedRequest("unknown", api, "")
    return RoutedRequest("other", "", "")
