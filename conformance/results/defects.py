"""Defects of a merchant's run: violations that one cause explains, the plainest first.

A pure function of the evidence. A reader counts, ranks and fixes defects; the verdict of each rule stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.evidence.journal import Evidence
from conformance.evidence.record_parts import Record
from conformance.evidence.records import (
    CapabilitiesRecord,
    CounterexampleRecord,
    HistoryRecord,
    JudgementRecord,
    history_id_of,
)
from conformance.judging.verdicts import RuleResult, RuleVerdict
from conformance.obligations.judge import CAUSE_ORDER, GENERAL
from conformance.obligations.loss import Loss, loss_of
from conformance.obligations.observation import trace_from_records
from conformance.rulebook import Level

NEARLY_ALL: Final = 0.8
"""The share of a rule's histories that others have to explain."""
MOST: Final = 0.5
"""The same for an obligation about a wrong end, where the particular one that explains it is as plain."""
MANY: Final = 10
"""More than twice the histories and so many more put a violation before one that is nearer to the cause."""
_SHOWN: Final = (RuleVerdict.VIOLATED, RuleVerdict.WARNING)


@dataclass(frozen=True, slots=True)
class FollowingRule:
    """A rule that is violated because of a defect of another one, and in how many histories."""

    result: RuleResult
    histories: int


@dataclass(frozen=True, slots=True)
class Defect:
    """One cause and the violations that it explains.

    Attributes:
        result: The result of the leading rule, which says best what is wrong.
        histories: How many histories show the defect; ``without_fault`` counts those in which nothing went wrong
            on the way.
        loss: What somebody loses at the end of its counterexample, or None.
        following: The other rules that are violated because of it.

    """

    result: RuleResult
    histories: int
    without_fault: int
    loss: Loss | None
    following: tuple[FollowingRule, ...]

    @property
    def rule(self) -> str:
        """The id of the leading rule."""
        return self.result.rule.id

    @property
    def profile(self) -> Profile:
        """The API."""
        return self.result.profile

    @property
    def reason(self) -> str:
        """What was wrong, in the words of the leading rule."""
        return self.result.reason

    @property
    def decides(self) -> bool:
        """Whether it keeps the run from being conformant; a recommendation that is not followed does not."""
        return self.result.verdict is RuleVerdict.VIOLATED


@dataclass(slots=True)
class _Violation:
    """A violated rule of one API.

    ``causes`` has every history that breaks the rule, with the rule that explains it there, or nothing.
    """

    result: RuleResult
    causes: dict[str, str] = field(default_factory=dict)
    without_fault: frozenset[str] = frozenset()
    is_plain: bool = False
    loss: Loss | None = None

    @property
    def rule(self) -> str:
        return self.result.rule.id

    @property
    def histories(self) -> set[str]:
        return set(self.causes)

    @property
    def own(self) -> set[str]:
        """The histories in which nothing else explains it."""
        return {history for history, cause in self.causes.items() if not cause}


def defects_of(evidence: Evidence, rules: Iterable[RuleResult]) -> tuple[Defect, ...]:
    """Group the violations of a merchant's run to defects.

    What the user waived is left out. A violation is never listed under a mere warning.

    Args:
        evidence: the evidence of the run.
        rules: the results of its rules.

    Returns:
        The defects, the plainest first, and behind them the recommendations that were not followed.

    """
    shown = [rule for rule in rules if rule.verdict in _SHOWN and rule.waiver is None]
    violations = _violations(evidence, shown)
    leaders = _leaders(violations)
    groups: dict[tuple[Profile, str], list[_Violation]] = {}
    for violation in violations:
        groups.setdefault(_key(leaders[_key(violation)]), []).append(violation)
    leading = [violation for violation in _in_order(violations) if _key(violation) in groups]
    return tuple(_defect(number, leader, groups[_key(leader)]) for number, leader in enumerate(leading))


