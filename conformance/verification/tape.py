"""The recorded exchanges of a run in the place of its target.

They return the responses that the target returned. Whatever the replay records is compared with the run's own records.
Only measured times may differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from msgspec import structs

from conformance.domain.messages import Response
from conformance.domain.observation import Field
from conformance.evidence.journal import Evidence, JournalError, record_as_json, unwritten
from conformance.evidence.record_parts import Record, RequestRecord
from conformance.evidence.records import (
    CapabilitiesRecord,
    ExchangeRecord,
    HandRecord,
    HistoryRecord,
    JudgementRecord,
    ResumedRecord,
    SmokeRecord,
    WholePlanRecord,
    history_id_of,
)
from conformance.evidence.redaction import REMOVED, is_secret_header
from conformance.runner.resume import is_interruption
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.http.session import TOKEN_PATH
from conformance.targets.transport import Connection
from conformance.verification.progress import show_progress
from conformance.wire import Call, NoResponse, ResponseOrNone

PROBE: Final = ""
"""The name of the exchanges before the first history: of the probes of the target."""
_VERSIONS: Final = frozenset({"Vipps-System-Version", "Vipps-System-Plugin-Version"})
_ROUNDED: Final = 0.011
"""Milliseconds by which rounding can change the recorded times of a race."""
_LONGEST: Final = 160
_PROBE_KINDS: Final = (CapabilitiesRecord, SmokeRecord, WholePlanRecord)
_RENEWAL: Final = ("prepare", "POST", TOKEN_PATH)
_PHONE: Final = r"\+?[0-9]{8,15}"
"""What is removed from bodies: the customer's phone number."""


class PlaybackError(JournalError):
    """A record is not what the suite would have sent, observed or judged.

    The message says where.
    """


class CutOffError(Exception):
    """The records end here: the run was stopped."""


class ClosedError(Exception):
    """The run was interrupted here, and the process that resumed it ended the history.

    ``would_be`` is the status of the step's judgement, if only the judgement was missing.
    """

    def __init__(self, would_be: str = "") -> None:
        super().__init__(would_be)
        self.would_be = would_be


class RemovedError(Exception):
    """A secret that matters was removed from the records.

    What follows from it cannot be recomputed.
    """


