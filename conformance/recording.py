"""What crosses the wire, written into the journal without its secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from conformance.disguises import SHORTEST, forms, packed_words, unpacked
from conformance.exchange import Headers, Response
from conformance.journal import Journal, body_as_json
from conformance.profiles import Answer, Call, Lost

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


Clock = Callable[[], float]


class Exchanges:
    """Writes one history's exchanges. ``step`` is the index of the step that is being played."""

    def __init__(self, journal: Journal, redactor: Redactor, history: str, clock: Clock = time.perf_counter) -> None:
        self.step = 0
        self._journal = journal
        self._redactor = redactor
        self._history = history
        self._clock = clock
        self._last = clock()

    def __call__(
        self, call: Call, answer: Answer, flight: tuple[float, float] | None = None, *, resent: bool = False
    ) -> None:
        """Write one exchange; its time runs from the end of the one before.

        Of two that were sent together, ``flight`` is how many seconds after the first one this one left, and how many
        it took. ``resent`` says that the same request follows, sent again: this answer is not the one that counts.
        """
        now = self._clock()
        took, self._last = now - self._last, now
        began, took = flight or (None, took)
        clean = self._redactor
        request = call.request
        content: dict[str, object] = {
            "history": self._history,
            "step": self.step,
            "purpose": call.purpose,
            "request": {
                "method": request.method,
                "path": clean.clean(request.path),
                "headers": clean.headers(request.headers),
                "body": clean.body(request.body),
            },
            "response": None,
            "ms": round(took * 1000, 2),
        }
        if began is not None:
            content["began"] = round(began * 1000, 3)
        if resent:
            content["resent"] = True
        if isinstance(answer, Lost):
            content["lost"] = clean.clean(answer.cause)
        else:
            content["response"] = self._response(answer)
        self._journal.append("exchange", **content)

    def _response(self, answer: Response) -> dict[str, object]:
        return {
            "status": answer.status,
            "headers": self._redactor.headers(answer.headers),
            "body": self._redactor.body(answer.body),
        }
