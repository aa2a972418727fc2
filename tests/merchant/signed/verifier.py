"""Verifies a delivery as the provider documents it, for a shop; it shares nothing with the suite's own signer."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="


def is_genuine(secret: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a delivery to a registered URL carries the right signature; header names are in small letters."""
    digest = hashlib.sha256(body).digest()
    if headers.get("x-ms-content-sha256") != base64.b64encode(digest).decode("ascii"):
        return False
    signature = expected_signature(secret, url, headers)
    return hmac.compare_digest(headers.get("authorization", "").encode(), (PREFIX + signature).encode())


def expected_signature(secret: str, url: str, headers: Mapping[str, str], host: str = "") -> str:
    """Return the signature that the headers of a delivery to a URL ask for."""
    after_scheme = url.split("://", 1)[1]
    registered_host, slash, rest = after_scheme.partition("/")
    date, content = headers.get("x-ms-date", ""), headers.get("x-ms-content-sha256", "")
    lines = ["POST", slash + rest or "/", f"{date};{host or registered_host};{content}"]
    mac = hmac.new(secret.encode("utf-8"), "\n".join(lines).encode("utf-8"), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode("ascii")
