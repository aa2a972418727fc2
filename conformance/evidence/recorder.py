"""Records the HTTP exchanges of a history in the journal, without their secrets."""

from __future__ import annotations

import time
from collections.abc import Callable

from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.evidence.journal import RecordSink
from conformance.evidence.redaction import Redactor

Clock = Callable[[], float]


class ExchangeRecorder:
    """Records the exchanges of one history.

    Attributes:
        step: the index of the step that is being executed; 0 is the opening.

    """

    def __init__(self, journal: RecordSink, redactor: Redactor, history: str, clock: Clock = time.perf_counter) -> None:
        self.step = 0
        self._journal = journal
        self._redactor = redactor
        self._history = history
        self._clock = clock
        self._last = clock()

    def __call__(
        self,
        call: Call,
        answer: ResponseOrNone,
        timing: tuple[float, float] | None = None,
        /,
        *,
        resent: bool = False,
    ) -> None:
        """Record one exchange. It took the time since the end of the previous one.

        Args:
            call: the call.
            answer: its response, or why there is none.
            timing: of one of two requests that were sent together: how many seconds after the first of them it left,
                and how many it took.
            resent: whether the same request follows, sent again, so that this answer does not count.

        """
        now = self._clock()
        took, self._last = now - self._last, now
        began, took = timing or (None, took)
        content: dict[str, object] = {
            "history": self._history,
            "step": self.step,
            "purpose": call.purpose,
            "request": request_record(call.request, self._redactor),
            "response": None,
            "ms": round(took * 1000, 2),
        }
        if began is not None:
            content["began"] = round(began * 1000, 3)
        if resent:
            content["resent"] = True
        if isinstance(answer, NoResponse):
            content["lost"] = self._redactor.clean(answer.cause)
        else:
            content["response"] = response_record(answer, self._redactor)
        self._journal.append("exchange", **content)


def request_record(request: Request, redactor: Redactor) -> dict[str, object]:
    """Return a request as the journal keeps it, without secrets."""
    return {
        "method": request.method,
        "path": redactor.clean(request.path),
        "headers": redactor.headers(request.headers),
        "body": redactor.body(request.body),
    }


def response_record(response: Response, redactor: Redactor) -> dict[str, object]:
    """Return a response as the journal keeps it, without secrets."""
    return {
        "status": response.status,
        "headers": redactor.headers(response.headers),
        "body": redactor.body(response.body),
    }
