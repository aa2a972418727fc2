"""An event loop of our own, for callers with or without a running one, from whichever thread they call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class OwnLoop:
    """Runs coroutines in one event loop, one after the other. It leaves the caller's event loop alone."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._turn = threading.Lock()
        self.is_open = True

    def wait(self, task: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine; return its result. The caller's thread is blocked until then."""
        if not _runs_a_loop():
            with self._turn:
                return self._runner.run(task)
        # A thread in which a loop is running cannot run another one: a thread of its own can.
        with self._turn, ThreadPoolExecutor(1) as executor:
            return executor.submit(self._runner.run, task).result()

    def close(self) -> None:
        """Close the loop."""
        self.is_open = False
        self._runner.close()


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
