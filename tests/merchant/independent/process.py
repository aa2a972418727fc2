"""Runs an independent merchant in a process of its own, without the suite's clock.

``python -m tests.merchant.independent.process hook MODULE:NAME PORT`` serves one behind a test hook, and
``… exec MODULE:NAME ACTION`` runs one action and keeps the store in a file. Its time is what scheduled work was last
told, and the real seconds since.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

from conformance.merchant import Order, Setup, View, Webhook

OPTIONAL = ("abandon", "capture", "tick", "deliver", "restart")


def merchant_class(text: str) -> Any:
    module, _, name = text.partition(":")
    return getattr(import_module(f"tests.merchant.{module}"), name)


def capabilities(merchant: type) -> dict[str, Any]:
    has = [name for name in OPTIONAL if getattr(merchant, name, None) is not None]
    return {"profiles": list(merchant.profiles), "actions": ["create", "cancel", "local_view", *has]}  # type: ignore[attr-defined]


class RemoteClock:
    """The time that scheduled work was last told, and the real seconds since."""

    def __init__(self, latest: datetime | None = None) -> None:
        self.latest, self.at = latest or datetime.now(UTC), time.monotonic()

    def __call__(self) -> datetime:
        return self.latest + timedelta(seconds=time.monotonic() - self.at)

    def tell(self, now: str) -> None:
        latest = datetime.fromisoformat(now)
        if latest > self():
            self.latest, self.at = latest, time.monotonic()


def run_action(merchant: Any, action: str, body: dict[str, Any]) -> Any:
    """Run the action of a request; return its response."""
    match action:
        case "create":
            return {"reference": merchant.create(Order(**body["order"]))}
        case "capture":
            return merchant.capture(body["order_id"], body["amount"])
        case "tick":
            return merchant.tick(merchant.setup.now())
        case "deliver":
            return merchant.deliver(Webhook(body["name"], body["body"], b""))
        case "local_view":
            view: View = merchant.local_view(body["order_id"])
            return {name: getattr(view, name) for name in View.__dataclass_fields__ if getattr(view, name) is not None}
        case _:
            return getattr(merchant, action)(body["order_id"])


class Hook(BaseHTTPRequestHandler):
    """Answers the test hook's requests, one at a time."""

    merchant: Any
    running: Any = None
    now = RemoteClock()
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        action = self.path.rpartition("/")[2]
        try:
            with self.lock:
                content = self.run_request(action, body)
        except Exception as error:
            self.respond(500, {"error": str(error)})
            return
        self.respond(200, content or {})

    def run_request(self, action: str, body: dict[str, Any]) -> Any:
        cls = type(self)
        if action == "start":
            cls.now = RemoteClock()
            cls.running = cls.merchant(Setup(**body, now=cls.now, sleep=time.sleep))
            return capabilities(cls.merchant)
        if action == "tick":
            cls.now.tell(body["now"])
        if action == "restart":
            cls.running = cls.running.restart()
            return None
        return run_action(cls.running, action, body)

    def respond(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        return


def command(merchant: Any, action: str) -> int:
    """Run one action of a history whose store is a file."""
    if action == "start":
        print(json.dumps(capabilities(merchant)))
        return 0
    body = json.loads(sys.stdin.read() or "{}")
    store = Path(os.environ["CANCEL_STATE"]) / "store"
    rows, latest = pickle.loads(store.read_bytes()) if store.exists() else ({}, None)
    now = RemoteClock(latest)
    if action == "tick":
        now.tell(body["now"])
    names = ("BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_KEY", "MSN")
    credentials = {name.lower(): os.environ[f"VIPPS_{name}"] for name in names}
    running = merchant(Setup(profile=os.environ["CANCEL_PROFILE"], **credentials, now=now, sleep=time.sleep), rows)
    code = 0
    try:
        if action != "restart":
            print(json.dumps(run_action(running, action, body) or {}))
    except Exception as error:
        print(error, file=sys.stderr)
        code = 1
    store.write_bytes(pickle.dumps((rows, now())))
    return code


def main() -> int:
    kind, name, last = sys.argv[1:]
    if kind == "exec":
        return command(merchant_class(name), last)
    Hook.merchant = merchant_class(name)
    server = ThreadingHTTPServer(("127.0.0.1", int(last)), Hook)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
