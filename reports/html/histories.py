"""The journal by history: its records, and the histories that show each rule."""

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
from conformance.evidence.recurrence import REPLAYED

RuleKey: TypeAlias = tuple[Profile, str]


@dataclass
class HistoryView:
    """One history: its own record, its exchanges and its judgements."""

    record: HistoryRecord
    exchanges: list[ExchangeRecord] = field(default_factory=list)
    judgements: list[JudgementRecord] = field(default_factory=list)
    notes: list[ActionRecord | BooksRecord] = field(default_factory=list)
    """In a merchant's history: the actions it was asked for, and the books."""

    @property
    def id(self) -> str:
        """The id of the history in the journal."""
        return self.record.id

    @property
    def profile(self) -> Profile:
        """The API of the history."""
        return Profile(self.record.profile)

    @property
    def is_counted(self) -> bool:
        """Whether its judgements count as checks; those of histories that play another one again do not."""
        return self.record.source not in REPLAYED

    @cached_property
    def history(self) -> History:
        """The history itself, in a provider's run."""
        return history_from_json(self.record.history)

    def judgement_of(self, step: int) -> JudgementRecord | None:
        """Return the last judgement of a step, preferring one that is not superseded."""
        at_step = [judgement for judgement in self.judgements if judgement.step == step]
        current = [judgement for judgement in at_step if not judgement.superseded]
        return next(reversed(current or at_step), None)

    def current_judgements(self) -> Iterable[JudgementRecord]:
        """Iterate over the judgements that are not superseded."""
        return (judgement for judgement in self.judgements if not judgement.superseded)

    def violation_of(self, rule: str) -> JudgementRecord | None:
        """Return the first judgement that finds a rule violated."""
        for judgement in self.current_judgements():
            if any(finding.rule == rule for finding in judgement.findings):
                return judgement
        return None


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """A history that shows a rule's verdict, and the step that does.

    The step is None where the history did not get to it.
    """

    play: HistoryView
    step: int | None


def history_views_of(evidence: Evidence) -> dict[str, HistoryView]:
    """Return the histories by id, in the order of the journal."""
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


def exchanges_outside_histories(evidence: Evidence) -> list[ExchangeRecord]:
    """Return the exchanges before the first history: reaching and probing the target."""
    return [record for record in evidence.of(ExchangeRecord) if not record.history]


def evidence_refs_of(evidence: Evidence, plays: dict[str, HistoryView]) -> dict[tuple[RuleKey, str], list[EvidenceRef]]:
    """Return the histories that show each rule in each status.

    The status ``missed`` has those that were meant for the rule and did not get to it.
    """
    refs: dict[tuple[RuleKey, str], list[EvidenceRef]] = defaultdict(list)
    for play in plays.values():
        if not play.is_counted:
            continue
        for judgement in play.current_judgements():
            for rule, status in _shown_by(judgement):
                refs[(play.profile, rule), status].append(EvidenceRef(play, judgement.step))
    for record in evidence.of(MissedRecord):
        play = plays[record.history]
        for rule in record.rules:
            refs[(play.profile, Citation.parse(rule).rule), "missed"].append(EvidenceRef(play, None))
    return dict(refs)


def _shown_by(judgement: JudgementRecord) -> Iterable[tuple[str, str]]:
    status = judgement.status
    yield from ((rule, "recorded") for rule in judgement.noticed)
    if status == "violates":
        yield from ((finding.rule, status) for finding in judgement.findings if not finding.follows)
    status_shown = "inconclusive" if status == "inconclusive" else "conforms"
    yield from ((Citation.parse(example).rule, status_shown) for example in judgement.examples)
    yield from ((rule, "recorded") for rule in judgement.records)


def counterexamples_of(evidence: Evidence) -> dict[RuleKey, list[CounterexampleRecord]]:
    """Return the counterexamples of each rule, in order."""
    counterexamples: dict[RuleKey, list[CounterexampleRecord]] = defaultdict(list)
    for record in evidence.of(CounterexampleRecord):
        counterexamples[Profile(record.profile), record.rule].append(record)
    return dict(counterexamples)