class RecordedExchanges:
    """The records of one history, or of a probe of the target."""

    def __init__(self, name: str, records: list[Record], tool: str, closings: frozenset[int] = frozenset()) -> None:
        self.name = name
        self._closings = closings
        self._records = records
        self._tool = tool
        self._removed = False
        self.compared = self._answered = 0
        self._is_second = self._overlapped = False

    def answer(self, call: Call) -> ResponseOrNone:
        """Return the answer that a call got.

        The request is compared when the replay records it.
        """
        record = self._upcoming()
        recorded, replayed = (
            f"{record.purpose} {record.request.method}",
            f"{call.purpose} {call.request.method}",
        )
        if recorded != replayed:
            self._differs(f"{self._at(record)} is {recorded}, where {replayed} belongs")
        self._answered += 1
        response = record.response
        if response is None:
            return NoResponse(record.lost or "")
        body = response.content
        self._removed = self._removed or REMOVED.encode() in body
        return Response(response.status, response.headers, body)

    def race(self, call: Call, timing: RequestTiming) -> ResponseOrNone:
        """Return the answer to one of two calls that were sent together.

        It is called once for each.
        """
        if not self._is_second:
            self._overlapped = self._together()
        timing.begun = float(self._is_second)
        timing.ended = timing.begun + (1.5 if self._overlapped else 0.5)
        self._is_second = not self._is_second
        return self.answer(call)

    def compare(self, replayed: Record) -> None:
        """Compare the replay's next record with the run's.

        Raises:
            PlaybackError: they differ.
            RemovedError: they differ, and a secret may be why.
            ClosedError: the run was interrupted here, and resumed.
            CutOffError: the run has no more records.

        """
        if not self.has_more:
            raise CutOffError
        record = self._records[self.compared]
        if record.n in self._closings:
            raise ClosedError(replayed.status if isinstance(replayed, JudgementRecord) else "")
        self.compared += 1
        if type(record) is not type(replayed):
            self._differs(f"{self._at(record)} is of kind {record.kind}, where one of kind {replayed.kind} belongs")
        if not isinstance(record, ExchangeRecord):
            self._answered = self.compared
        for place, recorded_value, has_to_be in self._differences(record, replayed):
            if REMOVED in str(recorded_value):
                raise RemovedError
            self._differs(f"{self._at(record)}: {place} is {_short(recorded_value)}, and has to be {_short(has_to_be)}")

    def _differences(self, record: Record, replayed: Record) -> Iterator[tuple[str, Any, Any]]:
        recorded = unwritten(record)
        if isinstance(recorded, ExchangeRecord) and isinstance(replayed, ExchangeRecord):
            request = self._as_recorded_version(replayed.request)
            recorded = _compared_part(structs.replace(recorded, request=_with_secrets(recorded.request, request)))
            replayed = _compared_part(structs.replace(replayed, request=request))
        if recorded == replayed:
            return iter(())
        return _differences(record_as_json(recorded), record_as_json(replayed))

    @property
    def has_more(self) -> bool:
        """Whether there are records that were not compared yet."""
        return self.compared < len(self._records)

    @property
    def closing(self) -> JudgementRecord | None:
        """The judgement that ended the history later, if only it remains."""
        last = self._records[-1] if self._records else None
        rest = self._records[max(self.compared, self._answered) :]
        return last if isinstance(last, JudgementRecord) and rest == [last] and last.n in self._closings else None

    def check_empty(self) -> None:
        """Check that every record was compared.

        Raises:
            PlaybackError: one was not.

        """
        if self.has_more:
            self._differs(f"{self._at(self._records[self.compared])} belongs to nothing that was done")

    def requests(self) -> Iterator[RequestRecord]:
        """Yield the requests of the records that were not compared yet."""
        return (record.request for record in self._records[self.compared :] if isinstance(record, ExchangeRecord))

    def renewals(self, call: Call) -> int:
        """Return how often a token was fetched right before the next call, or before the run ended."""
        times = 0
        for record in self._records[self._answered :]:
            if not isinstance(record, ExchangeRecord):
                break
            asked = record.purpose, record.request.method, record.request.path
            if asked != _RENEWAL:
                return times if asked[:2] == (call.purpose, call.request.method) else 0
            times += record.waited is None
        else:
            return times
        return 0

    @property
    def waited(self) -> float | None:
        """How many seconds the last call waited after a 429 before it was sent again; None if it did not."""
        last = self._records[self._answered - 1] if self._answered else None
        return last.waited if isinstance(last, ExchangeRecord) else None

    @property
    def was_resent(self) -> bool:
        """Whether the last call was sent again."""
        last = self._records[self._answered - 1] if self._answered else None
        return isinstance(last, ExchangeRecord) and last.resent

    def find(self, pattern: re.Pattern[str]) -> str | None:
        """Return a pattern's first match in paths and bodies of remaining requests."""
        for request in self.requests():
            match = pattern.search(f"{request.path} {request.body}")
            if match:
                return match[0]
        return None

    def _upcoming(self) -> ExchangeRecord:
        if self._answered >= len(self._records):
            raise CutOffError
        record = self._records[self._answered]
        if record.n in self._closings:
            raise ClosedError
        if not isinstance(record, ExchangeRecord):
            self._differs(f"before {self._at(record)} an exchange is missing")
        return record

    def _together(self) -> bool:
        """Return whether the next two requests were under way at the same time."""
        first = self._upcoming()
        if self.name == PROBE and first.began is None:
            # A probe of two requests that did not both get a response in time has no records.
            raise TimeoutError
        if self._answered + 1 >= len(self._records):
            raise CutOffError
        other = self._records[self._answered + 1]
        if other.n in self._closings:
            raise ClosedError
        if not isinstance(other, ExchangeRecord) or first.began is None or other.began is None:
            self._differs(f"{self._at(first)} and the one after it were not sent together, and have to be")
        overlap = min(first.began + first.ms - other.began, other.began + other.ms - first.began)
        if abs(overlap) > _ROUNDED:
            return bool(overlap > 0)
        return self._observed_together()

    def _observed_together(self) -> bool:
        """Return whether two requests were observed to overlap whose rounded times do not show it."""
        rest = self._records[self._answered + 2 :]
        judgements = (record for record in rest if isinstance(record, JudgementRecord))
        judged = next((judgement.observed.get(Field.SENT_TOGETHER) for judgement in judgements), None)
        if isinstance(judged, bool):
            return judged
        return not (rest and isinstance(rest[0], ExchangeRecord) and rest[0].began is not None)

    def _as_recorded_version(self, request: RequestRecord) -> RequestRecord:
        """Return a request as the version that recorded the run would have sent it."""
        headers = tuple((name, self._tool if name in _VERSIONS else value) for name, value in request.headers)
        return structs.replace(request, headers=headers)

    def _at(self, record: Record) -> str:
        step = ""
        if isinstance(record, ExchangeRecord | JudgementRecord) and self.name != PROBE:
            step = f", step {record.step}"
        return f"record {record.n} ({self.name or 'before the first history'}{step})"

    def _differs(self, what: str) -> NoReturn:
        if self._removed:
            raise RemovedError
        raise PlaybackError(what)


