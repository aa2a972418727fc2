"""Applications that tests of the Python API test."""

import json

from conformance.sandbox import Provider
from conformance.sandbox.asgi import create_app

CONTROL = "/control"


def correct_app():
    """Return the embedded provider as an application."""
    return create_app(Provider())


def with_answer(change, *, on="/cancel"):
    """Return an application that answers requests whose path ends like this with what ``change`` makes of them."""
    inner = create_app(Provider())

    async def app(scope, receive, send):
        if scope["type"] != "http" or not scope["path"].endswith(on):
            await inner(scope, receive, send)
            return
        sent = []

        async def keep(message):
            sent.append(message)

        await inner(scope, receive, keep)
        status, body = change(sent[0]["status"], sent[1]["body"])
        headers = [(name, value) for name, value in sent[0]["headers"] if name != b"content-length"]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def forgets_the_capture(status, body):
    """Answer an accepted cancel with the whole amount as cancelled."""
    answer = json.loads(body)
    if status == 200 and answer["aggregate"]["authorizedAmount"]["value"]:
        answer["aggregate"]["cancelledAmount"] = answer["aggregate"]["authorizedAmount"]
    return status, json.dumps(answer).encode()


def crashes(status, body):
    """Answer with a server error."""
    return 500, b"oh"


def accepts_everything(status, body):
    """Turn every refusal into a success."""
    return (200, b"{}") if status in (400, 409) else (status, body)
