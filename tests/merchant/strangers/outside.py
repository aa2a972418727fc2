"""Strangers outside of the suite's process: ``python -m tests.merchant.strangers.outside hook MODULE:NAME PORT`` serves
one behind a test hook, ``… exec MODULE:NAME ACTION`` does one action and keeps the store in a file.

Neither knows the suite's clock. It is what scheduled work is told, and real seconds in between.
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


def named(text: str) -> Any:
    module, _, name = text.partition(":")
    return getattr(import_module(f"tests.merchant.{module}"), name)


def offer(shop: type) -> dict[str, Any]:
    has = [name for name in OPTIONAL if getattr(shop, name, None) is not None]
    return {"profiles": list(shop.profiles), "actions": ["create", "cancel", "local_view", *has]}  # type: ignore[attr-defined]


class Now:
    """The latest time that was told, and the seconds since."""

    def __init__(self, told: datetime | None = None) -> None:
        self.told, self.at = told or datetime.now(UTC), time.monotonic()

    def __call__(self) -> datetime:
        return self.told + timedelta(seconds=time.monotonic() - self.at)

    def tell(self, now: str) -> None:
        told = datetime.fromisoformat(now)
        if told > self():
            self.told, self.at = told, time.monotonic()


def do(shop: Any, action: str, body: dict[str, Any]) -> Any:
    """Do what a request asks for; return what is to be answered."""
    match action:
        case "create":
            return {"reference": shop.create(Order(**body["order"]))}
        case "capture":
            return shop.capture(body["order_id"], body["amount"])
        case "tick":
            return shop.tick(shop.setup.now())
        case "deliver":
            return shop.deliver(Webhook(body["name"], body["body"], b""))
        case "local_view":
            view: View = shop.local_view(body["order_id"])
            return {name: getattr(view, name) for name in View.__dataclass_fields__ if getattr(view, name) is not None}
        case _:
            return getattr(shop, action)(body["order_id"])


class Hook(BaseHTTPRequestHandler):
    """Answers the routes; one request at a time reaches the shop."""

    shop_class: Any
    shop: Any = None
    now = Now()
    one = threading.Lock()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        action = self.path.rpartition("/")[2]
        try:
            with self.one:
                answer = self.asked(action, body)
        except Exception as error:
            self.say(500, {"error": str(error)})
            return
        self.say(200, answer or {})

    def asked(self, action: str, body: dict[str, Any]) -> Any:
        cls = type(self)
        if action == "start":
            cls.now = Now()
            cls.shop = cls.shop_class(Setup(**body, now=cls.now, sleep=time.sleep))
            return offer(cls.shop_class)
        if action == "tick":
            cls.now.tell(body["now"])
        if action == "restart":
            cls.shop = cls.shop.restart()
            return None
        return do(cls.shop, action, body)

    def say(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        return


def command(shop: Any, action: str) -> int:
    """Do one action of a history whose store is a file."""
    if action == "start":
        print(json.dumps(offer(shop)))
        return 0
    body = json.loads(sys.stdin.read() or "{}")
    store = Path(os.environ["CANCEL_STATE"]) / "store"
    rows, told = pickle.loads(store.read_bytes()) if store.exists() else ({}, None)
    now = Now(told)
    if action == "tick":
        now.tell(body["now"])
    names = ("BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_KEY", "MSN")
    keys = {name.lower(): os.environ[f"VIPPS_{name}"] for name in names}
    running = shop(Setup(profile=os.environ["CANCEL_PROFILE"], **keys, now=now, sleep=time.sleep), rows)
    code = 0
    try:
        if action != "restart":
            print(json.dumps(do(running, action, body) or {}))
    except Exception as error:
        print(error, file=sys.stderr)
        code = 1
    store.write_bytes(pickle.dumps((rows, now())))
    return code


def main() -> int:
    kind, name, last = sys.argv[1:]
    if kind == "exec":
        return command(named(name), last)
    Hook.shop_class = named(name)
    server = ThreadingHTTPServer(("127.0.0.1", int(last)), Hook)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
