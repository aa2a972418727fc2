"""A test hook and a command that do what none should: each is bounded, and told in a sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conformance.merchant import Setup
from conformance.merchant.integration.out_of_process import CommandIntegration, HookIntegration
from conformance.targets.transport import TargetError

SETUP = Setup(
    "epayment", "http://127.0.0.1:1", "id", "secret", "key", "123456", lambda: datetime.now(UTC), lambda _: None
)
Answers = Callable[[BaseHTTPRequestHandler], None]


def say(status: int, body: bytes, *headers: tuple[str, str]) -> Answers:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def endless(part: bytes, pause: float) -> Answers:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(500):
                handler.wfile.write(part)
                time.sleep(pause)
        except OSError:
            return

    return answer


@pytest.fixture
def hook() -> Iterator[Callable[[Answers], HookIntegration]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Answers) -> HookIntegration:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                answer(self)

            def log_message(self, *_: Any) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return HookIntegration(f"http://127.0.0.1:{server.server_address[1]}/hook")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (say(200, b"<html>Fatal error</html>"), "is at fault.*which is no JSON"),
        (say(200, b"[" * 200_000), "is at fault.*which is no JSON"),
        (say(200, b"\xff\xfe\x00"), "is at fault.*which is no JSON"),
        (say(200, b"[1]"), "did not start.*no JSON object"),
        (say(302, b"", ("Location", "https://shop.example/login")), "did not start.*answered 302"),
        (say(200, b"x", ("Content-Encoding", "gzip")), "is at fault"),
        (endless(b"x" * 100_000, 0.0), "did not start.*more than anybody can read"),
    ],
    ids=["a page", "too deep", "no text", "a list", "a redirect", "not packed", "without an end"],
)
def test_a_hook_that_does_not_keep_to_the_protocol(
    hook: Callable[[Answers], HookIntegration], answer: Answers, told: str
):
    link = hook(answer)
    with pytest.raises(TargetError, match=told) as caught:
        link.open(SETUP)
    assert "\n" not in str(caught.value)
    link.close()


def test_a_hook_that_trickles_has_its_time_and_no_more(hook: Callable[[Answers], HookIntegration]):
    link = hook(endless(b" ", 0.05))
    link.seconds = 0.4
    began = time.monotonic()
    assert link.call("create", {}).how == "hung"
    assert time.monotonic() - began < 5
    link.close()


def test_a_redirect_is_no_success(hook: Callable[[Answers], HookIntegration]):
    link = hook(say(302, b"", ("Location", "/login")))
    assert link.call("cancel", {"order_id": "x"}).how == "raised"
    assert hook(say(204, b"")).call("cancel", {"order_id": "x"}).how == "returned"


def test_a_command_that_floods_is_ended(tmp_path: Path):
    script = tmp_path / "shop.sh"
    script.write_text("yes $1\n")
    link = CommandIntegration(f"sh {script}")
    link.begin(SETUP)
    began = time.monotonic()
    ended = link.call("cancel", {"order_id": "x"})
    assert (ended.how, ended.told) == ("raised", "printed more than anybody can read")
    assert time.monotonic() - began < link.seconds
    link.close()


def test_a_command_that_nests_too_deep_is_at_fault(tmp_path: Path):
    script = tmp_path / "shop.sh"
    script.write_text("head -c 300000 /dev/zero | tr '\\0' '['\n")
    link = CommandIntegration(f"sh {script}")
    with pytest.raises(TargetError, match="which is no JSON"):
        link.open(SETUP)
    link.close()


def test_a_file_that_is_no_program(tmp_path: Path):
    script = tmp_path / "shop"
    script.write_bytes(b"\x00\x01\x02")
    script.chmod(0o755)
    link = CommandIntegration(str(script))
    with pytest.raises(TargetError, match="cannot be started"):
        link.open(SETUP)
    link.close()
