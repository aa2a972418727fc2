"""An integration in this process: ``python:module:Adapter``."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from types import FrameType
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.merchant.integration.base import SECONDS, MerchantCallError, MerchantCapabilities, capabilities_from
from conformance.merchant.protocol import ACTIONS, REQUIRED, Setup
from conformance.merchant.provider_double.mounts import DoubleSource, Httpx, only_loopback
from conformance.merchant.provider_double.virtual_clock import InterceptedSleep, StuckError, VirtualClock
from conformance.targets.event_loop_thread import describe_failure
from conformance.targets.import_object import import_object
from conformance.targets.transport import TargetError, TargetUsageError

_POSITIONAL: Final = {
    "create": ("order",),
    "capture": ("order_id", "amount"),
    "tick": ("now",),
    "deliver": ("webhook",),
    "restart": (),
}


class PythonIntegration:
    """An adapter class, made anew for every history.

    Args:
        made: the class, or the place ``module:Adapter`` where it is.
        double: the seat of the present history.
        clock: its clock.
        port: the port of the loopback server, for clients that are not httpx.

    """

    kind = "python"
    virtual = True

    def __init__(
        self, made: str | Callable[..., Any], double: DoubleSource, clock: Callable[[], VirtualClock], port: int
    ) -> None:
        self.name = f"python:{made}" if isinstance(made, str) else f"python:{made.__module__}:{made.__qualname__}"
        self._make: Callable[..., Any] = import_object("python", made) if isinstance(made, str) else made
        named = getattr(self._make, "profiles", ())
        known = [one for one in Profile if isinstance(named, list | tuple | set | frozenset) and one.value in named]
        self.first = known[0] if known else None
        self._httpx = Httpx(double, port)
        self._double = double
        self.seconds = SECONDS
        self._sleeping = InterceptedSleep(clock)
        self._adapter: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # Mounted once for all histories: that takes longer than a request.
        self._mount = ExitStack()
        # Nothing of what is printed is kept: an endless loop can print a lot within ten seconds.
        self._nowhere = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Make an adapter, and look at what it has."""
        if not callable(self._make):
            raise TargetUsageError(f"{self.name} is {type(self._make).__name__}: name a class.")
        self._mount.enter_context(self._httpx.mounted())
        self.begin(setup)
        actions = [name for name in ACTIONS if callable(getattr(self._adapter, name, None))]
        missing = [name for name in REQUIRED if name not in actions]
        if missing:
            raise TargetUsageError(f"{self.name} has no method {missing[0]!r}: it needs {', '.join(REQUIRED)}.")
        for action in actions:
            self._fits(action)
        try:
            offered = getattr(self._adapter, "profiles", None), actions, getattr(self._adapter, "concurrent", False)
            return capabilities_from(self.name, *offered)
        except TargetError as error:
            raise TargetUsageError(str(error)) from None

    def _fits(self, action: str) -> None:
        names = _POSITIONAL.get(action, ("order_id",))
        try:
            inspect.signature(getattr(self._adapter, action)).bind(*names)
        except TypeError:
            raise TargetUsageError(f"{self.name}: {action} must take ({', '.join(names)}).") from None
        except ValueError:
            return

    def begin(self, setup: Setup) -> None:
        """Make a new adapter."""
        self._end_loop()
        self._httpx.forget()
        self._sleeping.learn()
        try:
            with self._inside(), _limited(self.seconds):
                self._adapter = self._make(setup)
        except (Exception, SystemExit, StuckError) as error:
            raise TargetError(f"{self.name} cannot be made: {describe_failure(error)}.") from error

    def call(self, action: str, given: Mapping[str, Any]) -> MerchantCallError:
        """Call a method."""
        method = getattr(self._adapter, action)
        try:
            with self._inside(), _limited(self.seconds):
                value = method(*given.values())
                if inspect.isawaitable(value):
                    value = self._run(value)
        except StuckError as error:
            return MerchantCallError(error.how, None, str(error))
        except (Exception, SystemExit, GeneratorExit) as error:
            return MerchantCallError("raised", None, describe_failure(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return MerchantCallError("raised", None, describe_failure(error))
        if action == "restart" and value is not None:
            self._adapter = value
            value = None
        return MerchantCallError("returned", value)

    def together(self, action: str, given: Mapping[str, Any]) -> list[MerchantCallError]:
        """Call a method in two threads at the same time; coroutines run as two tasks of one loop."""
        method = getattr(self._adapter, action)
        if inspect.iscoroutinefunction(method):
            return self._two_tasks(method, given)
        ends: list[MerchantCallError] = []

        def work() -> None:
            self._sleeping.join()
            ends.append(_done(lambda: method(*given.values())))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
        with self._inside():
            for one in threads:
                one.start()
            for one in threads:
                one.join(self.seconds)
        late = MerchantCallError("hung", None, f"it did not come back within {self.seconds:.0f} seconds")
        return [*ends, *(late for one in threads if one.is_alive())]

    def _two_tasks(self, method: Callable[..., Any], given: Mapping[str, Any]) -> list[MerchantCallError]:
        async def both() -> list[Any]:
            return await asyncio.gather(*(method(*given.values()) for _ in range(2)), return_exceptions=True)

        try:
            with self._inside(), _limited(self.seconds):
                ends = self._run(both())
        except StuckError as error:
            return [MerchantCallError(error.how, None, str(error))] * 2
        return [
            MerchantCallError("raised", None, describe_failure(one))
            if isinstance(one, BaseException)
            else MerchantCallError("returned")
            for one in ends
        ]

    def _run(self, value: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()

        async def waited() -> Any:
            return await value

        return self._loop.run_until_complete(waited())

    @contextmanager
    def _inside(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(self._nowhere))
            stack.enter_context(only_loopback(self._double))
            stack.enter_context(self._sleeping.awake())
            yield

    def _end_loop(self) -> None:
        if self._loop is not None:
            loop, self._loop = self._loop, None
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def close(self) -> None:
        """Drop the adapter."""
        self._mount.close()
        self._end_loop()
        self._nowhere.close()
        self._adapter = None


def _done(call: Callable[[], Any]) -> MerchantCallError:
    """Call something in a thread that nothing may end but itself."""
    try:
        call()
    except StuckError as error:
        return MerchantCallError(error.how, None, str(error))
    except BaseException as error:
        return MerchantCallError("raised", None, describe_failure(error))
    return MerchantCallError("returned")


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Stop what takes too long, where a signal can do that: in the main thread of a POSIX process."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_: int, frame: FrameType | None) -> None:
        # What is raised while garbage is collected is swallowed, and complained of. The next signal comes soon.
        if frame is not None and "gc" in frame.f_code.co_name:
            return
        raise StuckError("hung", f"it did not come back within {seconds:.0f} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again: a merchant that catches everything must not get away with it. Whoever else uses the timer, as a
    # plugin of pytest's does, has it back afterwards.
    others = signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *others)
        signal.signal(signal.SIGALRM, before)
