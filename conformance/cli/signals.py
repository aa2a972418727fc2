"""Signals: the first one ends a run in good order, the second at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeVar

T = TypeVar("T")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
GRACE: Final = 0.5
"""Seconds that a run has to notice that it is to stop. While it plans, or draws requests, it notices nothing."""


class Stopper:
    """Handles the signals that ask to stop, by cancelling the run, or by an interrupt where it does not notice."""

    def __init__(self) -> None:
        self.asked = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None
        self._noticed = threading.Event()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        again, self.asked = self.asked, True
        if again or self._running is None:
            raise KeyboardInterrupt
        loop, task = self._running

        def cancel() -> None:
            self._noticed.set()
            task.cancel()

        loop.call_soon_threadsafe(cancel)
        threading.Thread(target=_interrupt_unless, args=(self._noticed, number), daemon=True).start()

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
                self._noticed.set()

        return asyncio.run(watched())


def _interrupt_unless(noticed: threading.Event, number: int) -> None:
    if noticed.wait(GRACE):
        return
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        # The main thread is woken up as well, should it sleep.
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


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
