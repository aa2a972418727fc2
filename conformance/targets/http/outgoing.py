"""The one way out: every request that the suite sends over a network leaves through the transport here.

An address is parsed once, by `production_guard`, with the parser of the library that connects. What is made of it
reaches that address and no other one, whatever a path, a header or a redirect says. `tests/targets/test_outgoing.py`
checks that nothing else of the suite opens a connection.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar
from weakref import WeakSet

import httpx

KEPT_SECONDS: Final = 2.0
"""How long an idle connection is used again. Servers keep theirs longer, so none is closed under a request."""

T = TypeVar("T")


class OtherHostError(Exception):
    """A request would have gone to another host than the one that the transport is for. Nothing was sent."""


class OutgoingTransport(httpx.HTTPTransport):
    """A transport to one address.

    Args:
        origin: the address's scheme, host and port, as `production_guard` gives them.
        trusted: the certificates to trust; False where the scheme needs none.
        proxy: the URL of the proxy on the way, if there is one.
        connections: how many there may be at once.

    """

    def __init__(self, origin: str, trusted: ssl.SSLContext | bool, proxy: str | None, connections: int = 1) -> None:
        limits = httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_SECONDS
        )
        super().__init__(verify=trusted, limits=limits, proxy=proxy or None, trust_env=False)
        self._url = httpx.URL(origin)
        self._sockets: WeakSet[socket.socket] = WeakSet()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, if it is for this address.

        Raises:
            OtherHostError: it is for another one, or its Host header names another one.

        """
        own, url = self._url, request.url
        hosts = set(request.headers.get_list("host"))
        if (url.scheme, url.raw_host, url.port) != (own.scheme, own.raw_host, own.port) or url.userinfo:
            raise OtherHostError
        if hosts != {own.netloc.decode("ascii")}:
            raise OtherHostError
        request.extensions.setdefault("trace", self._trace)
        return super().handle_request(request)

    def abort(self) -> None:
        """End every exchange that is under way, from another thread."""
        for connected in list(self._sockets):
            with suppress(OSError):  # it was closed already
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def _trace(self, event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets.add(details["return_value"].get_extra_info("socket"))


def in_time(transport: OutgoingTransport, seconds: float, exchange: Callable[[], T]) -> T:
    """Return what an exchange through a transport gives: its name look-up, headers and body within one deadline.

    A time-out of the HTTP library is for each read, and a response may trickle so that none of them is late.

    Raises:
        TimeoutError: it took longer. It was ended.
        Exception: what the exchange raised.

    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(exchange())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if results:
        return results[0]
    if errors:
        raise errors[0]
    transport.abort()
    raise TimeoutError
