"""Correct shops with a handler: each verifies, keeps and answers in its own way, and is accused of nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from conformance.merchant import Order, Setup, WebhookRequest, WebhookResponse
from tests.merchant.independent import api_clients, desk
from tests.merchant.independent.base import Row, row_of
from tests.merchant.signed.base import SignedShop
from tests.merchant.signed.verifier import is_genuine

OTHER_URL = "https://shop.example/vipps/ends"


class AnswersAfterEightSeconds(SignedShop):
    """Does everything before it answers, which takes eight seconds."""

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        self.setup.sleep(8)
        return super().answer(event)


class Queued(SignedShop):
    """Stores the event, answers 202, and works the queue off when its scheduled work runs."""

    def __init__(self, setup: Setup, rows: dict[str, dict] | None = None) -> None:
        super().__init__(setup, rows)
        self.queue: list[dict[str, Any]] = []

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        self.queue.append(event)
        return WebhookResponse(202)

    def tick(self, now: object) -> None:
        queue, self.queue = self.queue, []
        for event in queue:
            self.keep(event)


class AsksToComeAgain(SignedShop):
    """Answers an event whose order is not written yet with 503, so that it comes again."""

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        if str(event.get("reference")) not in self.rows:
            return WebhookResponse(503)
        return super().answer(event)


class TwoWebhooks(SignedShop):
    """Has a webhook for what begins and one for what ends, each with its own secret."""

    urls = (*SignedShop.urls, OTHER_URL)

    def events_of(self, url: str) -> tuple[str, ...]:
        return ("aborted", "expired", "terminated", "cancelled") if url == OTHER_URL else ("authorized", "captured")


class RotatesItsSecret(SignedShop):
    """Registers anew whenever its process starts, and deletes the former webhook."""

    def restart(self) -> RotatesItsSecret:
        again = type(self)(self.setup, self.rows)
        again.known_events, again.early = self.known_events, self.early
        for webhook in self.send("GET", "/webhooks/v1/webhooks").json()["webhooks"]:
            assert self.send("DELETE", f"/webhooks/v1/webhooks/{webhook['id']}").status_code == 204
        again.secrets = {url: again.register(url)["secret"] for url in self.urls}
        return again


class StatesItsWebhook(SignedShop):
    """Has its webhook from its configuration, and registers nothing."""

    webhook_url = "https://shop.example/hooks"
    webhook_secret = "a secret of words, and no base64"

    def create(self, order: Order) -> str:
        self.secrets = {self.webhook_url: self.webhook_secret}
        return super().create(order)


class AsyncHandler(SignedShop):
    """Answers in a coroutine, with a plain status."""

    async def deliver_http(self, request: WebhookRequest) -> int:  # type: ignore[override]
        return super().deliver_http(request).status


class Middleware:
    """ASGI: verifies the raw body before the application parses it, and passes the body on as it came."""

    def __init__(self, app: Any, shop: Any) -> None:
        self.app, self.shop = app, shop

    async def __call__(self, scope: Any, receive: Callable, send: Callable) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not any(is_genuine(secret, url, headers, body) for url, secret in self.shop.secrets.items()):
            await respond(send, 401)
            return

        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)


async def respond(send: Callable, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class InMiddleware(SignedShop):
    """An ASGI application whose middleware verifies the signature."""

    deliver_http = None  # type: ignore[assignment]

    def __init__(self, setup: Setup, rows: dict[str, dict] | None = None) -> None:
        super().__init__(setup, rows)
        self.webhook_app = Middleware(self.application, self)

    async def application(self, scope: Any, receive: Callable, send: Callable) -> None:
        event = json.loads((await receive())["body"])
        await respond(send, self.answer(event).status)


class KeepsTheRawBody(SignedShop):
    """A WSGI application that reads the raw body itself."""

    deliver_http = None  # type: ignore[assignment]

    def webhook_app(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        raw = environ["wsgi.input"].read()
        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        genuine = any(is_genuine(secret, url, headers, raw) for url, secret in self.secrets.items())
        status = self.answer(json.loads(raw)).status if genuine else 401
        start_response(f"{status} Any", [])
        return [b""]


class Careful(desk.OnlySigned):
    """Takes signed notifications only and reads the payment then; it polls as well (the careful shop of F19)."""

    url = "https://shop.example/notify"
    events: tuple[str, ...] = tuple(
        f"epayments.payment.{name}.v1" for name in ("authorized", "aborted", "expired", "cancelled", "terminated")
    )

    def __init__(self, setup: Setup, rows: dict[str, Row] | None = None, secret: str = "") -> None:
        super().__init__(setup, rows)
        self.secret = secret

    def create(self, order: Order) -> str:
        reference = super().create(order)
        if not self.secret:
            status, _, raw = self.api.call("POST", "/webhooks/v1/webhooks", {"url": self.url, "events": [*self.events]})
            self.secret = json.loads(raw)["secret"] if status == 201 else ""
        return reference

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        headers = {name.lower(): value for name, value in request.headers}
        if not self.secret or not is_genuine(self.secret, self.url, headers, request.body):
            return WebhookResponse(401)
        row = row_of(self.rows, json.loads(request.body))
        if row is not None:
            self.work(row)
        return WebhookResponse(200 if row is not None else 404)

    def restart(self) -> Careful:
        return type(self)(self.setup, self.rows, self.secret)


class CarefulRecurring(Careful):
    profiles = ("recurring",)
    client_class = api_clients.Recurring
    events = tuple(f"recurring.charge-{name}.v1" for name in ("reserved", "captured", "canceled", "refunded", "failed"))


class CarefulWithoutPolling(Careful):
    """Has no scheduled work, and looks at the payment when it is notified."""

    tick = None  # type: ignore[assignment]


class IgnoresWhatIsNotGenuine(SignedShop):
    """Answers 204 to a bad signature, and reads the payment before it answers a true delivery."""

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        headers = {name.lower(): value for name, value in request.headers}
        if not self.is_genuine(request, headers):
            return WebhookResponse(204)
        event = json.loads(request.body)
        if self.send("GET", f"/epayment/v1/payments/{event['reference']}").status_code != 200:
            return WebhookResponse(503)
        return self.answer(event)


class KnowsItsHost(SignedShop):
    """Serves its own host alone, as a framework's list of allowed hosts does."""

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        hosts = [value for name, value in request.headers if name.lower() == "host"]
        return super().deliver_http(request) if hosts == ["shop.example"] else WebhookResponse(400, b"Invalid host")


CORRECT = (
    SignedShop, AnswersAfterEightSeconds, Queued, AsksToComeAgain, TwoWebhooks, RotatesItsSecret, StatesItsWebhook,
    AsyncHandler, InMiddleware, IgnoresWhatIsNotGenuine, KnowsItsHost, KeepsTheRawBody, Careful, CarefulRecurring,
    CarefulWithoutPolling,
)  # fmt: skip
