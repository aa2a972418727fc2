"""The example database: what one run found is tried first by others.

It is a directory of Hypothesis's own form, which CI can restore from a cache. A key stands for an API and a market, a
value is one history as JSON, the smallest that showed a defect. The database decides what is run first and nothing
else: its histories are run and judged like all others, and a directory that cannot be used changes no verdict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from hypothesis.database import DirectoryBasedExampleDatabase

from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.evidence.consistency import RETRY_SUFFIXES
from conformance.evidence.journal import Evidence, JournalError, RecordSink, is_merchant_run
from conformance.evidence.private_files import make_private_folder
from conformance.evidence.record_parts import SharedExample
from conformance.evidence.records import (
    CounterexampleRecord,
    ExamplesRecord,
    HistoryRecord,
    JudgementRecord,
    SharedRecord,
)
from conformance.evidence.recurrence import REPLAYED

READ_ONLY: Final = "ro:"
LIMIT: Final = 200
"""So many examples of one API are tried at most, the shortest first."""
LONGEST: Final = 65_536
"""Bytes of the longest value that is read."""
LABEL: Final = "shared example"
"""The label of a history that another run found."""
_SERVER: Final = re.compile(r"(?P<scheme>[a-z][a-z+.-]+)://|(?P<github>github):", re.IGNORECASE)
_PROVES: Final = ("conforms", "recorded")


@dataclass(frozen=True)
class StoredExamples:
    """The examples of one API: histories as JSON, and the number of entries that this version cannot read."""

    histories: tuple[dict[str, Any], ...]
    unread: int


@dataclass(frozen=True, slots=True)
class Change:
    """What is kept and dropped under the key of one API: histories in their one form."""

    profile: str
    saved: tuple[str, ...]
    dropped: tuple[str, ...]


class NoteObserver(Protocol):
    """What is notified of the events that are worth a line."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class ExampleDatabase:
    """The directories of a run as one database: everything is read, and written to those that are not read-only."""

    def __init__(self, locations: Iterable[str]) -> None:
        """Open the directories; ``locations`` are paths, with ``ro:`` before one that is only read.

        Raises:
            UsageError: a location is not a directory, or cannot be one.

        """
        self._databases = {location: _opened(location) for location in locations}
        self._failures: list[str] = []

    def read(self, key: bytes) -> StoredExamples:
        """Return the examples under a key, the shortest first."""
        histories: list[dict[str, Any]] = []
        unread = 0
        values = {value for location in self._databases for value in self._fetch(location, key)}
        for value in sorted(values, key=lambda value: (len(value), value)):
            history = _history(value)
            if history is None:
                unread += 1
            elif len(histories) < LIMIT:
                histories.append(history)
        return StoredExamples(tuple(histories), unread)

    def change(self, key: bytes, saved: Iterable[str], dropped: Iterable[str]) -> None:
        """Keep some histories, and drop others."""
        saved_values = {text.encode() for text in saved}
        dropped_values = {text.encode() for text in dropped}
        for location, database in self._databases.items():
            if location.startswith(READ_ONLY):
                continue
            if saved_values:
                # Hypothesis' own would be open to others. What cannot be made cannot be written either.
                with suppress(OSError):
                    make_private_folder(Path(location))
            for value in saved_values:
                database.save(key, value)
            for value in dropped_values:
                database.delete(key, value)
            # Hypothesis does not raise where it cannot write.
            if not saved_values <= self._fetch(location, key):
                self._failures.append(f"{location} could not be written (what was saved is not there)")

    def take_failures(self) -> list[str]:
        """Return what could not be read or written since the last call, each in a few words."""
        failures, self._failures = list(dict.fromkeys(self._failures)), []
        return failures

    def _fetch(self, location: str, key: bytes) -> set[bytes]:
        try:
            return set(self._databases[location].fetch(key))
        except OSError as error:
            self._failures.append(f"{location} could not be read ({error.strerror})")
            return set()


class ExampleExchange:
    """What a run takes from the example database and gives back to it. ``party`` is who is tested."""

    def __init__(self, locations: tuple[str, ...], party: str, market: str) -> None:
        self._database = ExampleDatabase(locations)
        self._party = party
        self._market = market
        self.is_enabled = bool(locations)

    def read(self, profile: Profile) -> StoredExamples:
        """Return the examples of an API."""
        return self._database.read(key_of(self._party, profile.value, self._market))

    def record_tried(
        self, sink: RecordSink, observer: NoteObserver, named: Iterable[tuple[str, dict[str, Any]]], unusable: int
    ) -> None:
        """Record the examples that are run, by history id, and the number of those that cannot be run here."""
        if not self.is_enabled:
            return
        histories = tuple(SharedExample(id=name, history=history) for name, history in named)
        failures = self._database.take_failures()
        sink.append(ExamplesRecord(histories=histories, left=unusable, trouble=tuple(failures)))
        different = len({text_of(example.history) for example in histories})
        remark = f", {unusable} cannot be played here" if unusable else ""
        observer.note(f"Shared examples: {different} are tried first{remark}.")
        for failure in failures:
            observer.note(f"Shared examples: {failure}; the run goes on without.")

    def give_back(self, evidence: Evidence, sink: RecordSink, observer: NoteObserver) -> None:
        """Keep what failed, drop what does not fail any more, and record what was changed."""
        if not self.is_enabled:
            return
        try:
            changed = changes(evidence)
        except (JournalError, KeyError):
            # Whoever reads the evidence next reports that it cannot be read.
            return
        for change in changed:
            key = key_of(self._party, change.profile, self._market)
            self._database.change(key, change.saved, change.dropped)
        saved = sum(len(change.saved) for change in changed)
        dropped = sum(len(change.dropped) for change in changed)
        failures = self._database.take_failures()
        sink.append(SharedRecord(kept=saved, dropped=dropped, trouble=tuple(failures)))
        observer.note(f"Shared examples: {saved} kept, {dropped} dropped.")
        for failure in failures:
            observer.note(f"Shared examples: {failure}; the counterexamples of this run are in its directory.")


