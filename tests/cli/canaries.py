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
from html.entities import codepoint2name
from urllib.parse import quote, quote_plus, unquote, unquote_plus

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


PART = 12
"""The letters of a secret that no text may have together."""


def _all_percent(text, form="%{:02X}"):
    return "".join(form.format(byte) for byte in text.encode())


def _base64(text, before=b"", after=b""):
    return base64.b64encode(before + text.encode() + after).decode()


def _lines(text, width, end):
    return end.join(text[place : place + width] for place in range(0, len(text), width))


def _entities(secret):
    return "".join(f"&{codepoint2name.get(ord(letter), f'#{ord(letter)}')};" for letter in secret)


FORMS = {
    "plain": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "URL": lambda secret: quote(secret, safe=""),
    "URL, small hex": lambda secret: re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quote(secret, safe="")),
    "URL, a form": quote_plus,
    "URL, every letter": _all_percent,
    "URL, every letter in small hex": lambda secret: _all_percent(secret, "%{:02x}"),
    "URL, twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "URL, three times": lambda secret: quote(quote(quote(secret, safe=""), safe=""), safe=""),
    "URL, every letter twice": lambda secret: _all_percent(secret).replace("%", "%25"),
    "URL, old Unicode": lambda secret: _all_percent(secret, "%u{:04x}"),
    "JSON": json.dumps,
    "JSON, every letter": lambda secret: _all_percent(secret, "\\u{:04x}"),
    "JSON, every letter in capital hex": lambda secret: _all_percent(secret, "\\u{:04X}"),
    "JSON, solidus": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "JSON in JSON in JSON": lambda secret: json.dumps(json.dumps(json.dumps({"a": secret}))),
    "JSON, every letter, in JSON": lambda secret: _all_percent(secret, "\\\\u{:04x}"),
    "Python": repr,
    "C": lambda secret: _all_percent(secret, "\\x{:02x}"),
    "C, capitals": lambda secret: _all_percent(secret, "\\x{:02X}"),
    "C, octal": lambda secret: _all_percent(secret, "\\{:03o}"),
    "C, long": lambda secret: _all_percent(secret, "\\U{:08x}"),
    "HTML": html.escape,
    "HTML, decimal": lambda secret: _all_percent(secret, "&#{};"),
    "HTML, long decimal": lambda secret: _all_percent(secret, "&#{:07d};"),
    "HTML, hex": lambda secret: _all_percent(secret, "&#x{:x};"),
    "HTML, capital hex": lambda secret: _all_percent(secret, "&#X{:04X};"),
    "HTML, named": _entities,
    "HTML, twice": lambda secret: html.escape(html.escape(secret)),
    "HTML in a URL": lambda secret: quote(html.escape(secret), safe=""),
    "a URL in HTML": lambda secret: _all_percent(quote(secret, safe=""), "&#{};"),
    "base64": _base64,
    "base64, one letter on": lambda secret: _base64(secret, b"a", b":more"),
    "base64, two letters on": lambda secret: _base64(secret, b"id", b":more"),
    "base64, safe in URLs": lambda secret: base64.urlsafe_b64encode(b"~" + secret.encode()).decode(),
    "base64, no padding": lambda secret: _base64(secret, b"x?").rstrip("="),
    "base64 in a URL": lambda secret: quote(_base64(secret), safe=""),
    "base64, lines of 76": lambda secret: _lines(_base64(secret, b"intro " * 15), 76, "\r\n"),
    "base64, short lines": lambda secret: _lines(_base64(secret), 9, "\n"),
    "base64, indented lines": lambda secret: _lines(_base64(secret), 20, "\n  "),
    "base64, lines in JSON": lambda secret: json.dumps(_lines(_base64(secret), 16, "\r\n")),
    "base64, twice": lambda secret: _base64(_base64(secret)),
    "base64, twice, further on": lambda secret: _base64(_base64(secret, b"a"), b"b"),
    "base64, twice with lines": lambda secret: _lines(_base64(_lines(_base64(secret), 20, "\n")), 20, "\n"),
    "base64, three times": lambda secret: _base64(_base64(_base64(secret))),
    "base64 of a URL": lambda secret: _base64(quote(secret, safe="")),
    "base64 of JSON": lambda secret: _base64(json.dumps({"key": secret})),
    "basic authorization": lambda secret: "Basic " + _base64(f"user:{secret}"),
    "the claims of a token": lambda secret: "e30." + _base64(json.dumps({"s": secret})).rstrip("=") + ".c2ln",
    "a data address": lambda secret: "data:text/plain;base64," + _base64(secret),
    "gzip": lambda secret: base64.b64encode(gzip.compress(b"trace " + secret.encode())).decode(),
    "zlib": lambda secret: base64.b64encode(zlib.compress(secret.encode())).decode(),
    "hex": lambda secret: secret.encode().hex(),
    "hex, capitals": lambda secret: secret.encode().hex().upper(),
    "hex, colons": lambda secret: secret.encode().hex(":"),
    "hex, spaces": lambda secret: secret.encode().hex(" ").upper(),
    "hex, dashes": lambda secret: secret.encode().hex("-"),
    "hex, a list": lambda secret: _all_percent(secret, "0x{:02x}, "),
    "hex, further on": lambda secret: f"f{secret.encode().hex()}0",
    "hex of base64": lambda secret: _base64(secret).encode().hex(),
    "base64 of hex": lambda secret: _base64(secret.encode().hex()),
    "UTF-16": lambda secret: secret.encode("utf-16-le").decode("latin-1"),
    "UTF-16, big end first": lambda secret: secret.encode("utf-16-be").decode("latin-1"),
    "UTF-16, shown": lambda secret: repr(secret.encode("utf-16-le"))[2:-1],
    "UTF-16 in JSON": lambda secret: json.dumps(secret.encode("utf-16-be").decode("latin-1")),
    "UTF-16, in base64": lambda secret: base64.b64encode(secret.encode("utf-16-le")).decode(),
    "UTF-16, big end first, in base64": lambda secret: base64.b64encode(secret.encode("utf-16-be")).decode(),
    "UTF-16, in hex": lambda secret: secret.encode("utf-16-le").hex(),
    "UTF-16, from the other end": lambda secret: secret.encode("utf-16-le").decode("utf-16-be"),
    "UTF-16, from the other end, in JSON": lambda secret: json.dumps(secret.encode("utf-16-be").decode("utf-16-le")),
    "UTF-16 that was never": lambda secret: (secret + " " * (len(secret) % 2)).encode().decode("utf-16-le"),
    "over two lines": lambda secret: f"{secret[:7]}\n{secret[7:]}",
    "over two lines in JSON": lambda secret: json.dumps(f"{secret[:7]}\r\n  {secret[7:]}"),
    "without its end": lambda secret: f"{secret[:-1]}…",
    "the beginning": lambda secret: f"{secret[:PART]}***",
    "the end": lambda secret: f"***{secret[-PART:]}",
    "the middle": lambda secret: f"***{secret[3 : 3 + PART]}***",
    "a part in base64": lambda secret: _base64(secret[1 : 1 + PART], b"so ", b" far"),
    "a part in a URL": lambda secret: _all_percent(secret[2 : 2 + PART]),
    "who logs in": lambda secret: f"https://user:{quote(secret, safe='')}@shop.example/",
    "a query": lambda secret: f"/login?a=1&key={quote_plus(secret)}&b=2",
}
"""Every form in which a secret is handed back."""


