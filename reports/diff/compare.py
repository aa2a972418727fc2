"""Two runs, held against each other: what their verdicts, their checks and the target's silences have become.

Everything is a function of the two results. Histories are the same where what they do is the same, whatever they are
called.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from conformance.domain.order import Profile
from conformance.evidence.journal import record_as_json
from conformance.evidence.records import CapabilitiesRecord, JudgementRecord, PlanRecord
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleResult, RuleVerdict
from conformance.reports.html.histories import HistoryView, history_views_of
from conformance.results.result import Result

RuleKey: TypeAlias = tuple[Profile, str]
RACE: Final = "together"


class Change(StrEnum):
    """What has become of a rule."""

    BROKEN = "newly violated"
    MENDED = "no longer violated"
    WARNED = "newly warned of"
    LOST = "no longer shown"
    SHOWN = "newly shown"
    UNSEEN = "not shown this time"
    """It decides nothing: it may happen, and need not."""
    NEW = "only in the second run"
    GONE = "only in the first run"
    OTHER = "otherwise"

    @property
    def worse(self) -> bool:
        """Whether less can be said for the target than before."""
        return self in (Change.BROKEN, Change.WARNED, Change.LOST)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule of one profile whose verdict is another one. One of the results is None where a run lacks the rule."""

    profile: Profile
    rule: str
    title: str
    change: Change
    before: RuleResult | None
    after: RuleResult | None


@dataclass(frozen=True, slots=True)
class SilenceChange:
    """Where the documentation is silent or can be read in several ways: what was seen, and how often, in each run.

    ``of`` is a rule or a switch.
    """

    profile: Profile
    of: str
    title: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    racing: bool = False
    """Whether it is about two requests at the same time, which come out differently from run to run."""

    @property
    def new(self) -> list[str]:
        """What only the second run saw."""
        return [seen for seen in self.after if seen not in self.before]

    @property
    def gone(self) -> list[str]:
        """What only the first run saw."""
        return [seen for seen in self.before if seen not in self.after]


