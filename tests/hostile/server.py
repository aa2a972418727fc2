"""A hostile target on a port of this machine: bytes on a socket, with no library that would refuse to write them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from conformance.domain.messages import Request, Response
from conformance.sandbox import Provider

from .answers import Hostile


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    hostile: Hostile
    provider: Provider
    turn: threading.Lock


class _Connection(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            while (request := self._read()) is not None:
                with self.server.turn:
                    answer = self.server.hostile.answer(request, self.server.provider.handle(request))
                self._write(answer)
        except OSError:
            return

    def _read(self) -> Request | None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = []
        while (text := self.rfile.readline().decode("latin-1").strip()) != "":
            name, _, value = text.partition(":")
            headers.append((name, value.strip()))
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        return Request(line[0], line[1], tuple(headers), self.rfile.read(length) if length else b"")

    def _write(self, answer: Response) -> None:
        head = [f"HTTP/1.1 {answer.status} <b>"]
        head += [f"{name}: {value}" for name, value in answer.headers if name.lower() != "content-length"]
        # What must not have a body has none, or the next answer would be read in the middle of this one.
        body = b"" if answer.status in (204, 304) or answer.status < 200 else answer.body
        head.append(f"Content-Length: {len(body)}")
        self.wfile.write("\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body)


@contextmanager
def serving(target: Hostile) -> Iterator[str]:
    """Serve a hostile target, and yield its base URL."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.hostile, server.provider, server.turn = target, Provider(), threading.Lock()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