def disguises(secret):
    """Return a secret in every form."""
    return [form(secret) for form in FORMS.values()]


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
        headers = (*answer.headers, ("X-Echo", re.sub(r"[^ -~\xa0-\xff]", "", form).strip()))
        body = answer.body
        if body.startswith(b"{"):
            content = json.loads(body)
            content["trace"] = {"echo": form, "all": " ".join(self.said[self.turn_of % 29 :: 29])}
            if self.violating and "state" in content and request.method == "POST" and "/cancel" in request.path:
                content["state"] = form
            if "title" in content:
                content["title"] = content["detail"] = f"{form} is not allowed to"
            body = json.dumps(content).encode()
        elif answer.status >= 400:
            body = gzip.compress(form.encode())
        return Response(answer.status, headers, body)


def leaks(content: bytes, secrets=SECRETS, deepest=4):
    """Return the secrets of which a part can be found in bytes, after whatever decodings."""
    seen, waiting, found = set(), deque([(content, 0)]), set()
    parts = {secret: _parts_of(secret.encode().lower()) for secret in secrets}
    while waiting:
        data, depth = waiting.popleft()
        if data in seen:
            continue
        seen.add(data)
        found |= {secret for secret in parts if secret not in found and _has_part(data.lower(), parts[secret])}
        if depth < deepest and len(found) < len(parts):
            waiting.extend((more, depth + 1) for more in _decoded(data, depth))
    return found


def _parts_of(secret):
    """Return the parts of a secret, by the letters in their middle: looking for these is quick."""
    parts = {}
    for at in range(max(1, len(secret) - PART + 1)):
        part = secret[at : at + PART]
        parts.setdefault(secret[(at + 6) // 7 * 7 :][:6] if len(part) == PART else part, set()).add(part)
    return parts


def _has_part(data, parts):
    return any(part in data for middle, those in parts.items() if middle in data for part in those)


def _decoded(data, depth):
    with suppress(zlib.error):
        yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data)
    text = data.decode("utf-8", "replace")
    joined = re.sub(r"\0|[ \t]*[\r\n]+[ \t]*", "", text)
    for form in (unquote(text), unquote_plus(text), html.unescape(text), _unescaped(text), joined):
        if form != text:
            yield form.encode("utf-8", "surrogatepass")
    if any(letter > "\xff" for letter in text):
        yield text.encode("utf-16-le", "surrogatepass").replace(b"\0", b"")
        yield text.encode("utf-16-be", "surrogatepass").replace(b"\0", b"")
    for run in re.findall(r"(?:(?:0x)?[0-9a-fA-F]{2}(?:, |[:. _-])?){6,}[0-9a-fA-F]?", text):
        word = re.sub(r"0x|[^0-9a-fA-F]", "", run)
        yield bytes.fromhex(word[: len(word) // 2 * 2])
        yield bytes.fromhex(word[1 : (len(word) - 1) // 2 * 2 + 1])
    for word in set(re.findall(r"[A-Za-z0-9+/_-]{10,}={0,2}", text)):
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
        r"%u([0-9a-fA-F]{4})|\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))",
        _letter,
        text,
    )


def _letter(match):
    *hexadecimal, octal, escaped = match.groups()
    number = next(filter(None, hexadecimal), None)
    if number is not None:
        return chr(min(int(number, 16), 0x10FFFF))
    return chr(int(octal, 8)) if octal else {"n": "\n", "r": "\r", "t": "\t"}.get(escaped, escaped)
