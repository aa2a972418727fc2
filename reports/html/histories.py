"""The journal, indexed for a reader: which records belong to a history, and which history shows what about a rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.domain.steps import History, history_from_json
from conformance.evidence.journal import Evidence
from conformance.evidence.records import (
    ActionRecord,
    BooksRecord,
    CounterexampleRecord,
    ExchangeRecord,
    HistoryRecord,
    JudgementRecord,
    MissedRecord,
)

RuleKey: TypeAlias = tuple[Profile, str]


@dataclass
class HistoryView:
    """One history as it was played: its own record, what was sent and answered, and what was judged."""

    record: HistoryRecord
    exchanges: list[ExchangeRecord] = field(default_factory=list)
    judgements: list[JudgementRecord] = field(default_factory=list)
    notes: list[ActionRecord | BooksRecord] = field(default_factory=list)
    """Of a merchant's history: what it was asked to do, and the books."""

    @property
    def id(self) -> str:
        """The history's name in the journal."""
        return self.record.id

    @property
    def profile(self) -> Profile:
        """The API it was played against."""
        return Profile(self.record.profile)

    @property
    def counts(self) -> bool:
        """Whether its judgements count as examples; those of a shrinking search do not."""
        return self.record.source != "shrinking"

    @cached_property
    def history(self) -> History:
        """The history of a provider's run."""
        return history_from_json(self.record.history)

    def judged(self, step: int) -> JudgementRecord | None:
        """Return what was last said about a step, preferring what stands."""
        at_step = [judgement for judgement in self.judgements if judgement.step == step]
        standing = [judgement for judgement in at_step if not judgement.superseded]
        return next(reversed(standing or at_step), None)

    def standing(self) -> Iterable[JudgementRecord]:
        """Iterate over the judgements that count."""
        return (judgement for judgement in self.judgements if not judgement.superseded)

    def violation_of(self, rule: str) -> JudgementRecord | None:
        """Return the first judgement that finds a rule violated."""
        found = (j for j in self.standing() if any(f.rule == rule for f in j.findings))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """Where a rule's verdict can be seen: the history, and the step in it (None when it never got there)."""

    play: HistoryView
    step: int | None


def history_views_of(evidence: Evidence) -> dict[str, HistoryView]:
    """Gather every history's records, in the order of the journal."""
    views = {record.id: HistoryView(record) for record in evidence.of(HistoryRecord)}
    for exchange in evidence.of(ExchangeRecord):
        if exchange.history:
            views[exchange.history].exchanges.append(exchange)
    for action in evidence.of(ActionRecord):
        views[action.history].notes.append(action)
    for books in evidence.of(BooksRecord):
        views[books.history].notes.append(books)
    for judgement in evidence.of(JudgementRecord):
        views[judgement.history].judgements.append(judgement)
    return views


def first_read_back(evidence: Evidence) -> list[ExchangeRecord]:
    """Return the exchanges that belong to no history: how the target was reached and what it was found to offer."""
    return [record for record in evidence.of(ExchangeRecord) if not record.history]


def evidence_refs_of(evidence: Evidence, plays: dict[str, HistoryView]) -> dict[tuple[RuleKey, str], list[EvidenceRef]]:
    """Return the histories that show each rule in each status, and those that set out for it and missed it."""
    sights: dict[tuple[RuleKey, str], list[EvidenceRef]] = defaultdict(list)
    for play in plays.values():
        if not play.counts:
            continue
        for judgement in play.standing():
            for rule, status in _shown_by(judgement):
                sights[(play.profile, rule), status].append(EvidenceRef(play, judgement.step))
    for record in evidence.of(MissedRecord):
        play = plays[record.history]
        for rule in record.rules:
            sights[(play.profile, Citation.parse(rule).rule), "missed"].append(EvidenceRef(play, None))
    return dict(sights)


def _shown_by(judgement: JudgementRecord) -> Iterable[tuple[str, str]]:
    status = judgement.status
    yield from ((rule, "recorded") for rule in judgement.noticed)
    if status == "violates":
        yield from ((finding.rule, status) for finding in judgement.findings)
        return
    named = "inconclusive" if status == "inconclusive" else "conforms"
    yield from ((Citation.parse(example).rule, named) for example in judgement.examples)
    yield from ((rule, "recorded") for rule in judgement.records)


def counterexamples_of(evidence: Evidence) -> dict[RuleKey, list[CounterexampleRecord]]:
    """Return the counterexamples of each rule, in order."""
    found: dict[RuleKey, list[CounterexampleRecord]] = defaultdict(list)
    for record in evidence.of(CounterexampleRecord):
        found[Profile(record.profile), record.rule].append(record)
    return dict(found)
