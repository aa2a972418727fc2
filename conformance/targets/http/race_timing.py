"""The line from which two requests leave at the same moment, and what is known afterwards of the time they took."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final

PATIENCE: Final = 2.0
"""Seconds that a request waits for the other one. It then leaves alone, and the two prove nothing together."""


class Race:
    """Two requests of one order, each with a flight of its own."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self.flights = (RequestTiming(self._barrier), RequestTiming(self._barrier))

    @property
    def together(self) -> bool:
        """Whether each request was on its way before the other one was answered."""
        one, other = self.flights
        return one.begun < other.ended and other.begun < one.ended

    def began(self, flight: RequestTiming) -> float:
        """Return how many seconds after the first request one of them left."""
        return flight.begun - min(each.begun for each in self.flights)


class RequestTiming:
    """One request on its way: entered when it leaves, left when it is answered."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier
        self.begun = self.ended = 0.0

    @property
    def took(self) -> float:
        """Seconds from leaving to the answer."""
        return self.ended - self.begun

    def wait(self) -> None:
        """Wait for the other request. Each of them needs a thread of its own to wait in."""
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(PATIENCE)

    def __enter__(self) -> None:
        self.begun = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = time.perf_counter()
