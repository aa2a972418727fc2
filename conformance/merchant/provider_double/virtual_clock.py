"""The clock of a history, and what makes a merchant in this process live by it.

Seconds pass as they do; besides, whoever waits lets time pass without waiting. A merchant that backs off for a minute
is seen to do so, and costs nothing.
"""

from __future__ import annotations

import asyncio
import datetime as datetimes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

LONGEST_WAIT: Final = 3600.0
"""Seconds of the clock that one action may wait."""


class StuckError(BaseException):
    """An action does not come to an end. No ``except Exception`` of the merchant's can swallow this.

    ``how`` is ``hung`` or ``flooded``.
    """

    def __init__(self, how: str, message: str) -> None:
        super().__init__(message)
        self.how = how


class VirtualClock:
    """Real time, and what was skipped of it."""

    def __init__(self) -> None:
        self._monotonic = time.monotonic
        self._began = self._monotonic()
        self._start = datetime.now(UTC)
        self.skipped = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the history began."""
        return self._monotonic() - self._began + self.skipped

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return self._start + timedelta(seconds=self.elapsed())

    def skip(self, seconds: float) -> None:
        """Let seconds pass at once."""
        self.skipped += max(0.0, seconds)


class InterceptedSleep:
    """The time that a merchant in this process sees while an action runs.

    Args:
        clock: gives the history's clock, which changes from history to history.

    """

    def __init__(self, clock: Callable[[], VirtualClock]) -> None:
        self._clock = clock
        self._threads: set[int] = set()
        self._slept = 0.0
        self._real: Final[dict[str, Any]] = {
            "sleep": time.sleep,
            "time": time.time,
            "monotonic": time.monotonic,
            "perf_counter": time.perf_counter,
            "asleep": asyncio.sleep,
        }
        self._moment: Final = _virtual_datetime(self._offset)
        self._swaps: Final[dict[int, Any]] = {
            id(time.sleep): self.sleep,
            id(time.time): self._shifted("time"),
            id(time.monotonic): self._shifted("monotonic"),
            id(time.perf_counter): self._shifted("perf_counter"),
            id(asyncio.sleep): self._asleep,
            id(datetime): self._moment,
        }
        self._places: list[tuple[dict[str, Any], str, Any, Any]] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass as ``time.sleep`` does, without waiting.

        Raises:
            StuckError: one action has waited too long.

        """
        if threading.get_ident() not in self._threads:
            self._real["sleep"](seconds)
            return
        self._slept += seconds
        self._clock().skip(seconds)
        if self._slept > LONGEST_WAIT:
            raise StuckError("hung", f"it waited for more than {LONGEST_WAIT:.0f} seconds")

    def learn(self) -> None:
        """Find where the merchant's modules keep the functions and classes that tell the time."""
        self._places = [
            (space, name, value, self._swaps[id(value)])
            for space in _spaces()
            for name, value in list(space.items())
            if id(value) in self._swaps
        ]

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let this thread live by the clock."""
        self._threads, self._slept = {threading.get_ident()}, 0.0
        for space, name, _, swap in self._places:
            space[name] = swap
        try:
            yield
        finally:
            for space, name, value, _ in self._places:
                space[name] = value
            self._threads = set()

    def join(self) -> None:
        """Let another thread live by the clock as well, until the one that is awake is not any more."""
        self._threads.add(threading.get_ident())

    def _offset(self) -> float:
        return self._clock().skipped if threading.get_ident() in self._threads else 0.0

    def _shifted(self, name: str) -> Callable[[], float]:
        real = self._real[name]

        def shifted() -> float:
            return float(real()) + self._offset()

        return shifted

    async def _asleep(self, delay: float, result: Any = None) -> Any:
        self.sleep(delay)
        return await self._real["asleep"](0, result)


_OURS: Final = ("conformance", "strategies", "reports", "hypothesis", "respx", "_pytest", "pytest", "xdist", "execnet")


def _spaces() -> Iterator[dict[str, Any]]:
    yield vars(time)
    yield vars(asyncio)
    yield vars(datetimes)
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top in _OURS or (top in sys.stdlib_module_names and top != "__main__"):
            continue
        space = getattr(module, "__dict__", None)
        if isinstance(space, dict):
            yield space


def _virtual_datetime(offset: Callable[[], float]) -> type[datetime]:
    """Return a class that takes the place of ``datetime``. What it makes are plain datetimes."""
    real: Any = datetime

    class Meta(type(real)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

    class Moment(real, metaclass=Meta):  # type: ignore[misc]
        def __new__(cls, *args: Any, **named: Any) -> Any:
            return real(*args, **named)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + timedelta(seconds=offset())

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(UTC).replace(tzinfo=None) + timedelta(seconds=offset())

        @classmethod
        def today(cls) -> Any:
            return real.now() + timedelta(seconds=offset())

        @classmethod
        def fromtimestamp(cls, timestamp: float, tz: Any = None) -> Any:
            return real.fromtimestamp(timestamp, tz)

    Moment.__name__ = Moment.__qualname__ = "datetime"
    moment: type[datetime] = Moment
    return moment
