"""How requests get to the seat: through httpx in this process, through a transport, or over a port of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import respx

from conformance.domain.messages import Request
from conformance.merchant.provider_double.double import NoResponse, ProviderDouble
from conformance.merchant.provider_double.virtual_clock import StuckError

HOST: Final = "127.0.0.1"
TEST_HOST: Final = "apitest.vipps.no"
"""The test environment's host: what httpx asks of it is answered here, so that a fixed base URL does no harm."""
_NEAR: Final = frozenset({HOST, "localhost", "::1", "0.0.0.0", ""})
_LARGEST_BODY: Final = 10_000_000

DoubleSource = Callable[[], ProviderDouble]


# httpx, without a socket


def respond(double: ProviderDouble, request: httpx.Request, near: Callable[[httpx.URL], bool]) -> httpx.Response:
    """Answer a request of httpx's from the seat.

    Raises:
        httpx.TransportError: no answer comes.

    """
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    body = request.read()
    if not near(request.url):
        double.refuse_foreign(request.method, str(request.url), headers, body)
        raise httpx.ConnectError("Only the provider at the base URL can be reached in a test run", request=request)
    target = request.url.raw_path.decode("latin-1")
    given = double.answer(Request(request.method, target, headers, body), request.url.host)
    if isinstance(given, NoResponse):
        if given.reached:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    answered = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.headers]
    return httpx.Response(given.status, headers=answered, content=given.body, request=request)


class DoubleTransport(httpx.MockTransport):
    """A transport for a client that takes one: ``httpx.Client(transport=SeatTransport(seat))``."""

    def __init__(self, double: ProviderDouble) -> None:
        super().__init__(lambda request: respond(double, request, lambda _: True))


class Httpx:
    """Routes every call of httpx in this process to the seat, sync and async."""

    def __init__(self, double: DoubleSource, port: int) -> None:
        self._double = double
        self._port = port
        self._context: Any = None
        self._router: Any = None

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Route the calls for as long as this lasts."""
        with respx.mock(assert_all_called=False) as router, self._one_ssl_context():
            router.route().mock(side_effect=self._side_effect)
            self._router = router
            yield

    def forget(self) -> None:
        """Drop what the router keeps of every request that it has seen."""
        self._router.reset()

    def _side_effect(self, request: httpx.Request) -> httpx.Response:
        return respond(self._double(), request, self._near)

    def _near(self, url: httpx.URL) -> bool:
        return (url.host in (HOST, "localhost") and url.port == self._port) or url.host == TEST_HOST

    @contextmanager
    def _one_ssl_context(self) -> Iterator[None]:
        # Nothing is encrypted here, and reading the certificates takes longer for every client than a whole history.
        from httpx._transports import default  # noqa: PLC0415

        real = getattr(default, "create_ssl_context", None)
        if real is None:
            yield
            return

        def cached(*_: Any, **__: Any) -> Any:
            self._context = self._context or real()
            return self._context

        vars(default)["create_ssl_context"] = cached
        try:
            yield
        finally:
            vars(default)["create_ssl_context"] = real


# Any other client


@contextmanager
def only_loopback(double: DoubleSource) -> Iterator[None]:
    """Let no socket of this process reach another machine; what was tried is written down."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def refuse(host: object, port: object) -> None:
        double().refuse_foreign("CONNECT", f"tcp://{host}:{port}/", (), b"")

    def guarded(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and not _is_near(address[0]):
            refuse(address[0], address[1])
            raise ConnectionRefusedError("Only this machine can be reached in a test run")
        return connect(self, address)

    def looked_up(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        if host is not None and not _is_near(host.decode() if isinstance(host, bytes) else host):
            refuse(host, port)
            raise socket.gaierror(socket.EAI_NONAME, "Only this machine can be reached in a test run")
        return look_up(host, port, *args, **named)

    vars_of: Any = socket.socket
    vars_of.connect = guarded
    socket.getaddrinfo = looked_up
    try:
        yield
    finally:
        vars_of.connect = connect
        socket.getaddrinfo = look_up


def _is_near(host: object) -> bool:
    return str(host) in _NEAR or str(host).startswith("127.")


class Server:
    """The seat on a port of the loopback interface. It is also a proxy that lets nobody through."""

    def __init__(self, double: DoubleSource, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"seat": staticmethod(double)})
        self._server = _Threads((HOST, port), handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL of the provider."""
        return f"http://{HOST}:{self.port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    double: DoubleSource
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        headers = tuple((name, str(value)) for name, value in self.headers.items())
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        double = self.double()
        split, own = urlsplit(self.path), f"{HOST}:{self.connection.getsockname()[1]}"
        if self.command == "CONNECT" or (split.netloc and split.netloc != own):
            url = self.path if split.netloc else f"https://{self.path}/"
            double.refuse_foreign(self.command, url, headers, body)
            self._send(502, (), b"Only the provider can be reached in a test run")
            return
        path = (
            f"{split.path}?{split.query}" if split.netloc and split.query else split.path if split.netloc else self.path
        )
        try:
            given = double.answer(Request(self.command, path, headers, body), HOST, str(self.client_address[1]))
        except StuckError:
            given = NoResponse(reached=False)
        if isinstance(given, NoResponse):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(given.status, given.headers, given.body)

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts = []
            while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            return None
        return self.rfile.read(int(length))

    def _send(self, status: int, headers: Any, body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)
