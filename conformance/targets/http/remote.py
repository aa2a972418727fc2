"""A server at a base URL as a target."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, ClassVar, Final

import httpx

from conformance.domain.messages import Request
from conformance.targets.http.httpx_exchange import http_request, lost, read_answer_now, retry_after
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.production_guard import Address, base_address, control_address
from conformance.targets.transport import Connection, TargetUsageError, Transport
from conformance.wire import Call, NoResponse, ResponseOrNone

CONNECT_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 2.0
"""How long an idle connection is used again: less than any server keeps it, so that none is closed under a request."""
RESENT: Final = 2
"""How often a request is sent again after a 429."""

# Told to log everything, the HTTP library would log what authorizes us.
logging.getLogger("httpcore").setLevel(logging.WARNING)

Way = tuple[ssl.SSLContext | bool, str | None]
"""How an address is reached: whom to trust there, and through which proxy."""


class RemoteTransport(Transport):
    """A server, each worker with a connection of its own."""

    kind: ClassVar[str] = "url"
    private: ClassVar[bool] = False
    remote: ClassVar[bool] = True

    def __init__(
        self,
        base: str,
        control: str | None = None,
        *,
        timeout: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the addresses.

        Raises:
            TargetUsageError: one of them is not to be used, or the proxy or certificates in the environment cannot be.

        """
        environment = os.environ if environment is None else environment
        self.base = base_address(base)
        self._control = control_address(control) if control else None
        self.name = self.base.url
        self.control = self._control.url if self._control else None
        self.concurrency = 8
        self.loopback = self.base.loopback
        self.paced = not self.loopback
        self._timeout = timeout
        self._ways = {one.origin: _way(one, environment) for one in (self.base, self._control) if one is not None}

    def link(self) -> Connection:
        """Return a worker's own connection; a second one where the test control API is elsewhere."""
        return _Connection(self, self._control, self._ways, self._timeout)


class _Connection(Connection):
    def __init__(
        self, target: RemoteTransport, control: Address | None, ways: Mapping[str, Way], timeout: float
    ) -> None:
        self._target = target
        self._control = control
        self._ways = ways
        self._timeout = timeout
        self._messenger: _Messenger | None = None

    async def send(self, call: Call) -> ResponseOrNone:
        answer = await self._exchange(call)
        for attempt in range(1, RESENT + 1):
            if isinstance(answer, NoResponse) or answer.status != 429:
                break
            await self.pause(retry_after(answer, otherwise=float(attempt)))
            answer = await self._exchange(call)
        return answer

    async def race(self, call: Call, flight: RequestTiming) -> ResponseOrNone:
        # Sent again after a 429 it would race with nobody, so that it is not.
        return await self._exchange(call, flight)

    async def _exchange(self, call: Call, flight: RequestTiming | None = None) -> ResponseOrNone:
        address = self._control if call.to_control else self._target.base
        if address is None:
            return NoResponse("no test control API was named")
        spent = self._target.spend()
        if spent is not None:
            return spent
        self._messenger = self._messenger or _Messenger(self._ways, self._timeout)
        try:
            async with asyncio.timeout(CONNECT_SECONDS + self._timeout):
                return await self._messenger.exchange(call.request, address, flight)
        except TimeoutError as error:
            await self.close()
            return lost(error, self._timeout)
        except asyncio.CancelledError:
            await self.close()
            raise

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        if self._messenger is not None:
            self._messenger.dismiss()
            self._messenger = None


_Errand = tuple[Request, Address, RequestTiming | None, "asyncio.Future[ResponseOrNone]"]


class _Messenger:
    """A thread that makes one exchange after the other: httpx takes half as long where nothing is asynchronous.

    A server that never comes to an end holds up this thread only, and a daemon thread holds up nobody.
    """

    def __init__(self, ways: Mapping[str, Way], timeout: float) -> None:
        self._transports = {origin: _transport(*way) for origin, way in ways.items()}
        self._sockets: dict[str, socket.socket] = {}
        self._timeout = timeout
        self._errands: SimpleQueue[_Errand | None] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    async def exchange(self, request: Request, address: Address, flight: RequestTiming | None) -> ResponseOrNone:
        """Have a request answered. Who does not wait for the answer dismisses the messenger."""
        answer: asyncio.Future[ResponseOrNone] = asyncio.get_running_loop().create_future()
        self._errands.put((request, address, flight, answer))
        return await answer

    def dismiss(self) -> None:
        """Let the thread close its connections and end. If it is still listening, it hears nothing more."""
        self._errands.put(None)
        for one in list(self._sockets.values()):
            with suppress(OSError):  # it was closed already
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def _run(self) -> None:
        while errand := self._errands.get():
            request, address, flight, future = errand
            answer = self._answer(request, address, flight)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_hand_over, future, answer)
        for transport in self._transports.values():
            transport.close()

    def _answer(self, request: Request, address: Address, flight: RequestTiming | None) -> ResponseOrNone:
        limits = {"connect": CONNECT_SECONDS, "read": self._timeout, "write": self._timeout, "pool": self._timeout}
        try:
            prepared = http_request(request, address.url, **limits)
            prepared.extensions["trace"] = partial(self._trace, address.origin)
            if flight is not None:
                flight.wait()
            under_way: AbstractContextManager[None] = flight or nullcontext()
            with under_way:
                return read_answer_now(self._transports[address.origin].handle_request(prepared))
        except Exception as error:
            return lost(error, self._timeout)

    def _trace(self, origin: str, event: str, facts: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets[origin] = facts["return_value"].get_extra_info("socket")


def _hand_over(future: asyncio.Future[ResponseOrNone], answer: ResponseOrNone) -> None:
    if not future.done():
        future.set_result(answer)


def _way(address: Address, environment: Mapping[str, str]) -> Way:
    """Return how an address is reached."""
    proxy = None if address.loopback else _proxy(address, environment)
    trusted = _trusted(environment) if address.scheme == "https" else False
    try:
        _transport(trusted, proxy)
    except (ValueError, ImportError, httpx.InvalidURL):
        raise TargetUsageError(
            f"the proxy that the environment names for {address.scheme} cannot be used: "
            f"give an http:// or https:// URL, or unset it."
        ) from None
    return trusted, proxy


def _proxy(address: Address, environment: Mapping[str, str]) -> str | None:
    def named(name: str) -> str:
        return environment.get(name) or environment.get(name.upper()) or ""

    exempt = named("no_proxy")
    if any(_covers(one.strip().lower(), address) for one in exempt.split(",")):
        return None
    proxy = named(f"{address.scheme}_proxy") or named("all_proxy")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _covers(exempt: str, address: Address) -> bool:
    name = exempt.lstrip(".")
    if name == "*":
        return True
    host_and_port = address.origin.partition("://")[2]
    return bool(name) and (name in (address.host, host_and_port) or address.host.endswith(f".{name}"))


def _trusted(environment: Mapping[str, str]) -> ssl.SSLContext:
    file, directory = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if not file and not directory:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    except OSError:
        raise TargetUsageError(
            "SSL_CERT_FILE or SSL_CERT_DIR does not hold certificates that can be read: correct or unset it."
        ) from None


def _transport(trusted: ssl.SSLContext | bool, proxy: str | None) -> httpx.HTTPTransport:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT_SECONDS)
    return httpx.HTTPTransport(verify=trusted, limits=limits, proxy=proxy or None, trust_env=False)
