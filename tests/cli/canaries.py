"""Unique secrets, a provider that hands them back in every form, and a search that finds them in any form.

The search knows nothing of how the suite removes secrets: it undoes encodings until nothing new comes out.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from collections import deque
from contextlib import suppress
from urllib.parse import quote, quote_plus, unquote

from conformance.domain.messages import Response
from conformance.sandbox import Options, Provider

CANARIES = {
    "VIPPS_CLIENT_ID": "canary-id-7f3c9b1e+/=&?",
    "VIPPS_CLIENT_SECRET": "canary~secret/Zx81+qk==<&>'\"",
    "VIPPS_SUBSCRIPTION_KEY": "canarykey0123456789abcdefNOPQRS",
    "VIPPS_TEST_PHONE": "4798712365",
}
TOKEN = "canary.token.eyJhbGciOi-_JIUzI1NiJ9"
SECRETS = (*CANARIES.values(), TOKEN)


def disguises(secret):
    """Every form in which a secret is handed back."""
    data = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quote(secret, safe=""))
    yield quote_plus(secret)
    yield data.hex()
    yield data.hex().upper()
    for before in ("", "a", "id:"):
        yield base64.b64encode(before.encode() + data + b":more").decode()
        yield base64.urlsafe_b64encode(before.encode() + data).decode()
    yield base64.b64encode(gzip.compress(b"trace " + data)).decode()
    yield base64.b64encode(zlib.compress(data)).decode()
    yield html.escape(secret)
    yield json.dumps(secret)


class Indiscreet(Provider):
    """Hands back whatever it was told, in headers, bodies, error texts and fields."""

    def __init__(self, secrets, *, violating=False, **named):
        super().__init__(
            Options(
                client_id=CANARIES["VIPPS_CLIENT_ID"],
                client_secret=CANARIES["VIPPS_CLIENT_SECRET"],
                subscription_key=CANARIES["VIPPS_SUBSCRIPTION_KEY"],
                rate_limit=False,
            ),
            **named,
        )
        self.secrets, self.violating, self.turn_of = secrets, violating, 0
        self.tokens.mint = lambda _: TOKEN
        self.said = [form for secret in secrets for form in disguises(secret)]

    def handle(self, request):
        answer = super().handle(request)
        if request.path.startswith("/control"):
            return answer
        self.turn_of += 1
        form = self.said[self.turn_of % len(self.said)]
        headers = (*answer.headers, ("X-Echo", form.encode("latin-1", "ignore").decode("latin-1")))
        body = answer.body
        if body.startswith(b"{"):
            content = json.loads(body)
            content["trace"] = {"echo": form, "all": " ".join(self.said[self.turn_of % 7 :: 7])}
            if self.violating and "state" in content and request.method == "POST" and "/cancel" in request.path:
                content["state"] = form
            if "title" in content:
                content["title"] = content["detail"] = f"{form} is not allowed to"
            body = json.dumps(content).encode()
        elif answer.status >= 400:
            body = gzip.compress(form.encode())
        return Response(answer.status, headers, body)


def leaks(content: bytes, secrets=SECRETS):
    """Return the secrets that can be found in bytes, after whatever decodings."""
    seen, waiting, found = set(), deque([(content, 0)]), set()
    needles = {secret: secret.encode() for secret in secrets}
    while waiting:
        data, depth = waiting.popleft()
        if data in seen:
            continue
        seen.add(data)
        found |= {secret for secret, needle in needles.items() if needle in data}
        if depth < 3:
            waiting.extend((more, depth + 1) for more in _decoded(data, depth))
    return found


def _decoded(data, depth):
    with suppress(zlib.error):
        yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data)
    text = data.decode("utf-8", "replace")
    for form in (unquote(text), html.unescape(text), _unescaped(text)):
        if form != text:
            yield form.encode("utf-8", "replace")
    for word in set(re.findall(r"[0-9a-fA-F]{12,}", text)):
        yield bytes.fromhex(word[: len(word) // 2 * 2])
        yield bytes.fromhex(word[1 : len(word) // 2 * 2 - 1]) if len(word) % 2 == 0 else b""
    for word in set(re.findall(r"[A-Za-z0-9+/_-]{12,}={0,2}", text)):
        if depth and len(word) > 100_000:
            continue
        plain = word.rstrip("=").replace("-", "+").replace("_", "/")
        for start in range(4):
            part = plain[start:]
            part = part[: len(part) // 4 * 4] if start else part + "=" * (-len(part) % 4)
            try:
                yield base64.b64decode(part)
            except ValueError:
                continue


def _unescaped(text):
    return re.sub(
        r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))', lambda match: chr(int(match[1], 16)) if match[1] else match[2], text
    )