def in_order_of(defects: Sequence[Defect], rules: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """Return the results of the rules, each with its place among the defects as its rank.

    A waived rule comes behind all of them, the one nearest to the cause first.
    """
    placed = {
        (result.profile, result.rule.id): result
        for defect in defects
        for result in (defect.result, *(following.result for following in defect.following))
    }
    return tuple(
        placed.get((rule.profile, rule.rule.id)) or replace(rule, rank=(len(defects), CAUSE_ORDER.get(rule.rule.id, 0)))
        if rule.verdict in _SHOWN
        else rule
        for rule in rules
    )


# What the evidence shows of each violated rule


def _violations(evidence: Evidence, shown: Sequence[RuleResult]) -> list[_Violation]:
    """Return what the evidence shows of each violated rule."""
    histories = {record.id: record for record in evidence.of(HistoryRecord)}
    by_rule = {(rule.profile, rule.rule.id): _Violation(rule) for rule in shown}
    for name, follows in _findings(evidence).items():
        if histories[name].source == "shrinking":
            continue
        for rule in follows:
            violation = by_rule.get((Profile(histories[name].profile), rule))
            if violation is not None:
                violation.causes[name] = _root(rule, follows)
    traces = _Losses(evidence, histories)
    smallest = _smallest_counterexamples(evidence)
    for key, violation in by_rule.items():
        violation.without_fault = frozenset(name for name in violation.causes if not _faults(histories[name]))
        example = smallest.get(key) or _plainest(violation, histories)
        violation.is_plain = bool(violation.own & violation.without_fault) or not _faults(histories[example])
        violation.loss = traces.of(example)
    return list(by_rule.values())


def _findings(evidence: Evidence) -> dict[str, dict[str, str]]:
    """Return the rules that each history breaks, each with the one that it follows from, or nothing."""
    findings: dict[str, dict[str, str]] = {}
    for record in evidence.of(JudgementRecord):
        for finding in record.findings if not record.superseded else ():
            findings.setdefault(record.history, {})[finding.rule] = finding.follows
    return findings


def _root(rule: str, follows: Mapping[str, str]) -> str:
    """Return the rule at the beginning of a chain of causes; nothing where a rule follows from no other."""
    chain = [rule]
    while (cause := follows.get(chain[-1], "")) and cause not in chain:
        chain.append(cause)
    return chain[-1] if len(chain) > 1 else ""


def _faults(record: HistoryRecord) -> int:
    """Return how many faults a history injects."""
    return len(record.history.get("faults", ()))


def _smallest_counterexamples(evidence: Evidence) -> dict[tuple[Profile, str], str]:
    """Return the history of each rule's smallest counterexample."""
    smallest: dict[tuple[Profile, str], str] = {}
    for record in sorted(evidence.of(CounterexampleRecord), key=lambda record: record.steps):
        smallest.setdefault((Profile(record.profile), record.rule), record.history)
    return smallest


def _plainest(violation: _Violation, histories: Mapping[str, HistoryRecord]) -> str:
    """Return the history with the fewest faults and steps, of those in which nothing else explains a violation."""
    records = (histories[name] for name in violation.own)
    return min(records, key=lambda record: (_faults(record), record.step_count, record.id)).id


class _Losses:
    """What somebody loses at the end of a history, made from its records when it is asked for."""

    def __init__(self, evidence: Evidence, histories: Mapping[str, HistoryRecord]) -> None:
        self._histories = histories
        self._stated = {record.profile: record for record in evidence.of(CapabilitiesRecord)}
        self._records: dict[str, list[Record]] = {}
        for record in evidence.records:
            self._records.setdefault(history_id_of(record), []).append(record)

    def of(self, name: str) -> Loss | None:
        """Return the loss at the end of a history; None where there is none, or where it cannot be read."""
        history = self._histories[name]
        stated = self._stated[history.profile]
        try:
            return loss_of(trace_from_records(history.history, self._records[name], stated.offered, stated.declared))
        except (HistoryError, ValueError):
            return None


# Which violations one cause explains


def _leaders(violations: Sequence[_Violation]) -> dict[tuple[Profile, str], _Violation]:
    """Return the violation that leads the defect of each one, which may be itself."""
    parents: dict[tuple[Profile, str], _Violation] = {}

    def root(violation: _Violation) -> _Violation:
        while (parent := parents.get(_key(violation))) is not None:
            violation = parent
        return violation

    for violation in reversed(_in_order(violations)):
        parent = _explained_by(violation, [each for each in violations if _may_lead(each, violation)])
        if parent is not None and root(parent) is not violation:
            parents[_key(violation)] = parent
    return {_key(violation): root(violation) for violation in violations}


def _may_lead(leader: _Violation, violation: _Violation) -> bool:
    """Return whether a violation may be listed under another one: under advice or what is less plain, it may not."""
    if leader is violation or leader.result.profile is not violation.result.profile:
        return False
    return _is_advice(leader) <= _is_advice(violation) and (leader.is_plain or not violation.is_plain)


def _explained_by(violation: _Violation, candidates: Sequence[_Violation]) -> _Violation | None:
    """Return the violation that explains another one; None where it is a defect of its own."""
    explained = [(_explained_histories(violation, each), each) for each in candidates]
    if explained:
        _, cause = max(explained, key=lambda item: len(item[0]))
        is_consequence = violation.rule in GENERAL and _kind(cause) <= _kind(violation)
        share = MOST if is_consequence else NEARLY_ALL
        if len(set().union(*(histories for histories, _ in explained))) >= share * len(violation.causes):
            return cause
    plainer = [each for each in candidates if _is_artefact_of(violation, each)]
    return next(iter(_in_order(plainer)), None)


def _explained_histories(violation: _Violation, leader: _Violation) -> set[str]:
    """Return the histories in which a violation follows from another one.

    The journal says so; and of two wrong ends of the same order the plainer one is the one to tell of.
    """
    follow = {history for history, cause in violation.causes.items() if cause == leader.rule}
    if violation.rule in GENERAL and leader.rule in GENERAL and _plainness(leader) < _plainness(violation):
        follow |= violation.own & leader.histories
    return follow


def _is_artefact_of(violation: _Violation, leader: _Violation) -> bool:
    """Return whether a violation shows only where a fault was injected, and each time beside a plainer one.

    The plainer one must have at least as many histories that the other one cannot explain.
    """
    beside = violation.histories <= leader.histories and len(leader.own) >= len(violation.histories)
    says_more = leader.is_plain and not violation.is_plain and (leader.loss is not None or violation.loss is None)
    return beside and says_more


# In which order they are named


def _in_order(violations: Iterable[_Violation]) -> list[_Violation]:
    """Return violations with the plainest first, and of those as plain the nearest to the cause.

    How many histories show one depends on the plan as well, and decides only where there are far more.
    """
    ordered: list[_Violation] = []
    for violation in sorted(violations, key=_plainness):
        place = len(ordered)
        while place and _goes_before(violation, ordered[place - 1]):
            place -= 1
        ordered.insert(place, violation)
    return ordered


def _goes_before(violation: _Violation, other: _Violation) -> bool:
    """Return whether a violation is named before one that is as plain and that as many or more histories show."""
    far_more = len(other.causes) > 2 * len(violation.causes) + MANY
    return _kind(violation) == _kind(other) and not far_more and _nearness(violation) < _nearness(other)


def _kind(violation: _Violation) -> tuple[bool, ...]:
    """Return what makes a violation plain; of a recommendation, money at stake does.

    A wrong end by which nobody loses says least.
    """
    no_loss = violation.loss is None
    if _is_advice(violation):
        return True, no_loss
    return False, no_loss and violation.rule in GENERAL, not violation.is_plain, no_loss


def _is_advice(violation: _Violation) -> bool:
    return violation.result.rule.level is not Level.REQUIRED


def _plainness(violation: _Violation) -> tuple[tuple[bool, ...], int, int]:
    return _kind(violation), -len(violation.histories), _nearness(violation)


def _nearness(violation: _Violation) -> int:
    return CAUSE_ORDER.get(violation.rule, len(CAUSE_ORDER))


def _key(violation: _Violation) -> tuple[Profile, str]:
    return violation.result.profile, violation.rule


def _defect(number: int, leader: _Violation, group: Sequence[_Violation]) -> Defect:
    ordered = [leader, *(violation for violation in _in_order(group) if violation is not leader)]
    results = [replace(violation.result, rank=(number, place)) for place, violation in enumerate(ordered)]
    return Defect(
        result=results[0],
        histories=len(set().union(*(violation.histories for violation in ordered))),
        without_fault=len(set().union(*(violation.without_fault for violation in ordered))),
        loss=leader.loss,
        following=tuple(
            FollowingRule(result, len(violation.causes))
            for result, violation in zip(results[1:], ordered[1:], strict=True)
        ),
    )
