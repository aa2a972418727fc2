"""The handler of signed notifications of an adapter in this process: a method, or an ASGI or WSGI application."""

from __future__ import annotations

from typing import Any, Final

import httpx

from conformance.merchant.protocol import WebhookRequest
from conformance.obligations.history import HANDLER
from conformance.targets.from_object import is_asgi

APP: Final = "webhook_app"
"""The attribute with the application."""


def has_handler(adapter: object) -> bool:
    """Return whether an adapter takes deliveries by a method."""
    return callable(getattr(adapter, HANDLER, None))


def method_of(adapter: object, action: str) -> Any:
    """Return an adapter's method for an action, or None; for deliveries, an application stands in for it."""
    method = getattr(adapter, action, None)
    app = getattr(adapter, APP, None)
    if action != HANDLER or method is not None or app is None:
        return method
    return _asgi_handler(app) if is_asgi(app) else _wsgi_handler(app)


def _asgi_handler(app: Any) -> Any:
    async def handle(request: WebhookRequest) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), trust_env=False) as client:
            return await client.send(_as_httpx(request))

    return handle


def _wsgi_handler(app: Any) -> Any:
    def handle(request: WebhookRequest) -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(app), trust_env=False) as client:
            return client.send(_as_httpx(request))

    return handle


def _as_httpx(request: WebhookRequest) -> httpx.Request:
    return httpx.Request(request.method, request.url, headers=list(request.headers), content=request.body)
