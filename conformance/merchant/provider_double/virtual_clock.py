"""The clock of a history, and the functions that make a merchant in this process live by it.

Seconds pass as in reality, and a merchant that waits only moves the clock forward: a merchant that backs off for a
minute is seen to do so, and costs no time.
"""

from __future__ import annotations

import asyncio
import datetime as datetimes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

LONGEST_WAIT: Final = 3600.0
"""Seconds of the clock that one action may wait in all."""


class StuckError(BaseException):
    """An action does not come to an end. No ``except Exception`` of the merchant can swallow it.

    ``ending`` is ``hung`` or ``flooded``.
    """

    def __init__(self, ending: str, message: str) -> None:
        super().__init__(message)
        self.ending = ending


class VirtualClock:
    """Real time, and the seconds that were skipped."""

    def __init__(self) -> None:
        self._monotonic = time.monotonic
        self._began = self._monotonic()
        self._start = datetime.now(UTC)
        self.skipped = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the history began."""
        return self._monotonic() - self._began + self.skipped

    def now(self) -> datetime:
        """Return the present time in UTC."""
        return self._start + timedelta(seconds=self.elapsed())

    def skip(self, seconds: float) -> None:
        """Move the clock forward by a number of seconds."""
        self.skipped += max(0.0, seconds)


class InterceptedSleep:
    """The time functions that a merchant in this process gets while an action runs.

    Args:
        clock: returns the history's clock, which is another one in every history.

    """

    def __init__(self, clock: Callable[[], VirtualClock]) -> None:
        self._clock = clock
        self._threads: set[int] = set()
        self._slept = 0.0
        self._searched = 0
        self._real: Final[dict[str, Any]] = {
            "sleep": time.sleep,
            "time": time.time,
            "monotonic": time.monotonic,
            "perf_counter": time.perf_counter,
            "localtime": time.localtime,
            "strftime": time.strftime,
            "asleep": asyncio.sleep,
        }
        self._replacements: Final[dict[int, Any]] = {
            id(time.sleep): self.sleep,
            id(time.time): self._shifted("time"),
            id(time.monotonic): self._shifted("monotonic"),
            id(time.perf_counter): self._shifted("perf_counter"),
            id(time.time_ns): lambda: round(self._real["time"]() * 1e9 + self._offset() * 1e9),
            id(time.localtime): self._broken_down(time.localtime),
            id(time.gmtime): self._broken_down(time.gmtime),
            id(time.strftime): self._formatted,
            id(asyncio.sleep): self._sleep_async,
            id(datetime): _virtual_datetime(self._offset),
            id(date): _virtual_date(self._now),
        }
        self._patches: list[tuple[dict[str, Any], str, Any, Any]] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass as ``time.sleep`` does, without waiting.

        Raises:
            StuckError: The action has waited too long.

        """
        if threading.get_ident() not in self._threads:
            self._real["sleep"](seconds)
            return
        self._slept += seconds
        self._clock().skip(seconds)
        if self._slept > LONGEST_WAIT:
            raise StuckError("hung", f"it waited for more than {LONGEST_WAIT:.0f} seconds")

    def find_patches(self) -> None:
        """Find where the merchant's modules keep the functions and classes that tell the time.

        That changes only where modules were imported since the last call.
        """
        if len(sys.modules) == self._searched:
            return
        self._searched = len(sys.modules)
        self._patches = [
            (namespace, name, value, self._replacements[id(value)])
            for namespace in _namespaces()
            for name, value in list(namespace.items())
            if id(value) in self._replacements
        ]

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let this thread live by the clock inside the block."""
        self._threads, self._slept = {threading.get_ident()}, 0.0
        for namespace, name, _, replacement in self._patches:
            namespace[name] = replacement
        try:
            yield
        finally:
            for namespace, name, value, _ in self._patches:
                namespace[name] = value
            self._threads = set()

    def join(self) -> None:
        """Let another thread live by the clock as well, until the active block ends."""
        self._threads.add(threading.get_ident())

    def _offset(self) -> float:
        return self._clock().skipped if threading.get_ident() in self._threads else 0.0

    def _shifted(self, name: str) -> Callable[[], float]:
        real = self._real[name]

        def shifted() -> float:
            return float(real()) + self._offset()

        return shifted

    def _broken_down(self, real: Callable[[float], time.struct_time]) -> Callable[..., time.struct_time]:
        def broken_down(seconds: float | None = None) -> time.struct_time:
            return real(self._now() if seconds is None else seconds)

        return broken_down

    def _formatted(self, format: str, moment: Any = None) -> str:
        return str(self._real["strftime"](format, self._real["localtime"](self._now()) if moment is None else moment))

    def _now(self) -> float:
        return float(self._real["time"]()) + self._offset()

    async def _sleep_async(self, delay: float, result: Any = None) -> Any:
        self.sleep(delay)
        return await self._real["asleep"](0, result)


_NOT_PATCHED: Final = (
    "conformance",
    "strategies",
    "reports",
    "hypothesis",
    "respx",
    "_pytest",
    "pytest",
    "xdist",
    "execnet",
)
"""Packages that keep the real time."""
_EXAMPLES: Final = "conformance.examples."
"""Shops that come along with the suite."""


def _namespaces() -> Iterator[dict[str, Any]]:
    """Return the namespaces in which time functions are replaced: the standard modules' and the merchant's."""
    yield vars(time)
    yield vars(asyncio)
    yield vars(datetimes)
    for name, module in list(sys.modules.items()):
        package = name.partition(".")[0]
        if (package in _NOT_PATCHED and not name.startswith(_EXAMPLES)) or (
            package in sys.stdlib_module_names and package != "__main__"
        ):
            continue
        namespace = getattr(module, "__dict__", None)
        if isinstance(namespace, dict):
            yield namespace


def _virtual_date(now: Callable[[], float]) -> type[date]:
    """Return a class that takes the place of ``date`` and makes plain dates.

    ``now`` returns the seconds since 1970.
    """
    real: Any = date

    class VirtualDate(real, metaclass=_plain_instances(real)):  # type: ignore[misc, metaclass]
        def __new__(cls, *args: Any, **options: Any) -> Any:
            return real(*args, **options)

        @classmethod
        def today(cls) -> Any:
            return real.fromtimestamp(now())

        @classmethod
        def fromtimestamp(cls, timestamp: float) -> Any:
            return real.fromtimestamp(timestamp)

    VirtualDate.__name__ = VirtualDate.__qualname__ = "date"
    result: type[date] = VirtualDate
    return result


def _plain_instances(real: Any) -> Any:
    """Return a metaclass for a class whose instances are those of the class that it stands in for."""

    class Meta(type(real)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

    return Meta


def _virtual_datetime(offset: Callable[[], float]) -> type[datetime]:
    """Return a class that takes the place of ``datetime`` and makes plain datetimes.

    ``offset`` returns the seconds by which the clock is ahead.
    """
    real: Any = datetime

    class VirtualDatetime(real, metaclass=_plain_instances(real)):  # type: ignore[misc, metaclass]
        def __new__(cls, *args: Any, **options: Any) -> Any:
            return real(*args, **options)

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

    VirtualDatetime.__name__ = VirtualDatetime.__qualname__ = "datetime"
    result: type[datetime] = VirtualDatetime
    return result