@dataclass(frozen=True, slots=True)
class RecordedProbe:
    """One probe of the target: its exchanges before the first history.

    ``again`` if a process resumed the run.
    """

    exchanges: RecordedExchanges
    again: bool


def _probes(evidence: Evidence) -> Iterator[tuple[list[Record], bool]]:
    """Yield the exchanges of each probe, and whether it was of a resumed run."""
    exchanges: list[Record] = []
    again = False
    for record in evidence.records:
        if isinstance(record, ExchangeRecord) and record.history == PROBE:
            exchanges.append(record)
        elif not isinstance(record, _PROBE_KINDS):
            if exchanges:
                yield exchanges, again
                exchanges = []
            again = isinstance(record, ResumedRecord)
    if exchanges:
        yield exchanges, again


def _closings(evidence: Evidence, *, anywhere: bool) -> Iterator[int]:
    """Yield the numbers of the records that end interrupted histories.

    They are the first ones of a process that resumes a run. Merged shards do not record where they were resumed, so
    such records may be ``anywhere``.
    """
    begun = anywhere
    for record in evidence.records:
        if begun and is_interruption(record):
            yield record.n
        elif isinstance(record, ResumedRecord):
            begun = True
        elif not (isinstance(record, _PROBE_KINDS) or (isinstance(record, ExchangeRecord) and record.history == PROBE)):
            begun = anywhere


