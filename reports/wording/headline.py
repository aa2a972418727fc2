"""What every form of the report says first, in the same words: the verdict, the replay line, what was not tested."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.evidence.journal import is_merchant_run
from conformance.evidence.records import (
    BudgetRecord,
    ExamplesRecord,
    FinishRecord,
    HistoryRecord,
    JudgementRecord,
    PlanRecord,
    ResumedRecord,
    SharedRecord,
)
from conformance.judging.judge import StepStatus
from conformance.judging.run_verdicts import blocks_conformance, needless_waivers
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.wording.provider import counted, sentence
from conformance.results.result import Result, partial_note
from conformance.rulebook import Level

_VERDICTS: Final = {
    RunVerdict.CONFORMANT: "Conformant",
    RunVerdict.NOT_CONFORMANT: "Not conformant",
    RunVerdict.INCOMPLETE: "Incomplete",
    RunVerdict.ENVIRONMENT: "Environment error",
    RunVerdict.HARNESS: "Harness fault",
    RunVerdict.INTERRUPTED: "Interrupted",
}


_SILENT: Final = (
    RuleVerdict.INCONCLUSIVE,
    RuleVerdict.NOT_EXERCISED,
    RuleVerdict.THIN,
    RuleVerdict.RECORDED,
    RuleVerdict.EXCLUDED,
)
_IN_PART: Final = (*_SILENT[:3], RuleVerdict.PASSED, *_SILENT[3:])
"""The verdicts with which a rule, or a part of it, says nothing about the target, the most telling one first."""
_EXAMPLES: Final = frozenset(f"python:examples.merchants.{profile.value}:Adapter" for profile in Profile)
_NEVER_MET: Final = "it is written down where it occurs, and it did not occur"


@dataclass(frozen=True, slots=True)
class Untested:
    """Rules that say nothing about the target, for one and the same reason."""

    verdict: RuleVerdict
    reason: str
    rules: tuple[RuleResult, ...]
    holds_back: bool


def verdict_name(result: Result) -> str:
    """Return the run's verdict as a sentence begins with it."""
    return _VERDICTS[result.verdict]


def headline(result: Result) -> str:
    """Return the run's verdict as one sentence in plain words."""
    return f"{verdict_name(result)}: {because(result)}"


def about(result: Result) -> str:
    """Say what a report of this kind is about, and whom it says nothing of."""
    if is_merchant_run(result.run):
        if result.run.target.name in _EXAMPLES:
            return "A test of an example shop that comes with the suite. It says nothing of anybody’s integration."
        return "Whether a merchant’s integration cancels as the documentation of Vipps MobilePay asks it to."
    if result.run.target.kind == "embedded":
        changed = "" if result.run.target.name == "embedded" else "a changed copy of "
        return (
            f"A test of the suite itself, against {changed}the provider that comes with it. It says nothing of Vipps "
            "MobilePay, nor of anybody’s integration."
        )
    return (
        "Whether Cancel behaves at this target as the documentation of Vipps MobilePay says. Of other operations, only "
        "what a cancel needs is looked at."
    )


def unseen_from_outside(result: Result) -> int:
    """Return how many required rules the rulebook excludes, each for a reason, in the run's profiles."""
    return sum(one.verdict is RuleVerdict.EXCLUDED and one.rule.level is Level.REQUIRED for one in result.rules)


def because(result: Result) -> str:
    """Return the headline without the verdict: why it is what it is."""
    violated = violations(result)
    passed = sum(one.verdict is RuleVerdict.PASSED for one in result.rules)
    match result.verdict:
        case RunVerdict.CONFORMANT:
            return f"{counted(passed, 'rule')} passed and none is violated{_except_waived(result)}{_warned(result)}."
        case RunVerdict.NOT_CONFORMANT:
            first = violated[0].rule
            verb = "is" if len(violated) == 1 else "are"
            which = f"{first.id}, “{first.title}”"
            said = which if len(violated) == 1 else f"first {which}"
            return f"{counted(len(violated), 'rule')} {verb} violated{': ' if len(violated) == 1 else ', '}{said}."
        case RunVerdict.INCOMPLETE if partial_note(result.run):
            note = partial_note(result.run)
            return f"{note[0].lower()}{note[1:]}"
        case RunVerdict.INCOMPLETE if not result.histories and not result.fuzzed:
            return "no history was played, so nothing was tested."
        case RunVerdict.INCOMPLETE if not any(map(blocks_conformance, result.rules)) and needless(result):
            return f"nothing was violated, but {needless(result)[0]} is waived and needs no waiver."
        case RunVerdict.INCOMPLETE:
            open_rules = sum(blocks_conformance(one) for one in result.rules)
            verb = "was" if open_rules == 1 else "were"
            said = counted(open_rules, "required rule")
            return f"no rule was seen violated, but {said} {verb} not put to the test, or not enough. This is no pass."
        case RunVerdict.ENVIRONMENT:
            return f"the target could not be tested to the end.{_so_far(result)}"
        case RunVerdict.HARNESS:
            return "the suite itself failed, and nothing is claimed about the target."
        case RunVerdict.INTERRUPTED:
            return f"the run was stopped before its end.{_so_far(result)}"


def _so_far(result: Result) -> str:
    violated = violations(result)
    if not result.histories and not result.fuzzed:
        return " Nothing was tested."
    if not violated:
        return " No rule was violated until then."
    return f" {counted(len(violated), 'rule was', 'rules were')} violated until then, first {violated[0].rule.id}."


def _warned(result: Result) -> str:
    found = warnings(result)
    return f", with {counted(len(found), 'warning')}, first {found[0].rule.id}" if found else ""


