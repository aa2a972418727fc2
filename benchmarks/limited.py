"""A provider that takes its time and enforces the documented limits, in a process of its own: ``PORT DELAY``.

A minute is over when the test control API made the order older, as it is in the embedded provider.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict, deque

from conformance.domain.messages import Request, Response
from conformance.sandbox import Options, Provider, serve

REFUSED = "/refused"
"""Answers how many requests were refused with 429."""
MINUTE = 60.0
CHANGES, READS = 5, 120
"""Requests of a kind, changes and reads, that one order takes within a minute. New orders are not limited."""
UNLIMITED = ("/payments", "/agreements", "/charges", "/get")


class Limited(Provider):
    """Refuses what is beyond the documented limits."""

    def __init__(self, delay: float) -> None:
        super().__init__(Options(delay_seconds=delay, rate_limit=False))
        self._sent: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._refused: Counter[str] = Counter()

    def handle(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if path == REFUSED:
            return Response(200, body=str(self._refused.total()).encode())
        if path.endswith("/age"):
            order = path.split("/")[-2]
            for place, times in self._sent.items():
                if order in place[1].split("/"):
                    times.clear()
        if path.startswith("/control") or path.endswith(UNLIMITED):
            return super().handle(request)
        now, times = time.monotonic(), self._sent[request.method, path]
        while times and now - times[0] >= MINUTE:
            times.popleft()
        if len(times) >= (READS if request.method == "GET" else CHANGES):
            self._refused[request.method] += 1
            return Response(429, (("Retry-After", str(round(MINUTE - now + times[0]) + 1)),), b"{}")
        times.append(now)
        return super().handle(request)


if __name__ == "__main__":
    serve(Limited(float(sys.argv[2])), int(sys.argv[1]))
