"""Faulty shops with a handler: one for every wrong way to verify, to read, to keep and to answer a notification."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from conformance.merchant import Order, Setup, WebhookRequest, WebhookResponse
from tests.merchant.signed.base import ENDS, SignedShop
from tests.merchant.signed.correct import RotatesItsSecret, TwoWebhooks
from tests.merchant.signed.verifier import PREFIX, expected_signature, is_genuine

FAULTY: list[type[Any]] = []


def wrong(first: str, *helps: str) -> Callable[[type[Any]], type[Any]]:
    """Name the obligation that is to be blamed first, and words that its sentence has to have."""

    def mark(shop: type[Any]) -> type[Any]:
        shop.first, shop.helps = first, helps
        FAULTY.append(shop)
        return shop

    return mark


def mac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class OneKind(SignedShop):
    """What those have in common that compare something of their own with the only secret."""

    def is_genuine(self, request: WebhookRequest, headers: dict[str, str]) -> bool:
        (url, secret), *_ = self.secrets.items()
        return self.matches(request, headers, url, secret)

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        raise NotImplementedError


# Who is believed


@wrong("M37", "without a signature", "not verified")
class VerifiesNothing(SignedShop):
    """Every delivery is believed (F21)."""

    def is_genuine(self, request: WebhookRequest, headers: dict[str, str]) -> bool:
        return True


@wrong("M37", "without a signature", "not verified")
class OnlyIfThereIsOne(OneKind):
    """A signature is verified where there is one."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return "authorization" not in headers or is_genuine(secret, url, headers, request.body)


@wrong("M37", "another secret", "not compared")
class SignatureIsThere(OneKind):
    """The header is looked for, and not compared with anything."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return headers.get("authorization", "").startswith(PREFIX)


@wrong("M37", "body was changed after signing", "hash is not compared")
class HashNotCompared(OneKind):
    """The signature over the headers is right, and nobody looks whether the body is the one whose hash is signed."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return headers.get("authorization") == PREFIX + expected_signature(secret, url, headers)


@wrong("M37", "secret", "not compared")
class HashAlone(OneKind):
    """The body's hash is compared, and the signature is not."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        return headers.get("x-ms-content-sha256") == digest and "authorization" in headers


@wrong("M37", "Vipps-Webhook-Signature")
class MadeUpHeader(OneKind):
    """The signature is expected in a header that the provider does not send."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return headers.get("vipps-webhook-signature") == mac(secret.encode(), request.body)


@wrong("M37", "Bearer")
class BearerSignature(OneKind):
    """The signature is expected after the word Bearer."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return headers.get("authorization") == f"Bearer {expected_signature(secret, url, headers)}"


@wrong("M37", "over the body alone")
class BodyAlone(OneKind):
    """The HMAC is computed over the body alone."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return headers.get("authorization") == PREFIX + mac(secret.encode(), request.body)


@wrong("M37", "the secret is base64-decoded before use")
class DecodedSecret(OneKind):
    """The secret is base64-decoded before it is used."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        text = f"POST\n/vipps/webhook?shop=7\n{headers['x-ms-date']};shop.example;{headers['x-ms-content-sha256']}"
        return headers.get("authorization") == PREFIX + mac(base64.b64decode(secret), text.encode())


@wrong("M37", "without the query")
class PathWithoutQuery(OneKind):
    """The query is left out of the path that is verified."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return is_genuine(secret, url.partition("?")[0], headers, request.body)


@wrong("M37", "hexadecimal")
class HexSignature(OneKind):
    """The signature is compared in hexadecimal."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        expected = base64.b64decode(expected_signature(secret, url, headers)).hex()
        return headers.get("authorization") == PREFIX + expected


@wrong("M37", "serialised again")
class CompactBody(OneKind):
    """The body is parsed and written anew, without spaces, before it is hashed."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return is_genuine(secret, url, headers, json.dumps(json.loads(request.body), separators=(",", ":")).encode())


@wrong("M37", "serialised again")
class SerialisedAgain(OneKind):
    """The body is parsed and written anew, in a way that is most often the same, before it is hashed."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return is_genuine(secret, url, headers, json.dumps(json.loads(request.body)).encode())


@wrong("M37", "proxy", "Host")
class HostOfTheRequest(OneKind):
    """The host of the request is verified, which is the proxy's choice."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        expected = expected_signature(secret, url, headers, host=headers["host"])
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        return headers.get("x-ms-content-sha256") == digest and headers.get("authorization") == PREFIX + expected


@wrong("M37", "proxy", "path")
class PathOfTheRequest(OneKind):
    """The path of the request is verified, to which the proxy has added something."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        path = request.url.split("://", 1)[1].partition("/")[2]
        return is_genuine(secret, f"https://shop.example/{path}", headers, request.body)


@wrong("M37", "another webhook", "secret of its own")
class OneSecretForTwo(TwoWebhooks):
    """Two webhooks are registered, and the secret of the first is used for both."""

    def register(self, url: str) -> dict[str, str]:
        made = super().register(url)
        self.secret = getattr(self, "secret", "") or made["secret"]
        return {**made, "secret": self.secret}


@wrong("M37", "another path")
class PathNotVerified(OneKind):
    """A delivery that was signed for any path is believed: the path is taken from a list of all that the shop has."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return any(
            is_genuine(secret, each, headers, request.body)
            for each in (url, "https://shop.example/vipps/webhook/other")
        )


