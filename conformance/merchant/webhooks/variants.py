"""Deliveries as requests: plain ones, true ones that look otherwise, wrongly signed ones, and forgeries."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from conformance.domain.messages import Headers
from conformance.merchant.protocol import Webhook, WebhookRequest
from conformance.merchant.webhooks.registrations import Registration, secret_of
from conformance.merchant.webhooks.signing import SignedParts, digest_of, headers_of, host_and_path, keyed, signed_parts
from conformance.obligations.webhook_words import UNVERIFIED

LARGE: Final = 40_000
"""Bytes of a large body; common limits begin at 100 kilobytes."""
PROXY_HOST: Final = "10.20.30.40:8080"
PROXY_PREFIX: Final = "/internal"
_JSON: Final = "application/json"
_TEXT: Final = "Blåbærsyltetøy – 1 glass"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be delivered.

    Attributes:
        registration: Where to.
        body: The bytes.
        moment: The time that the signature names.
        rewrites_path: Whether a proxy may also change the path: in this process nothing routes by it.

    """

    registration: Registration
    body: bytes
    moment: datetime
    rewrites_path: bool = False

    @property
    def parts(self) -> SignedParts:
        """The parts of the right signature."""
        return signed_parts(self.registration.secret, self.registration.url, self.body, self.moment)

    def request(self, headers: Headers, body: bytes | None = None) -> WebhookRequest:
        """Return the request with some headers beside host and content type, and another body where there is one."""
        host, _ = host_and_path(self.registration.url)
        own = (("Host", host), ("Content-Type", _JSON))
        return WebhookRequest("POST", self.registration.url, (*own, *headers), self.body if body is None else body)


def true_request(form: str, delivery: Delivery, webhook: Webhook) -> WebhookRequest:
    """Return a true delivery of a webhook, in one of `DELIVERY_FORMS` or plain for any other name."""
    delivery = replace(delivery, body=_BODIES[form](webhook.body) if form in _BODIES else delivery.body)
    if delivery.registration.callback:
        token = delivery.registration.secret
        request = delivery.request((("Authorization", token),) if token else ())
    else:
        request = delivery.request(delivery.parts.headers)
    if form == "deliver_charset":
        return _with_header(request, "Content-Type", f"{_JSON}; charset=utf-8")
    return _through_proxy(request, rewrites_path=delivery.rewrites_path) if form == "deliver_proxied" else request


def _with_header(request: WebhookRequest, name: str, value: str) -> WebhookRequest:
    others = tuple(header for header in request.headers if header[0] != name)
    return replace(request, headers=((name, value), *others))


def _through_proxy(request: WebhookRequest, *, rewrites_path: bool) -> WebhookRequest:
    """Return a request as a proxy passes it on: with another host, and in this process below another path."""
    host, path = host_and_path(request.url)
    scheme = urlsplit(request.url).scheme
    if rewrites_path:
        behind = PROXY_HOST
        url = f"http://{behind}{PROXY_PREFIX}{path}"
    else:
        name, colon, port = host.rpartition(":")
        behind = ("localhost" if (name or host) != "localhost" else "127.0.0.1") + (f"{colon}{port}" if colon else "")
        url = request.url
    request = replace(_with_header(request, "Host", behind), url=url)
    return replace(request, headers=(*request.headers, ("X-Forwarded-Host", host), ("X-Forwarded-Proto", scheme)))


_BODIES: Final[Mapping[str, Callable[[Mapping[str, Any]], bytes]]] = {
    "deliver_spaced": lambda body: (json.dumps(body, indent=3, separators=(" ,", " :  ")) + "\r\n").encode(),
    "deliver_unicode": lambda body: json.dumps({**body, "description": _TEXT}, ensure_ascii=False).encode(),
    "deliver_slashes": lambda body: (
        json.dumps({**body, "returnUrl": "https://shop.example/thanks"}).replace("/", "\\/").encode()
    ),
    "deliver_large": lambda body: json.dumps({**body, "metadata": {"note": "x" * LARGE}}).encode(),
    "deliver_extended": lambda body: json.dumps({"schema": 7, **body, "details": [{"kind": "new"}, None]}).encode(),
}


# Signatures that some handlers expect


def wrongly_signed(scheme: str, delivery: Delivery) -> WebhookRequest:
    """Return a delivery that is signed as a handler may wrongly expect it, by one of `WRONG_SCHEMES`."""
    return _SCHEMES[scheme](delivery, delivery.parts)


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(secret)
    except (binascii.Error, ValueError):
        return secret.encode()


