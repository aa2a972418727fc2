"""Two requests that are sent at the same moment, and the times they took."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final

PATIENCE: Final = 2.0
"""Seconds that a request waits for the other one. After that it is sent alone, and the race proves nothing."""


class RaceTiming:
    """A race of two requests for one order, each with a timing of its own."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self.timings = (RequestTiming(self._barrier), RequestTiming(self._barrier))

    @property
    def together(self) -> bool:
        """Whether each request was under way before the other had its response."""
        first, second = self.timings
        return first.begun < second.ended and second.begun < first.ended

    def began(self, timing: RequestTiming) -> float:
        """Return how many seconds after the first request one of the two was sent."""
        return timing.begun - min(timing.begun for timing in self.timings)


class RequestTiming:
    """The timing of one request.

    A context manager that is entered when it is sent and left when it is answered.

    Attributes:
        begun: when it was sent, in seconds of ``time.perf_counter``.
        ended: when it was answered.

    """

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier
        self.begun = self.ended = 0.0

    @property
    def took(self) -> float:
        """Seconds from sending to the answer."""
        return self.ended - self.begun

    def wait(self) -> None:
        """Wait for the other request.

        It blocks: each of the two needs a thread of its own.
        """
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(PATIENCE)

    def __enter__(self) -> None:
        self.begun = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = time.perf_counter()