@dataclass(frozen=True, slots=True)
class Check:
    """One step that was judged in one history: what it did, and what came of it."""

    place: str
    """The history as its steps, and the step's number in it."""
    label: str
    do: str
    said: str
    """The status, what was seen, and the rules."""


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check that both runs made, with different outcomes."""

    check: Check
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """Checks of which one and the same thing came before, and one and the same other thing now."""

    do: str
    before: str
    after: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """Two runs, and where they differ. Checks are in the order in which they were planned."""

    before: Result
    after: Result
    settings: tuple[tuple[str, str, str], ...]
    rules: tuple[RuleChange, ...]
    silence: tuple[SilenceChange, ...]
    checks: tuple[int, int]
    reordered: bool
    only_before: tuple[Check, ...]
    only_after: tuple[Check, ...]
    checked_otherwise: tuple[CheckChange, ...]

    @property
    def outcomes(self) -> list[OutcomeChange]:
        """The checks with another outcome by what they did and what came of it, what happened most often first."""
        found: dict[tuple[str, str, str], list[Check]] = {}
        for one in self.checked_otherwise:
            found.setdefault((one.check.do, one.before, one.after), []).append(one.check)
        ordered = sorted(found.items(), key=lambda item: -len(item[1]))
        return [OutcomeChange(*outcome, tuple(checks)) for outcome, checks in ordered]

    @property
    def worse(self) -> list[RuleChange]:
        """The rules of which less can be said than before."""
        return [one for one in self.rules if one.change.worse]


_SETTINGS: Final = ("tool", "rulebook", "market", "budget", "histories", "seed", "profiles", "readings", "waivers")


def diff(before: Result, after: Result) -> Diff:
    """Compare two runs."""
    one, other = _checks(before), _checks(after)
    common_before = [place for place in one if place in other]
    common_after = [place for place in other if place in one]
    return Diff(
        before,
        after,
        tuple(_settings(before, after)),
        tuple(_rules(before, after)),
        tuple(_silence(before, after)),
        (len(one), len(other)),
        common_before != common_after,
        tuple(check for place, check in one.items() if place not in other),
        tuple(check for place, check in other.items() if place not in one),
        tuple(
            CheckChange(other[place], one[place].said, other[place].said)
            for place in common_after
            if one[place].said != other[place].said
        ),
    )


def _settings(before: Result, after: Result) -> Iterable[tuple[str, str, str]]:
    yield from _named("target", before.run.target.name, after.run.target.name)
    asked, other = record_as_json(before.run), record_as_json(after.run)
    for name in _SETTINGS:
        yield from _named(name, asked[name], other[name])
    for profile in Profile:
        yield from _named(f"offered in {profile.value}", _offered(before, profile), _offered(after, profile))


def _named(name: str, before: object, after: object) -> Iterable[tuple[str, str, str]]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _named(f"{name} {key}", before.get(key), after.get(key))
        return
    yield name, _shown(before), _shown(after)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _offered(result: Result, profile: Profile) -> object:
    offers = (record for record in result.evidence.of(CapabilitiesRecord) if record.profile == profile.value)
    return next((record.offered for record in offers), None)


def _rules(before: Result, after: Result) -> Iterable[RuleChange]:
    one = {(each.profile, each.rule.id): each for each in before.rules}
    other = {(each.profile, each.rule.id): each for each in after.rules}
    found = []
    for key in dict.fromkeys((*one, *other)):
        was, became = one.get(key), other.get(key)
        change = _change(was, became)
        if change is not None:
            rule = (became or was).rule  # type: ignore[union-attr]
            found.append(RuleChange(*key, rule.title, change, was, became))
    # What is worst comes first.
    return sorted(found, key=lambda each: list(Change).index(each.change) + 99 * (not each.change.worse))


def _change(was: RuleResult | None, became: RuleResult | None) -> Change | None:
    if was is None or became is None:
        broken = became is not None and became.verdict is RuleVerdict.VIOLATED and became.waiver is None
        return Change.BROKEN if broken else Change.NEW if was is None else Change.GONE
    if was.verdict is became.verdict and (was.waiver is None) == (became.waiver is None):
        return None
    red = [one.verdict is RuleVerdict.VIOLATED and one.waiver is None for one in (was, became)]
    if red == [False, True]:
        return Change.BROKEN
    if red == [True, False]:
        return Change.MENDED
    if became.verdict is RuleVerdict.WARNING and became.waiver is None:
        return Change.WARNED
    shown = [one.verdict is RuleVerdict.PASSED for one in (was, became)]
    if shown == [True, False]:
        # What does not keep a run from being conformant is not worse either, and needs no entry among known failures.
        return Change.LOST if blocks_conformance(replace(became, waiver=None)) else Change.UNSEEN
    return Change.SHOWN if shown == [False, True] else Change.OTHER


def _silence(before: Result, after: Result) -> Iterable[SilenceChange]:
    one, other = _recorded(before), _recorded(after)
    judged = (*before.evidence.of(JudgementRecord), *after.evidence.of(JudgementRecord))
    racing = {rule for each in judged if each.do == RACE for rule in (*each.records, *each.readings)}
    for key in dict.fromkeys((*one, *other)):
        (title, was), (_, became) = one.get(key, other.get(key, ("", {}))), other.get(key, one.get(key, ("", {})))
        was, became = (was if key in one else {}), (became if key in other else {})
        found = SilenceChange(*key, title, was, became, key[1] in racing)
        # What only one of the runs came to is no change of the target.
        if was and became and (found.new or found.gone):
            yield found


def _recorded(result: Result) -> dict[RuleKey, tuple[str, Mapping[str, int]]]:
    """Return what was seen where the documentation says nothing, and which readings were met."""
    found: dict[RuleKey, tuple[str, Mapping[str, int]]] = {
        (one.profile, one.rule.id): (one.rule.title, one.records) for one in result.rules if one.records
    }
    for (profile, switch), seen in sorted(result.readings.items()):
        found[profile, switch] = ("reading", seen)
    for (profile, switch), seen in sorted(result.noticed.items()):
        # At which ages cancels arrived hangs on the seed.
        if switch != "C1":
            found[profile, switch] = ("open question", seen)
    return found


def _checks(result: Result) -> dict[str, Check]:
    """Return every check of the planned histories that counts, by what was done, in the order of the plan."""
    plays = history_views_of(result.evidence)
    planned = [name for record in result.evidence.of(PlanRecord) for name in record.histories]
    checks: dict[str, Check] = {}
    told: Counter[str] = Counter()
    for name in planned:
        play = _last(plays, name)
        if play is None:
            continue
        history = json.dumps(play.record.history, sort_keys=True)
        told[history] += 1
        for judgement in play.judgements:
            place = f"{history} #{told[history]}, step {judgement.step}"
            checks[place] = Check(place, _label(play), judgement.do, _said(judgement))
    return checks


def _label(play: HistoryView) -> str:
    steps = " → ".join(play.record.step_names)
    label = play.record.label
    return f"{play.profile.value}: {label} ({steps})" if label else f"{play.profile.value}: {steps}"


def _last(plays: Mapping[str, HistoryView], name: str) -> HistoryView | None:
    return next((plays[one] for one in (f"{name}c", f"{name}b", name) if one in plays), None)


def _said(judgement: JudgementRecord) -> str:
    rules = ", ".join(finding.rule for finding in judgement.findings)
    said = f"{judgement.status}: {rules}" if rules else judgement.status
    # Which of two requests came first is luck, and no difference between two runs.
    return said if judgement.do == RACE else f"{said} ({judgement.seen})"
