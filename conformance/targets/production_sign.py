"""What in a response shows that it comes from production.

A gateway under a name of its own may lead to production. What it says is read as what it is, at any depth: headers,
JSON with JSON in its texts, the claims of tokens, and web pages.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any, Final

from conformance.domain.messages import Response
from conformance.targets.http.base_url import split_url
from conformance.targets.production_guard import is_vipps

_ENVIRONMENT: Final = re.compile(r"(?i)(?:x-)?(?:[a-z]+-)?env(?:ironment)?")
_PRODUCTION: Final = re.compile(r"(?i)prod(?:uction)?|live")
_WITHIN: Final = 3
"""How often a text is read as JSON that stands in JSON."""
_PAGE: Final = 50_000
"""Bytes of a web page that are read: what a page is stands at its beginning."""
_LONGEST_URL: Final = 4_000
_LINKS: Final = ("href", "src", "action", "formaction")
"""The attributes of a page that have addresses. Others are the page's own affair, such as ``data-env``."""

Member = tuple[str, str, str]
"""A name, its text, and where that is."""


def production_sign(response: Response, *, loopback: bool) -> str:
    """Return what in a response shows that it comes from production.

    The result is an empty text if nothing does. An environment of that name shows it, and so does a link to a
    production API. Emulators on this machine return the links of the documentation's examples, so that only the
    environment counts there.

    >>> production_sign(Response(200, (("X-Environment", "production"),)), loopback=True)
    'the header X-Environment: production'
    """
    for name, value in response.headers:
        if _names_production(name, value):
            return f"the header {name}: {value.strip()}"
        if name.lower() in ("location", "content-location") and not loopback and (host := _production_host(value)):
            return f"a redirect to {host}"
    for name, value, place in _members_of_body(response):
        if _names_production(name, value):
            return f"{name}: {value}{place}"
        if not loopback and (host := _production_host(value)):
            return f"{name} at {host}{place}"
    return ""


def _names_production(name: str, value: str) -> bool:
    return bool(_ENVIRONMENT.fullmatch(name) and _PRODUCTION.fullmatch(value.strip()))


def _production_host(value: str) -> str:
    """Return the production host of a text that is a URL; empty for every other text."""
    text = value.strip()
    if len(text) > _LONGEST_URL or ("//" not in text[:20] and "\\\\" not in text[:20]):
        return ""
    try:
        host = split_url(text.replace("\\", "/")).host
    except ValueError:
        return ""
    # The test environment links to the documentation and to pages for the user: only the host of an API is a sign.
    return host if is_vipps(host) and host.startswith("api.") else ""


def _members_of_body(response: Response) -> Iterator[Member]:
    start = response.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        try:
            # A number that is too long for Python must not hide the rest.
            value = json.loads(response.body, parse_int=float)
        except (ValueError, RecursionError):
            return
        yield from _members("", value, "", 0)
    elif start == b"<":
        yield from _members_of_page(response.body[:_PAGE].decode("utf-8", "replace"))


def _members(name: str, value: Any, place: str, within: int) -> Iterator[Member]:
    """Iterate over the texts in a JSON value, each with the name of the member that has it."""
    waiting: list[tuple[str, Any]] = [(name, value)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(reversed([(str(key), member) for key, member in value.items()]))
        elif isinstance(value, list):
            waiting.extend((name, member) for member in reversed(value))
        elif isinstance(value, str):
            yield name, value, place
            if within < _WITHIN:
                yield from _members_in_text(name, value, place, within + 1)


def _members_in_text(name: str, text: str, place: str, within: int) -> Iterator[Member]:
    claims = _token_claims(text)
    if claims:
        yield from _members(name, claims, " in its token", within)
    elif text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _members(name, value, place, within)


def _token_claims(token: str) -> dict[str, Any]:
    """Return the claims of a token in the form of a JWT.

    The result is empty for any other text.
    """
    parts = token.split(".", 3)
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _members_of_page(text: str) -> Iterator[Member]:
    parser = _Page()
    with suppress(AssertionError):  # what it says to some markup that is none
        parser.feed(text)
    yield from parser.members


class _Page(HTMLParser):
    """Collects the links and the named data of a web page."""

    def __init__(self) -> None:
        super().__init__()
        self.members: list[Member] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the attributes of an element."""
        values = {name: value or "" for name, value in attrs}
        if tag == "meta":
            name = values.get("name") or values.get("property") or values.get("http-equiv") or ""
            self.members.append((name, values.get("content", ""), " on a page"))
        self.members.extend((name, values[name], " on a page") for name in _LINKS if name in values)
