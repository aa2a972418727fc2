"""A merchant's service with a test hook: the reference merchants behind ``POST /hook/ACTION``.

    python examples/merchants/hook/service.py 8080
    cancel-conformance merchant --integration http://127.0.0.1:8080/hook --profile epayment

What stands here in Python takes as many lines in any language: read JSON, call the shop, answer JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from examples.merchants import ecom, epayment, recurring

SHOPS = {"ecom": ecom.Adapter, "epayment": epayment.Adapter, "recurring": recurring.Adapter}
ACTIONS = ("create", "cancel", "local_view", "abandon", "capture", "tick", "deliver", "restart")


class Hook:
    """The actions, on a shop that is made when a history begins."""

    def __init__(self) -> None:
        self.shop: Any = None
        self.now = datetime.fromtimestamp(0).astimezone()

    def start(self, given: dict[str, Any]) -> object:
        """Begin with empty books."""
        self.now = datetime.now().astimezone()
        setup = SimpleNamespace(**given, now=lambda: self.now)
        self.shop = SHOPS[given["profile"]](setup)
        return {"profiles": list(SHOPS), "actions": list(ACTIONS)}

    def create(self, given: dict[str, Any]) -> object:
        """Make a payment."""
        return {"reference": self.shop.create(SimpleNamespace(**given["order"]))}

    def local_view(self, given: dict[str, Any]) -> object:
        """Tell what the books say."""
        view = self.shop.local_view(given["order_id"])
        return {name: getattr(view, name) for name in view.__slots__}

    def tick(self, given: dict[str, Any]) -> None:
        """Do what is due."""
        self.now = datetime.fromisoformat(given["now"])
        self.shop.tick(self.now)

    def deliver(self, given: dict[str, Any]) -> None:
        """Take a notification."""
        self.shop.deliver(SimpleNamespace(**given))

    def restart(self, given: dict[str, Any]) -> None:
        """Start again from the books."""
        self.shop = self.shop.restart()

    def other(self, action: str, given: dict[str, Any]) -> None:
        """Cancel, abandon or capture."""
        getattr(self.shop, action)(**given)


class Handler(BaseHTTPRequestHandler):
    """JSON in, JSON out; what raises is answered with 500."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hook = Hook()

    def do_POST(self) -> None:
        """Answer an action."""
        action = self.path.rpartition("/")[2]
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        try:
            own = getattr(self.hook, action, None)
            said = self.hook.other(action, given) if own is None else own(given)
            self.answer(200, said)
        except Exception as error:
            self.answer(500, {"error": f"{type(error).__name__}: {error}"})

    def answer(self, status: int, said: object) -> None:
        """Send JSON."""
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}/hook", flush=True)
    server.serve_forever()