def _except_waived(result: Result) -> str:
    waived = [one for one in result.rules if one.verdict is RuleVerdict.VIOLATED and one.waiver is not None]
    return f", except for {counted(len(waived), 'violation')} that the user waived" if waived else ""


def needless(result: Result) -> list[str]:
    """Return the rules that the user waived without need."""
    return needless_waivers(result.rules, [waiver.rule for waiver in result.run.waivers])


def violations(result: Result) -> list[RuleResult]:
    """Return the violated rules that no waiver covers, the one that its counterexample explains best first."""
    violated = [one for one in result.rules if one.verdict is RuleVerdict.VIOLATED and one.waiver is None]
    return sorted(violated, key=lambda one: one.rank)


def ending(result: Result) -> FinishRecord | None:
    """Return the record of how the run ended, if it got so far."""
    return result.evidence.last(FinishRecord)


def ending_note(result: Result) -> str:
    """Return what is to be known about the end of the run beyond its verdict, in a sentence, or nothing."""
    finish = ending(result)
    notes = []
    if finish is None:
        notes.append("The journal has no closing record: the process ended before it could write one.")
    elif finish.message:
        notes.append(sentence(finish.message))
    if result.evidence.truncated:
        notes.append("The journal’s last line was cut off while it was being written, and is not counted.")
    if result.verdict is RunVerdict.INTERRUPTED:
        notes += _cut_short(result)
    resumed = sum(1 for _ in result.evidence.of(ResumedRecord))
    if resumed:
        notes.append(f"The run was interrupted and taken up again {counted(resumed, 'time')}.")
    budget = result.evidence.last(BudgetRecord)
    if budget is not None:
        notes.append(bought(budget))
    troubles = [trouble for record in result.evidence.of(ExamplesRecord) for trouble in record.trouble]
    troubles += [trouble for record in result.evidence.of(SharedRecord) for trouble in record.trouble]
    if troubles:
        notes.append(f"Shared examples: {'; '.join(dict.fromkeys(troubles))}.")
    names = ", ".join(spec_of(profile).title for profile in unseen(result))
    if names and result.rules:
        notes.append(f"{names}: the run ended before it was known what the target offers there.")
    return " ".join(notes)


def _cut_short(result: Result) -> Iterator[str]:
    """Say how far a run came that was stopped: of how many histories nothing is known."""
    planned = [name for record in result.evidence.of(PlanRecord) for name in record.histories]
    if planned:
        begun = {record.id for record in result.evidence.of(HistoryRecord)}
        played = sum(name in begun for name in planned)
        yield f"{played:,} of {len(planned):,} planned histories were begun."


def bought(budget: BudgetRecord) -> str:
    """Say what a budget of requests bought."""
    played = f"{budget.played} of {budget.planned} planned histories ({budget.systematic} of them systematic)"
    rest = f", and the rest would take about {budget.rest} more" if budget.rest else ", which is all of them"
    return f"The budget of {budget.most} requests bought {played} for {budget.sent} requests{rest}."


def unseen(result: Result) -> list[Profile]:
    """Return the profiles of the run that it did not come to: none of their rules was put to the test."""
    return [profile for profile in profiles(result) if not result.of(profile)]


def replay_line(result: Result, file: str) -> str:
    """Return the command that plays a counterexample again, to be given in the folder of the report."""
    target = result.run.target.name
    return f"cancel-conformance replay . {shlex.quote(file)} --target {shlex.quote(target)}"


def warnings(result: Result) -> list[RuleResult]:
    """Return the recommendations that a merchant's integration goes against and no waiver covers, the first first."""
    found = [one for one in result.rules if one.verdict is RuleVerdict.WARNING and one.waiver is None]
    return sorted(found, key=lambda one: one.rank)


def verdicts(result: Result) -> list[RuleVerdict]:
    """Return the verdicts that a rule of this run can have. Only a merchant's obligations can be a warning."""
    return [one for one in RuleVerdict if one is not RuleVerdict.WARNING or is_merchant_run(result.run)]


def proved_nothing(result: Result) -> str:
    """Say how many histories proved nothing, and why most often; nothing where every history did."""
    causes = {
        record.history: record.cause
        for record in result.evidence.of(JudgementRecord)
        if record.status == StepStatus.INCONCLUSIVE and not record.superseded
    }
    if not causes:
        return ""
    cause, often = Counter(causes.values()).most_common(1)[0]
    most = f", {often} of them because" if often < len(causes) else ":"
    return f"{counted(len(causes), 'history', 'histories')} proved nothing{most} {cause}"


def counts(results: Iterable[RuleResult]) -> dict[RuleVerdict, int]:
    """Count rules by verdict; every verdict is there."""
    found = Counter(one.verdict for one in results)
    return {verdict: found[verdict] for verdict in RuleVerdict}


def untested(result: Result) -> list[Untested]:
    """Group what says nothing about the target by its reason; what holds the verdict back comes first."""
    groups: dict[tuple[bool, RuleVerdict, str], list[RuleResult]] = {}
    for one in result.rules:
        if one.verdict is RuleVerdict.RECORDED:
            if not one.records:
                groups.setdefault((False, one.verdict, _NEVER_MET), []).append(one)
        elif one.untried:
            groups.setdefault((False, one.verdict, f"in part: {one.untried}"), []).append(one)
        elif one.verdict in _SILENT:
            groups.setdefault((blocks_conformance(one), one.verdict, one.reason), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: (not item[0][0], _IN_PART.index(item[0][1]), -len(item[1])))
    return [Untested(verdict, reason, tuple(rules), held) for (held, verdict, reason), rules in ordered]


def profiles(result: Result) -> list[Profile]:
    """Return the profiles of the run, in the order it names them."""
    return [Profile(name) for name in result.run.profiles]
