"""Shards of one plan, played on several machines, made into the evidence of one run.

Every record is taken over as it is, chained anew, and the merged run names the shards it is made of by their digests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from conformance.evidence.consistency import check_consistency
from conformance.evidence.counterexamples import FOLDER
from conformance.evidence.journal import Evidence, Journal, JournalError, read_journal, record_as_json, unwritten
from conformance.evidence.private_files import make_private_folder, write_private
from conformance.evidence.record_parts import MergedRecord, MergedShardRecord, Record, ShardRecord
from conformance.evidence.records import (
    BudgetRecord,
    CapabilitiesRecord,
    Ending,
    FinishRecord,
    ResumedRecord,
    RunRecord,
    WholePlanRecord,
)
from conformance.results.audit import audit

_ALIKE: Final = (
    "format", "tool", "seed", "budget", "histories", "profiles", "market", "readings", "rulebook", "target", "waivers",
)  # fmt: skip
"""What shards of one run were asked for alike."""
_ONCE: Final = (CapabilitiesRecord, WholePlanRecord)
_NEVER: Final = (RunRecord, FinishRecord, ResumedRecord, BudgetRecord)
_WORST: Final = ("harness", "environment", "interrupted", "complete")


@dataclass(frozen=True)
class ShardRun:
    """One shard's directory, and its evidence."""

    directory: Path
    evidence: Evidence

    @property
    def run(self) -> RunRecord:
        """Its first record."""
        return self.evidence.run

    @property
    def place(self) -> ShardRecord:
        """Which shard it is, of how many.

        Raises:
            JournalError: it is none: it holds a whole run.

        """
        if self.run.shard is None:
            raise JournalError(f"{self.directory} is no shard: it holds a whole run. Shards are made by --shard I/N.")
        return self.run.shard

    @property
    def number(self) -> int:
        """Which shard it is."""
        return self.place.number

    @property
    def ended(self) -> Ending:
        """How it ended."""
        return self.evidence.ended or "interrupted"


def read_shards(directories: Iterable[Path]) -> list[ShardRun]:
    """Return the shards of one run, by their numbers.

    Raises:
        JournalError: they are not shards of one run, or one of them does not hang together.

    """
    shards = sorted((_shard(directory) for directory in directories), key=lambda shard: shard.number)
    _check_alike(shards)
    for shard in shards:
        check_consistency(shard.evidence, complete=shard.ended == "complete")
    return shards


def merge(shards: Sequence[ShardRun], out: Path) -> None:
    """Write the evidence of a run that is made of shards, as ``read_shards`` returns them.

    Raises:
        JournalError: the directory already holds a run, or cannot be written.
        OracleError: what was merged does not hang together, although every shard did.

    """
    journal = Journal(out)
    try:
        _write(shards, journal, out)
    finally:
        journal.close()
    evidence = read_journal(out)
    if evidence.ended == "complete":
        audit(evidence)


def _shard(directory: Path) -> ShardRun:
    return ShardRun(directory, read_journal(directory))


def _check_alike(shards: Sequence[ShardRun]) -> None:
    first = shards[0]
    asked = record_as_json(first.run)
    for shard in shards[1:]:
        run = record_as_json(shard.run)
        for name in _ALIKE:
            if run[name] != asked[name]:
                raise JournalError(
                    f"{shard.directory} is no shard of the same run as {first.directory}: its {name} is "
                    f"{_shown(run[name])}, and not {_shown(asked[name])}."
                )
        if shard.place.of != first.place.of:
            raise JournalError(f"{shard.directory} is one of {shard.place.of} shards, and not of {first.place.of}.")
    _check_once(shards)
    offers: dict[str, tuple[Record, ShardRun]] = {}
    wholes: dict[str, tuple[Record, ShardRun]] = {}
    for shard in shards:
        for offer in shard.evidence.of(CapabilitiesRecord):
            _check_same(offer, shard, offers, offer.profile, f"was offered something else in {offer.profile}")
        for whole in shard.evidence.of(WholePlanRecord):
            _check_same(whole, shard, wholes, "", "has another plan")


def _check_once(shards: Sequence[ShardRun]) -> None:
    for number, count in Counter(shard.number for shard in shards).items():
        if count > 1:
            twice = " and ".join(str(shard.directory) for shard in shards if shard.number == number)
            raise JournalError(f"Shard {number} is there twice, in {twice}: name one of them.")


def _check_same(
    record: Record, shard: ShardRun, known: dict[str, tuple[Record, ShardRun]], key: str, what: str
) -> None:
    """Check that a shard says of a thing what the first one did that spoke of it."""
    first, of = known.setdefault(key, (unwritten(record), shard))
    if unwritten(record) != first:
        raise JournalError(f"{shard.directory} {what} than {of.directory}: they are no shards of one run.")


def _write(shards: Sequence[ShardRun], journal: Journal, out: Path) -> None:
    journal.append(_merged_run(shards))
    written: set[tuple[type[Record], str]] = set()
    for shard in shards:
        for record in shard.evidence.records:
            key = type(record), record.profile if isinstance(record, CapabilitiesRecord) else ""
            if isinstance(record, _NEVER) or key in written:
                continue
            if isinstance(record, _ONCE):
                written.add(key)
            journal.append(record)
        for file in sorted((shard.directory / FOLDER).glob("*.json")):
            make_private_folder(out / FOLDER)
            write_private(out / FOLDER / file.name, file.read_bytes())
    journal.append(_merged_finish(shards))


def _merged_finish(shards: Sequence[ShardRun]) -> FinishRecord:
    """Return the last record of the run that shards make up: it ended as the worst of them did."""
    worst = min(shards, key=lambda shard: _WORST.index(shard.ended))
    finish = worst.evidence.last(FinishRecord)
    reason = finish.message if finish is not None else ""
    message = f"shard {worst.number}: {reason or worst.ended}" if worst.ended != "complete" else ""
    ends = (shard.evidence.last(FinishRecord) for shard in shards)
    seconds = sum(end.seconds for end in ends if end is not None)
    return FinishRecord(ended=worst.ended, message=message, seconds=round(seconds, 3))


def _merged_run(shards: Sequence[ShardRun]) -> RunRecord:
    """Return the first record of the run that shards make up."""
    parts = tuple(
        MergedShardRecord(
            shard=shard.number,
            records=len(shard.evidence.records),
            digest=shard.evidence.digest,
            nonce=shard.run.nonce,
            ended=shard.ended,
        )
        for shard in shards
    )
    return msgspec.structs.replace(
        shards[0].run,
        started=min(shard.run.started for shard in shards),
        nonce="",
        most_requests=None,
        shard=None,
        merged=MergedRecord(of=shards[0].place.of, shards=parts),
    )


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