class RunRecording:
    """A journal, divided by history.

    It is also the sink of the replay's records, and compares them.

    Attributes:
        run: the first record.
        merged: whether the run was merged from shards.
        by_history: the records of each history, and of the first probe under the name ``PROBE``.
        probe: the records of the probe that is replayed.
        probes: all probes.
        current: the records of the history that is replayed.
        probe_records: what the replay records about the target.
        by_hand: whether an operator did what the target does not offer.

    """

    def __init__(self, evidence: Evidence) -> None:
        self.run = evidence.run
        self.merged = self.run.merged is not None
        tool, closings = self.run.tool, frozenset(_closings(evidence, anywhere=self.merged))
        cut: dict[str, list[Record]] = defaultdict(list)
        for record in evidence.records:
            if isinstance(record, HistoryRecord | ExchangeRecord | JudgementRecord):
                cut[history_id_of(record)].append(record)
        cut.pop(PROBE, None)
        self.by_history = {name: RecordedExchanges(name, records, tool, closings) for name, records in cut.items()}
        probes = [RecordedProbe(RecordedExchanges(PROBE, records, tool), again) for records, again in _probes(evidence)]
        self.probes = probes or [RecordedProbe(RecordedExchanges(PROBE, [], tool), again=False)]
        self.probe = self.current = self.by_history[PROBE] = self.probes[0].exchanges
        self.probe_records: list[CapabilitiesRecord | SmokeRecord] = []
        self._hands = list(evidence.of(HandRecord))
        self._begun = 0
        self.by_hand = any("a person at the terminal" in record.source for record in evidence.of(CapabilitiesRecord))

    def replay_probe(self, probe: RecordedProbe) -> None:
        """Replay another probe of the target."""
        self.probe = self.current = self.by_history[PROBE] = probe.exchanges

    def append(self, record: Record) -> None:
        """Compare a record of the replay."""
        if isinstance(record, CapabilitiesRecord | SmokeRecord):
            self.probe_records.append(record)
            return
        if isinstance(record, HandRecord):
            self._compare_hand(record)
            return
        exchanges = self.by_history.get(history_id_of(record))
        if exchanges is None:
            raise CutOffError
        if isinstance(record, HistoryRecord):
            self.current = exchanges
            self._begun += 1
            show_progress(self._begun, len(self.by_history) - 1)
        if isinstance(record, JudgementRecord) and any(REMOVED in str(value) for value in record.observed.values()):
            raise RemovedError
        exchanges.compare(record)

    def said_by_hand(self) -> str:
        """Return what the operator said at the next manual step."""
        if not self._hands:
            raise CutOffError
        return self._hands[0].said

    def _compare_hand(self, written: HandRecord) -> None:
        record = self._hands.pop(0)
        if (record.order, record.action, record.said) != (written.order, written.action, written.said):
            raise PlaybackError(
                f"record {record.n}: a person was asked for {record.action} of {record.order}, "
                f"where {written.action} of {written.order} belongs"
            )


class RecordedConnection(Connection):
    """A connection that returns recorded responses."""

    def __init__(self, exchanges: RecordedExchanges) -> None:
        self._tape = exchanges

    async def send(self, call: Call) -> ResponseOrNone:
        """Return the last answer that the call got, after those that made it wait."""
        answer = self._tape.answer(call)
        while isinstance(answer, Response) and (seconds := self._tape.waited) is not None:
            self.busy(call, answer, seconds)
            answer = self._tape.answer(call)
        return answer

    async def race(self, call: Call, timing: RequestTiming) -> ResponseOrNone:
        """Return the answer that the call got as one of two."""
        return self._tape.race(call, timing)


def _compared_part(exchange: ExchangeRecord) -> ExchangeRecord:
    """Return an exchange without measured times and the response, which are not compared."""
    return structs.replace(exchange, ms=0, began=None, response=None, lost=None, crash="")


def _differences(recorded: Any, expected: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield where two values differ: the place and both values."""
    if recorded == expected:
        return
    if isinstance(recorded, dict) and isinstance(expected, dict):
        for name in sorted(recorded.keys() | expected.keys()):
            before, after = recorded.get(name, _ABSENT), expected.get(name, _ABSENT)
            yield from _differences(before, after, f"{place}.{name}" if place else str(name))
    elif isinstance(recorded, list) and isinstance(expected, list) and len(recorded) == len(expected):
        for number, (before, after) in enumerate(zip(recorded, expected, strict=True)):
            yield from _differences(before, after, f"{place}[{number}]")
    else:
        yield place, recorded, expected


def _with_secrets(recorded: RequestRecord, expected: RequestRecord) -> RequestRecord:
    """Return a recorded request with what is removed from every request: credentials, and the phone number.

    Whatever else was removed stays so and is a difference: it would hide what was sent.
    """
    headers = recorded.headers
    if len(headers) == len(expected.headers):
        headers = tuple(
            (name, sent) if name == other and value == REMOVED and is_secret_header(name) else (name, value)
            for (name, value), (other, sent) in zip(headers, expected.headers, strict=True)
        )
    body = recorded.body
    if isinstance(body, str) and isinstance(expected.body, str) and REMOVED in body:
        pattern = _PHONE.join(map(re.escape, body.split(REMOVED)))
        body = expected.body if re.fullmatch(pattern, expected.body) else body
    return structs.replace(recorded, headers=headers, body=body)


class _Absent:
    def __repr__(self) -> str:
        return "absent"


_ABSENT: Final = _Absent()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
