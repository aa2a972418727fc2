"""An integration in this process: ``python:module:Adapter``."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from types import FrameType
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.merchant.integration.base import (
    ACTION_SECONDS,
    ActionResult,
    MerchantCapabilities,
    capabilities_from,
    raised,
)
from conformance.merchant.integration.proxies import without_proxies
from conformance.merchant.integration.time_zone import CAN_MOVE, UTC, in_zone
from conformance.merchant.integration.webhook_app import has_handler, method_of
from conformance.merchant.protocol import ACTIONS, REQUIRED, Setup
from conformance.merchant.provider_double.double import ProviderDouble
from conformance.merchant.provider_double.mounts import CurrentDouble, HttpxMount, only_loopback
from conformance.merchant.provider_double.virtual_clock import InterceptedSleep, StuckError, VirtualClock
from conformance.obligations.declarations import DECLARATIONS
from conformance.obligations.history import HANDLER
from conformance.targets.crash import crash_text, is_signal, located
from conformance.targets.forked_copy import in_one_process
from conformance.targets.import_object import import_object
from conformance.targets.transport import TargetError, TargetUsageError

_PARAMETERS: Final = {
    "create": ("order",),
    "capture": ("order_id", "amount"),
    "complete": ("order_id", "amount"),
    "refund": ("order_id", "amount"),
    "pay_again": ("order",),
    "stop_agreement": ("agreement",),
    "tick": ("now",),
    "deliver": ("webhook",),
    HANDLER: ("request",),
    "restart": (),
}
"""The parameters of the actions that take something other than an order's id."""
_ATTRIBUTES: Final = (
    "profiles", "concurrent", "name", "version", "webhook_url", "webhook_secret", *DECLARATIONS
)  # fmt: skip
"""The attributes by which an adapter says what it is."""
_OF_THE_DOUBLE: Final = (ProviderDouble.respond.__code__, ProviderDouble.record_foreign_request.__code__)


