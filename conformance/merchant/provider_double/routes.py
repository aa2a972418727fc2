"""What a merchant's request asks for: the documented operation, and the payment in its path."""

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
"""The APIs that are embedded. What a merchant asks of others is answered with 404 and judged by nobody."""
ELSEWHERE: Final = "/maintenance"
"""Where a redirect leads."""


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """What a request asks for. ``payment`` is the decoded identifier in its path, if the operation has one."""

    operation: str
    api: str
    payment: str


def route_request(method: str, target: str) -> RoutedRequest:
    """Return what a request asks for; a path of an embedded API that is none of the documented ones is ``unknown``."""
    path = target.partition("?")[0]
    for known, pattern, name, api in _COMPILED:
        found = pattern.fullmatch(path) if method == known else None
        if found is not None:
            about_payment = name in ("cancel", "capture", "refund", "read")
            return RoutedRequest(name, api, unquote(found[1]) if about_payment else "")
    family = next((one for one in _FAMILIES if path.startswith(one)), "")
    if family or re.search(r"/(cancel|void)$", path):
        api = {"/ecomm/": "ecom", "/epayment/": "epayment", "/recurring/": "recurring"}.get(family, "")
        return RoutedRequest("unknown", api, "")
    return RoutedRequest("other", "", "")
