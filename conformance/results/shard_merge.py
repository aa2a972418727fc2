"""Shards of one plan, played on several machines, made into the evidence of one run.

Every record is taken over as it is, chained anew, and the merged run names the shards it is made of by their digests.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.evidence.consistency import check_consistency
from conformance.evidence.counterexamples import FOLDER
from conformance.evidence.journal import Evidence, Journal, JournalError, Record, read_journal
from conformance.results.audit import audit

_ALIKE: Final = (
    "format", "tool", "seed", "budget", "histories", "profiles", "market", "readings", "rulebook", "target", "waivers",
)  # fmt: skip
"""What shards of one run were asked for alike."""
_ONCE: Final = frozenset({"capabilities", "whole"})
_NEVER: Final = frozenset({"run", "finish", "resumed", "budget"})
_WORST: Final = ("harness", "environment", "interrupted", "complete")
_FREE: Final = ("n", "kind", "prev")


@dataclass(frozen=True)
class Shard:
    """One shard's directory, and its evidence."""

    directory: Path
    evidence: Evidence

    @property
    def run(self) -> Record:
        """Its first record."""
        return self.evidence.records[0]

    @property
    def number(self) -> int:
        """Which shard it is."""
        return int(self.run["shard"]["number"])

    @property
    def ended(self) -> str:
        """How it ended."""
        last = self.evidence.records[-1]
        return str(last["ended"]) if last["kind"] == "finish" else "interrupted"


def merge(directories: Sequence[Path], out: Path) -> None:
    """Write the evidence of a run that is made of shards.

    Raises:
        JournalError: they are not shards of one run, or the directory already holds a run.
        OracleError: what was merged does not hang together, although every shard did.

    """
    parts = sorted((_part(directory) for directory in directories), key=lambda part: part.number)
    _check_alike(parts)
    for part in parts:
        check_consistency(part.evidence, complete=part.ended == "complete")
    journal = Journal(out)
    try:
        _write(parts, journal, out)
    finally:
        journal.close()
    evidence = read_journal(out)
    if evidence.records[-1]["ended"] == "complete":
        audit(evidence)


def _part(directory: Path) -> Shard:
    evidence = read_journal(directory)
    if "shard" not in evidence.records[0]:
        raise JournalError(f"{directory} is no shard: it holds a whole run. Shards are made by --shard I/N.")
    return Shard(directory, evidence)


def _check_alike(parts: Sequence[Shard]) -> None:
    first = parts[0]
    of = first.run["shard"]["of"]
    for part in parts[1:]:
        for name in _ALIKE:
            if part.run[name] != first.run[name]:
                raise JournalError(
                    f"{part.directory} is no shard of the same run as {first.directory}: its {name} is "
                    f"{_shown(part.run[name])}, and not {_shown(first.run[name])}."
                )
        if part.run["shard"]["of"] != of:
            raise JournalError(f"{part.directory} is one of {part.run['shard']['of']} shards, and not of {of}.")
    for number, count in Counter(part.number for part in parts).items():
        if count > 1:
            twice = " and ".join(str(part.directory) for part in parts if part.number == number)
            raise JournalError(f"Shard {number} is there twice, in {twice}: name one of them.")
    for kind in _ONCE:
        told: dict[str, list[tuple[dict[str, Any], Shard]]] = {}
        for part in parts:
            for record in part.evidence.of_kind(kind):
                told.setdefault(record.get("profile", ""), []).append((_content(record), part))
        for profile, found in told.items():
            for content, part in found[1:]:
                if content != found[0][0]:
                    what = f"was offered something else in {profile}" if profile else "has another plan"
                    raise JournalError(
                        f"{part.directory} {what} than {found[0][1].directory}: they are no shards of one run."
                    )


def _write(parts: Sequence[Shard], journal: Journal, out: Path) -> None:
    run = {name: value for name, value in parts[0].run.items() if name not in (*_FREE, "shard", "most_requests")}
    run["started"] = min(part.run["started"] for part in parts)
    run["nonce"] = ""
    run["merged"] = {
        "of": parts[0].run["shard"]["of"],
        "shards": [
            {
                "shard": part.number,
                "records": len(part.evidence.records),
                "digest": part.evidence.digest,
                "nonce": part.run["nonce"],
                "ended": part.ended,
            }
            for part in parts
        ],
    }
    journal.append("run", **run)
    said: set[tuple[str, str]] = set()
    for part in parts:
        for record in part.evidence.records:
            key = record["kind"], record.get("profile", "")
            if record["kind"] in _NEVER or key in said:
                continue
            if record["kind"] in _ONCE:
                said.add(key)
            journal.append(record["kind"], **_content(record))
        for file in sorted((part.directory / FOLDER).glob("*.json")):
            (out / FOLDER).mkdir(exist_ok=True)
            shutil.copyfile(file, out / FOLDER / file.name)
    worst = min((part for part in parts), key=lambda part: _WORST.index(part.ended))
    finish = worst.evidence.last("finish") or {}
    message = f"shard {worst.number}: {finish.get('message') or worst.ended}" if worst.ended != "complete" else ""
    seconds = sum((part.evidence.last("finish") or {}).get("seconds", 0) for part in parts)
    journal.append("finish", ended=worst.ended, message=message, seconds=round(seconds, 3))


def _content(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _FREE}


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
