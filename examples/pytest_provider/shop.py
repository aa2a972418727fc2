"""Two ASGI applications to test: an implementation of ePayment, and one with a defect.

They stand in for your own application. The first is the provider that comes with the suite, with its test control API
at `/control`. The second forgets what was captured when it answers a cancel.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from conformance.sandbox import Provider
from conformance.sandbox.asgi import create_app

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONTROL = "/control"

app = create_app(Provider())
_correct = create_app(Provider())


async def faulty_app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer a cancel with the whole amount as cancelled, although a part was captured."""
    if scope["type"] != "http" or not scope["path"].endswith("/cancel"):
        await _correct(scope, receive, send)
        return
    start: Message = {}

    async def send_changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body = _with_the_defect(start["status"], message["body"])
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        start["headers"] = [*headers, (b"content-length", str(len(body)).encode())]
        await send(start)
        await send({**message, "body": body})

    await _correct(scope, receive, send_changed)


def _with_the_defect(status: int, body: bytes) -> bytes:
    if status != 200:
        return body
    answer = json.loads(body)
    aggregate = answer["aggregate"]
    if aggregate["authorizedAmount"]["value"]:
        aggregate["cancelledAmount"] = aggregate["authorizedAmount"]
    return json.dumps(answer).encode()
