"""An order that stands by: its last read waits until its worker has taken the other orders through their steps.

A cancel must change its own order and no other. Where a history ends with a read, nothing else happens to its order, so
that the read can come as late as possible at no cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Bystander:
    """One case that is begun, and ended later."""

    def __init__(self) -> None:
        self._stands = asyncio.Event()
        self._may_end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, case: Coroutine[Any, Any, None]) -> None:
        """Run a case up to its last read, or to its end where it does not come to that."""
        self._task = asyncio.create_task(case)
        stands = asyncio.create_task(self._stands.wait())
        try:
            await asyncio.wait({self._task, stands}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stands.cancel()
        if self._task.done():
            self._task.result()

    async def wait(self) -> None:
        """Wait, from within the case, until it may end."""
        self._stands.set()
        await self._may_end.wait()

    async def end(self) -> None:
        """Let the case come to its end."""
        self._may_end.set()
        if self._task is not None:
            await self._task

    async def abandon(self) -> None:
        """Stop the case where it has not ended."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
