"""Removes secrets from everything that is written down, in all their forms: texts are decoded, then compared."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from string import ascii_uppercase
from typing import Any, Final, TypeVar

import msgspec

from conformance.domain.messages import Headers
from conformance.evidence.decoding import Decoder, Span, decompressed
from conformance.evidence.record_parts import Body, Part, body_as_record, builtins_of

R = TypeVar("R", bound=Part)

REMOVED: Final = "[removed]"
SHORTEST: Final = 6
"""Characters that a secret must have to be removed: removing shorter ones would make the evidence unreadable."""
PART: Final = 12
"""Characters of a longer secret that are removed wherever they stand together."""
_BLOCK: Final = 6
"""Characters that are looked for first: every part of a secret has such a block, of those that begin every seventh."""
FEWEST: Final = 5
"""Different characters that a part of a secret has at least: zeros in a row are no secret."""
CACHED: Final = 10_000
"""How many texts are cached with their cleaned form."""
LONGEST_CACHED: Final = 2000
"""Characters of the longest of them."""
_SECRET_NAME: Final = r"secret|passw(?:or)?d|(?:api|access|subscription)[_-]?key"
_SECRET_WORDS: Final = ("secret", "token", "passw", "access", "subscription", "apikey", "api_key", "api-key")
"""What a text has that has such a name."""
_SECRET_HEADER: Final = re.compile(rf"authorization|cookie|client_id|(?:token|{_SECRET_NAME})$", re.IGNORECASE)
_NAMED: Final = re.compile(
    # The plain token of an address leads to the page of an order, which is no secret of the user's.
    rf"""(?:{_SECRET_NAME}|(?<=[a-z_-])token|token(?=["']?\s*:))["']?[ \t]*[:=][ \t]*"""
    r"""(?:(?P<quote>["'])(?P<text>(?!\$|sandbox-)[^"'\s]{6,})(?P=quote)"""
    r"""|(?P<word>(?!\$|sandbox-|\S+ should )[^\s"'&,;}]{12,}))""",
)
"""A field that has a secret, however it is written: in JSON, in a form, in a query or in prose.

A finding's own sentence, "with a wrong access token: answer.outcome should be refused", names none."""
_USERINFO: Final = re.compile(r"//([^/\s\"'<>@?#\\]+)@")
_ORDINARY: Final = (
    "ocp-apim-subscription-key subscription key client_id client_secret client-secret authorization-token access_token "
    "merchant-serial-number vipps-system-name vipps-system-version vipps-system-plugin-name cancel-conformance "
    "conformance-suite conformance test /epayment/v1/payments/ /recurring/v3/agreements/ /charges/ /ecomm/v2/payments/"
)
"""What these requests say anyway: a secret that has some of it is removed as a whole, and not for this part."""

_SMALL: Final = {ord(letter): letter.lower() for letter in ascii_uppercase}
_SCOPE: ContextVar[Redactor | None] = ContextVar("the redactor of the enclosing scope", default=None)
_OURS: Final = ("kind", "history")
"""Fields of a record that hold names of ours, by which the records of a run belong together."""


class Redactor:
    """Replaces secrets by ``[removed]``.

    Known values anywhere, and the headers that carry credentials.

    >>> Redactor(["hunter2-hunter2"]).clean("key=hunter2-hunter2, hex 68756e746572322d68756e74657232")
    'key=[removed], hex [removed]'
    """

    def __init__(self, secrets: Iterable[str] = (), *, by_name: bool = True) -> None:
        """Start with some secrets.

        Within a ``redaction_scope``, its redactor learns them too. With ``by_name``, the values of fields that have
        secrets by their name, such as ``refresh_token``, are secrets as well.
        """
        self._by_name = by_name
        self._scope = _SCOPE.get()
        self._short: set[str] = set()
        self._long: set[str] = set()
        self._parts: set[str] = set()
        self._blocks: set[str] = set()
        self._decoder = Decoder(self._secrets_in)
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
        for spelling in _spellings(secret):
            if len(spelling) > PART:
                self._long.add(spelling)
                self._parts.update(_parts_of(spelling))
                starts = range(0, len(spelling) - _BLOCK + 1, PART - _BLOCK + 1)
                self._blocks.update(spelling[place : place + _BLOCK] for place in starts)
            else:
                self._short.update((spelling, *_encoded_forms(spelling)))
        self._cache.clear()
        self._clean_headers.clear()
        self._decoder = Decoder(self._secrets_in)
        if self._scope is not None:
            self._scope.learn(secret)

    def clean(self, text: str) -> str:
        """Return a text without the known secrets, in whatever form they occur."""
        cached = self._cache.get(text)
        if cached is not None:
            return cached
        cleaned = _without(text, self._decoder.find(text))
        if len(text) <= LONGEST_CACHED:
            if len(self._cache) >= CACHED:
                self._cache.clear()
            self._cache[text] = cleaned
        return cleaned

    def clean_json(self, value: Any) -> Any:
        """Return JSON without the known secrets in its texts and names."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean(name): self.clean_json(item) for name, item in value.items()}
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
                (self.clean(name), REMOVED if is_secret_header(name) else self.clean(value)) for name, value in headers
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
        if content is not None and self._finds(content.decode("utf-8", "replace")):
            return REMOVED
        # A letter for each byte.
        return body_as_record(self.clean(body.decode("latin-1")).encode("latin-1"))

    def _finds(self, text: str) -> bool:
        return bool(self._decoder.find(text))

    def _secrets_in(self, text: str, is_joined: bool) -> list[Span]:
        """Return where secrets are in a text that is not encoded any further."""
        lowered = _lowered(text)
        spans = _named_secrets(text, lowered) if self._by_name and not is_joined else []
        if self._short:
            spans += _places(self._short, lowered)
        # Loops, since this is done with every text of a run.
        for block in self._blocks:
            if block in lowered:
                spans += _places(self._long, lowered)
                blocks = _places(self._blocks, lowered)
                spans += [part for place, _ in blocks for part in self._parts_at(place, lowered)]
                break
        return spans

    def _parts_at(self, place: int, lowered: str) -> Iterator[Span]:
        """Yield the parts of secrets that have a block at a place."""
        for first in range(max(0, place - PART + _BLOCK), place + 1):
            if lowered[first : first + PART] in self._parts:
                yield first, first + PART


def is_secret_header(name: str) -> bool:
    """Return whether the value of a header is always removed."""
    return bool(_SECRET_HEADER.search(name))


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


def _lowered(text: str) -> str:
    """Return a text with small ASCII letters, each where it was: names of headers arrive so."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _spellings(secret: str) -> set[str]:
    """Return a secret as texts have it that are decoded: with a plus for each space, and as bytes."""
    as_bytes = secret.encode("utf-8", "surrogatepass").decode("latin-1")
    return {_lowered(text) for text in (secret, secret.replace(" ", "+"), as_bytes)}


def _parts_of(spelling: str) -> Iterator[str]:
    """Yield the parts that show some of a secret: those that are no ordinary words, and more than a few digits."""
    for place in range(len(spelling) - PART + 1):
        part = spelling[place : place + PART]
        if part not in _ORDINARY and len(set(part)) >= FEWEST:
            yield part


def _encoded_forms(spelling: str) -> Iterator[str]:
    """Yield how a secret is written in base64 and hexadecimal that is too short to make a word.

    Of base64, these are the characters that the secret alone decides, for three positions: 3 bytes are 4 characters. A
    character at an edge that also depends on neighbouring bytes is left out.
    """
    data = spelling.encode("utf-8", "surrogatepass")
    yield data.hex()
    for offset in range(3):
        first, last = -(-offset * 8 // 6), (offset + len(data)) * 8 // 6
        characters = base64.b64encode(bytes(offset) + data).decode()[first:last]
        yield characters.lower()
        yield characters.replace("+", "-").replace("/", "_").lower()


def _places(forms: Iterable[str], text: str) -> Iterator[Span]:
    for form in forms:
        if form in text:
            yield from (match.span() for match in re.finditer(re.escape(form), text))


def _named_secrets(text: str, lowered: str) -> list[Span]:
    """Return where a text has the value of a field for secrets, or who logs in at an address."""
    spans = []
    for word in _SECRET_WORDS:
        if word in lowered:
            spans = [match.span("text" if match["text"] else "word") for match in _NAMED.finditer(lowered)]
            break
    if "@" in text and "//" in text:
        spans += [match.span(1) for match in _USERINFO.finditer(text)]
    return spans


def _without(text: str, spans: list[Span]) -> str:
    """Return a text with its spans removed."""
    pieces: list[str] = []
    end = 0
    for first, last in spans:
        pieces += [text[end:first], REMOVED]
        end = last
    return "".join([*pieces, text[end:]])
