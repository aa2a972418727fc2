"""A merchant's service with a test hook: the reference merchants behind ``POST /hook/ACTION``.

    python -m conformance.examples.merchants.hook.service 8080
    cancel-conformance merchant --integration http://127.0.0.1:8080/hook --profile epayment

It takes as many lines in any language: read JSON, call the merchant's code, answer JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

from conformance.examples.merchants import ecom, epayment, recurring

MERCHANTS: dict[str, Any] = {"ecom": ecom.Adapter, "epayment": epayment.Adapter, "recurring": recurring.Adapter}
ACTIONS = (
    "create", "cancel", "local_view", "abandon", "capture", "complete", "refund", "pay_again", "tick", "deliver",
    "restart",
)  # fmt: skip


class Hook:
    """The actions, on a merchant that is made when a history begins."""

    def __init__(self) -> None:
        self.merchant: Any = None
        self.now = datetime.fromtimestamp(0).astimezone()

    def start(self, arguments: dict[str, Any]) -> object:
        """Begin a history with empty books."""
        self.now = datetime.now().astimezone()
        setup = SimpleNamespace(**arguments, now=lambda: self.now)
        self.merchant = MERCHANTS[arguments["profile"]](setup)
        return {"profiles": list(MERCHANTS), "actions": list(ACTIONS), "clock": True}

    def create(self, arguments: dict[str, Any]) -> object:
        """Create a payment."""
        return {"reference": self.merchant.create(SimpleNamespace(**arguments["order"]))}

    def pay_again(self, arguments: dict[str, Any]) -> object:
        """Create another payment for an order."""
        return {"reference": self.merchant.pay_again(SimpleNamespace(**arguments["order"]))}

    def local_view(self, arguments: dict[str, Any]) -> object:
        """Return what the books say."""
        view = self.merchant.local_view(arguments["order_id"])
        return {name: getattr(view, name) for name in view.__slots__}

    def tick(self, arguments: dict[str, Any]) -> None:
        """Do what is due."""
        self.merchant.tick(self.now)

    def deliver(self, arguments: dict[str, Any]) -> None:
        """Pass a notification on."""
        self.merchant.deliver(SimpleNamespace(**arguments))

    def restart(self, arguments: dict[str, Any]) -> None:
        """Start again from the books."""
        self.merchant = self.merchant.restart()

    def other(self, action: str, arguments: dict[str, Any]) -> object:
        """Cancel, abandon, capture, complete or refund."""
        return getattr(self.merchant, action)(**arguments)


class Handler(BaseHTTPRequestHandler):
    """Takes JSON and answers JSON; an exception is answered with 500."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hook = Hook()

    def do_POST(self) -> None:
        """Run an action."""
        action = self.path.rpartition("/")[2]
        arguments = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if "now" in arguments:
            self.hook.now = datetime.fromisoformat(arguments.pop("now"))
        try:
            method = getattr(self.hook, action, None)
            content = self.hook.other(action, arguments) if method is None else method(arguments)
            self.respond(200, content)
        except Exception as error:
            self.respond(500, {"error": f"{type(error).__name__}: {error}"})

    def respond(self, status: int, content: object) -> None:
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}/hook", flush=True)
    server.serve_forever()
