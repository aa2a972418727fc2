"""What a run learns from shared examples, and what it gives back: decided by its evidence alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from conformance.domain.order import Profile
from conformance.evidence.consistency import RETRY_SUFFIXES
from conformance.evidence.journal import Evidence, JournalError, Record, RecordSink, is_merchant_run
from conformance.runner.example_database import StoredExample, StoredExamples, key_of, text_of

_PROVES: Final = ("conforms", "recorded")


class Noting(Protocol):
    """Told what is worth a line."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is kept and dropped under the key of one API: histories in their one form."""

    profile: str
    saved: tuple[str, ...]
    dropped: tuple[str, ...]


class ExampleExchange:
    """A run's dealings with its examples. ``party`` is who is tested."""

    def __init__(self, places: tuple[str, ...], party: str, market: str) -> None:
        self._examples = StoredExamples(places) if places else None
        self._party = party
        self._market = market

    @property
    def asked(self) -> bool:
        """Whether the run shares examples at all."""
        return self._examples is not None

    def found(self, profile: Profile) -> StoredExample:
        """Return the examples of an API."""
        if self._examples is None:
            return StoredExample((), 0)
        return self._examples.found(key_of(self._party, profile.value, self._market))

    def tell(self, ledger: RecordSink, noting: Noting, named: Iterable[tuple[str, dict[str, Any]]], left: int) -> None:
        """Write down which examples are played, and of how many nothing can be made here."""
        if self._examples is None:
            return
        histories: list[dict[str, Any]] = [{"id": name, "history": history} for name, history in named]
        trouble = self._examples.told()
        ledger.append("examples", histories=histories, left=left, trouble=trouble)
        different = len({text_of(one["history"]) for one in histories})
        noting.note(f"Shared examples: {different} are tried first{f', {left} cannot be played here' if left else ''}.")
        for one in trouble:
            noting.note(f"Shared examples: {one}; the run goes on without.")

    def give_back(self, evidence: Evidence, ledger: RecordSink, noting: Noting) -> None:
        """Keep what failed, drop what does not fail any more, and write down what was done."""
        if self._examples is None:
            return
        saved = dropped = 0
        try:
            found = changes(evidence)
        except (JournalError, KeyError):
            # Evidence that cannot be read is told of by whoever reads it next.
            return
        for change in found:
            self._examples.change(key_of(self._party, change.profile, self._market), change.saved, change.dropped)
            saved, dropped = saved + len(change.saved), dropped + len(change.dropped)
        trouble = self._examples.told()
        ledger.append("shared", kept=saved, dropped=dropped, trouble=trouble)
        noting.note(f"Shared examples: {saved} kept, {dropped} dropped.")
        for one in trouble:
            noting.note(f"Shared examples: {one}; the counterexamples of this run are in its directory.")


def changes(evidence: Evidence) -> list[Change]:
    """Return what the examples of each API become by a run.

    The smallest history of each failure is kept. An example is dropped where it was played to its end, as often as it
    was planned, and broke nothing; or where it broke only what a smaller history shows.
    """
    played = {record["id"]: record for record in evidence.of_kind("history")}
    judged: dict[str, list[Record]] = {name: [] for name in played}
    for record in evidence.of_kind("judgement"):
        judged[record["history"]].append(record)
    kept: dict[tuple[str, ...], Record] = {}
    for record in played.values():
        if record["source"] != "shrinking":
            for group in _groups(record, judged[record["id"]]):
                if group not in kept or _size(record) < _size(kept[group]):
                    kept[group] = record
    for example in evidence.of_kind("counterexample"):
        record = played[example["history"]]
        for group in _groups(record, judged[record["id"]], example):
            kept[group] = record
    planned = {one["id"]: one["history"] for record in evidence.of_kind("examples") for one in record["histories"]}
    whole = not is_merchant_run(evidence.records[0])
    out = []
    for profile in evidence.records[0]["profiles"]:
        saved = dict.fromkeys(text_of(record["history"]) for record in kept.values() if record["profile"] == profile)
        tried: dict[str, list[str]] = {}
        for name, history in planned.items():
            if name.partition("-")[0] == profile:
                tried.setdefault(text_of(history), []).append(name)
        dropped = [
            text
            for text, names in tried.items()
            if text not in saved
            and (
                any(_groups(played[one], judged[one]) for name in names for one in _attempts(name, played))
                or all(any(_mended(played[o], judged[o], whole=whole) for o in _attempts(n, played)) for n in names)
            )
        ]
        out.append(Change(profile, tuple(saved), tuple(dropped)))
    return out


def _attempts(name: str, played: dict[str, Record]) -> list[str]:
    return [name + letter for letter in ("", *RETRY_SUFFIXES) if name + letter in played]


def _groups(record: Record, judgements: list[Record], example: Record | None = None) -> set[tuple[str, ...]]:
    """Return what a history broke; with a counterexample, what of it that shows."""
    return {
        (record["profile"], finding["rule"], finding["branch"], finding["field"])
        for judgement in judgements
        for finding in judgement.get("findings", ())
        if example is None or (finding["rule"], finding["reason"]) == (example["rule"], example["reason"])
    }


def _mended(record: Record, judgements: list[Record], *, whole: bool) -> bool:
    """Tell whether a history was played to its end and broke nothing."""
    through = len(judgements) == len(record["history"]["steps"]) if whole else bool(judgements)
    return through and all(one["status"] in _PROVES for one in judgements)


def _size(record: Record) -> tuple[int, str]:
    return len(record["history"]["steps"]), str(record["id"])
