"""Signals: the first one ends a run in good order, the second at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeVar

T = TypeVar("T")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopper:
    """Handles the signals that ask to stop, by cancelling the run."""

    def __init__(self) -> None:
        self.asked = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        again, self.asked = self.asked, True
        if again or self._running is None:
            raise KeyboardInterrupt
        loop, task = self._running
        loop.call_soon_threadsafe(task.cancel)

    def play(self, campaign: Awaitable[T]) -> T:
        """Run a campaign to its end; a signal cancels it."""

        async def watched() -> T:
            task = asyncio.current_task()
            if task is not None:
                self._running = asyncio.get_running_loop(), task
            try:
                return await campaign
            finally:
                self._running = None

        return asyncio.run(watched())


@contextmanager
def handle_signals() -> Iterator[Stopper]:
    """Handle the signals that ask to stop while the context lasts."""
    stopper = Stopper()
    before = {number: signal.signal(number, stopper) for number in SIGNALS}
    try:
        yield stopper
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
