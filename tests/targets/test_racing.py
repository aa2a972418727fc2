"""Two requests that leave together, by every way to a target that takes both."""

import asyncio
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conformance.domain.messages import Request, Response
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import Approve, Cancel, Capture, Initiate, Together
from conformance.sandbox import Provider, create_app
from conformance.targets.http.asgi_wsgi import AsgiTransport, WsgiTransport
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.race_timing import RaceTiming
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.http.target import HttpTarget
from conformance.wire import Call, NoResponse

from .loopback import http, ignored, probed, server

CALL = Call(Request("GET", "/order"), "act")


def race(target):
    """Send the same request twice at once; return the pair and the answers."""

    async def send():
        pair, connections = RaceTiming(), (target.connect(), target.connect())
        answers = await asyncio.gather(
            *(connection.race(CALL, timing) for connection, timing in zip(connections, pair.timings, strict=True))
        )
        for connection in connections:
            await connection.close()
        await target.stop()
        return pair, answers

    return asyncio.run(send())


class Meeting:
    """Answers only once two requests have come."""

    def __init__(self):
        self.barrier = threading.Barrier(2)

    def __call__(self, request):
        self.barrier.wait(5)
        return http(200, {"met": True})


def test_a_server_has_both_requests_at_once():
    with server(Meeting()) as url:
        pair, answers = race(RemoteTransport(url, environment={}))
    assert [answer.status for answer in answers] == [200, 200]
    assert pair.together
    assert min(pair.began(timing) for timing in pair.timings) == 0.0


def test_the_embedded_provider_is_called_from_two_threads():
    class Meets(Provider):
        barrier = threading.Barrier(2)

        def handle(self, request):
            self.barrier.wait(5)
            return Response(200, (("Thread", str(threading.get_ident())),))

    pair, answers = race(EmbeddedTransport(Meets()))
    assert pair.together
    assert len({answer.header("thread") for answer in answers}) == 2


def test_an_asgi_application_has_both_requests_at_once():
    there = []

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError
        there.append(scope["path"])
        while len(there) < 2:
            await asyncio.sleep(0.001)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    pair, answers = race(AsgiTransport("asgi:meeting", app))
    assert [answer.status for answer in answers] == [200, 200]
    assert pair.together


def test_a_request_without_a_rival_is_sent_alone_and_not_together(monkeypatch):
    monkeypatch.setattr("conformance.targets.http.race_timing.PATIENCE", 0.05)
    pair = RaceTiming()
    for timing in pair.timings:
        timing.wait()
        with timing:
            time.sleep(0.001)
    assert not pair.together
    assert pair.timings[1].took > 0


def test_a_429_to_one_of_two_is_not_sent_again():
    with server(http(429, Retry_After="0")) as url:
        _, answers = race(RemoteTransport(url, environment={}))
    assert [answer.status for answer in answers] == [429, 429]


def test_a_race_against_a_closed_port_is_lost_twice():
    _, answers = race(RemoteTransport("http://127.0.0.1:9", environment={}, timeout=1.0))
    assert all(isinstance(answer, NoResponse) for answer in answers)


def played(target):
    async def play():
        seat = HttpTarget(target, credentials_from({}, loopback=True))
        await seat.open(Market.NO, OrderNaming("cctest"), ignored, ignored)
        recorded = []
        worker = seat.worker()
        driver = worker.driver(Profile.EPAYMENT, "cctest-p00001", lambda *exchange, **_: recorded.append(exchange))
        for step in (Initiate(1000), Approve()):
            await driver.perform(step)
        answer = await driver.perform(Together(Cancel(), Capture(1000)))
        view = await driver.look("read", log=True)
        await worker.close()
        await seat.close()
        return answer, view, recorded

    return asyncio.run(play())


@pytest.mark.parametrize(
    "make",
    [
        lambda: EmbeddedTransport(Provider()),
        lambda: AsgiTransport("asgi:sandbox", create_app(Provider()), "/control"),
    ],
    ids=["embedded", "asgi"],
)
def test_a_cancel_and_a_capture_are_sent_together_and_one_of_them_wins(make):
    answer, view, recorded = played(make())
    assert answer["sent.together"] is True
    assert {answer["answer.outcome"], answer["other.outcome"]} == {"accepted", "refused"}
    assert view["view.captured"] + view["view.cancelled"] == 1000
    cancel, capture = (exchange for exchange in recorded if len(exchange) == 3)
    assert cancel[0].request.path.endswith("/cancel")
    assert capture[0].request.path.endswith("/capture")
    assert recorded[recorded.index(cancel) - 1][0].purpose == "prepare"


@contextmanager
def one_at_a_time(provider):
    """Serve a provider on a port with a single thread, which stays with a connection until that is closed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            response = provider.handle(Request(self.command, self.path, tuple(self.headers.items()), body))
            self.send_response(response.status)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        def log_message(self, format, *args):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_a_server_with_one_thread_is_found_to_take_one_request_at_a_time(monkeypatch):
    monkeypatch.setattr("conformance.targets.http.smoke_test.AT_ONCE", (3, 0.5))
    with one_at_a_time(Provider()) as url:
        probe = probed(url, control_url=f"{url}/control", concurrency=1)
    assert "concurrent" not in probe.offered
    assert "age" in probe.offered


def test_where_one_request_is_taken_at_a_time_nothing_is_sent():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"access_token":"token-of-a-test"}']

    answer, _, _ = played(WsgiTransport("wsgi:one", app))
    assert answer == {"answer.outcome": "lost", "answer.cause": "the target takes one request at a time"}
