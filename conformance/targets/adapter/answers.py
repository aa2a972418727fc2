"""What an adapter's method may return in place of `Accepted`, `Pending` or `Refused`: the API's own answer.

What comes naturally to somebody who writes web handlers is a status, alone or with a body in either order. Its body is
shown and not judged, so that it may be empty wherever no body is documented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from conformance.adapter import Accepted, Pending, Refused

_BODIES: Final = (str, bytes, Mapping, list, type(None))
_LONGEST: Final = 200
"""Characters of a body that a report shows."""


def as_answer(returned: object) -> Accepted | Pending | Refused | None:
    """Return what a method returned as an answer, or None where it is none.

    >>> as_answer(("", 200))
    Accepted()
    >>> as_answer((409, {"title": "captured"}))
    Refused(code=None, status=409, detail='{"title": "captured"}')
    >>> as_answer("done") is None
    True
    """
    if isinstance(returned, Accepted | Pending | Refused):
        return returned
    pair = returned if isinstance(returned, tuple) else (returned, None)
    if len(pair) != 2:
        return None
    for status, body in (pair, pair[::-1]):
        if isinstance(status, int) and not isinstance(status, bool) and isinstance(body, _BODIES):
            return _of_status(int(status), body)
    return None


def _of_status(status: int, body: object) -> Accepted | Pending | Refused:
    if 200 <= status < 300:
        return Pending() if status == 202 else Accepted()
    return Refused(status=status, detail=_shown(body))


def _shown(body: object) -> str:
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    text = body if isinstance(body, str) else json.dumps(body, default=str) if body else ""
    return text[:_LONGEST]
