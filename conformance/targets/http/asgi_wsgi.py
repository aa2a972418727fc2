"""An ASGI or WSGI application as a target: called in this process, without a port."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, ClassVar, Final

import httpx

from conformance.domain.messages import Response
from conformance.targets.event_loop_thread import EventLoopThread, RaisedError
from conformance.targets.http.httpx_exchange import http_request, lost, read_answer, read_answer_now
from conformance.targets.production_guard import control_address
from conformance.targets.transport import Connection, TargetError, TargetUsageError, Transport
from conformance.wire import Call, NoResponse, ResponseOrNone

HOST: Final = "http://localhost"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


LONGEST_PAUSE: Final = 0.01
"""Seconds."""


class UnansweredError(Exception):
    """An application returned without having answered."""


class ApplicationTransport(Transport):
    """An application of one's own, in a thread of its own. Histories are played one at a time."""

    private: ClassVar[bool] = False

    def __init__(self, name: str, app: Any, control: str | None = None, *, timeout: float = 30.0) -> None:
        """Take an application.

        Raises:
            TargetUsageError: it cannot be called, or the place of the test control API makes no sense.

        """
        if not callable(app):
            raise TargetUsageError(
                f"{name} is no application, since it cannot be called: check the name after the colon."
            )
        self.name = name
        self.control = control
        self._app = app
        self._bases = {False: HOST, True: HOST + _control_path(control)}
        self._timeout = timeout
        self._lane = EventLoopThread()

    @abstractmethod
    async def answer(self, request: httpx.Request) -> Response:
        """Call the application."""

    def link(self) -> Connection:
        """Return a way to the application."""
        return _InProcess(self)

    async def call(self, call: Call) -> ResponseOrNone:
        """Call the application, in its own thread."""
        spent = self.spend()
        if spent is not None:
            return spent
        try:
            request = http_request(call.request, self._bases[call.to_control])
            answer: Response = await self._lane.call(self.answer, self._timeout, request)
        except RaisedError as error:
            cause = error.__cause__
            if isinstance(cause, UnansweredError):
                return NoResponse("the application returned without an answer")
            return NoResponse(f"the application raised {error}")
        except (TimeoutError, UnicodeError) as error:
            return lost(error, self._timeout)
        return answer

    async def stop(self) -> None:
        """Stop the application's thread."""
        self._lane.close()


class _InProcess(Connection):
    def __init__(self, target: ApplicationTransport) -> None:
        self._target = target

    async def send(self, call: Call) -> ResponseOrNone:
        return await self._target.call(call)

    async def pause(self, seconds: float) -> None:
        # An application in this process has nothing to wait for but its own background tasks.
        await asyncio.sleep(min(seconds, LONGEST_PAUSE))


class WsgiTransport(ApplicationTransport):
    """A WSGI application. It gets one request at a time: its one thread is busy with each until it is answered."""

    kind: ClassVar[str] = "wsgi"
    concurrent: ClassVar[bool] = False

    async def answer(self, request: httpx.Request) -> Response:
        """Call the application."""
        begun = False

        def watched(environ: Any, start_response: Callable[..., Any]) -> Any:
            def starting(*arguments: Any) -> Any:
                nonlocal begun
                begun = True
                return start_response(*arguments)

            return self._app(environ, starting)

        try:
            return read_answer_now(httpx.WSGITransport(watched).handle_request(request))
        except AssertionError as error:
            if begun:
                raise
            raise UnansweredError from error


class AsgiTransport(ApplicationTransport):
    """An ASGI application. It is started and stopped as a server would do it.

    Of two requests that race, the second one begins as soon as the first one awaits something.
    """

    kind: ClassVar[str] = "asgi"

    def __init__(self, name: str, app: Any, control: str | None = None, *, timeout: float = 30.0) -> None:
        super().__init__(name, app, control, timeout=timeout)
        self._lifespan = _Lifespan(app)

    async def answer(self, request: httpx.Request) -> Response:
        """Call the application."""
        return await read_answer(await httpx.ASGITransport(self._answering).handle_async_request(request))

    async def _answering(self, scope: Message, receive: Receive, send: Send) -> None:
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = answered or message["type"] == "http.response.body"
            await send(message)

        await self._app({**scope, "state": dict(self._lifespan.state)}, receive, watched)
        if not answered:
            raise UnansweredError

    async def start(self) -> None:
        """Start the application.

        Raises:
            TargetError: it says that it cannot start, or takes too long.

        """
        try:
            failure = await self._lane.call(self._lifespan.start, self._timeout)
        except TimeoutError:
            failure = f"no answer within {self._timeout:g} seconds"
        if failure:
            raise TargetError(f"{self.name} did not start ({failure}): start it with a server to see why.")

    async def stop(self) -> None:
        """Stop the application, and its thread."""
        with suppress(TimeoutError, RaisedError):
            await self._lane.call(self._lifespan.stop, self._timeout)
        await super().stop()


class _Lifespan:
    """An application's lifespan, as far as it has one."""

    def __init__(self, app: Any) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._to: asyncio.Queue[Message] = asyncio.Queue()
        self._from: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start the application; return why it does not, or nothing."""
        self._task = asyncio.create_task(self._run())
        await self._to.put({"type": "lifespan.startup"})
        try:
            said = await self._from.get()
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        return str(said.get("message") or "it gave no reason") if said["type"] == "lifespan.startup.failed" else ""

    async def stop(self) -> None:
        """Let the application stop, if it has a lifespan."""
        if self._task is not None and not self._task.done():
            await self._to.put({"type": "lifespan.shutdown"})
            await self._from.get()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._to.get, self._from.put)
        except (Exception, SystemExit, BaseExceptionGroup):
            return  # An application that knows no lifespan raises at once, which is how it says so.
        finally:
            self._from.put_nowait({"type": "ended"})


def _control_path(control: str | None) -> str:
    """Return where the application's own test control API begins: a path, or the path of a URL."""
    if not control:
        return ""
    if control.startswith("/"):
        return control_address(HOST + control).prefix
    return control_address(control).prefix