def key_of(party: str, profile: str, market: str) -> bytes:
    """Return the key of an API's examples; ``party`` is who is tested."""
    return f"cancel-conformance/1/{party}/{profile}/{market}".encode()


def text_of(history: Mapping[str, Any]) -> str:
    """Return a history's JSON in its one form, which is what is stored."""
    return json.dumps(history, sort_keys=True, separators=(",", ":"))


def check_locations(locations: Iterable[str]) -> tuple[str, ...]:
    """Return locations of examples, each once.

    Raises:
        UsageError: one is not a directory, or cannot be one.

    """
    chosen = tuple(dict.fromkeys(locations))
    for location in chosen:
        _opened(location)
    return chosen


def _opened(location: str) -> DirectoryBasedExampleDatabase:
    name = location.removeprefix(READ_ONLY)
    server = _SERVER.match(name)
    if server is not None:
        raise UsageError(
            f"--examples takes a directory and nothing at {server['scheme'] or server['github']}: "
            "name a directory; CI can restore it from its cache."
        )
    if not name:
        raise UsageError("--examples names no directory.")
    path = Path(name)
    if path.exists() and not path.is_dir():
        raise UsageError(f"--examples {name} is a file: name a directory.")
    if name != location and not path.exists():
        raise UsageError(f"--examples {location} is not there to be read: make it, or leave {READ_ONLY} out.")
    return DirectoryBasedExampleDatabase(path)


def _history(value: bytes) -> dict[str, Any] | None:
    try:
        history = json.loads(value) if len(value) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    return history if isinstance(history, dict) and text_of(history).encode() == value else None


def changes(evidence: Evidence) -> list[Change]:
    """Return what the examples of each API become by a run.

    The smallest history of each failure is kept. An example is dropped where it was run to its end, as often as it was
    planned, and broke nothing; or where it broke only what a smaller history shows.
    """
    outcomes = _Outcomes(evidence)
    smallest = list(outcomes.smallest().values())
    changed = []
    for profile in evidence.run.profiles:
        saved = dict.fromkeys(text_of(record.history) for record in smallest if record.profile == profile)
        examples = outcomes.examples(profile)
        dropped = [text for text, names in examples.items() if text not in saved and outcomes.is_obsolete(names)]
        changed.append(Change(profile, tuple(saved), tuple(dropped)))
    return changed


class _Outcomes:
    """What the histories of a run came to."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._histories = {record.id: record for record in evidence.of(HistoryRecord)}
        self._judgements: dict[str, list[JudgementRecord]] = {name: [] for name in self._histories}
        for judgement in evidence.of(JudgementRecord):
            self._judgements[judgement.history].append(judgement)

    def smallest(self) -> dict[tuple[str, ...], HistoryRecord]:
        """Return the smallest history of each failure, its counterexample if there is one."""
        smallest: dict[tuple[str, ...], HistoryRecord] = {}
        for record in self._histories.values():
            if record.source not in REPLAYED:
                for failure in self._failures(record.id):
                    if failure not in smallest or _size(record) < _size(smallest[failure]):
                        smallest[failure] = record
        for example in self._evidence.of(CounterexampleRecord):
            for failure in self._failures(example.history, example):
                smallest[failure] = self._histories[example.history]
        return smallest

    def examples(self, profile: str) -> dict[str, list[str]]:
        """Return a profile's shared examples, each with its identifiers in the plan."""
        planned: dict[str, list[str]] = {}
        for record in self._evidence.of(ExamplesRecord):
            for example in record.histories:
                if example.id.partition("-")[0] == profile:
                    planned.setdefault(text_of(example.history), []).append(example.id)
        return planned

    def is_obsolete(self, names: list[str]) -> bool:
        """Tell whether an example, the smallest of no failure, need not be kept."""
        attempts = [self._attempts(name) for name in names]
        if any(self._failures(attempt) for family in attempts for attempt in family):
            return True
        return all(any(self._conforms(attempt) for attempt in family) for family in attempts)

    def _attempts(self, name: str) -> list[str]:
        return [name + suffix for suffix in ("", *RETRY_SUFFIXES) if name + suffix in self._histories]

    def _failures(self, name: str, example: CounterexampleRecord | None = None) -> set[tuple[str, ...]]:
        """Return what a history broke; of a counterexample's, what that shows."""
        return {
            (self._histories[name].profile, finding.rule, finding.branch, finding.field)
            for judgement in self._judgements[name]
            for finding in judgement.findings
            if example is None or (finding.rule, finding.reason) == (example.rule, example.reason)
        }

    def _conforms(self, name: str) -> bool:
        """Tell whether a history was run to its end and broke nothing."""
        judgements, steps = self._judgements[name], self._histories[name].step_count
        # A merchant's history is judged obligation by obligation, not step by step.
        merchant = is_merchant_run(self._evidence.run)
        ended = bool(judgements) if merchant else len(judgements) == steps
        return ended and all(judgement.status in _PROVES for judgement in judgements)


def _size(record: HistoryRecord) -> tuple[int, str]:
    return record.step_count, record.id
