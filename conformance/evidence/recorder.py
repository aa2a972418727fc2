"""What crosses the wire, written into the journal without its secrets."""

from __future__ import annotations

import time
from collections.abc import Callable

from conformance.domain.messages import Response
from conformance.evidence.journal import Journal
from conformance.evidence.redaction import Redactor
from conformance.wire import Call, NoResponse, ResponseOrNone

Clock = Callable[[], float]


class ExchangeRecorder:
    """Writes one history's exchanges. ``step`` is the index of the step that is being played."""

    def __init__(self, journal: Journal, redactor: Redactor, history: str, clock: Clock = time.perf_counter) -> None:
        self.step = 0
        self._journal = journal
        self._redactor = redactor
        self._history = history
        self._clock = clock
        self._last = clock()

    def __call__(
        self, call: Call, answer: ResponseOrNone, flight: tuple[float, float] | None = None, *, resent: bool = False
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
        if isinstance(answer, NoResponse):
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
