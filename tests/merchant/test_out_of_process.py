"""A test hook and a command that misbehave: each is stopped, and reported in one sentence."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from conformance.merchant import Setup
from conformance.merchant.integration.command import CommandIntegration
from conformance.merchant.integration.hook import HookIntegration
from conformance.merchant.protocol import ACTIONS
from conformance.obligations.declarations import DECLARATIONS
from conformance.targets.transport import TargetError

SETUP = Setup(
    "epayment", "http://127.0.0.1:1", "id", "secret", "key", "123456", lambda: datetime.now(UTC), lambda _: None
)
Respond = Callable[[BaseHTTPRequestHandler], None]


def response_with(status: int, body: bytes, *headers: tuple[str, str]) -> Respond:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def endless(part: bytes, pause: float) -> Respond:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(500):
                handler.wfile.write(part)
                time.sleep(pause)
        except OSError:
            return

    return respond


@pytest.fixture
def hook() -> Iterator[Callable[[Respond], HookIntegration]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(respond: Respond) -> HookIntegration:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                respond(self)

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
    ("respond", "message"),
    [
        (response_with(200, b"<html>Fatal error</html>"), "is at fault.*which is no JSON"),
        (response_with(200, b"[" * 200_000), "is at fault.*which is no JSON"),
        (response_with(200, b"\xff\xfe\x00"), "is at fault.*which is no JSON"),
        (response_with(200, b"[1]"), "did not start.*no JSON object"),
        (response_with(302, b"", ("Location", "https://shop.example/login")), "did not start.*answered 302"),
        (response_with(200, b"x", ("Content-Encoding", "gzip")), "is at fault"),
        (endless(b"x" * 100_000, 0.0), "did not start.*more than anybody can read"),
    ],
    ids=["a page", "too deep", "no text", "a list", "a redirect", "not packed", "without an end"],
)
def test_a_hook_that_breaks_the_protocol_is_reported(
    hook: Callable[[Respond], HookIntegration], respond: Respond, message: str
):
    integration = hook(respond)
    with pytest.raises(TargetError, match=message) as caught:
        integration.open(SETUP)
    assert "\n" not in str(caught.value)
    integration.close()


def test_a_hook_that_trickles_runs_out_of_time(hook: Callable[[Respond], HookIntegration]):
    integration = hook(endless(b" ", 0.05))
    integration.seconds = 0.4
    began = time.monotonic()
    assert integration.call("create", {}).ending == "hung"
    assert time.monotonic() - began < 5
    integration.close()


def test_a_redirect_is_not_a_success(hook: Callable[[Respond], HookIntegration]):
    integration = hook(response_with(302, b"", ("Location", "/login")))
    assert integration.call("cancel", {"order_id": "x"}).ending == "raised"
    assert hook(response_with(204, b"")).call("cancel", {"order_id": "x"}).ending == "returned"


def test_a_command_that_prints_without_end_is_stopped(tmp_path: Path):
    script = tmp_path / "shop.sh"
    script.write_text("yes $1\n")
    integration = CommandIntegration(f"sh {script}")
    integration.begin(SETUP)
    began = time.monotonic()
    result = integration.call("cancel", {"order_id": "x"})
    assert (result.ending, result.message) == ("raised", "printed more than anybody can read")
    assert time.monotonic() - began < integration.seconds
    integration.close()


def test_json_that_is_nested_too_deep_is_the_adapters_fault(tmp_path: Path):
    script = tmp_path / "shop.sh"
    script.write_text("head -c 300000 /dev/zero | tr '\\0' '['\n")
    integration = CommandIntegration(f"sh {script}")
    with pytest.raises(TargetError, match="which is no JSON"):
        integration.open(SETUP)
    integration.close()


def test_a_file_that_is_not_a_program_cannot_be_started(tmp_path: Path):
    script = tmp_path / "shop"
    script.write_bytes(b"\x00\x01\x02")
    script.chmod(0o755)
    integration = CommandIntegration(str(script))
    with pytest.raises(TargetError, match="cannot be started"):
        integration.open(SETUP)
    integration.close()


def test_the_description_of_the_hook_has_every_action_and_statement():
    text = resources.files("conformance.merchant").joinpath("hook.openapi.json").read_text(encoding="utf-8")
    description = json.loads(text)
    assert set(description["paths"]) == {f"/{action}" for action in ("start", *ACTIONS)}
    offer = description["components"]["schemas"]["Offer"]["properties"]
    assert set(offer["actions"]["items"]["enum"]) == set(ACTIONS)
    assert {*DECLARATIONS, "name", "version", "clock", "concurrent"} <= set(offer)
    for reference in set(re.findall(r'"#/([^"]+)"', text)):
        part = description
        for key in reference.split("/"):
            part = part[key]