class PythonIntegration:
    """An adapter class, of which every history gets an instance of its own.

    Args:
        adapter: the class, or its place as ``module:Adapter``.
        double: returns the double of the history that runs.
        clock: returns its clock.
        port: the port of the loopback server, for clients other than httpx.

    """

    kind = "python"
    virtual = True

    def __init__(
        self, adapter: str | Callable[..., Any], double: CurrentDouble, clock: Callable[[], VirtualClock], port: int
    ) -> None:
        self.name = (
            f"python:{adapter}" if isinstance(adapter, str) else f"python:{adapter.__module__}:{adapter.__qualname__}"
        )
        with without_proxies():
            self._adapter_class: Callable[..., Any] = (
                import_object("python", adapter) if isinstance(adapter, str) else adapter
            )
        self.first = self._first_profile()
        self._httpx = HttpxMount(double, port)
        self._double = double
        self.seconds = ACTION_SECONDS
        self.vain_pauses = 0
        self._sleep = InterceptedSleep(clock)
        self._adapter: Any = None
        self._zone = UTC
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beside: list[Future[Any]] = []
        # Mounted once for all histories, because mounting takes longer than a request.
        self._mounted = ExitStack()
        # What the merchant prints is thrown away: an endless loop can print a lot within ten seconds.
        self._null_output = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115

    def _first_profile(self) -> Profile | None:
        names = getattr(self._adapter_class, "profiles", ())
        if not isinstance(names, list | tuple | set | frozenset):
            return None
        return next((profile for profile in Profile if profile.value in names), None)

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Make an adapter, and return what it can do."""
        if not callable(self._adapter_class):
            raise TargetUsageError(f"{self.name} is {type(self._adapter_class).__name__}: name a class.")
        self._mounted.enter_context(self._httpx.mounted())
        self.begin(setup)
        actions = [name for name in ACTIONS if callable(getattr(self._adapter, name, None))]
        missing = [name for name in REQUIRED if name not in actions]
        if missing:
            raise TargetUsageError(f"{self.name} has no method {missing[0]!r}: it needs {', '.join(REQUIRED)}.")
        handler = [HANDLER] if method_of(self._adapter, HANDLER) is not None else []
        for action in (*actions, *handler):
            self._check_signature(action)
        try:
            return capabilities_from(self.name, self._statement(actions), zone=CAN_MOVE)
        except TargetError as error:
            raise TargetUsageError(str(error)) from None

    def _statement(self, actions: list[str]) -> dict[str, object]:
        """Return what the adapter states by its attributes; a method of such a name states nothing."""
        attributes = {name: getattr(self._adapter, name) for name in _ATTRIBUTES if hasattr(self._adapter, name)}
        stated = {name: value for name, value in attributes.items() if not callable(value)}
        return {**stated, "actions": actions, "clock": True, HANDLER: method_of(self._adapter, HANDLER) is not None}

    def _check_signature(self, action: str) -> None:
        """Raise a TargetUsageError where a method cannot take its arguments."""
        names = _PARAMETERS.get(action, ("order_id",))
        try:
            inspect.signature(method_of(self._adapter, action)).bind(*names)
        except TypeError:
            raise TargetUsageError(f"{self.name}: {action} must take ({', '.join(names)}).") from None
        except ValueError:
            return

    def begin(self, setup: Setup) -> None:
        """Make a new adapter for a history."""
        self._zone = UTC
        self._close_loop()
        self._httpx.forget()
        self._sleep.find_patches()
        try:
            with self._isolated(), _time_limit(self.seconds):
                self._adapter = self._adapter_class(setup)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and is_signal(error):
                raise
            raise TargetError(
                f"{self.name} cannot be made with a Setup: {located(error)}. Correct its constructor.",
                crash_text(error),
            ) from error

    def enter_zone(self, zone: str) -> None:
        """Let the adapter's code run in a time zone from now on."""
        self._zone = zone

    @property
    def routes_by_nothing(self) -> bool:
        """Whether the handler of notifications is a method, to which the path of a request means nothing."""
        return has_handler(self._adapter)

    def call(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Call a method; a coroutine is awaited."""
        method = method_of(self._adapter, action)
        try:
            with self._isolated(), _time_limit(self.seconds):
                value = method(*arguments.values())
                if inspect.isawaitable(value):
                    value = self._run(value)
        except StuckError as error:
            return ActionResult(error.ending, None, str(error))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and is_signal(error):
                raise
            return raised(error)
        if action == "restart" and value is not None:
            self._adapter = value
            value = None
        return ActionResult("returned", value)

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Call a method in two threads at the same time; a coroutine runs as two tasks of one loop."""
        method = getattr(self._adapter, action)
        if inspect.iscoroutinefunction(method):
            return self._two_tasks(method, arguments)
        results: list[ActionResult] = []

        def call_once() -> None:
            self._sleep.join()
            results.append(_result_of(lambda: method(*arguments.values())))

        threads = [threading.Thread(target=call_once, daemon=True) for _ in range(2)]
        with self._isolated():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(self.seconds)
        hung = ActionResult("hung", None, f"it did not come back within {self.seconds:.0f} seconds")
        return [*results, *(hung for thread in threads if thread.is_alive())]

    def beside(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Call a method in this thread while another thread runs an action."""
        self._sleep.join()
        method = method_of(self._adapter, action)

        async def wait(value: Any) -> Any:
            return await value

        try:
            value = method(*arguments.values())
            if inspect.isawaitable(value):
                running = self._loop is not None and self._loop.is_running()
                loop = self._loop if running else None
                if loop is None:
                    value = asyncio.run(wait(value))
                else:
                    future = asyncio.run_coroutine_threadsafe(wait(value), loop)
                    self._beside.append(future)
                    value = future.result(self.seconds)
        except StuckError as error:
            return ActionResult(error.ending, None, str(error))
        except BaseException as error:
            return raised(error)
        return ActionResult("returned", value)

    def _two_tasks(self, method: Callable[..., Any], arguments: Mapping[str, Any]) -> list[ActionResult]:
        async def both() -> list[Any]:
            return await asyncio.gather(*(method(*arguments.values()) for _ in range(2)), return_exceptions=True)

        try:
            with self._isolated(), _time_limit(self.seconds):
                outcomes = self._run(both())
        except StuckError as error:
            return [ActionResult(error.ending, None, str(error))] * 2
        return [
            raised(outcome) if isinstance(outcome, BaseException) else ActionResult("returned") for outcome in outcomes
        ]

    def _run(self, value: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()

        async def wait() -> Any:
            try:
                return await value
            finally:
                # What waits for this action in the same loop would never go on once the loop stands still.
                while self._beside:
                    with suppress(Exception):
                        await asyncio.wrap_future(self._beside.pop())

        return self._loop.run_until_complete(wait())

    @contextmanager
    def _isolated(self) -> Iterator[None]:
        """Keep the merchant inside the block from printing, from other machines, and from real waiting."""
        with ExitStack() as stack:
            stack.enter_context(in_one_process())
            stack.enter_context(in_zone(self._zone))
            stack.enter_context(without_proxies())
            stack.enter_context(redirect_stdout(self._null_output))
            stack.enter_context(only_loopback(self._double))
            stack.enter_context(self._sleep.active())
            yield

    def _close_loop(self) -> None:
        if self._loop is not None:
            loop, self._loop = self._loop, None
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def close(self) -> None:
        """Close the adapter's event loop and undo the mounts."""
        self._mounted.close()
        self._close_loop()
        self._null_output.close()
        self._adapter = None


def _result_of(call: Callable[[], Any]) -> ActionResult:
    """Return how a call ended that runs in a thread of its own, where nothing can interrupt it."""
    try:
        call()
    except StuckError as error:
        return ActionResult(error.ending, None, str(error))
    except BaseException as error:
        return raised(error)
    return ActionResult("returned")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the block after a number of seconds, in the main thread of a POSIX process; elsewhere do nothing."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_: int, frame: FrameType | None) -> None:
        # Python swallows and prints what is raised during garbage collection, and a record of which half is written
        # would break the journal. The next signal comes at once.
        if frame is not None and ("gc" in frame.f_code.co_name or _is_recording(frame)):
            signal.setitimer(signal.ITIMER_REAL, 0.002, 0.2)
            return
        raise StuckError("hung", f"it did not come back within {seconds:.0f} seconds")

    previous_handler = signal.signal(signal.SIGALRM, stop)
    # The signal repeats, because a merchant may catch every exception. Another user of the timer, such as a plugin of
    # pytest, gets it back afterwards.
    previous_timer = signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *previous_timer)
        signal.signal(signal.SIGALRM, previous_handler)


def _is_recording(frame: FrameType | None) -> bool:
    """Return whether the provider double is about to respond: it writes a record and changes its state as it does."""
    while frame is not None:
        if frame.f_code in _OF_THE_DOUBLE:
            return True
        frame = frame.f_back
    return False
