"""Time: seconds since the epoch inside the provider, ISO 8601 in UTC in messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

DAY = 86_400.0
Now = Callable[[], datetime]


def real_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=1024)
def iso(moment: float) -> str:
    """Return a moment in seconds as ISO 8601. Every read of an order shows the same moments again.

    >>> iso(0)
    '1970-01-01T00:00:00.000Z'
    """
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """The provider's own clock, in seconds since the epoch."""

    def __init__(self, now: Now) -> None:
        self._now = now

    def seconds(self) -> float:
        """Return the present moment."""
        return self._now().timestamp()
