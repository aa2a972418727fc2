"""The report of a test session: what its processes recorded, joined into a run for each API of each target.

Such a run has no plan of its own: what it played is what the tests drew. Rules that they did not test are not tested,
and the run is then incomplete, whatever the tests say.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import structs

from conformance.api.recording import PARTS
from conformance.evidence.journal import Journal, read_part
from conformance.evidence.record_parts import Record
from conformance.evidence.records import CapabilitiesRecord, RunRecord, SmokeRecord, StoppedRecord
from conformance.reports import write_reports
from conformance.results.audit import audit
from conformance.results.result import Result
from conformance.results.selfcheck import check_oracle
from conformance.runner.recorded_run import RecordedRun, RunEnd, run_end_after

_ONCE: Final = (CapabilitiesRecord, SmokeRecord)
"""What every part says of the target, and a journal once."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one process recorded of one API of one target."""

    run: RunRecord
    records: tuple[Record, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """Parts with equal keys belong to one run."""
        run = self.run
        return run.target, run.profiles, run.market, tuple(sorted(run.readings.items()))

    @property
    def name(self) -> str:
        """The target and the API."""
        return " ".join((self.run.target.name, *self.run.profiles))


@dataclass(frozen=True, slots=True)
class SessionRun:
    """The run of one API of one target, its name, and the directory of its evidence and reports."""

    name: str
    directory: Path
    result: Result


def write_session_reports(directory: Path, nonce: str, end: RunEnd) -> list[SessionRun]:
    """Join the parts in a directory into a run for each API of each target, write the reports, and return the runs.

    Args:
        directory: where the processes of the session recorded their parts.
        nonce: the beginning of the session's order ids.
        end: how the session ended.

    Raises:
        JournalError: a part cannot be read, or a run cannot be written.

    """
    groups: dict[tuple[object, ...], list[_Part]] = {}
    for part in _parts(directory):
        groups.setdefault(part.key, []).append(part)
    runs: list[SessionRun] = []
    for parts in groups.values():
        place = _free_place(directory, parts[0].name)
        _join(parts, place, nonce, end)
        runs.append(SessionRun(parts[0].name, place, write_reports(place)))
    shutil.rmtree(directory / PARTS, ignore_errors=True)
    return runs


def _parts(directory: Path) -> Iterator[_Part]:
    for path in sorted((directory / PARTS).glob("*.jsonl")):
        records = tuple(read_part(path))
        if records and isinstance(records[0], RunRecord):
            yield _Part(records[0], records[1:])


def _free_place(directory: Path, name: str) -> Path:
    slug = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "target"
    places = (directory / (slug if number == 1 else f"{slug}-{number}") for number in range(1, 10_000))
    return next(place for place in places if not place.exists())


def _join(parts: Sequence[_Part], place: Path, nonce: str, end: RunEnd) -> None:
    """Write one run's journal, from its first record to its last."""
    run = RecordedRun(Journal(place))
    run.date_back(min(datetime.fromisoformat(part.run.started) for part in parts))
    run.journal.append(structs.replace(parts[0].run, nonce=nonce))
    try:
        check_oracle()
        stopped = _append(parts, run)
        end = end if not end.complete or stopped is None else RunEnd(stopped.ended, stopped.message)
        if end.complete:
            audit(run.evidence)
    except Exception as error:
        end = run_end_after(error)
    run.finish(end)


def _append(parts: Iterable[_Part], run: RecordedRun) -> StoppedRecord | None:
    """Write the records of the parts; return why one of them was stopped, if one was."""
    stopped: StoppedRecord | None = None
    once: dict[tuple[str, str], Record] = {}
    for record in (record for part in parts for record in part.records):
        if isinstance(record, StoppedRecord):
            stopped = stopped or record
        elif isinstance(record, _ONCE):
            first = once.setdefault((record.kind, record.profile), record)
            if first is record:
                run.journal.append(record)
            elif isinstance(first, CapabilitiesRecord) and _offered(first) != _offered(record):
                message = "The target did not offer the same every time that it was opened: this is no one run."
                stopped = stopped or StoppedRecord(ended="environment", message=message)
        else:
            run.journal.append(record)
    return stopped


def _offered(record: Record) -> tuple[str, ...]:
    return record.offered if isinstance(record, CapabilitiesRecord) else ()
