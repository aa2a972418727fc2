"""What a run observed and no rule decides: it is counted, and shown beside every verdict.

Four kinds are told apart:

- a field that was wrong in a step of our own preparation, or in another way that no rule is about;
- a server error (5xx) as the response to every request that a rule is about: one is an accident, the same one each time
  is what the target does;
- a response to every such request that may come from something between the suite and the target, such as a gateway;
- a violation that did not occur again when the same history was played again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.domain.citation import Citation
from conformance.domain.expectation import BROKEN
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence
from conformance.evidence.records import HistoryRecord, JudgementRecord
from conformance.evidence.recurrence import REPLAYED, FailureGroup, GroupKey
from conformance.judging.judge import StepStatus
from conformance.targets.http.in_between import is_in_between_cause

REPEATED: Final = 3
"""So many server errors about one rule, and no other response, are no accident."""


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Something that was not as it should be, how often, and where it was seen first.

    Attributes:
        profile: the API.
        kind: ``field``, ``server-error``, ``in-between`` or ``once``.
        do: the stored name of the step.
        reason: what was wrong.
        rules: the rules that it was about; none where no rule is.
        times: how often it was observed.
        history: the first history that shows it.
        step: the step there; the opening is 0.

    """

    profile: Profile
    kind: str
    do: str
    reason: str
    rules: tuple[str, ...]
    times: int
    history: str
    step: int

    def as_json(self) -> dict[str, Any]:
        """Return it for ``report.json``."""
        return {
            "profile": self.profile.value,
            "kind": self.kind,
            "do": self.do,
            "reason": self.reason,
            "rules": list(self.rules),
            "times": self.times,
            "history": self.history,
            "step": self.step,
        }


@dataclass(slots=True)
class _OfRule:
    """The places of the server errors about one rule among the judgements, and how often something else was seen."""

    errors: list[int] = field(default_factory=list)
    others: int = 0


def unexpected_in(evidence: Evidence, groups: Mapping[GroupKey, FailureGroup]) -> tuple[Unexpected, ...]:
    """Return what was observed and no rule decides, the most frequent first.

    ``groups`` are the failures of the run, some of which occurred once.
    """
    profiles = {
        record.id: Profile(record.profile) for record in evidence.of(HistoryRecord) if record.source not in REPLAYED
    }
    judged = [record for record in evidence.of(JudgementRecord) if record.history in profiles and not record.superseded]
    listed = (*_once(groups), *_wrong_fields(judged, profiles), *_server_errors(judged, profiles))
    return tuple(sorted(listed, key=lambda each: -each.times))


def _once(groups: Mapping[GroupKey, FailureGroup]) -> Iterator[Unexpected]:
    for (profile, rule, _), group in groups.items():
        if not group.recurs:
            judgement = group.first.judgement
            about, reason = (rule,), group.both_observations
            yield Unexpected(
                Profile(profile), "once", judgement.do, reason, about, 1, judgement.history, judgement.step
            )


def _wrong_fields(judged: list[JudgementRecord], profiles: Mapping[str, Profile]) -> Iterator[Unexpected]:
    groups: dict[tuple[Profile, str, str, str], list[tuple[JudgementRecord, str]]] = defaultdict(list)
    for record in judged:
        for finding in record.unexpected:
            group = profiles[record.history], record.do, finding.branch, finding.field
            groups[group].append((record, finding.reason))
    for (profile, do, _, _), members in groups.items():
        record, reason = members[0]
        yield Unexpected(profile, "field", do, reason, (), len(members), record.history, record.step)


def _kind_of(record: JudgementRecord) -> str:
    """Return the kind of a response that proves nothing; nothing for any other."""
    observed = record.observed
    if observed.get(Field.ANSWER_OUTCOME) == BROKEN:
        return "server-error"
    is_in_between = observed.get(Field.ANSWER_FOREIGN) or is_in_between_cause(observed.get(Field.ANSWER_CAUSE))
    return "in-between" if is_in_between else ""


def _server_errors(judged: list[JudgementRecord], profiles: Mapping[str, Profile]) -> Iterator[Unexpected]:
    """Yield the rules about which nothing but server errors was observed, those with the same errors together."""
    of_rules: dict[tuple[Profile, str], _OfRule] = defaultdict(_OfRule)
    for place, record in enumerate(judged):
        is_error = record.status == StepStatus.INCONCLUSIVE and bool(_kind_of(record))
        rules = {Citation.parse(rule).rule for rule in record.examples} | {each.rule for each in record.findings}
        for rule in rules:
            of_rule = of_rules[profiles[record.history], rule]
            if is_error:
                of_rule.errors.append(place)
            else:
                of_rule.others += 1
    groups: dict[tuple[Profile, tuple[int, ...]], list[str]] = defaultdict(list)
    for (profile, rule), of_rule in of_rules.items():
        if len(of_rule.errors) >= REPEATED and not of_rule.others:
            groups[profile, tuple(of_rule.errors)].append(rule)
    for (profile, places), members in groups.items():
        record = judged[places[0]]
        kind = _kind_of(record)
        reason = f"the response was HTTP {record.observed.get(Field.ANSWER_STATUS)} each time"
        reason = reason if kind == "server-error" else f"each time: {record.cause}"
        about = tuple(sorted(members))
        yield Unexpected(profile, kind, record.do, reason, about, len(places), record.history, record.step)
