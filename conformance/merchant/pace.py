"""How long a run will take: said beforehand where the integration is slow, and again when more is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from conformance.reports.wording.provider import counted

WORTH_SAYING: Final = 60.0
"""Seconds of a run from which on its length is said."""
FIRST: Final = 10
"""Histories after which the estimate is made again."""


class Pace:
    """Estimates a run's length from what its first histories took.

    Args:
        say: prints a line.
        now: returns the seconds of a clock.

    """

    def __init__(self, say: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._now = now
        self._total = self._done = 0
        self._probed = 0.0
        self._probes = 0
        self._began = now()

    def probed(self, seconds: float) -> None:
        """Note how long one history took that was run to see whether a payment can be made."""
        self._probed += seconds
        self._probes += 1

    def begin(self, total: int) -> None:
        """Begin with the histories of a plan, and say how long they will take if that is long."""
        self._total, self._done, self._began = total, 0, self._now()
        if self._probes:
            self._estimate(self._probed / self._probes, total)

    def played(self) -> None:
        """Count a history; after the first ones, say how long the rest will take if that is long."""
        self._done += 1
        if self._done == FIRST:
            self._estimate((self._now() - self._began) / self._done, self._total - self._done)

    def _estimate(self, each: float, histories: int) -> None:
        seconds = each * histories
        if seconds >= WORTH_SAYING:
            number, more = counted(histories, "history", "histories"), "more " if self._done else ""
            number = number.replace(" ", f" {more}", 1)
            self._say(f"About {counted(round(seconds / 60), 'minute')} for {number}: each takes {each:.1f} seconds.")
