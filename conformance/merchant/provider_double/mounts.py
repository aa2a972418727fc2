"""How requests reach the double: through httpx in this process, through a transport, or over a loopback port."""

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
from conformance.merchant.provider_double.double import DroppedResponse, ProviderDouble
from conformance.merchant.provider_double.virtual_clock import StuckError
from conformance.targets.network_watch import only_this_machine

HOST: Final = "127.0.0.1"
TEST_HOST: Final = "apitest.vipps.no"
"""The host of the test environment. The double answers for it, so that a fixed base URL does no harm."""
_LARGEST_BODY: Final = 10_000_000

CurrentDouble = Callable[[], ProviderDouble]
"""Returns the double of the history that runs."""


# httpx, without a socket


def respond_to_httpx(
    double: ProviderDouble, request: httpx.Request, is_provider: Callable[[httpx.URL], bool]
) -> httpx.Response:
    """Return the double's response to a request of httpx.

    Args:
        double: the double.
        request: the request.
        is_provider: whether a URL is the provider's; requests to other URLs are recorded and fail.

    Raises:
        httpx.TransportError: There is no response.

    """
    request_headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    body = request.read()
    if not is_provider(request.url):
        double.record_foreign_request(request.method, str(request.url), request_headers, body)
        raise httpx.ConnectError("Only the provider at the base URL can be reached in a test run", request=request)
    path = request.url.raw_path.decode("latin-1")
    response = double.respond(Request(request.method, path, request_headers, body), request.url.host)
    if isinstance(response, DroppedResponse):
        if response.reached:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    return httpx.Response(response.status, headers=headers, content=response.body, request=request)


class DoubleTransport(httpx.MockTransport):
    """A transport for a client that takes one: ``httpx.Client(transport=DoubleTransport(double))``."""

    def __init__(self, double: ProviderDouble) -> None:
        super().__init__(lambda request: respond_to_httpx(double, request, lambda _: True))


class HttpxMount:
    """Routes every call of httpx in this process to the double, sync and async."""

    def __init__(self, double: CurrentDouble, port: int) -> None:
        self._double = double
        self._port = port
        self._context: Any = None
        self._router: Any = None

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Route the calls inside the block."""
        with respx.mock(assert_all_called=False) as router, self._one_ssl_context():
            router.route().mock(side_effect=self._side_effect)
            self._router = router
            yield

    def forget(self) -> None:
        """Drop what the router keeps of every request."""
        self._router.reset()

    def _side_effect(self, request: httpx.Request) -> httpx.Response:
        return respond_to_httpx(self._double(), request, self._is_provider)

    def _is_provider(self, url: httpx.URL) -> bool:
        return (url.host in (HOST, "localhost") and url.port == self._port) or url.host == TEST_HOST

    @contextmanager
    def _one_ssl_context(self) -> Iterator[None]:
        # Nothing is encrypted here, and reading the certificates for each client takes longer than a whole history.
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
def only_loopback(double: CurrentDouble) -> Iterator[None]:
    """Let no socket of this process reach another machine inside the block; record every attempt."""

    def report(host: str, port: object) -> None:
        place = host if port is None else f"{host}:{port}"
        double().record_foreign_request("CONNECT", f"tcp://{place}/", (), b"")

    with only_this_machine(report):
        yield


class LoopbackServer:
    """The double on a port of the loopback interface. It is also a proxy that lets no request through."""

    def __init__(self, double: CurrentDouble, port: int = 0) -> None:
        handler = type("Handler", (_Handler,), {"double": staticmethod(double)})
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
        """Ignore a client that goes away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    double: CurrentDouble
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        headers = tuple((name, str(value)) for name, value in self.headers.items())
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        double = self.double()
        url, own_address = urlsplit(self.path), f"{HOST}:{self.connection.getsockname()[1]}"
        if self.command == "CONNECT" or (url.netloc and url.netloc != own_address):
            foreign_url = self.path if url.netloc else f"https://{self.path}/"
            double.record_foreign_request(self.command, foreign_url, headers, body)
            self._send(502, (), b"Only the provider can be reached in a test run")
            return
        path = f"{url.path}?{url.query}" if url.netloc and url.query else url.path if url.netloc else self.path
        try:
            response = double.respond(Request(self.command, path, headers, body), HOST, str(self.client_address[1]))
        except StuckError:
            response = DroppedResponse(reached=False)
        if isinstance(response, DroppedResponse):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(response.status, response.headers, response.body)

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
