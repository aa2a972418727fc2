"""Whether a merchant's run hangs together, and whether its judgements follow from what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.evidence.consistency import PLANNED, digest_of
from conformance.evidence.journal import Evidence, JournalError, Record
from conformance.obligations.judge import judge
from conformance.obligations.observation import trace_from_records
from conformance.rulebook import load_obligations

_FREE: Final = ("n", "kind", "prev", "history")
PARTS: Final = ("exchange", "action", "books", "judgement")
"""The records that belong to a history."""


def check_merchant_run(evidence: Evidence, *, complete: bool) -> None:
    """Check that evidence is of one run. Of a ``complete`` one, everything that was planned must be there.

    Raises:
        JournalError: it is not; the message says what is wrong.

    """
    for complaint in _complaints(evidence, complete=complete):
        raise JournalError(f"The evidence is not that of one run: {complaint}.")


def _complaints(evidence: Evidence, *, complete: bool) -> Iterator[str]:
    run, last = evidence.records[0], evidence.records[-1]
    for record in evidence.records[1:]:
        if record["kind"] == "run" or (record["kind"] == "finish" and record is not last):
            yield f"there is a second beginning or something after the end at record {record.get('n')}"
    looked = [record["profile"] for record in evidence.of_kind("capabilities")]
    if len(looked) != len(set(looked)) or not set(looked) <= set(run["profiles"]):
        yield f"the integration was looked at for {', '.join(looked)}, and the run is of {', '.join(run['profiles'])}"
    played: dict[str, Record] = {}
    broken: dict[str, set[str]] = {}
    for record in evidence.records:
        yield from _in_place(record, played, broken, looked)
    for record in evidence.of_kind("counterexample"):
        for name in (record["history"], record["first"]):
            if name not in played or record["rule"] not in broken[name]:
                yield f"the counterexample of {record['rule']} is {name}, which does not violate it"
    if complete:
        missing = [profile for profile in run["profiles"] if profile not in looked]
        if missing:
            yield f"it is complete, and says nothing of {', '.join(missing)}"
        yield from _as_planned(evidence, played)


def _in_place(
    record: Record, played: dict[str, Record], broken: dict[str, set[str]], looked: list[str]
) -> Iterator[str]:
    """Complain of a record whose history was not begun before it, and of a history that was begun before."""
    if record["kind"] == "history":
        if record["id"] in played:
            yield f"{record['id']} is there twice"
        if record["profile"] not in looked or record["history"].get("profile") != record["profile"]:
            yield f"{record['id']} is of {record['profile']}, of which the run knows nothing"
        played[record["id"]] = record
        broken[record["id"]] = set()
    elif record["kind"] in PARTS:
        if record["history"] not in played:
            yield f"record {record.get('n')} is about {record['history']}, which was not begun before it"
        elif record["kind"] == "judgement":
            broken[record["history"]] |= {finding["rule"] for finding in record.get("findings", ())}


def _as_planned(evidence: Evidence, played: dict[str, Record]) -> Iterator[str]:
    begun = {name: record for name, record in played.items() if record["source"] in PLANNED}
    planned: list[str] = []
    for record in evidence.of_kind("plan"):
        names = record["histories"]
        planned += names
        if not set(names) <= set(begun):
            yield f"{', '.join(sorted(set(names) - set(begun))[:3])} was planned and not played"
        elif digest_of((name, begun[name]["history"]) for name in names) != record["digest"]:
            yield "what was played is not what was planned"
    if sorted(planned) != sorted(begun):
        yield "something was planned twice, or played and not planned"


def recompute_merchant_findings(evidence: Evidence) -> None:
    """Judge every history of a merchant's run again.

    Raises:
        JournalError: a judgement does not follow from what was seen, or a record lacks a part.

    """
    try:
        _rejudge(evidence)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalError(f"The evidence is not complete: it cannot be judged again for {error!r}.") from None


def _rejudge(evidence: Evidence) -> None:
    book = load_obligations()
    offered = {record["profile"]: record["offered"] for record in evidence.of_kind("capabilities")}
    parts: dict[str, list[Record]] = {}
    for record in evidence.records:
        if record["kind"] in PARTS:
            parts.setdefault(record["history"], []).append(record)
    for record in evidence.of_kind("history"):
        mine = parts.get(record["id"], [])
        seen = trace_from_records(record, mine, offered[record["profile"]])
        said = [_plain(one) for one in mine if one["kind"] == "judgement"]
        if said != [one.as_json(seen) for one in judge(seen, book)]:
            raise JournalError(
                f"The evidence was not judged by its rules: what is said of {record['id']} is not what was seen. "
                f"It was written by version {evidence.records[0]['tool']} of cancel-conformance."
            )


def _plain(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _FREE}
