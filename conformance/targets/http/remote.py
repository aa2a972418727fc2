"""A server at a base URL, reached through the network."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar, Final

import httpx

from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.inputs.files import open_input
from conformance.targets.http.httpx_exchange import http_request, no_response, read_response_now, retry_after
from conformance.targets.http.outgoing import OutgoingTransport
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.production_guard import Address, base_address, check_proxy, control_address
from conformance.targets.throttle import MOST
from conformance.targets.transport import SURPLUS, Connection, TargetUsageError, Transport

CONNECT_SECONDS: Final = 5.0
LARGEST_CERTIFICATES: Final = 10_000_000
RESENT: Final = 2
"""How often a request is sent again after a 429."""

# At the level DEBUG, the HTTP library would log the Authorization header.
logging.getLogger("httpcore").setLevel(logging.WARNING)

Route = tuple[ssl.SSLContext | bool, str | None]
"""How an address is reached: the certificates to trust, and the proxy."""


class RemoteTransport(Transport):
    """A server; each worker has connections of its own."""

    kind: ClassVar[str] = "url"
    private: ClassVar[bool] = False
    remote: ClassVar[bool] = True
    doubted = True
    sleep: Callable[[float], Awaitable[None]] = staticmethod(asyncio.sleep)
    """Waits for a number of seconds."""

    def __init__(
        self,
        base: str,
        control: str | None = None,
        *,
        timeout: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the base URLs of the API and of its test control API.

        Args:
            base: the API's base URL.
            control: the test control API's, if there is one.
            timeout: seconds that one response may take.
            environment: names proxies and certificates; None for the environment of this process.

        Raises:
            TargetUsageError: a URL must not be used, or the proxy or the certificates cannot be.

        """
        environment = os.environ if environment is None else environment
        self.base = base_address(base)
        self._control = control_address(control) if control else None
        self.name = self.base.url
        self.control = self._control.url if self._control else None
        self.concurrency = MOST
        self.loopback = self.base.loopback
        self.paced = not self.loopback
        self._timeout = timeout
        addresses = [address for address in (self.base, self._control) if address is not None]
        self._routes = {address.origin: route_to(address, environment) for address in addresses}

    def connect(self) -> Connection:
        """Return a new connection to the API and to the test control API."""
        return _NetworkConnection(self, self._control, self._routes, self._timeout)


class _NetworkConnection(Connection):
    def __init__(
        self, transport: RemoteTransport, control: Address | None, routes: Mapping[str, Route], timeout: float
    ) -> None:
        self._transport = transport
        self._control = control
        self._routes = routes
        self._timeout = timeout
        self._thread: _ExchangeThread | None = None

    async def send(self, call: Call) -> ResponseOrNone:
        answer = await self._exchange(call)
        for attempt in range(1, RESENT + 1):
            if isinstance(answer, NoResponse) or answer.status != 429:
                break
            seconds = retry_after(answer, otherwise=float(attempt))
            self.busy(call, answer, seconds)
            self._transport.throttle.waits(seconds, "the target asks to slow down (429)")
            await self.pause(seconds)
            answer = await self._exchange(call)
        return answer

    async def race(self, call: Call, timing: RequestTiming) -> ResponseOrNone:
        # It is not sent again after a 429: the other request would be over by then.
        return await self._exchange(call, timing)

    async def _exchange(self, call: Call, timing: RequestTiming | None = None) -> ResponseOrNone:
        address = self._control if call.to_control else self._transport.base
        if address is None:
            return NoResponse("no test control API was named")
        refused = self._transport.spend()
        if refused is not None:
            return refused
        self._thread = self._thread or _ExchangeThread(self._routes, self._timeout)
        try:
            async with asyncio.timeout(CONNECT_SECONDS + self._timeout):
                answer = await self._thread.exchange(call.request, address, timing)
        except TimeoutError as error:
            await self.close()
            answer = no_response(error, self._timeout)
        except asyncio.CancelledError:
            await self.close()
            raise
        if timing is None:
            orderly = isinstance(answer, Response) and answer.status != 429 and answer.status < 500
            self._transport.throttle.took(self._took(), orderly=orderly)
        return answer

    def _took(self) -> float:
        """Return how long the last exchange took; one that was given up took as long as it may."""
        return self._timeout if self._thread is None else self._thread.took

    async def pause(self, seconds: float) -> None:
        await self._transport.sleep(seconds)

    async def close(self) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = None


_Job = tuple[Request, Address, RequestTiming | None, "asyncio.Future[ResponseOrNone]"]


