"""See docs/development.md."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import zlib
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from conformance.domain.messages import Headers
from conformance.evidence.journal import body_as_json

REMOVED = "[removed]"


REMEMBERED: Final = 2000
"""Texts that are remembered as they were cleaned, and the letters of the longest of them."""


_SECRET_HEADERS = frozenset(
    {"authorization", "ocp-apim-subscription-key", "client_id", "client_secret", "cookie", "set-cookie"}
)


class Redactor:
    """Removes secrets from everything that is written down: known values anywhere, and headers that carry them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first, so that a secret that contains another one goes as a whole.
        self._secrets: list[str] = []
        # Most of what is cleaned is the same header again.
        self._cleaned: dict[str, str] = {}
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Add a secret that became known only now, such as an access token."""
        if len(secret) < SHORTEST:
            return
        self._secrets = sorted({*self._secrets, *forms(secret)}, key=len, reverse=True)
        self._cleaned.clear()
        if self is not EVERYWHERE:
            EVERYWHERE.learn(secret)

    def clean(self, text: str) -> str:
        """Return a text without the known secrets, in whatever form they stand in it."""
        known = self._cleaned.get(text)
        if known is not None:
            return known
        clean = text
        for secret in self._secrets:
            if secret in clean:
                clean = clean.replace(secret, REMOVED)
        for word, content in packed_words(clean):
            if self._is_in(content):
                clean = clean.replace(word, REMOVED)
        if len(text) <= REMEMBERED:
            if len(self._cleaned) >= REMEMBERED:
                self._cleaned.clear()
            self._cleaned[text] = clean
        return clean

    def _is_in(self, content: bytes) -> bool:
        text = content.decode("utf-8", "replace")
        return self.clean(text) != text

    def headers(self, headers: Headers) -> list[list[str]]:
        """Return headers for a record."""
        return [[name, REMOVED if name.lower() in _SECRET_HEADERS else self.clean(value)] for name, value in headers]

    def body(self, body: bytes) -> str | dict[str, str]:
        """Return a body for a record."""
        stored = body_as_json(body)
        if isinstance(stored, str):
            return self.clean(stored)
        inside = unpacked(body)
        if inside is not None and self._is_in(inside):
            return REMOVED
        for secret in self._secrets:
            body = body.replace(secret.encode("utf-8", "surrogatepass"), REMOVED.encode())
        return body_as_json(body)


EVERYWHERE: Final = Redactor(())
"""Knows every secret that this process was ever told: what is written to a terminal goes through it."""


SHORTEST: Final = 6
"""Letters that a form has at least: replacing shorter ones would only make the evidence unreadable."""
LARGEST: Final = 2_000_000
"""Bytes that are unpacked."""
_PACKED: Final = re.compile(r"(?:H4sI|eJ|eN|eA|eF)[A-Za-z0-9+/_-]{14,}={0,2}")
"""How gzip and zlib begin in base64."""


def forms(secret: str) -> set[str]:
    """Return the forms of a secret, itself included."""
    data = secret.encode("utf-8", "surrogatepass")
    percent = "".join(f"%{byte:02X}" for byte in data)
    texts = {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        quote_plus(secret, errors="replace"),
        quote(quote(secret, safe="", errors="replace"), safe=""),
        percent,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        repr(secret)[1:-1],
        data.hex(),
    }
    texts |= {text.replace("/", "\\/") for text in (secret, json.dumps(secret)[1:-1])}
    texts |= {re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text) for text in set(texts) if "%" in text}
    texts |= {data.hex().upper()}
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        letters = base64.b64encode(bytes(before) + data).decode()[first:last]
        texts |= {letters, letters.replace("+", "-").replace("/", "_")}
    return {text for text in texts if len(text) >= SHORTEST}


def unpacked(data: bytes) -> bytes | None:
    """Return what was packed with gzip or zlib into bytes, as far as it can be read; None where they are neither."""
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            out = zlib.decompressobj(bits).decompress(data, LARGEST)
        except zlib.error:
            continue
        if out:
            return out
    return None


def packed_words(text: str) -> list[tuple[str, bytes]]:
    """Return the words of a text that are packed bytes in base64, each with what was packed."""
    words = []
    for match in _PACKED.finditer(text):
        word = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            data = unpacked(base64.b64decode(word + "=" * (-len(word) % 4)))
        except (binascii.Error, ValueError):
            continue
        if data:
            words.append((match[0], data))
    return words
