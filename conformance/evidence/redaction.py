"""Removes secrets from everything that is written down, in all their forms."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from conformance.domain.messages import Headers
from conformance.evidence.record_parts import Body, Part, body_as_record, builtins_of

R = TypeVar("R", bound=Part)

REMOVED: Final = "[removed]"
SHORTEST: Final = 6
"""Characters that a secret must have to be removed: removing shorter ones would make the evidence unreadable."""
LARGEST: Final = 2_000_000
"""Bytes that are decompressed."""
CACHED: Final = 2000
"""How many texts are cached with their cleaned form, and the length of the longest of them."""
_SECRET_HEADERS: Final = frozenset(
    {"authorization", "ocp-apim-subscription-key", "client_id", "client_secret", "cookie", "set-cookie"}
)
_COMPRESSED: Final = re.compile(r"(?:H4sI|eJ|eN|eA|eF)[A-Za-z0-9+/_-]{14,}={0,2}")
"""Compressed bytes in base64: how gzip and zlib begin, and at least 14 characters more."""

_SCOPE: ContextVar[Redactor | None] = ContextVar("the redactor of the enclosing scope", default=None)
_OURS: Final = ("kind", "history")
"""Fields of a record that hold names of ours, by which the records of a run belong together."""


class Redactor:
    """Replaces secrets by ``[removed]``.

    Known values anywhere, and the headers that carry credentials.

    >>> Redactor(["hunter2-hunter2"]).clean("key=hunter2-hunter2, hex 68756e746572322d68756e74657232")
    'key=[removed], hex [removed]'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Start with some secrets.

        Within a ``redaction_scope``, its redactor learns them too.
        """
        self._scope = _SCOPE.get()
        # The longest first, so that a secret that contains another is removed as a whole.
        self._forms: list[str] = []
        # Most texts are the same headers again.
        self._cache: dict[str, str] = {}
        self._clean_headers: dict[Headers, Headers] = {}
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Add a secret that became known later, such as an access token.

        Short texts are ignored.
        """
        if len(secret) < SHORTEST:
            return
        self._forms = sorted({*self._forms, *forms(secret)}, key=len, reverse=True)
        self._cache.clear()
        self._clean_headers.clear()
        if self._scope is not None:
            self._scope.learn(secret)

    def clean(self, text: str) -> str:
        """Return a text without the known secrets, in whatever form they occur."""
        cached = self._cache.get(text)
        if cached is not None:
            return cached
        cleaned = text
        for form in self._forms:
            if form in cleaned:
                cleaned = cleaned.replace(form, REMOVED)
        for word, content in compressed_words(cleaned):
            if self._has_secret(content):
                cleaned = cleaned.replace(word, REMOVED)
        if len(text) <= CACHED:
            if len(self._cache) >= CACHED:
                self._cache.clear()
            self._cache[text] = cleaned
        return cleaned

    def clean_json(self, value: Any) -> Any:
        """Return JSON without the known secrets in its texts; the names of fields stay."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {name: self.clean_json(item) for name, item in value.items()}
        return [self.clean_json(item) for item in value] if isinstance(value, list | tuple) else value

    def clean_record(self, record: R) -> R:
        """Return a record, or a part of one, without the known secrets."""
        content = builtins_of(record)
        cleaned = {name: value if name in _OURS else self.clean_json(value) for name, value in content.items()}
        result: R = msgspec.convert(cleaned, type(record))
        return result

    def headers(self, headers: Headers) -> Headers:
        """Return headers for the journal without secrets."""
        cleaned = self._clean_headers.get(headers)
        if cleaned is None:
            cleaned = tuple(
                (name, REMOVED if name.lower() in _SECRET_HEADERS else self.clean(value)) for name, value in headers
            )
            if len(self._clean_headers) >= CACHED:
                self._clean_headers.clear()
            self._clean_headers[headers] = cleaned
        return cleaned

    def body(self, body: bytes) -> Body:
        """Return a body as the journal keeps it, without secrets."""
        stored = body_as_record(body)
        if isinstance(stored, str):
            return self.clean(stored)
        content = decompressed(body)
        if content is not None and self._has_secret(content):
            return REMOVED
        for form in self._forms:
            body = body.replace(form.encode("utf-8", "surrogatepass"), REMOVED.encode())
        return body_as_record(body)

    def _has_secret(self, content: bytes) -> bool:
        text = content.decode("utf-8", "replace")
        return self.clean(text) != text


@contextmanager
def redaction_scope() -> Iterator[Redactor]:
    """Yield a redactor that learns whatever the redactors created in this block learn.

    A command cleans with it what it prints after a failure, whichever run learned the secrets. They are forgotten at
    the end of the block, so that a run knows no secrets of another run in the same process.
    """
    redactor = Redactor()
    token = _SCOPE.set(redactor)
    try:
        yield redactor
    finally:
        _SCOPE.reset(token)


def forms(secret: str) -> set[str]:
    """Return the forms in which a secret can occur, itself included.

    URL, JSON, HTML, Python, hex, base64.
    """
    data = secret.encode("utf-8", "surrogatepass")
    as_json = json.dumps(secret)[1:-1]
    texts = {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        quote_plus(secret, errors="replace"),
        quote(quote(secret, safe="", errors="replace"), safe=""),
        "".join(f"%{byte:02X}" for byte in data),
        as_json,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(as_json)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        repr(secret)[1:-1],
        data.hex(),
    }
    texts |= {text.replace("/", "\\/") for text in (secret, as_json)}
    texts |= {re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text) for text in set(texts) if "%" in text}
    texts |= {data.hex().upper(), *_base64_forms(data)}
    return {text for text in texts if len(text) >= SHORTEST}


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield the base64 characters that data alone decides, for three positions.

    Base64 turns 3 bytes into 4 characters. A character at an edge that also depends on neighbouring bytes is left out.
    """
    for offset in range(3):
        first, last = -(-offset * 8 // 6), (offset + len(data)) * 8 // 6
        characters = base64.b64encode(bytes(offset) + data).decode()[first:last]
        yield characters
        yield characters.replace("+", "-").replace("/", "_")


def decompressed(data: bytes) -> bytes | None:
    """Return what gzip or zlib compressed into bytes, as far as it can be read.

    The result is None if they are neither.
    """
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            content = zlib.decompressobj(bits).decompress(data, LARGEST)
        except zlib.error:
            continue
        if content:
            return content
    return None


def compressed_words(text: str) -> list[tuple[str, bytes]]:
    """Return a text's words that are compressed bytes in base64, with content."""
    words = []
    for match in _COMPRESSED.finditer(text):
        word = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            content = decompressed(base64.b64decode(word + "=" * (-len(word) % 4)))
        except (binascii.Error, ValueError):
            continue
        if content:
            words.append((match[0], content))
    return words