@wrong("M37", "deleted webhook")
class KeepsOldSecrets(RotatesItsSecret):
    """The secrets of deleted webhooks are believed for ever."""

    former: tuple[str, ...] = ()

    def restart(self) -> RotatesItsSecret:
        again: Any = super().restart()
        again.former = (*self.former, *self.secrets.values())
        return again

    def is_genuine(self, request: WebhookRequest, headers: dict[str, str]) -> bool:
        old = any(is_genuine(secret, self.urls[0], headers, request.body) for secret in self.former)
        return old or super().is_genuine(request, headers)


@wrong("M37", "sent again")
class BelievesReplays(SignedShop):
    """An approval is booked whenever it comes, however old, and whatever came after it."""

    def keep(self, event: dict[str, Any]) -> None:
        self.known_events.clear()
        super().keep(event)

    def book(self, row: dict, name: str, amount: int) -> None:
        if name == "AUTHORIZED":
            row["status"] = "authorized" if not row["captured"] else "captured"
        else:
            super().book(row, name, amount)


@wrong("M37", "refused each time")
class SignsOtherwise(OneKind):
    """The signature is computed in a way that nobody would guess, and 400 is the answer to what differs."""

    def matches(self, request: WebhookRequest, headers: dict[str, str], url: str, secret: str) -> bool:
        return headers.get("authorization") == PREFIX + mac(secret.encode(), b"guess")

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        response = super().deliver_http(request)
        return WebhookResponse(400) if response.status == 401 else response


# What a failure means


@wrong("M38", "success: false")
class FailureIsAnEnd(SignedShop):
    """The notification of a failed attempt ends an order that was paid (F3)."""

    def keep(self, event: dict[str, Any]) -> None:
        row = self.rows.get(str(event.get("reference")))
        if row is not None and not event["success"]:
            row["status"] = "cancelled"
        else:
            super().keep(event)


@wrong("M38", "success: false")
class SuccessIsNotRead(SignedShop):
    """The event's name is believed, whether it succeeded or not."""

    def keep(self, event: dict[str, Any]) -> None:
        super().keep({**event, "success": True})


# What was acknowledged


@wrong("M39", "acknowledged")
class DropsTheEarly(SignedShop):
    """An event that comes before its order is written is acknowledged and dropped (F7)."""

    written = True

    def keep(self, event: dict[str, Any]) -> None:
        if self.written and str(event.get("reference")) in self.rows:
            super().keep(event)

    def create(self, order: Order) -> str:
        known, self.written = self.written, False
        try:
            return super().create(order)
        finally:
            self.written = known


@wrong("M39", "acknowledged")
class DropsWhatItHolds(SignedShop):
    """While the order is locked by an action, its events are acknowledged and dropped."""

    locked = False

    def capture(self, order_id: str, amount: int) -> None:
        self.locked = True
        try:
            super().capture(order_id, amount)
        finally:
            self.locked = False

    def cancel(self, order_id: str) -> None:
        self.locked = True
        try:
            super().cancel(order_id)
        finally:
            self.locked = False

    def create(self, order: Order) -> str:
        self.locked = True
        try:
            return super().create(order)
        finally:
            self.locked = False

    def keep(self, event: dict[str, Any]) -> None:
        if not self.locked:
            super().keep(event)


@wrong("M39", "acknowledged")
class QueueInMemory(SignedShop):
    """Events wait in memory for the next run of the queue, and a restart forgets them."""

    def __init__(self, setup: Setup, rows: dict[str, dict] | None = None) -> None:
        super().__init__(setup, rows)
        self.queue: list[dict[str, Any]] = []

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        self.queue.append(event)
        return WebhookResponse(200)

    def tick(self, now: object) -> None:
        queue, self.queue = self.queue, []
        for event in queue:
            self.keep(event)

    def restart(self) -> QueueInMemory:
        again = type(self)(self.setup, self.rows)
        again.secrets = self.secrets
        return again


# How it answers


@wrong("M40", "12")
class Slow(SignedShop):
    """Everything is done before the answer, which takes twelve seconds."""

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        self.setup.sleep(12)
        return super().answer(event)


@wrong("M40", "HTTP 500")
class ErrorAfterKeeping(SignedShop):
    """The event is stored, and what comes after it fails."""

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        super().answer(event)
        return WebhookResponse(500)


@wrong("M40", "held back")
class RefusesWhatItDoesNotNeed(SignedShop):
    """It subscribes to everything, and answers what it has no use for with 400."""

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        if event["name"] not in ("AUTHORIZED", "CAPTURED", *ENDS):
            return WebhookResponse(400)
        return super().answer(event)
