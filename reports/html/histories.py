"""The journal, indexed for a reader: which records belong to a history, and which history shows what about a rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, Record

RuleKey: TypeAlias = tuple[Profile, str]


@dataclass(slots=True)
class HistoryView:
    """One history as it was played: its own record, what was sent and answered, and what was judged."""

    record: Record
    exchanges: list[Record] = field(default_factory=list)
    judgements: list[Record] = field(default_factory=list)
    notes: list[Record] = field(default_factory=list)
    """Of a merchant's history: what it was asked to do, and the books."""

    @property
    def id(self) -> str:
        """The history's name in the journal."""
        return str(self.record["id"])

    @property
    def profile(self) -> Profile:
        """The API it was played against."""
        return Profile(self.record["profile"])

    @property
    def counts(self) -> bool:
        """Whether its judgements count as examples; those of a shrinking search do not."""
        return bool(self.record["source"] != "shrinking")

    def judged(self, step: int) -> Record | None:
        """Return what was last said about a step, preferring what stands."""
        at_step = [one for one in self.judgements if one["step"] == step]
        standing = [one for one in at_step if not one.get("superseded")]
        return next(reversed(standing or at_step), None)

    def standing(self) -> Iterable[Record]:
        """Iterate over the judgements that count."""
        return (one for one in self.judgements if not one.get("superseded"))

    def violation_of(self, rule: str) -> Record | None:
        """Return the first judgement that finds a rule violated."""
        found = (j for j in self.standing() if any(f["rule"] == rule for f in j.get("findings", ())))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """Where a rule's verdict can be seen: the history, and the step in it (None when it never got there)."""

    play: HistoryView
    step: int | None


def history_views_of(evidence: Evidence) -> dict[str, HistoryView]:
    """Gather every history's records, in the order of the journal."""
    plays = {record["id"]: HistoryView(record) for record in evidence.of_kind("history")}
    for record in evidence.of_kind("exchange"):
        if record["history"]:
            plays[record["history"]].exchanges.append(record)
    for kind in ("action", "books"):
        for record in evidence.of_kind(kind):
            plays[record["history"]].notes.append(record)
    for record in evidence.of_kind("judgement"):
        plays[record["history"]].judgements.append(record)
    return plays


def first_read_back(evidence: Evidence) -> list[Record]:
    """Return the exchanges that belong to no history: how the target was reached and what it was found to offer."""
    return [record for record in evidence.of_kind("exchange") if not record["history"]]


def evidence_refs_of(evidence: Evidence, plays: dict[str, HistoryView]) -> dict[tuple[RuleKey, str], list[EvidenceRef]]:
    """Return the histories that show each rule in each status, and those that set out for it and missed it."""
    sights: dict[tuple[RuleKey, str], list[EvidenceRef]] = defaultdict(list)
    for play in plays.values():
        if not play.counts:
            continue
        for judgement in play.standing():
            for rule, status in _shown_by(judgement):
                sights[(play.profile, rule), status].append(EvidenceRef(play, judgement["step"]))
    for record in evidence.of_kind("missed"):
        play = plays[record["history"]]
        for rule in record["rules"]:
            sights[(play.profile, Citation.parse(rule).rule), "missed"].append(EvidenceRef(play, None))
    return dict(sights)


def _shown_by(judgement: Record) -> Iterable[tuple[str, str]]:
    status = judgement["status"]
    yield from ((rule, "recorded") for rule in judgement.get("noticed", ()))
    if status == "violates":
        yield from ((finding["rule"], status) for finding in judgement["findings"])
        return
    named = "inconclusive" if status == "inconclusive" else "conforms"
    yield from ((Citation.parse(example).rule, named) for example in judgement.get("examples", ()))
    yield from ((rule, "recorded") for rule in judgement.get("records", ()))


def counterexamples_of(evidence: Evidence) -> dict[RuleKey, list[Record]]:
    """Return the counterexamples of each rule, in order."""
    found: dict[RuleKey, list[Record]] = defaultdict(list)
    for record in evidence.of_kind("counterexample"):
        found[Profile(record["profile"]), record["rule"]].append(record)
    return dict(found)
