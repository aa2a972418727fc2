"""A proxy on this machine that does to requests and answers what networks, gateways and bad days do to them."""

from __future__ import annotations

import contextlib
import http.client
import random
import re
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

KINDS = (
    "delay",
    "held back",
    "answered late",
    "dropped before",
    "dropped after",
    "reset before",
    "reset after",
    "truncated",
    "repeated",
    "429",
    "500 before",
    "500 after",
    "page",
    "cut without length",
    "emptied",
    "gateway before",
    "gateway after",
    "sent twice",
    "sent again late",
    "wrong length",
    "byte order mark",
    "odd status",
    "token refused",
)
SHARES = (0.01, 0.08, 0.25)
"""How many of all requests are disturbed in a plan."""
GATEWAY = (
    ("403 Forbidden", b'{"message":"Forbidden"}'),
    ("404 Not Found", b'{"statusCode":404,"message":"Resource not found"}'),
    ("404 Not Found", b'{"message":"no Route matched with those values"}'),
    ("408 Request Timeout", b'{"error":{"code":"RequestTimeout","message":"upstream took too long"}}'),
    ("502 Bad Gateway", b'{"fault":{"faultstring":"Unexpected EOF at target"}}'),
    ("403 Forbidden", b""),
)
ODD = (
    "203 Non-Authoritative Information",
    "206 Partial Content",
    "226 IM Used",
    "417 Expectation Failed",
    "426 No",
)
PAGES = ("200 OK", "403 Forbidden", "404 Not Found", "502 Bad Gateway")
KEYED = re.compile(rb"(?im)^(idempotency-key|x-request-id):")


@dataclass
class Plan:
    """Which requests are disturbed and how: a function of the seed and of how many came before.

    ``share`` is how many of all are disturbed; ``patience`` the seconds that a client waits for an answer.
    """

    seed: int
    share: float | None = None
    patience: float = 0.15
    done: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self._last = None
        self.share = self._random.choice(SHARES) if self.share is None else self.share
        self._weights = [self._random.choice((0, 1, 1, 3)) for _ in KINDS]
        self._weights = self._weights if any(self._weights) else [1] * len(KINDS)

    def only(self, kind):
        """Let there be no other trouble than this."""
        self._weights = [float(candidate == kind) for candidate in KINDS]

    def break_down(self, after):
        """Let every request after so many be answered with an error."""
        self._last = after

    def next(self):
        with self._lock:
            if self._last is not None and self.done.total() >= self._last:
                self.done["500 before"] += 1
                return "500 before", 0.0
            disturbed = self._random.random() < self.share
            kind = self._random.choices(KINDS, self._weights)[0] if disturbed else "passed on"
            self.done[kind] += 1
            return kind, self._random.random()


def parts_of(answer):
    """Return the status, the lines of the headers and the body of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first.partition(b" ")[2], lines, body


def made_of(status, lines, body, length=None):
    """Return an answer with the body's length, or another one."""
    lines = [line for line in lines if not line.lower().startswith(b"content-length")]
    length = len(body) if length is None else length
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % length]) + b"\r\n\r\n" + body


def said(status, body, kind="application/json", *more):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", f"Content-Type: {kind}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Gone(Exception):
    """The connection to the client is to be closed now."""


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.upstream = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        self.left, self.refused = b"", False
        try:
            while request := self._read():
                self.request.sendall(self._disturbed(*self.server.plan.next(), request))
        except (_Gone, OSError):
            pass
        finally:
            self.upstream.close()

    def _read(self):
        data = self.left
        while b"\r\n\r\n" not in data:
            more = self.request.recv(65_536)
            if not more:
                return b""
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        while len(rest) < size:
            rest += self.request.recv(65_536)
        self.left = rest[size:]
        return head + b"\r\n\r\n" + rest[:size]

    def _passed_on(self, request):
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        try:
            self.upstream.request(method, path, body or None, headers)
            answer = self.upstream.getresponse()
        except (http.client.HTTPException, OSError):
            self.upstream.close()
            self.upstream.request(method, path, body or None, headers)
            answer = self.upstream.getresponse()
        content = answer.read()
        passed_on = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OURS]
        lines = [f"{name}: {value}" for name, value in passed_on]
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", f"Content-Length: {len(content)}", *lines]
        bare = answer.status in (204, 304)
        lines = [line for line in lines if not (bare and line.startswith("Content-Length"))]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content

    def _disturbed(self, kind, luck, request):  # noqa: PLR0912 - one case for each kind of trouble
        patience = self.server.plan.patience
        match kind:
            case "delay":
                time.sleep(luck * patience / 4)
            case "held back":
                time.sleep(patience * (1 + luck))
            case "dropped before":
                raise _Gone
            case "reset before":
                self._reset()
            case "429":
                return said("429 Too Many Requests", b"{}", "application/json", "Retry-After: 0")
            case "500 before":
                return said("500 Internal Server Error", b'{"title":"out of order"}')
            case "page":
                return said(PAGES[int(luck * len(PAGES))], b"<html>Please sign in to the network</html>", "text/html")
            case "gateway before":
                return said(*GATEWAY[int(luck * len(GATEWAY))])
            case "token refused" if not self.refused and b"/accesstoken" not in request:
                # A token that ended is renewed; one that is refused again at once is none.
                self.refused = True
                return said("401 Unauthorized", b'{"statusCode":401,"message":"Access token is invalid"}')
        self.refused = False
        answer = self._passed_on(request)
        match kind:
            case "answered late":
                time.sleep(patience * (1 + luck))
            case "dropped after":
                raise _Gone
            case "reset after":
                self._reset()
            case "500 after":
                return said("500 Internal Server Error", b'{"title":"out of order"}')
            case "truncated":
                self.request.sendall(answer[: max(1, int(luck * len(answer)))])
                raise _Gone
            case "repeated":
                second = self._passed_on(request)
                # Who repeats a request that has no key must not hand out the second answer.
                return second if KEYED.search(request) and not request.startswith(b"PUT /ecomm") else answer
        return self._changed(kind, luck, answer)

    def _changed(self, kind, luck, answer):
        """Return what comes of the target's answer on the way back."""
        status, lines, body = parts_of(answer)
        match kind:
            case "cut without length" if body:
                lines = [line for line in lines if not line.lower().startswith(b"content-length")]
                head = b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Connection: close"])
                self.request.sendall(head + b"\r\n\r\n" + body[: int(luck * len(body))])
                raise _Gone
            case "emptied" if body:
                return made_of(status, lines, b"")
            case "gateway after":
                return said(*GATEWAY[int(luck * len(GATEWAY))])
            case "sent twice":
                return answer + answer
            case "sent again late":
                threading.Timer(luck * self.server.plan.patience / 8, self._send_again, (answer,)).start()
            case "wrong length" if body:
                return made_of(status, lines, body, len(body) + int(luck * 9) - 4 or 1)
            case "byte order mark" if body:
                return made_of(status, lines, b"\xef\xbb\xbf" + body)
            case "odd status":
                return made_of(ODD[int(luck * len(ODD))].encode(), lines, body)
        return answer

    def _send_again(self, answer):
        with contextlib.suppress(OSError):
            self.request.sendall(answer)

    def _reset(self):
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Gone


_OURS = frozenset({"content-length", "transfer-encoding", "connection"})


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Say nothing: it is a bad network."""


@contextmanager
def proxy(upstream, plan):
    """Stand between a client and a server on this machine. Yields the base URL of the disturbed way."""
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.port, running.plan = int(upstream.rpartition(":")[2]), plan
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()