class _ExchangeThread:
    """A thread that makes one exchange after the other.

    Synchronous httpx takes half as long. A server that never ends its response blocks this daemon thread only.
    """

    def __init__(self, routes: Mapping[str, Route], timeout: float) -> None:
        self._transports = {origin: OutgoingTransport(origin, *route) for origin, route in routes.items()}
        self._proxied = {origin for origin, (_, proxy) in routes.items() if proxy}
        self._sockets: dict[str, socket.socket] = {}
        self._timeout = timeout
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.took = 0.0
        """Seconds that the last exchange took, without the time that it waited for its turn in this process."""
        threading.Thread(target=self._run, daemon=True).start()

    async def exchange(self, request: Request, address: Address, timing: RequestTiming | None) -> ResponseOrNone:
        """Return the answer to a request. Who gives up waiting has to stop the thread."""
        future: asyncio.Future[ResponseOrNone] = asyncio.get_running_loop().create_future()
        self._jobs.put((request, address, timing, future))
        return await future

    def stop(self) -> None:
        """Close the connections and end the thread, even if it waits for a response."""
        self._jobs.put(None)
        for connected in list(self._sockets.values()):
            with suppress(OSError):  # it was closed already
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def _run(self) -> None:
        while job := self._jobs.get():
            request, address, timing, future = job
            began = time.monotonic()
            answer = self._answer(request, address, timing)
            self.took = time.monotonic() - began
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_resolve, future, answer)
        for transport in self._transports.values():
            transport.close()

    def _answer(self, request: Request, address: Address, timing: RequestTiming | None) -> ResponseOrNone:
        if self._is_mixed_up(address.origin):
            return NoResponse(SURPLUS)
        limits = {"connect": CONNECT_SECONDS, "read": self._timeout, "write": self._timeout, "pool": self._timeout}
        try:
            prepared = http_request(request, address.url, **limits)
            prepared.extensions["trace"] = partial(self._trace, address.origin)
            if timing is not None:
                timing.wait()
            under_way: AbstractContextManager[None] = timing or nullcontext()
            with under_way:
                response = read_response_now(self._transports[address.origin].handle_request(prepared))
            return NoResponse(SURPLUS) if self._is_mixed_up(address.origin) else response
        except Exception as error:
            answer = no_response(error, self._timeout)
            if address.origin in self._proxied and isinstance(error, httpx.ConnectError | httpx.ProxyError):
                return NoResponse(f"{answer.cause}, through the proxy that the environment names")
            return answer

    def _is_mixed_up(self, origin: str) -> bool:
        """Tell whether bytes have come that no request asked for; a connection with them, or a closed one, is left."""
        transport, connected = self._transports[origin], self._sockets.get(origin)
        if connected is None:
            return False
        surplus = _buffered_surplus(transport) or _waiting_bytes(connected)
        if surplus == b"":
            return False
        self._sockets.pop(origin, None)
        transport.close()
        return surplus is not None

    def _trace(self, origin: str, event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets[origin] = details["return_value"].get_extra_info("socket")


def _buffered_surplus(transport: httpx.HTTPTransport) -> bytes:
    """Return what was read behind the last response of a connection that is kept.

    The HTTP library takes it for the beginning of the next response, and has no public way to ask for it.
    """
    connection: object = next(iter(transport._pool.connections), None)
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    parser = getattr(connection, "_h11_state", None)
    return b"" if parser is None else bytes(parser.trailing_data[0])


def _waiting_bytes(connected: socket.socket) -> bytes | None:
    """Return a byte that waits on a connection, nothing where none does, or None where the connection is closed."""
    try:
        connected.settimeout(0)
        return connected.recv(1) or None
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
    except (OSError, ValueError):
        return None


def _resolve(future: asyncio.Future[ResponseOrNone], answer: ResponseOrNone) -> None:
    if not future.done():
        future.set_result(answer)


def route_to(address: Address, environment: Mapping[str, str]) -> Route:
    """Return how an address is reached.

    Raises:
        TargetUsageError: the proxy or the certificates that the environment names cannot be used.

    """
    proxy = proxy_for(address, environment)
    trusted = trusted_certificates(environment) if address.scheme == "https" else False
    try:
        if proxy:
            check_proxy(proxy)
        OutgoingTransport(address.origin, trusted, proxy)
    except (ValueError, ImportError, httpx.InvalidURL):
        raise TargetUsageError(
            f"the proxy that the environment names for {address.scheme} cannot be used: "
            f"give an http:// or https:// URL, or unset it."
        ) from None
    return trusted, proxy


def proxy_for(address: Address, environment: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy through which an address is reached; None or nothing if there is none."""
    if address.loopback:
        return None

    def variable(name: str) -> str:
        return environment.get(name) or environment.get(name.upper()) or ""

    if any(_is_exempt(address, name.strip().lower()) for name in variable("no_proxy").split(",")):
        return None
    proxy = variable(f"{address.scheme}_proxy") or variable("all_proxy")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _is_exempt(address: Address, entry: str) -> bool:
    name = entry.lstrip(".")
    if name == "*":
        return True
    host_and_port = address.origin.partition("://")[2]
    return bool(name) and (name in (address.host, host_and_port) or address.host.endswith(f".{name}"))


def trusted_certificates(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the certificates to trust.

    Raises:
        TargetUsageError: those that the environment names cannot be read.

    """
    file, directory = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if not file and not directory:
        return httpx.create_ssl_context()
    try:
        if file:
            open_input(Path(file), LARGEST_CERTIFICATES).close()
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    except (OSError, ValueError):
        raise TargetUsageError(
            "SSL_CERT_FILE or SSL_CERT_DIR does not hold certificates that can be read: correct or unset it."
        ) from None
