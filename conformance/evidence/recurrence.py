"""Whether a failure recurs: what was violated once may be an accident of the line, and convicts nobody.

Violations are grouped by the rule and the branch and field that fail. A group counts once it was seen in two histories.
A history that fails is played again on a fresh order. A group that was seen in several histories, and not each time
that the same history was played, is intermittent: it counts, and its rate is reported.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from conformance.domain.citation import rule_of
from conformance.domain.steps import Cancel, Together, name_of
from conformance.evidence.record_parts import FindingRecord, Record
from conformance.evidence.records import HistoryRecord, JudgementRecord

SHRINKING: Final = "shrinking"
CONFIRMATION: Final = "confirmation"
REPLAYED: Final = frozenset({SHRINKING, CONFIRMATION})
"""Where a history comes from that plays one of the run again: it is no check."""
_RACE: Final = name_of(Together(Cancel(), Cancel()))
GroupKey: TypeAlias = tuple[str, str, str]
"""An API, a rule, and the branch and field that fail."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One violation: the judgement that finds it, and what it finds."""

    judgement: JudgementRecord
    finding: FindingRecord

    @property
    def in_words(self) -> str:
        """Where it was seen, and what."""
        return f"{self.judgement.history}, step {self.judgement.step}: {self.finding.reason}"


@dataclass(slots=True)
class FailureGroup:
    """What a run shows of one failure.

    Attributes:
        sightings: the first violation in each history that fails, in the order of the journal.
        passed: the histories that played a failing one again, to an end, and did not fail so.
        undecided: those that played a failing one again and proved nothing.
        checked: in how many histories the rule was checked, failing ones included.
        races: whether two requests race in a failing history: a race need not be lost every time.

    """

    sightings: dict[str, Sighting] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    undecided: list[str] = field(default_factory=list)
    checked: int = 0
    races: bool = False

    @property
    def recurs(self) -> bool:
        """Whether it was seen in more than one history."""
        return len(self.sightings) > 1

    @property
    def is_intermittent(self) -> bool:
        """Whether it recurs, and not each time that the same history is played."""
        return self.recurs and bool(self.passed) and not self.races

    @property
    def rate(self) -> str:
        """How often it was seen, where it was seen now and then only."""
        return f"intermittent: in {len(self.sightings)} of {self.checked} histories that checked the rule"

    @property
    def first(self) -> Sighting:
        """The first violation."""
        return next(iter(self.sightings.values()))

    @property
    def both_observations(self) -> str:
        """What was observed when it was violated, and what when the same history was played again."""
        if self.passed:
            name, observed = next(iter(self.passed.items()))
            again = f"{name}, the same history on a fresh order: {observed}"
            return f"violated once and not again ({self.first.in_words}; {again})"
        again = "it was not played again"
        if self.undecided:
            again = f"{', '.join(self.undecided)}, the same history on a fresh order, proved nothing"
        return f"violated once and not confirmed ({self.first.in_words}; {again})"


def failure_groups(records: Iterable[Record]) -> Mapping[GroupKey, FailureGroup]:
    """Return what the records of a provider's run show of each failure, in the order in which they were seen."""
    plays = _plays(records)
    groups: dict[GroupKey, FailureGroup] = defaultdict(FailureGroup)
    checked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for play in plays.values():
        for sighting in play.sightings():
            finding = sighting.finding
            key = key_of(play.record.profile, finding)
            groups[key].sightings.setdefault(play.record.id, sighting)
            groups[key].races = groups[key].races or _RACE in play.record.step_names
        for rule in play.checked_rules():
            checked[play.record.profile, rule].add(play.record.id)
    alike: dict[str, list[_Play]] = defaultdict(list)
    for play in plays.values() if groups else ():
        alike[play.content].append(play)
    for (profile, rule, _), group in groups.items():
        group.checked = len(checked[profile, rule] | group.sightings.keys())
        contents = dict.fromkeys(plays[name].content for name in group.sightings)
        for play in (play for content in contents for play in alike[content]):
            _compare(group, play)
    return groups


def key_of(profile: str, finding: FindingRecord) -> GroupKey:
    """Return the group of a violation."""
    return profile, finding.rule, f"{finding.branch}: {finding.field}"


@dataclass(slots=True)
class _Play:
    """A history that was played, with its judgements."""

    record: HistoryRecord
    judgements: list[JudgementRecord] = field(default_factory=list)

    @property
    def content(self) -> str:
        return json.dumps([self.record.profile, self.record.history], sort_keys=True)

    @property
    def proves(self) -> bool:
        """Whether it came to an end, and nothing in it was inconclusive."""
        return bool(self.judgements) and all(judgement.status != "inconclusive" for judgement in self.judgements)

    def sightings(self) -> Iterator[Sighting]:
        for judgement in self.judgements:
            for finding in judgement.findings:
                yield Sighting(judgement, finding)

    def checked_rules(self) -> Iterator[str]:
        for judgement in self.judgements:
            if judgement.status != "inconclusive":
                yield from map(rule_of, judgement.examples)

    def observed(self, sighting: Sighting) -> str:
        """Return what was observed here where another history failed."""
        step, name = sighting.judgement.step, sighting.finding.field
        there = next((judgement for judgement in self.judgements if judgement.step == step), None)
        if there is None:
            return f"it ended before step {step}"
        value = there.observed.get(name)
        shown = "absent" if value is None else str(value).lower() if isinstance(value, bool) else value
        return f"{name} was {shown}"


def _plays(records: Iterable[Record]) -> dict[str, _Play]:
    plays: dict[str, _Play] = {}
    for record in records:
        if isinstance(record, HistoryRecord):
            plays[record.id] = _Play(record)
        elif isinstance(record, JudgementRecord):
            plays[record.history].judgements.append(record)
    return plays


def _compare(group: FailureGroup, play: _Play) -> None:
    """Note what playing a failing history again showed."""
    if play.record.id in group.sightings:
        return
    if play.proves:
        group.passed[play.record.id] = play.observed(group.first)
    else:
        group.undecided.append(play.record.id)
