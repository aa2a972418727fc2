"""Records the HTTP exchanges of a history in the journal, without their secrets."""

from __future__ import annotations

import time
from collections.abc import Callable

from conformance.domain.messages import Call, NoResponse, Request, ResponseOrNone
from conformance.evidence.journal import RecordSink
from conformance.evidence.record_parts import RequestRecord, ResponseRecord
from conformance.evidence.records import ExchangeRecord, HandRecord
from conformance.evidence.redaction import Redactor

Clock = Callable[[], float]


class ExchangeRecorder:
    """Writes one history's exchanges. ``step`` is the index of the step that is being run."""

    def __init__(self, sink: RecordSink, redactor: Redactor, history: str, clock: Clock = time.perf_counter) -> None:
        self.step = 0
        self._sink = sink
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
        waited: float | None = None,
    ) -> None:
        """Record one exchange. It took the time since the end of the previous one.

        Args:
            call: the call.
            answer: its response, or why there is none.
            timing: of one of two requests that were sent together: how many seconds after the first of them it left,
                and how many it took.
            resent: whether the same request follows, sent again, so that this answer does not count.
            waited: how many seconds it waits before that, because the target asked for it (429).

        """
        now = self._clock()
        took, self._last = now - self._last, now + (waited or 0)
        began, took = timing or (None, took)
        record = ExchangeRecord(
            history=self._history,
            step=self.step,
            purpose=call.purpose,
            request=recorded_request(call.request, self._redactor),
            response=recorded_response(answer, self._redactor),
            ms=round(took * 1000, 2),
            began=None if began is None else round(began * 1000, 3),
            resent=resent,
            waited=waited,
            lost=recorded_loss(answer, self._redactor),
            crash=self._redactor.clean(answer.crash) if isinstance(answer, NoResponse) else "",
        )
        self._sink.append(record)


def recorded_request(request: Request, redactor: Redactor) -> RequestRecord:
    """Return a request for a record, without its secrets."""
    return RequestRecord(
        method=request.method,
        path=redactor.clean(request.path),
        headers=redactor.headers(request.headers),
        body=redactor.body(request.body),
    )


def recorded_response(answer: ResponseOrNone, redactor: Redactor) -> ResponseRecord | None:
    """Return a response for a record, without its secrets; None where none arrived."""
    if isinstance(answer, NoResponse):
        return None
    return ResponseRecord(
        status=answer.status, headers=redactor.headers(answer.headers), body=redactor.body(answer.body)
    )


def recorded_loss(answer: ResponseOrNone, redactor: Redactor) -> str | None:
    """Return what happened instead of a response, for a record; None where there was one."""
    return redactor.clean(answer.cause) if isinstance(answer, NoResponse) else None


def record_manual_step(sink: RecordSink, *, order: str, action: str, reply: str, seconds: float) -> None:
    """Write down what a person at the terminal was asked for, and what they did."""
    sink.append(HandRecord(order=order, action=action, said=reply, seconds=seconds))
