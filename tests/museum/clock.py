"""A clock that goes on a little whenever somebody looks at it, so that no two moments are the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TICK = timedelta(milliseconds=1)


class Ticking:
    """Begins now, since requests name days that must lie ahead."""

    def __init__(self) -> None:
        self._moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        self._moment += TICK
        return self._moment
