"""The differences between two runs: verdicts, checks and undocumented behaviour.

They are a function of the two results. Two histories are the same where their steps are, whatever their names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.journal import record_as_json
from conformance.evidence.records import CapabilitiesRecord, JudgementRecord, PlanRecord
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleResult, RuleVerdict
from conformance.reports.html.histories import HistoryView, RuleKey, history_views_of
from conformance.results.result import Result

RACE: Final = "together"


class ChangeKind(StrEnum):
    """What kind of change happened to a rule."""

    BROKEN = "newly violated"
    FIXED = "no longer violated"
    WARNED = "newly warned of"
    LOST = "no longer shown"
    SHOWN = "newly shown"
    UNSEEN = "not shown this time"
    """Not worse: the rule does not block conformance."""
    NEW = "only in the second run"
    GONE = "only in the first run"
    OTHER = "otherwise"

    @property
    def worse(self) -> bool:
        """Whether the target does worse than before, or less is known of it."""
        return self in (ChangeKind.BROKEN, ChangeKind.WARNED, ChangeKind.LOST)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule of one API whose verdict changed.

    One of the results is None where a run lacks the rule.
    """

    profile: Profile
    rule: str
    title: str
    change: ChangeKind
    before: RuleResult | None
    after: RuleResult | None


@dataclass(frozen=True, slots=True)
class SilenceChange:
    """What each run observed where the documentation is silent or ambiguous.

    ``of`` is the id of a rule or of a switch; the mappings count each observation.
    """

    profile: Profile
    of: str
    title: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    racing: bool = False
    """Whether it is about concurrent requests, whose outcome varies from run to run."""

    @property
    def new(self) -> list[str]:
        """What only the second run observed."""
        return [observation for observation in self.after if observation not in self.before]

    @property
    def gone(self) -> list[str]:
        """What only the first run observed."""
        return [observation for observation in self.before if observation not in self.after]


