"""The provider as an ASGI 3 application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from conformance.domain.messages import Request, Response
from conformance.sandbox.provider import Provider

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

DESCRIPTION_PATH = "/openapi.json"


def description() -> bytes:
    """Return the OpenAPI 3.1 description of the provider, as JSON."""
    return files("conformance.sandbox").joinpath("openapi.json").read_bytes()


def create_app(provider: Provider) -> App:
    """Return an ASGI application around a provider.

    It also serves its description at ``/openapi.json``.
    """
    described = Response(200, (("Content-Type", "application/json"),), description())
    delay = provider.options.delay_seconds

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = await _request(scope, receive)
            if request is None:
                return
            if delay:
                await asyncio.sleep(delay)
            is_description = request.method == "GET" and request.path == DESCRIPTION_PATH
            await _respond(described if is_description else provider.handle(request), send)

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _request(scope: Message, receive: Receive) -> Request | None:
    """Return the whole request, or None when the client went away in the middle of it."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    raw = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Request(scope["method"], f"{path}?{query}" if query else path, headers, b"".join(chunks))


async def _respond(response: Response, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
