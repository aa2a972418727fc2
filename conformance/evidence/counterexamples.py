"""Counterexamples as files: the smallest failing history, with everything needed to play it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, HistoryError, history_as_json, history_from_json
from conformance.evidence.journal import Evidence
from conformance.rulebook import ReadingError, Readings, load

COUNTEREXAMPLE_VERSION: Final = 1
FOLDER: Final = "counterexamples"
"""Where they lie in the directory of a run."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A history that breaks a rule, and the settings it was judged by."""

    rule: str
    profile: Profile
    reason: str
    history: History
    market: Market
    readings: Readings
    seed: int
    target: str


def write_counterexample(path: Path, example: Counterexample) -> None:
    """Write a counterexample as JSON; its directory is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(counterexample_text(path.name, example, path.parent.parent.name), encoding="utf-8")


def counterexample_text(file: str, example: Counterexample, run: str) -> str:
    """Return the text of a counterexample's file, which lies in the folder of a run."""
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
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_counterexample(path: Path) -> Counterexample:
    """Read a counterexample back.

    Raises:
        HistoryError: the file cannot be read, or is not a counterexample of this version.

    """
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise HistoryError(f"{path} is not JSON.") from None
    if not isinstance(data, dict) or data.get("version") != COUNTEREXAMPLE_VERSION:
        raise HistoryError(f"{path} is not a counterexample of version {COUNTEREXAMPLE_VERSION}.")
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
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ReadingError) as error:
        raise HistoryError(f"{path} is not a complete counterexample: {error}") from None
    if example.history.profile is not example.profile:
        raise HistoryError(f"{path} names {example.profile.value}, but its history is one of another API.")
    return example


RecordedFailure = tuple[str, str, Any]
"""The rule, the profile and the history of a counterexample, as a journal has them."""


def recorded_failure_of(path: Path) -> RecordedFailure:
    """Return what a counterexample's file tells.

    Raises:
        HistoryError: it cannot be read, or is not a counterexample of this version.

    """
    example = read_counterexample(path)
    return example.rule, example.profile.value, history_as_json(example.history)


def check_recorded(
    directory: Path, path: Path, evidence: Evidence, read: Callable[[Path], RecordedFailure] = recorded_failure_of
) -> None:
    """Check that a counterexample among a run's files is the one that the run's journal tells of.

    The file is written before its record, so that a run that was stopped may have one that it does not tell of.
    ``told`` reads the file: a merchant's is of another form.

    Raises:
        HistoryError: it is another's.

    """
    records = [record for record in evidence.of_kind("counterexample") if record["file"] == f"{FOLDER}/{path.name}"]
    if not records and evidence.records[-1].get("ended") != "complete":
        return
    identity = read(path)
    played = {record["id"]: record["history"] for record in evidence.of_kind("history")}
    if identity not in [(record["rule"], record["profile"], played.get(record["history"])) for record in records]:
        raise HistoryError(f"{path} is not a counterexample of the run whose journal is in {directory}.")
