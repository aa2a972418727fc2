"""The recording of a run in the place of its target: it gives the answers that the target gave.

What is written while it plays is held against what was written then. Only measured times may differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from conformance.domain.expectation import SENT_TOGETHER
from conformance.domain.messages import Response
from conformance.evidence.journal import Evidence, JournalError, Record, body_from_json
from conformance.evidence.redaction import REMOVED
from conformance.runner.resume import is_interruption
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.http.session import TOKEN_PATH
from conformance.targets.transport import Connection
from conformance.wire import Call, NoResponse, ResponseOrNone

LOOKS: Final = ""
"""The name of the tape of everything that was asked before the first history."""
_PLACE: Final = frozenset({"n", "kind", "prev"})
_GIVEN: Final = frozenset({"ms", "began", "response", "lost"})
"""What was measured, which nobody can repeat, and the answers, which are given."""
_VERSIONS: Final = frozenset({"Vipps-System-Version", "Vipps-System-Plugin-Version"})
_ROUNDED: Final = 0.011
"""Milliseconds by which the recorded times of a race may be off, because they were rounded."""
_LONGEST: Final = 160
_LEARNT: Final = frozenset({"capabilities", "smoke", "whole"})
_RENEWAL: Final = ("prepare", "POST", TOKEN_PATH)


class PlaybackError(JournalError):
    """What is recorded is not what the suite would have asked, understood or said. The message says where."""


class CutOffError(Exception):
    """The recording ends here: the run came no further."""


class ClosedError(Exception):
    """The run was interrupted here, and a later process closed the history.

    ``would_be`` is how the step would have been judged, where everything about it was written down but that.
    """

    def __init__(self, would_be: str = "") -> None:
        super().__init__(would_be)
        self.would_be = would_be


class RemovedError(Exception):
    """A secret stood where it mattered and was not written down: what follows from it cannot be repeated."""


class RecordedExchanges:
    """The records of one history, or of what came before the first one, in their order."""

    def __init__(self, name: str, records: list[Record], tool: str, closings: frozenset[int] = frozenset()) -> None:
        self.name = name
        self._closings = closings
        self._records = records
        self._tool = tool
        self._removed = False
        self.told = self._asked = 0
        self._second = self._overlapped = False

    def answer(self, call: Call) -> ResponseOrNone:
        """Give the answer that a call got. What was asked is compared when it is written down."""
        record = self._upcoming()
        then, now = f"{record['purpose']} {record['request']['method']}", f"{call.purpose} {call.request.method}"
        if then != now:
            self._differs(f"{self._at(record)} is {then}, where {now} belongs")
        self._asked += 1
        response = record["response"]
        if response is None:
            return NoResponse(record["lost"])
        body = body_from_json(response["body"])
        self._removed = self._removed or REMOVED.encode() in body
        return Response(response["status"], tuple((name, value) for name, value in response["headers"]), body)

    def race(self, call: Call, flight: RequestTiming) -> ResponseOrNone:
        """Give the answer to one of two calls that leave together. The two come one after the other."""
        if not self._second:
            self._overlapped = self._together()
        flight.begun = float(self._second)
        flight.ended = flight.begun + (1.5 if self._overlapped else 0.5)
        self._second = not self._second
        return self.answer(call)

    def compare(self, kind: str, content: Mapping[str, Any]) -> None:
        """Hold what is written now against what was written then.

        Raises:
            PlaybackError: they differ.
            RemovedError: they differ, and a secret may be why.
            ClosedError: the run was interrupted here, and resumed.
            CutOffError: nothing was written any more.

        """
        if not self.left:
            raise CutOffError
        record = self._records[self.told]
        if record["n"] in self._closings:
            raise ClosedError(str(content.get("status", "")) if kind == "judgement" else "")
        self.told += 1
        if record["kind"] != kind:
            self._differs(f"{self._at(record)} is of kind {record['kind']}, where one of kind {kind} belongs")
        free = _PLACE | _GIVEN if kind == "exchange" else _PLACE
        then = {name: value for name, value in record.items() if name not in free}
        now = {name: value for name, value in content.items() if name not in free}
        if kind == "exchange":
            now["request"] = self._as_then(now["request"])
        else:
            self._asked = self.told
        for place, was, has_to_be in _differences(then, now):
            if REMOVED in str(was):
                raise RemovedError
            self._differs(f"{self._at(record)}: {place} is {_short(was)}, and has to be {_short(has_to_be)}")

    @property
    def left(self) -> bool:
        """Whether there is more."""
        return self.told < len(self._records)

    @property
    def closing(self) -> Record | None:
        """The judgement by which the history was closed, if that is all that is left."""
        last = self._records[-1] if self._records else None
        rest = self._records[max(self.told, self._asked) :]
        return last if last is not None and rest == [last] and last["n"] in self._closings else None

    def check_empty(self) -> None:
        """Make sure that nothing is left over.

        Raises:
            PlaybackError: something is.

        """
        if self.left:
            self._differs(f"{self._at(self._records[self.told])} belongs to nothing that was done")

    def requests(self) -> Iterator[Record]:
        """Iterate over the requests that were not told yet."""
        return (record["request"] for record in self._records[self.told :] if record["kind"] == "exchange")

    def renewals(self, call: Call) -> int:
        """Return how often a token was asked for right before a call, which is the next one."""
        for number, record in enumerate(self._records[self._asked :]):
            if record["kind"] != "exchange":
                break
            asked = record["purpose"], record["request"]["method"], record["request"]["path"]
            if asked != _RENEWAL:
                return number if asked[:2] == (call.purpose, call.request.method) else 0
        return 0

    @property
    def was_resent(self) -> bool:
        """Whether the call that was answered last was sent again."""
        return bool(self._asked and self._records[self._asked - 1].get("resent"))

    def find(self, pattern: re.Pattern[str]) -> str | None:
        """Return what a pattern finds first in the paths and bodies of the requests that were not told yet."""
        for request in self.requests():
            match = pattern.search(f"{request['path']} {request['body']}")
            if match:
                return match[0]
        return None

    def _upcoming(self) -> Record:
        if self._asked >= len(self._records):
            raise CutOffError
        record = self._records[self._asked]
        if record["n"] in self._closings:
            raise ClosedError
        if record["kind"] != "exchange":
            self._differs(f"before {self._at(record)} an exchange is missing")
        return record

    def _together(self) -> bool:
        """Say whether the next two requests were under way at the same time."""
        first = self._upcoming()
        if self.name == LOOKS and "began" not in first:
            # While the target was looked at, two that were not both answered in time were given up, and not recorded.
            raise TimeoutError
        if self._asked + 1 >= len(self._records):
            raise CutOffError
        other = self._records[self._asked + 1]
        if other["n"] in self._closings:
            raise ClosedError
        if "began" not in first or "began" not in other:
            self._differs(f"{self._at(first)} and the one after it were not sent together, and have to be")
        overlap = min(first["began"] + first["ms"] - other["began"], other["began"] + other["ms"] - first["began"])
        if abs(overlap) > _ROUNDED:
            return bool(overlap > 0)
        # Too close to tell from rounded times: it was what was seen then.
        rest = self._records[self._asked + 2 :]
        judged = next((record["observed"].get(SENT_TOGETHER) for record in rest if record["kind"] == "judgement"), None)
        return judged if isinstance(judged, bool) else not (rest and "began" in rest[0])

    def _as_then(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request as it would have been sent by the version that made the recording."""
        headers = [[name, self._tool if name in _VERSIONS else value] for name, value in request["headers"]]
        return {**request, "headers": headers}

    def _at(self, record: Record) -> str:
        step = f", step {record['step']}" if "step" in record and self.name != LOOKS else ""
        return f"record {record['n']} ({self.name or 'before the first history'}{step})"

    def _differs(self, what: str) -> NoReturn:
        if self._removed:
            raise RemovedError
        raise PlaybackError(what)