def _hex(key: str, text: bytes) -> str:
    return hmac.digest(key.encode(), text, "sha256").hex()


def _with_signature(delivery: Delivery, parts: SignedParts, signature: str) -> WebhookRequest:
    return delivery.request(headers_of(parts.date, parts.digest, signature))


def _in_own_header(delivery: Delivery, parts: SignedParts, name: str, value: str) -> WebhookRequest:
    return delivery.request((("x-ms-date", parts.date), ("x-ms-content-sha256", parts.digest), (name, value)))


def _with_digest(delivery: Delivery, parts: SignedParts, digest: str) -> WebhookRequest:
    return delivery.request(replace(parts, digest=digest).headers)


def _written_anew(body: bytes) -> bytes:
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


_Scheme = Callable[[Delivery, SignedParts], WebhookRequest]
_SCHEMES: Final[Mapping[str, _Scheme]] = {
    UNVERIFIED: lambda d, p: d.request(replace(p, secret=secret_of(UNVERIFIED)).headers),
    "base64-secret": lambda d, p: _with_signature(d, p, keyed(_decoded(p.secret), p.text)),
    "body-only": lambda d, p: _with_signature(d, p, keyed(p.secret.encode(), d.body)),
    "own-header": lambda d, p: _in_own_header(d, p, "Vipps-Webhook-Signature", keyed(p.secret.encode(), d.body)),
    "own-header-hex": lambda d, p: _in_own_header(d, p, "Vipps-Webhook-Signature", _hex(p.secret, d.body)),
    "bearer": lambda d, p: _in_own_header(d, p, "Authorization", f"Bearer {keyed(p.secret.encode(), p.text)}"),
    "bearer-body": lambda d, p: _in_own_header(d, p, "Authorization", f"Bearer {keyed(p.secret.encode(), d.body)}"),
    "hex": lambda d, p: _with_signature(d, p, _hex(p.secret, p.text.encode())),
    "hash-hex": lambda d, p: _with_digest(d, p, hashlib.sha256(d.body).hexdigest()),
    "reserialised": lambda d, p: _with_digest(d, p, digest_of(_written_anew(d.body))),
    "path-only": lambda d, p: d.request(replace(p, path=p.path.partition("?")[0]).headers),
}


# Forgeries


def forged(kind: str, claim: Delivery, genuine: bytes, deleted: Registration | None) -> WebhookRequest | None:
    """Return a delivery that the provider did not send; None where this one cannot be forged.

    Args:
        kind: one of `FORGERIES` but for ``forge_replay``.
        claim: what it claims, and the registration that it pretends to come from.
        genuine: a body that the provider could have signed.
        deleted: a deleted registration, where there is one.

    """
    if claim.registration.callback:
        return _forged_callback(kind, claim)
    parts = claim.parts
    signed = replace(claim, body=genuine).parts
    match kind:
        case "forge_unsigned":
            return claim.request((("x-ms-date", parts.date), ("x-ms-content-sha256", parts.digest)))
        case "forge_wrong_secret" | "forge_other_shop":
            return claim.request(replace(parts, secret=secret_of(kind)).headers)
        case "forge_body":
            return claim.request(signed.headers)
        case "forge_hash":
            return claim.request(headers_of(parts.date, parts.digest, keyed(signed.secret.encode(), signed.text)))
        case "forge_path":
            return claim.request(replace(parts, path=f"{parts.path.partition('?')[0]}/other").headers)
        case "forge_host":
            return claim.request(replace(parts, host="other.example").headers)
        case "forge_date":
            earlier = replace(claim, moment=claim.moment - timedelta(days=30)).parts
            return claim.request(headers_of(parts.date, parts.digest, keyed(parts.secret.encode(), earlier.text)))
        case "forge_deleted_secret" if deleted is not None:
            return claim.request(replace(parts, secret=deleted.secret).headers)
    return None


def _forged_callback(kind: str, claim: Delivery) -> WebhookRequest | None:
    if not claim.registration.secret:
        return None
    tokens = {
        "forge_unsigned": (),
        "forge_wrong_secret": (("Authorization", "not-the-token"),),
        "forge_other_shop": (("Authorization", secret_of(kind)),),
    }
    return claim.request(tokens[kind]) if kind in tokens else None
