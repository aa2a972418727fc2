"""Ways to send one request: method, path, headers and JSON body in, status, headers and bytes out.

Where no response comes they raise `NoResponse`. None of them follows a redirect or tries again by itself.
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

RawResponse = tuple[int, dict[str, str], bytes]


class NoResponse(Exception):
    """No response came: whether the request was carried out is not known."""


class Httpx:
    """A synchronous client of httpx, one for the life of the merchant."""

    def __init__(self, base: str) -> None:
        self.client = httpx.Client(base_url=base, timeout=6.0)

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> RawResponse:
        try:
            response = self.client.request(method, path, headers=headers, json=body)
        except httpx.TransportError as error:
            raise NoResponse(str(error)) from error
        return response.status_code, dict(response.headers), response.content


class Urllib:
    """The standard library's opener; a redirect is a response."""

    class _NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(self._NoRedirects)

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> RawResponse:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(request, timeout=6) as response:
                return response.status, _lower(response.headers), response.read()
        except urllib.error.HTTPError as response:
            return response.code, _lower(response.headers), response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoResponse(str(error)) from error


class Requests:
    """A session of requests, without its adapter's own repetitions."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> RawResponse:
        try:
            response = self.session.request(
                method, self.base + path, headers=headers, json=body, timeout=(2, 6), allow_redirects=False
            )
        except requests.RequestException as error:
            raise NoResponse(str(error)) from error
        return response.status_code, _lower(response.headers), response.content


class Plain:
    """http.client, a connection for every request."""

    def __init__(self, base: str) -> None:
        self.address = urlsplit(base)

    def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> RawResponse:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=6)
        data = None if body is None else json.dumps(body)
        extra_headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, data, headers | extra_headers)
            response = connection.getresponse()
            return response.status, _lower(response.headers), response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoResponse(str(error)) from error
        finally:
            connection.close()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