@dataclass(frozen=True, slots=True)
class RecordedProbe:
    """What was asked before the first history, or ``again`` by a process that resumed the run."""

    tape: RecordedExchanges
    again: bool


def _looks(evidence: Evidence) -> Iterator[tuple[list[Record], bool]]:
    """Return the requests that belong to no history, as often as a process, or several at once, began with them."""
    exchanges: list[Record] = []
    again = False
    for record in evidence.records:
        if record["kind"] == "exchange" and record["history"] == LOOKS:
            exchanges.append(record)
        elif record["kind"] not in _LEARNT:
            if exchanges:
                yield exchanges, again
                exchanges = []
            again = record["kind"] == "resumed"
    if exchanges:
        yield exchanges, again


def _closings(evidence: Evidence, *, anywhere: bool) -> Iterator[int]:
    """Return which records close histories: those that a process begins with that resumed the run.

    Shards are merged without saying where they were resumed.
    """
    begun = anywhere
    for record in evidence.records:
        if begun and is_interruption(record):
            yield record["n"]
        elif record["kind"] == "resumed":
            begun = True
        elif record["kind"] not in _LEARNT and not (record["kind"] == "exchange" and record["history"] == LOOKS):
            begun = anywhere


class RunRecording:
    """A journal, cut into the tapes of its histories. As a ledger it takes what is written, and compares."""

    def __init__(self, evidence: Evidence) -> None:
        self.run = evidence.records[0]
        self.merged = "merged" in self.run
        tool, closings = self.run["tool"], frozenset(_closings(evidence, anywhere=self.merged))
        cut: dict[str, list[Record]] = defaultdict(list)
        for record in evidence.records:
            if record["kind"] in ("exchange", "judgement"):
                cut[record["history"]].append(record)
            elif record["kind"] == "history":
                cut[record["id"]].append(record)
        cut.pop(LOOKS, None)
        self.tapes = {name: RecordedExchanges(name, records, tool, closings) for name, records in cut.items()}
        looks = [RecordedProbe(RecordedExchanges(LOOKS, records, tool), again) for records, again in _looks(evidence)]
        self.all_looks = looks or [RecordedProbe(RecordedExchanges(LOOKS, [], tool), again=False)]
        self.looks = self.current = self.tapes[LOOKS] = self.all_looks[0].tape
        self.learnt: list[Record] = []
        """What was written of what the target offers."""
        self._hands = list(evidence.of_kind("hand"))
        self.by_hand = any(
            "a person at the terminal" in record["source"] for record in evidence.of_kind("capabilities")
        )
        """Whether a person was asked for what the target does not offer."""

    def look_at(self, look: RecordedProbe) -> None:
        """Go on with another look at the target."""
        self.looks = self.current = self.tapes[LOOKS] = look.tape

    def append(self, kind: str, **content: Any) -> None:
        """Compare one record."""
        if kind in ("capabilities", "smoke"):
            self.learnt.append({"kind": kind, **content})
            return
        if kind == "hand":
            self._compare_hand(content)
            return
        tape = self.tapes.get(content["id"] if kind == "history" else content["history"])
        if tape is None:
            raise CutOffError
        if kind == "history":
            self.current = tape
        if kind == "judgement" and any(REMOVED in str(value) for value in content["observed"].values()):
            raise RemovedError
        tape.compare(kind, content)

    def said_by_hand(self) -> str:
        """Return what a person said who was asked next."""
        if not self._hands:
            raise CutOffError
        return str(self._hands[0]["said"])

    def _compare_hand(self, content: Mapping[str, Any]) -> None:
        record = self._hands.pop(0)
        for name in ("order", "action", "said"):
            if record[name] != content[name]:
                raise PlaybackError(
                    f"record {record['n']}: a person was asked for {record['action']} of {record['order']}, "
                    f"where {content['action']} of {content['order']} belongs"
                )


