"""HTTP messages as plain values of no HTTP library.

The embedded provider, an ASGI or WSGI application and a remote server all take and return the same values.
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

Headers = tuple[tuple[str, str], ...]


def find_header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, None if it is missing.

    The case of the name does not matter.
    """
    lower_name = name.lower()
    for key, value in headers:
        if key.lower() == lower_name:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    ``path`` is percent-encoded, starts with a slash and may carry a query.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header's first value, or None."""
        return find_header(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. ``body`` is the bytes that arrived."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header's first value, or None."""
        return find_header(self.headers, name)

    def json(self) -> Any:
        """Return the JSON value of the body, without a byte order mark in front of it.

        Raises:
            ValueError: the body is not JSON in UTF-8.

        """
        body = self.body.removeprefix(codecs.BOM_UTF8)
        try:
            return msgspec.json.decode(body)
        except msgspec.MsgspecError:
            # What the standard library takes as well: half of a surrogate pair, and numbers out of range.
            return json.loads(body.decode("utf-8"))


@dataclass(frozen=True, slots=True)
class NoResponse:
    """A request that got no response, with the cause in words.

    ``crash`` is the exception of an application in this process, in a few lines; empty where there was none.
    """

    cause: str
    crash: str = ""


ResponseOrNone: TypeAlias = Response | NoResponse


@dataclass(frozen=True, slots=True)
class Call:
    """One request to send, and its purpose.

    The purpose is ``act`` (the step itself), ``prepare`` (what the step needs first), ``read``, ``poll`` or
    ``control``. A control call goes to the base URL of the test control API, any other to the API's.
    """

    request: Request
    purpose: str

    @property
    def to_control(self) -> bool:
        """Whether the call goes to the test control API."""
        return self.purpose == "control"