@dataclass(frozen=True, slots=True)
class StepCheck:
    """One judged step of one history: what it did, and its outcome."""

    place: str
    """The history as JSON, and the step's number in it: what identifies the check in both runs."""
    label: str
    do: str
    outcome: str
    """The status, the rules, and what was observed."""


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check that both runs made, with different outcomes."""

    check: StepCheck
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """Checks that share their step, their outcome before and their outcome now."""

    do: str
    before: str
    after: str
    checks: tuple[StepCheck, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """The differences between two runs. Checks are in the order of the plan."""

    before: Result
    after: Result
    settings: tuple[tuple[str, str, str], ...]
    rules: tuple[RuleChange, ...]
    silence: tuple[SilenceChange, ...]
    checks: tuple[int, int]
    reordered: bool
    only_before: tuple[StepCheck, ...]
    only_after: tuple[StepCheck, ...]
    changed_checks: tuple[CheckChange, ...]

    @property
    def outcomes(self) -> list[OutcomeChange]:
        """The checks with another outcome, grouped, the largest group first."""
        groups: dict[tuple[str, str, str], list[StepCheck]] = {}
        for change in self.changed_checks:
            groups.setdefault((change.check.do, change.before, change.after), []).append(change.check)
        ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
        return [OutcomeChange(*key, tuple(checks)) for key, checks in ordered]

    @property
    def worse(self) -> list[RuleChange]:
        """The rules that became worse."""
        return [change for change in self.rules if change.change.worse]


_SETTINGS: Final = ("tool", "rulebook", "market", "budget", "histories", "seed", "profiles", "readings", "waivers")


def diff(before: Result, after: Result) -> Diff:
    """Return the differences between two runs."""
    checks_before, checks_after = _checks(before), _checks(after)
    common_before = [place for place in checks_before if place in checks_after]
    common_after = [place for place in checks_after if place in checks_before]
    return Diff(
        before,
        after,
        tuple(_settings(before, after)),
        tuple(_rules(before, after)),
        tuple(_silence(before, after)),
        (len(checks_before), len(checks_after)),
        common_before != common_after,
        tuple(check for place, check in checks_before.items() if place not in checks_after),
        tuple(check for place, check in checks_after.items() if place not in checks_before),
        tuple(
            CheckChange(checks_after[place], checks_before[place].outcome, checks_after[place].outcome)
            for place in common_after
            if checks_before[place].outcome != checks_after[place].outcome
        ),
    )


def _settings(before: Result, after: Result) -> Iterable[tuple[str, str, str]]:
    yield from _setting_changes("target", before.run.target.name, after.run.target.name)
    run_before, run_after = record_as_json(before.run), record_as_json(after.run)
    for name in _SETTINGS:
        yield from _setting_changes(name, run_before[name], run_after[name])
    for profile in Profile:
        yield from _setting_changes(f"offered in {profile.value}", _offered(before, profile), _offered(after, profile))


def _setting_changes(name: str, before: object, after: object) -> Iterable[tuple[str, str, str]]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _setting_changes(f"{name} {key}", before.get(key), after.get(key))
        return
    yield name, _as_text(before), _as_text(after)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _offered(result: Result, profile: Profile) -> object:
    offers = (record for record in result.evidence.of(CapabilitiesRecord) if record.profile == profile.value)
    return next((record.offered for record in offers), None)


def _rules(before: Result, after: Result) -> Iterable[RuleChange]:
    rules_before = {(rule.profile, rule.rule.id): rule for rule in before.rules}
    rules_after = {(rule.profile, rule.rule.id): rule for rule in after.rules}
    changes = []
    for key in dict.fromkeys((*rules_before, *rules_after)):
        was, became = rules_before.get(key), rules_after.get(key)
        kind = _change_kind(was, became)
        if kind is not None:
            rule = (became or was).rule  # type: ignore[union-attr]
            changes.append(RuleChange(*key, rule.title, kind, was, became))
    # The worst changes come first.
    return sorted(changes, key=lambda change: list(ChangeKind).index(change.change) + 99 * (not change.change.worse))


def _change_kind(was: RuleResult | None, became: RuleResult | None) -> ChangeKind | None:
    if was is None or became is None:
        broken = became is not None and became.verdict is RuleVerdict.VIOLATED and became.waiver is None
        return ChangeKind.BROKEN if broken else ChangeKind.NEW if was is None else ChangeKind.GONE
    if was.verdict is became.verdict and (was.waiver is None) == (became.waiver is None):
        return None
    violated = [rule.verdict is RuleVerdict.VIOLATED and rule.waiver is None for rule in (was, became)]
    if violated == [False, True]:
        return ChangeKind.BROKEN
    if violated == [True, False]:
        return ChangeKind.FIXED
    if became.verdict is RuleVerdict.WARNING and became.waiver is None:
        return ChangeKind.WARNED
    passed = [rule.verdict is RuleVerdict.PASSED for rule in (was, became)]
    if passed == [True, False]:
        # A rule that does not block conformance is not worse, and needs no entry among known failures.
        return ChangeKind.LOST if blocks_conformance(replace(became, waiver=None)) else ChangeKind.UNSEEN
    return ChangeKind.SHOWN if passed == [False, True] else ChangeKind.OTHER


def _silence(before: Result, after: Result) -> Iterable[SilenceChange]:
    records_before, records_after = _recorded(before), _recorded(after)
    judged = (*before.evidence.of(JudgementRecord), *after.evidence.of(JudgementRecord))
    racing = {
        rule for judgement in judged if judgement.do == RACE for rule in (*judgement.records, *judgement.readings)
    }
    for key in dict.fromkeys((*records_before, *records_after)):
        title = (records_before.get(key) or records_after[key])[0]
        was = records_before[key][1] if key in records_before else {}
        became = records_after[key][1] if key in records_after else {}
        change = SilenceChange(*key, title, was, became, key[1] in racing)
        # A situation that only one of the runs met is no change of the target.
        if was and became and (change.new or change.gone):
            yield change


def _recorded(result: Result) -> dict[RuleKey, tuple[str, Mapping[str, int]]]:
    """Return the observations of undocumented behaviour and of interpretations.

    Each has a title and the counts of what was observed.
    """
    records: dict[RuleKey, tuple[str, Mapping[str, int]]] = {
        (rule.profile, rule.rule.id): (rule.rule.title, rule.records) for rule in result.rules if rule.records
    }
    for (profile, switch), counts in sorted(result.readings.items()):
        records[profile, switch] = ("reading", counts)
    for (profile, switch), counts in sorted(result.noticed.items()):
        # The ages at which cancels arrive depend on the seed.
        if switch != "C1":
            records[profile, switch] = ("open question", counts)
    return records


def _checks(result: Result) -> dict[str, StepCheck]:
    """Return the checks of the planned histories by their place, in plan order.

    Of a history that was repeated, the last run counts.
    """
    plays = history_views_of(result.evidence)
    planned = [name for record in result.evidence.of(PlanRecord) for name in record.histories]
    checks: dict[str, StepCheck] = {}
    occurrences: Counter[str] = Counter()
    for name in planned:
        play = _last_repetition(plays, name)
        if play is None:
            continue
        history = json.dumps(play.record.history, sort_keys=True)
        occurrences[history] += 1
        for judgement in play.judgements:
            place = f"{history} #{occurrences[history]}, step {judgement.step}"
            checks[place] = StepCheck(place, _label(play), judgement.do, _outcome(judgement))
    return checks


def _label(play: HistoryView) -> str:
    steps = " → ".join(play.record.step_names)
    label = play.record.label
    return f"{play.profile.value}: {label} ({steps})" if label else f"{play.profile.value}: {steps}"


def _last_repetition(plays: Mapping[str, HistoryView], name: str) -> HistoryView | None:
    return next((plays[candidate] for candidate in (f"{name}c", f"{name}b", name) if candidate in plays), None)


def _outcome(judgement: JudgementRecord) -> str:
    rules = ", ".join(finding.rule for finding in judgement.findings)
    outcome = f"{judgement.status}: {rules}" if rules else judgement.status
    # The order of two concurrent requests is random, and no difference between two runs.
    return outcome if judgement.do == RACE else f"{outcome} ({judgement.seen})"
