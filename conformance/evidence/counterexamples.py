"""Counterexamples as files.

A minimal failing history, with everything that reproducing it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, HistoryError, history_as_json, history_from_json
from conformance.domain.visible_text import visible_json
from conformance.evidence.journal import Evidence
from conformance.evidence.private_files import make_private_folder, write_private
from conformance.evidence.records import CounterexampleRecord, HistoryRecord
from conformance.inputs.documents import parse_json
from conformance.inputs.files import InputError, read_bytes
from conformance.rulebook import ReadingError, Readings, load

COUNTEREXAMPLE_VERSION: Final = 1
FOLDER: Final = "counterexamples"
"""The folder of counterexamples in the directory of a run."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A history that violates a rule, and the settings under which it was judged.

    Attributes:
        rule: the rule's id.
        profile: the API.
        reason: why the rule is violated, in a sentence.
        history: the minimal failing history.
        market: the sales unit's market.
        readings: the accepted interpretations.
        seed: the run's seed.
        target: the target's name.

    """

    rule: str
    profile: Profile
    reason: str
    history: History
    market: Market
    readings: Readings
    seed: int
    target: str


def write_counterexample(path: Path, example: Counterexample) -> None:
    """Write a counterexample as JSON; create its folder."""
    make_private_folder(path.parent)
    write_private(path, counterexample_text(path.name, example, path.parent.parent.name))


def counterexample_text(file: str, example: Counterexample, run: str) -> str:
    """Return the text of a counterexample's file.

    ``run`` is the name of the run's directory.
    """
    content = {
        "version": COUNTEREXAMPLE_VERSION,
        "rule": example.rule,
        "profile": example.profile.value,
        "reason": example.reason,
        "statement": load().rule(example.rule).statement,
        "market": example.market.value,
        "readings": example.readings.as_json(),
        "seed": example.seed,
        "target": example.target,
        "history": history_as_json(example.history),
        "replay": f"cancel-conformance replay {run} {file} --target {example.target}",
    }
    return visible_json(content)


def counterexample_content(path: Path) -> dict[str, Any]:
    """Return the JSON object in a counterexample's file.

    Raises:
        HistoryError: The file cannot be read, or is not a counterexample of this version.

    """
    try:
        data = parse_json(read_bytes(path), str(path))
    except InputError as error:
        raise HistoryError(str(error)) from None
    if not isinstance(data, dict) or data.get("version") != COUNTEREXAMPLE_VERSION:
        raise HistoryError(f"{path} is not a counterexample of version {COUNTEREXAMPLE_VERSION}.")
    return data


def read_counterexample(path: Path) -> Counterexample:
    """Read a counterexample back.

    Raises:
        HistoryError: the file cannot be read, or is not a counterexample of this version.

    """
    data = counterexample_content(path)
    try:
        example = Counterexample(
            rule=str(data["rule"]),
            profile=Profile(data["profile"]),
            reason=str(data["reason"]),
            history=history_from_json(data["history"]),
            market=Market(data["market"]),
            readings=Readings.from_json(data["readings"]),
            seed=int(data["seed"]),
            target=str(data["target"]),
        )
        load().rule(example.rule)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ReadingError) as error:
        raise HistoryError(f"{path} is not a complete counterexample: {error}") from None
    if example.history.profile is not example.profile:
        raise HistoryError(f"{path} names {example.profile.value}, but its history is one of another API.")
    return example


RecordedFailure = tuple[str, str, Any]
"""The rule, the API and the history of a counterexample, as a journal has them."""


def recorded_failure_of(path: Path) -> RecordedFailure:
    """Return the failure in a counterexample's file.

    Raises:
        HistoryError: the file cannot be read, or is not a counterexample of this version.

    """
    example = read_counterexample(path)
    return example.rule, example.profile.value, history_as_json(example.history)


def check_recorded(
    directory: Path, path: Path, evidence: Evidence, read: Callable[[Path], RecordedFailure] = recorded_failure_of
) -> None:
    """Check that a run's journal records the counterexample in a file.

    The file is written before its record, so a run that was stopped may have a file without a record.

    Args:
        directory: the directory of the run.
        path: the file.
        evidence: the run's journal.
        read: reads the file; a merchant run's files have another form.

    Raises:
        HistoryError: the journal records no such counterexample.

    """
    records = [record for record in evidence.of(CounterexampleRecord) if record.file == f"{FOLDER}/{path.name}"]
    if not records and evidence.ended != "complete":
        return
    histories = {record.id: record.history for record in evidence.of(HistoryRecord)}
    if read(path) not in [(record.rule, record.profile, histories.get(record.history)) for record in records]:
        raise HistoryError(f"{path} is not a counterexample of the run whose journal is in {directory}.")
