"""An ASGI or WSGI application as a target: called in this process, without a port."""

from __future__ import annotations

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, ClassVar, Final

import httpx

from conformance.domain.messages import Call, NoResponse, Response, ResponseOrNone
from conformance.targets.event_loop_thread import EventLoopThread, RaisedError
from conformance.targets.http.httpx_exchange import http_request, no_response, read_response, read_response_now
from conformance.targets.production_guard import control_address
from conformance.targets.transport import Connection, TargetError, TargetUsageError, Transport

HOST: Final = "http://localhost"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


LONGEST_PAUSE: Final = 0.01
"""Seconds."""


class UnansweredError(Exception):
    """An application returned without having responded."""


class ApplicationTransport(Transport):
    """An application in a thread of its own. Histories run one at a time."""

    private: ClassVar[bool] = False
    parameters: ClassVar[tuple[str, ...]]
    """What the application is called with."""

    def __init__(self, name: str, app: Any, control: str | None = None, *, timeout: float = 30.0) -> None:
        """Take an application.

        Args:
            name: what the user calls it.
            app: the ASGI or WSGI application.
            control: the path of its own test control API, or a URL with that path.
            timeout: seconds that one response may take.

        Raises:
            TargetUsageError: the application cannot be called, or the path of the test control API makes no sense.

        """
        if not callable(app):
            raise TargetUsageError(
                f"{name} is no application, since it cannot be called: check the name after the colon."
            )
        if not _accepts(app, self.parameters):
            other = _OTHER_KIND[self.kind]
            if _accepts(app, other.parameters):
                advice = f"it looks like one of the other kind: write {other.kind}:{name.partition(':')[2]}"
            else:
                advice = "if it makes the application, name what it returns"
            raise TargetUsageError(
                f"{name} is not called as an application is, with ({', '.join(self.parameters)}): {advice}."
            )
        self.name = name
        self.control = control
        self._app = app
        self._bases = {False: HOST, True: HOST + _control_path(control)}
        self._timeout = timeout
        self._thread = EventLoopThread()

    @abstractmethod
    async def answer(self, request: httpx.Request) -> Response:
        """Call the application and return its response."""

    def connect(self) -> Connection:
        """Return a connection to the application."""
        return _InProcess(self)

    async def call(self, call: Call) -> ResponseOrNone:
        """Call the application in its own thread; return its answer."""
        refused = self.spend()
        if refused is not None:
            return refused
        try:
            request = http_request(call.request, self._bases[call.to_control])
            response: Response = await self._thread.call(self.answer, self._timeout, request)
        except RaisedError as error:
            if isinstance(error.__cause__, UnansweredError):
                return NoResponse("the application returned without an answer")
            return NoResponse(f"the application raised {error}", error.crash)
        except (TimeoutError, UnicodeError) as error:
            return no_response(error, self._timeout)
        return response

    async def stop(self) -> None:
        """Stop the application's thread."""
        self._thread.close()


class _InProcess(Connection):
    def __init__(self, transport: ApplicationTransport) -> None:
        self._transport = transport

    async def send(self, call: Call) -> ResponseOrNone:
        return await self._transport.call(call)

    async def pause(self, seconds: float) -> None:
        # An application in this process waits for nothing but its own background tasks.
        await asyncio.sleep(min(seconds, LONGEST_PAUSE))


class WsgiTransport(ApplicationTransport):
    """A WSGI application.

    It gets one request at a time: its only thread is busy until the request is answered.
    """

    kind: ClassVar[str] = "wsgi"
    parameters: ClassVar[tuple[str, ...]] = ("environ", "start_response")
    concurrent: ClassVar[bool] = False

    async def answer(self, request: httpx.Request) -> Response:
        """Call the application and return its response."""
        has_begun = False

        def watched_app(environ: Any, start_response: Callable[..., Any]) -> Any:
            def watched_start(*arguments: Any) -> Any:
                nonlocal has_begun
                has_begun = True
                return start_response(*arguments)

            return self._app(environ, watched_start)

        try:
            return read_response_now(httpx.WSGITransport(watched_app).handle_request(request))
        except AssertionError as error:
            # httpx asserts that there is a response.
            if has_begun:
                raise
            raise UnansweredError from error


class AsgiTransport(ApplicationTransport):
    """An ASGI application, started and stopped as a server would.

    Of two requests that race, the second begins as soon as the first awaits something.
    """

    kind: ClassVar[str] = "asgi"
    parameters: ClassVar[tuple[str, ...]] = ("scope", "receive", "send")

    def __init__(self, name: str, app: Any, control: str | None = None, *, timeout: float = 30.0) -> None:
        super().__init__(name, app, control, timeout=timeout)
        self._lifespan = _Lifespan(app)

    async def answer(self, request: httpx.Request) -> Response:
        """Call the application and return its response."""
        return await read_response(await httpx.ASGITransport(self._checked_app).handle_async_request(request))

    async def _checked_app(self, scope: Message, receive: Receive, send: Send) -> None:
        has_body = False

        async def watched_send(message: Message) -> None:
            nonlocal has_body
            has_body = has_body or message["type"] == "http.response.body"
            await send(message)

        await self._app({**scope, "state": dict(self._lifespan.state)}, receive, watched_send)
        if not has_body:
            raise UnansweredError

    async def start(self) -> None:
        """Start the application.

        Raises:
            TargetError: it reports a failure, or takes too long.

        """
        try:
            failure = await self._thread.call(self._lifespan.start, self._timeout)
        except TimeoutError:
            failure = f"no answer within {self._timeout:g} seconds"
        if failure:
            raise TargetError(f"{self.name} did not start ({failure}): start it with a server to see why.")

    async def stop(self) -> None:
        """Stop the application and its thread."""
        with suppress(TimeoutError, RaisedError):
            await self._thread.call(self._lifespan.stop, self._timeout)
        await super().stop()


class _Lifespan:
    """Start and stop of an application that implements the ASGI lifespan protocol.

    Both do nothing for an application that does not.
    """

    def __init__(self, app: Any) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start the application; return why it failed, or an empty text."""
        self._task = asyncio.create_task(self._run())
        await self._to_app.put({"type": "lifespan.startup"})
        try:
            message = await self._from_app.get()
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        failed = message["type"] == "lifespan.startup.failed"
        return str(message.get("message") or "it gave no reason") if failed else ""

    async def stop(self) -> None:
        """Stop the application."""
        if self._task is not None and not self._task.done():
            await self._to_app.put({"type": "lifespan.shutdown"})
            await self._from_app.get()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except (Exception, SystemExit, BaseExceptionGroup):
            return  # An application without a lifespan raises at once.
        finally:
            self._from_app.put_nowait({"type": "ended"})


_OTHER_KIND: Final[dict[str, type[ApplicationTransport]]] = {"wsgi": AsgiTransport, "asgi": WsgiTransport}


def _accepts(app: Callable[..., Any], parameters: tuple[str, ...]) -> bool:
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*parameters)
    except TypeError:
        return False
    return True


def _control_path(control: str | None) -> str:
    """Return the path of the test control API, which is given as path or URL."""
    if not control:
        return ""
    if control.startswith("/"):
        return control_address(HOST + control).prefix
    return control_address(control).prefix
