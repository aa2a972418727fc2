"""A thread with its own event loop, in which the code under test runs.

Whatever that code does (block, hang, raise SystemExit), the campaign goes on: a call that takes too long is abandoned,
and so is its thread if it cannot be interrupted.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from conformance.targets.crash import crash_text, describe_failure, located
from conformance.targets.forked_copy import in_one_process

STOP_SECONDS: Final = 1.0


class RaisedError(Exception):
    """The code under test raised an exception, which is the cause. The message describes it in one line."""

    @property
    def crash(self) -> str:
        """The exception with its place, in a few lines; empty where the code under test cancelled itself."""
        return "" if self.__cause__ is None else crash_text(self.__cause__)

    @property
    def located(self) -> str:
        """The exception in one line, with its place."""
        return str(self) if self.__cause__ is None else located(self.__cause__)


class EventLoopThread:
    """Runs calls one after the other, all in the same thread and event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def call_now(self, function: Callable[..., Any], timeout: float, *arguments: Any, **named: Any) -> Any:
        """Call a function and return its result, from synchronous code.

        ``timeout`` is in seconds.

        Raises:
            RaisedError: the function raised an exception.
            TimeoutError: it took too long.

        """
        future = self._submit(function, arguments, named)
        try:
            return future.result(timeout)
        except concurrent.futures.CancelledError:
            raise RaisedError("CancelledError") from None
        except TimeoutError:
            self._abandon(future)
            raise

    async def call(self, function: Callable[..., Any], timeout: float, *arguments: Any, **named: Any) -> Any:
        """Call a function, await its result if it is awaitable, and return it.

        ``timeout`` is in seconds.

        Raises:
            RaisedError: the function raised an exception.
            TimeoutError: it took too long.

        """
        future = self._submit(function, arguments, named)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # Either this task is cancelled, or the code under test cancelled itself.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                future.cancel()
                raise
            raise RaisedError("CancelledError") from None
        except TimeoutError:
            self._abandon(future)
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
        return asyncio.run_coroutine_threadsafe(_result_of(function, arguments, named), self._loop)

    def _abandon(self, future: concurrent.futures.Future[Any]) -> None:
        future.cancel()
        loop = self._loop
        if loop is None:
            return
        responsive = threading.Event()
        loop.call_soon_threadsafe(responsive.set)
        if not responsive.wait(STOP_SECONDS):
            # Nothing can stop a thread that blocks. The next call gets a new one.
            loop.call_soon_threadsafe(loop.stop)
            self._loop = self._thread = None


async def _result_of(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    with in_one_process():
        try:
            result = function(*arguments, **named)
        except BaseException as error:
            raise RaisedError(describe_failure(error)) from error
        if not isinstance(result, Awaitable):
            return result
        try:
            return await result
        # The event loop itself may end what is awaited, with CancelledError and GeneratorExit.
        except (Exception, SystemExit, KeyboardInterrupt, BaseExceptionGroup) as error:
            raise RaisedError(describe_failure(error)) from error


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        unfinished = asyncio.all_tasks(loop)
        for task in unfinished:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*unfinished, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
