"""A thread with an event loop of its own, in which somebody else's code runs.

Whatever that code does - block, hang, raise SystemExit - the campaign goes on: a call that takes too long is given up,
and its thread with it if it cannot be interrupted.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

STOP_SECONDS: Final = 1.0


class RaisedError(Exception):
    """The code raised something. The message says what, in one line."""


class EventLoopThread:
    """Runs one call after the other, all in the same thread and event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def call_now(self, function: Callable[..., Any], timeout: float, *arguments: Any, **named: Any) -> Any:
        """Call a function and wait for what it returns, from code that is not asynchronous.

        Raises:
            RaisedError: it raised something.
            TimeoutError: it took too long.

        """
        future = self._submit(function, arguments, named)
        try:
            return future.result(timeout)
        except concurrent.futures.CancelledError:
            raise RaisedError("CancelledError") from None
        except TimeoutError:
            self._give_up(future)
            raise

    async def call(self, function: Callable[..., Any], timeout: float, *arguments: Any, **named: Any) -> Any:
        """Call a function, and await what it returns if that can be awaited.

        Raises:
            RaisedError: it raised something.
            TimeoutError: it took too long.

        """
        future = self._submit(function, arguments, named)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # Either we are to stop, or the code cancelled itself, which is none of our business.
            mine = asyncio.current_task()
            if mine is not None and mine.cancelling():
                future.cancel()
                raise
            raise RaisedError("CancelledError") from None
        except TimeoutError:
            self._give_up(future)
            raise

    def close(self) -> None:
        """Stop the thread, if it can be stopped."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(STOP_SECONDS)

    def _submit(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> concurrent.futures.Future[Any]:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(self._loop,), daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(_called(function, arguments, named), self._loop)

    def _give_up(self, future: concurrent.futures.Future[Any]) -> None:
        future.cancel()
        loop = self._loop
        if loop is None:
            return
        alive = threading.Event()
        loop.call_soon_threadsafe(alive.set)
        if not alive.wait(STOP_SECONDS):
            # It blocks its thread, which nothing can stop: it is left to itself, and the next call gets another one.
            loop.call_soon_threadsafe(loop.stop)
            self._loop = self._thread = None


async def _called(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    try:
        result = function(*arguments, **named)
        return await result if isinstance(result, Awaitable) else result
    except (Exception, SystemExit, KeyboardInterrupt, BaseExceptionGroup) as error:
        raise RaisedError(describe_failure(error)) from error


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def describe_failure(error: BaseException) -> str:
    """Return an exception as one short line."""
    words = " ".join(str(error).split())
    shown = words if len(words) <= 200 else f"{words[:199]}…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
