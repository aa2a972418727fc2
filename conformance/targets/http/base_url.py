"""URLs as httpx reads them: what it would connect to."""

from __future__ import annotations

from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class UrlParts:
    """The parts of an absolute URL.

    Attributes:
        scheme: in lower case.
        host: the host that is connected to: in ASCII and lower case, without a dot at its end.
        port: None where the URL names none, or the scheme's own.
        path: percent-encoded, with the query.
        has_credentials: whether the URL carries a user name or password.

    """

    scheme: str
    host: str
    port: int | None
    path: str
    has_credentials: bool


def split_url(text: str) -> UrlParts:
    """Return the parts of a URL.

    Raises:
        ValueError: the text is not a URL.

    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    host = url.raw_host.decode("ascii", "replace").lower().rstrip(".")
    path = url.raw_path.decode("ascii", "replace")
    return UrlParts(url.scheme, host, url.port, path, bool(url.userinfo))