class RecordedConnection(Connection):
    """A connection to a tape."""

    def __init__(self, tape: RecordedExchanges) -> None:
        self._tape = tape

    async def send(self, call: Call) -> ResponseOrNone:
        """Give the answer that the call got."""
        return self._tape.answer(call)

    async def race(self, call: Call, flight: RequestTiming) -> ResponseOrNone:
        """Give the answer that the call got among two."""
        return self._tape.race(call, flight)


def _differences(was: Any, has_to_be: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Find where two values differ, but for what was taken out of the recorded one."""
    if was == has_to_be:
        return
    if isinstance(was, dict) and isinstance(has_to_be, dict):
        for name in sorted(was.keys() | has_to_be.keys()):
            before, other = was.get(name, _ABSENT), has_to_be.get(name, _ABSENT)
            if before != other:
                yield from _differences(before, other, f"{place}.{name}" if place else str(name))
    elif isinstance(was, list) and isinstance(has_to_be, list) and len(was) == len(has_to_be):
        for number, (before, other) in enumerate(zip(was, has_to_be, strict=True)):
            yield from _differences(before, other, f"{place}[{number}]")
    elif not (isinstance(was, str) and isinstance(has_to_be, str) and REMOVED in was) or not _fits(
        was.split(REMOVED), has_to_be
    ):
        yield place, was, has_to_be


class _Absent:
    def __repr__(self) -> str:
        return "absent"


_ABSENT: Final = _Absent()


def _fits(parts: list[str], text: str) -> bool:
    """Tell whether a text consists of these parts, in this order, with anything between them."""
    first, *between, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in between:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
