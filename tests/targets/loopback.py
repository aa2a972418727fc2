"""Servers on this machine that answer whatever a test wants, and a way to reach a target without a campaign."""

import asyncio
import json
import re
import secrets
import socketserver
import threading
from contextlib import contextmanager

from conformance.domain.messages import Request
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.strategies.provider.plan import plan_cases
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.resolve import resolve_target
from conformance.wire import Call

NOTHING = None
"""What a server answers that never does."""


def http(status, body=b"", content_type="application/json", **headers):
    """Return an answer as bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Some", f"Content-Length: {len(content)}", "Connection: close"]
    if content_type and content:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def whole(connection):
    """Read a request to its end, so that closing the connection does not reset it."""
    received = connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0:
        more = connection.recv(missing)
        received, missing = received + more, missing - len(more) if more else 0
    return received.decode("latin-1")


@contextmanager
def server(answer):
    """Serve: `answer` is bytes or their parts, or a function from the request to either. Yields the base URL."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            request = whole(self.request)
            response = answer(request) if callable(answer) else answer
            if response is NOTHING:
                over.wait(10)
            else:
                for part in [response] if isinstance(response, bytes) else response:
                    self.request.sendall(part)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request, client_address):
            """Say nothing: clients of these servers may leave early."""

    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}"
        finally:
            over.set()
            running.shutdown()
            thread.join()


TOKEN = http(200, {"access_token": "a-token-of-a-test"})


def first_the_token(rest):
    """Answer a request for a token, and everything else with ``rest``."""
    return lambda request: TOKEN if request.startswith("POST /accesstoken") else rest


def play_few(monkeypatch):
    """Let campaigns play every eighth history only: enough to meet each kind of situation."""
    monkeypatch.setattr(
        "conformance.runner.schedule.plan_cases", lambda *arguments, **named: plan_cases(*arguments, **named)[::8]
    )


def ignored(*_, **__):
    """Take a record, or a secret, and do nothing with it."""


def probed(target, profile=Profile.EPAYMENT, **options):
    """Open a target and take one order through its life."""
    options.setdefault("environment", {})
    seat = resolve_target(target, **options)

    async def look():
        try:
            await seat.open(Market.NO, OrderNaming(f"cctest-{secrets.token_hex(4)}"), ignored, ignored)
            return await seat.probe(profile, ignored)
        finally:
            await seat.close()

    return asyncio.run(look())


def sent(base, request=None, *, times=1, purpose="act", control=None, timeout=5.0):
    """Send a request to a server over one connection, so many times; return the last answer."""
    call = Call(request or Request("GET", "/order"), purpose)

    async def send():
        link = RemoteTransport(base, control, timeout=timeout, environment={}).connect()
        try:
            for _ in range(times):
                answer = await link.send(call)
            return answer
        finally:
            await link.close()

    return asyncio.run(send())
