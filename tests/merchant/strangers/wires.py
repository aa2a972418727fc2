"""Ways to send one request: each takes method, path, headers and a JSON body, and gives status, headers and bytes.

What did not come back raises `Lost`. None of them follows a redirect or tries again by itself.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests

Answered = tuple[int, dict[str, str], bytes]


class Lost(Exception):
    """Nothing came back: whether the request was dealt with is not known."""


class Httpx:
    """A synchronous client of httpx, one for the life of the shop."""

    def __init__(self, base: str) -> None:
        self.client = httpx.Client(base_url=base, timeout=6.0)

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Answered:
        try:
            got = self.client.request(method, path, headers=headers, json=body)
        except httpx.TransportError as gone:
            raise Lost(str(gone)) from gone
        return got.status_code, dict(got.headers), got.content


class Urllib:
    """The standard library's opener; redirects are answers."""

    class _Still(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(self._Still)

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Answered:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        if data is not None:
            asked.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(asked, timeout=6) as got:
                return got.status, _lower(got.headers), got.read()
        except urllib.error.HTTPError as got:
            return got.code, _lower(got.headers), got.read()
        except (OSError, http.client.HTTPException) as gone:
            raise Lost(str(gone)) from gone


class Requests:
    """A session of requests, with its adapter's own repetitions switched off."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Answered:
        try:
            got = self.session.request(
                method, self.base + path, headers=headers, json=body, timeout=(2, 6), allow_redirects=False
            )
        except requests.RequestException as gone:
            raise Lost(str(gone)) from gone
        return got.status_code, _lower(got.headers), got.content


class Plain:
    """http.client, a connection for every request."""

    def __init__(self, base: str) -> None:
        self.where = urlsplit(base)

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Answered:
        line = http.client.HTTPConnection(self.where.hostname or "", self.where.port, timeout=6)
        data = None if body is None else json.dumps(body)
        more = {} if body is None else {"Content-Type": "application/json"}
        try:
            line.request(method, path, data, headers | more)
            got = line.getresponse()
            return got.status, _lower(got.headers), got.read()
        except (OSError, http.client.HTTPException) as gone:
            raise Lost(str(gone)) from gone
        finally:
            line.close()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
