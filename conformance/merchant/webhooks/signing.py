"""The signature of a delivery, as the documentation has it: a date, a hash of the body, and an HMAC over both."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from conformance.domain.messages import Headers

SIGNED_HEADERS: Final = "x-ms-date;host;x-ms-content-sha256"


@dataclass(frozen=True, slots=True)
class SignedParts:
    """What a signature is made of.

    Attributes:
        secret: The registration's secret.
        host: Host of the registered URL, with its port where it names one.
        path: Path and query of the registered URL.
        date: The date as it is written into the header.
        digest: The hash as it is written into the header.

    """

    secret: str
    host: str
    path: str
    date: str
    digest: str

    @property
    def text(self) -> str:
        """What is signed."""
        return f"POST\n{self.path}\n{self.date};{self.host};{self.digest}"

    @property
    def headers(self) -> Headers:
        """The headers of a delivery, the signature among them."""
        return headers_of(self.date, self.digest, keyed(self.secret.encode(), self.text))


def signed_parts(secret: str, url: str, body: bytes, moment: datetime) -> SignedParts:
    """Return the parts of the signature of a body that is delivered to a registered URL at a time."""
    host, path = host_and_path(url)
    return SignedParts(secret, host, path, http_date(moment), digest_of(body))


def headers_of(date: str, digest: str, signature: str) -> Headers:
    """Return the three headers, with the signature in the documented form."""
    authorization = f"HMAC-SHA256 SignedHeaders={SIGNED_HEADERS}&Signature={signature}"
    return (("x-ms-date", date), ("x-ms-content-sha256", digest), ("Authorization", authorization))


def host_and_path(url: str) -> tuple[str, str]:
    """Return the host of a URL with its port, and its path with its query."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return parts.netloc.rpartition("@")[2], f"{path}?{parts.query}" if parts.query else path


def http_date(moment: datetime) -> str:
    """Return a time as HTTP writes it, such as ``Sat, 31 Jan 2026 12:00:00 GMT``."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of a body in base64."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def keyed(key: bytes, text: str | bytes) -> str:
    """Return the HMAC-SHA256 of a text in base64."""
    data = text.encode() if isinstance(text, str) else text
    return base64.b64encode(hmac.digest(key, data, "sha256")).decode()
