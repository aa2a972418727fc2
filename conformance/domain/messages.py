"""HTTP messages as plain values: what is sent to a target and what comes back.

They belong to no HTTP library, so that the embedded provider, a WSGI or ASGI application and a
remote server are all spoken to in the same words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

Headers = tuple[tuple[str, str], ...]


def find_header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, whatever the case of its name, or None."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``path`` is percent-encoded, starts with a slash and may carry a query."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return find_header(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, with the body as the bytes that arrived."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return find_header(self.headers, name)

    def json(self) -> Any:
        """Parse the body.

        Raises:
            ValueError: the body is not JSON in UTF-8 (``UnicodeDecodeError`` is one, too).

        """
        return json.loads(self.body.decode("utf-8"))


@dataclass(frozen=True, slots=True)
class NoResponse:
    """A request that was sent and not answered, with the cause in words."""

    cause: str


ResponseOrNone: TypeAlias = Response | NoResponse


@dataclass(frozen=True, slots=True)
class Call:
    """One request to make.

    ``purpose`` is what it is for: ``act`` (the step itself), ``prepare`` (what the step needs first), ``read``,
    ``poll`` or ``control``. A control call goes to the test control API's base, every other one to the API's.
    """

    request: Request
    purpose: str

    @property
    def to_control(self) -> bool:
        """Whether the call goes to the test control API."""
        return self.purpose == "control"
