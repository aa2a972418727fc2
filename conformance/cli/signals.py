"""Signals: the first one ends a run in good order, the second one at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopper:
    """Takes the signals that ask to stop, and cancels a run that is under way."""

    def __init__(self) -> None:
        self.asked = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        again, self.asked = self.asked, True
        if again or self._running is None:
            raise KeyboardInterrupt
        loop, task = self._running
        loop.call_soon_threadsafe(task.cancel)

    def play(self, running: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; a signal cancels it."""

        async def watched() -> T:
            task = asyncio.current_task()
            if task is not None:
                self._running = asyncio.get_running_loop(), task
            try:
                return await running
            finally:
                self._running = None

        return asyncio.run(watched())


@contextmanager
def stopper() -> Iterator[Stopper]:
    """Take the signals that ask to stop, for as long as this lasts."""
    taking = Stopper()
    before = {number: signal.signal(number, taking) for number in SIGNALS}
    try:
        yield taking
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
