"""A shop behind a test hook, with its handler at another port of this machine: all goes over real connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from conformance.merchant import Order, Setup, WebhookRequest
from tests.merchant.signed.base import SignedShop


class Service:
    """Runs a shop class behind a hook; ``answers`` is what the handler answers instead of the shop, if anything."""

    def __init__(self, shop_class: type[SignedShop], states: bool) -> None:
        self.shop_class, self.states = shop_class, states
        self.shop: Any = None
        self.setup: Any = None
        self.deliveries: list[WebhookRequest] = []
        self.redirect = ""
        self.handler_port = 0

    @property
    def webhook(self) -> str:
        return f"http://127.0.0.1:{self.handler_port}/hook?shop=7"

    def close(self) -> None:
        if self.shop is not None:
            self.shop.client.close()

    def act(self, action: str, sent: dict[str, Any]) -> object:
        if action == "start":
            self.close()
            self.setup = Setup(**sent, now=lambda: datetime.now(UTC), sleep=lambda _: None)
            self.shop = type("Here", (self.shop_class,), {"urls": (self.webhook,)})(self.setup)
            offer = {"profiles": ["epayment"], "actions": ["create", "cancel", "local_view", "capture"]}
            if not self.states:
                return {**offer, "deliver_http": True}
            self.shop.secrets = {self.webhook: "words and no base64"}
            return {**offer, "webhook_url": self.webhook, "webhook_secret": "words and no base64"}
        if action == "create":
            return {"reference": self.shop.create(Order(**sent["order"]))}
        result = getattr(self.shop, action)(**{name: value for name, value in sent.items() if name != "now"})
        return asdict(result) if action == "local_view" else None


@contextmanager
def running(shop_class: type[SignedShop], *, states: bool = False) -> Iterator[tuple[str, Service]]:
    """Yield the address of a running service, and the service."""
    service = Service(shop_class, states)

    class Hook(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, value = 200, service.act(self.path.rpartition("/")[2], json.loads(body or b"{}"))
            except Exception as error:
                status, value = 500, {"error": repr(error)}
            answer(self, status, json.dumps(value).encode())

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = WebhookRequest("POST", self.path, tuple(self.headers.items()), body)
            service.deliveries.append(request)
            if service.redirect:
                answer(self, 307, b"", service.redirect)
            else:
                answer(self, service.shop.deliver_http(request).status, b"")

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Hook, Handler)]
    service.handler_port = servers[1].server_address[1]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{servers[0].server_address[1]}", service
    finally:
        service.close()
        for server in servers:
            server.shutdown()
            server.server_close()


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, location: str = "") -> None:
    handler.send_response(status)
    if location:
        handler.send_header("Location", location)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
