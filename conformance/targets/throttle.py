"""How many histories run at a target at once: more while it stays quick and healthy, fewer as soon as it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from statistics import median
from types import TracebackType
from typing import Final, Self

FIRST: Final = 8
"""How many histories run at once at first."""
MOST: Final = 40
"""How many histories run at once at most, where nobody says how many."""
WINDOW: Final = 10
"""So many requests are looked at together; while they are as quick as ever, one history more may run."""
SLOWER: Final = 2.0
"""A target that takes so many times as long as it did at its best is given less to do …"""
NOTICEABLE: Final = 0.05
"""… if that is longer by so many seconds."""
SHOWN: Final = 5.0
"""Seconds from which on a wait is shown, or several together."""


class Throttle:
    """Lets histories begin, as many at a time as the target bears.

    The number grows by one with every window of requests that took no longer than they did; once it was too high, by
    one in about the time of a history. It is halved after a 429, a server error or a lost request, and when requests
    take much longer than at their best. Which histories there are, and what is concluded from them, does not depend on
    it.

    Attributes:
        most: how many run at once at most.
        limit: how many run at once now.
        show: is told what the run waits for.

    """

    def __init__(self, most: int = 1, *, adapts: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        """Let ``most`` histories run at once; fewer at first, and when it is too much, if the number ``adapts``."""
        self.most = most
        self.limit = min(FIRST, most) if adapts else most
        self.show: Callable[[str], None] = lambda _: None
        self._adapts = adapts
        self._clock = clock
        self._under_way = self._windows = self._requests = self._shrunk_after = 0
        self._was_too_high = False
        self._best: float | None = None
        self._took: list[float] = []
        self._shown_until = self._waited = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> Self:
        while self._under_way >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._under_way += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._under_way -= 1
        self._wake()

    def waits(self, seconds: float, reason: str) -> None:
        """Show that a request waits, unless a wait is shown that lasts as long.

        Short waits are shown once they add up.
        """
        until = self._clock() + seconds
        self._waited += seconds
        if self._waited >= SHOWN and until > self._shown_until + SHOWN:
            self._shown_until = until
            self._waited = 0.0
            self.show(f"A request waits {seconds:.0f} seconds: {reason}. Other histories go on.")

    def took(self, seconds: float, *, orderly: bool) -> None:
        """Take note of a request: how long it took, and whether it had an orderly response."""
        if not self._adapts:
            return
        self._requests += 1
        if not orderly:
            self._shrink()
            return
        self._took.append(seconds)
        if len(self._took) < WINDOW:
            return
        usual, self._took = median(self._took), []
        self._windows += 1
        self._best = usual if self._best is None else min(usual, self._best)
        if usual > self._best * SLOWER and usual > self._best + NOTICEABLE:
            self._shrink()
        elif not self._was_too_high or self._windows % self.limit == 0:
            self.limit = min(self.most, self.limit + 1)
            self._wake()

    def _shrink(self) -> None:
        # What was under way then shows the same trouble again, and is no reason to halve the number twice.
        if self._was_too_high and self._requests - self._shrunk_after < WINDOW * self.limit:
            return
        self._was_too_high = True
        self.limit = max(1, self.limit // 2)
        self._shrunk_after = self._requests
        self._took.clear()

    def _wake(self) -> None:
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()
