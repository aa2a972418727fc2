"""A bare HTTP client that sends the very same requests, one after the other, and looks at nothing but the status."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.ours import Recording
from benchmarks.places import Place
from conformance.domain.messages import Request

Prepared = tuple[str, str, list[tuple[str, str]], bytes]


def bare(place: Place, recording: Recording) -> tuple[float, bool]:
    """Replay a recording at a fresh provider; return the seconds and whether everything was answered as before.

    Only the token differs; what goes before the first history takes no part in the time.
    """
    place.fresh()
    prelude = recording.requests[: recording.prelude]
    rest = recording.requests[recording.prelude :]
    with place.client() as client:
        token = ""
        for request, _ in prelude:
            answer = _send(client, _prepared(request, token))
            if request.path == "/accesstoken/get":
                token = answer.json()["access_token"]
        prepared = [_prepared(request, token) for request, _ in rest]
        statuses: list[int] = []
        start = time.perf_counter()
        for one in prepared:
            statuses.append(_send(client, one).status_code)  # noqa: PERF401 - as anybody would write it
        seconds = time.perf_counter() - start
    return seconds, statuses == [status for _, status in rest]


def _prepared(request: Request, token: str) -> Prepared:
    headers = [
        (name, f"Bearer {token}" if name == "Authorization" and value.startswith("Bearer ey") else value)
        for name, value in request.headers
    ]
    return request.method, request.path, headers, request.body


def _send(client: Any, prepared: Prepared) -> Any:
    method, path, headers, body = prepared
    return client.request(method, path, headers=headers, content=body)
