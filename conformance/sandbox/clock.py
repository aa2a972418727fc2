"""Time: seconds since the epoch inside, ISO 8601 in UTC on the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

DAY = 86_400.0
Now = Callable[[], datetime]


def real_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def iso(moment: float) -> str:
    """Write a moment in seconds as ``2026-01-31T12:00:00.000Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """The provider's own clock, in seconds since the epoch."""

    def __init__(self, now: Now) -> None:
        self._now = now

    def seconds(self) -> float:
        """Return the present moment."""
        return self._now().timestamp()
