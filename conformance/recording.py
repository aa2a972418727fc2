"""What crosses the wire, written into the journal without its secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

from conformance.exchange import Headers, Response
from conformance.journal import Journal, body_as_json
from conformance.profiles import Answer, Call, Lost

REMOVED = "[removed]"
SHORTEST = 6
"""Values shorter than this are no secrets: replacing them would only make the evidence unreadable."""
_SECRET_HEADERS = frozenset(
    {"authorization", "ocp-apim-subscription-key", "client_id", "client_secret", "cookie", "set-cookie"}
)


class Redactor:
    """Removes secrets from everything that is written down: known values anywhere, and headers that carry them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first, so that a secret that contains another one goes as a whole.
        self._secrets: list[str] = []
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Add a secret that became known only now, such as an access token."""
        if len(secret) < SHORTEST:
            return
        # The forms in which a value is met in a path, in JSON and in a form.
        forms = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        self._secrets = sorted({*self._secrets, *forms}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return a text without the known secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REMOVED)
        return text

    def headers(self, headers: Headers) -> list[list[str]]:
        """Return headers for a record."""
        return [[name, REMOVED if name.lower() in _SECRET_HEADERS else self.clean(value)] for name, value in headers]

    def body(self, body: bytes) -> str | dict[str, str]:
        """Return a body for a record."""
        stored = body_as_json(body)
        if isinstance(stored, str):
            return self.clean(stored)
        for secret in self._secrets:
            body = body.replace(secret.encode(), REMOVED.encode())
        return body_as_json(body)


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
