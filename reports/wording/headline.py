"""The first sentences of every report: verdict, replay line, what was not tested."""

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
from conformance.reports.wording.defects import defects, defects_found, listed_under_others
from conformance.reports.wording.provider import counted, sentence
from conformance.reports.wording.sanitize import in_one_line
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
"""The verdicts of a rule that is untested, wholly or in part; the most important first."""
_EXAMPLES: Final = ("conformance.examples.", "examples.")
_NEVER_MET: Final = "it is written down where it occurs, and it did not occur"


@dataclass(frozen=True, slots=True)
class Untested:
    """Rules that say nothing about the target, all for the same reason."""

    verdict: RuleVerdict
    reason: str
    rules: tuple[RuleResult, ...]
    is_blocking: bool


def verdict_name(result: Result) -> str:
    """Return the run's verdict as the first words of a sentence."""
    return _VERDICTS[result.verdict]


def headline(result: Result) -> str:
    """Return the run's verdict and its reason in one sentence."""
    tested = f" ({product(result)})" if product(result) else ""
    return f"{verdict_name(result)}{tested}: {because(result)}"


def product(result: Result) -> str:
    """Return the name and version that a merchant's integration gives itself; empty where it gives none."""
    target = result.run.target
    return in_one_line(f"{target.product} {target.version}".strip(), 80)


def demonstration(result: Result) -> str | None:
    """Return what a run of the suite against something of its own is, or None where the software is a user's."""
    target = result.run.target
    is_sample = target.name.partition(":")[2].startswith(_EXAMPLES)
    if is_merchant_run(result.run):
        if not is_sample:
            return None
        return "Demonstration run against the suite’s sample shop. It is not evidence about any real integration."
    if target.kind == "embedded":
        tested = "built-in simulator" if target.name == "embedded" else "built-in simulator, changed"
    elif is_sample:
        tested = "sample implementation"
    else:
        return None
    return (
        f"Demonstration run against the suite’s {tested}. It is not evidence about Vipps MobilePay or about any "
        "integration."
    )


def about(result: Result) -> str:
    """Return what a report of this kind is about."""
    shown = demonstration(result)
    if shown is not None:
        return shown
    if is_merchant_run(result.run):
        return "Whether a merchant’s integration cancels as the documentation of Vipps MobilePay asks it to."
    return (
        "Whether Cancel behaves at this target as the documentation of Vipps MobilePay says. Of other operations, only "
        "what a cancel needs is looked at."
    )


def unseen_from_outside(result: Result) -> int:
    """Return how many required rules of the run are not testable."""
    return sum(rule.verdict is RuleVerdict.EXCLUDED and rule.rule.level is Level.REQUIRED for rule in result.rules)


def because(result: Result) -> str:
    """Return the reason of the verdict: the headline without the verdict."""
    violated = violations(result)
    passed = sum(rule.verdict is RuleVerdict.PASSED for rule in result.rules)
    match result.verdict:
        case RunVerdict.CONFORMANT:
            besides = f"{_except_waived(result)}{_warned(result)}{_undecided(result)}"
            return f"{counted(passed, 'rule')} passed and none is violated{besides}."
        case RunVerdict.NOT_CONFORMANT if defects(result):
            return f"{defects_found(result)}."
        case RunVerdict.NOT_CONFORMANT:
            first = violated[0].rule
            verb = "is" if len(violated) == 1 else "are"
            which = f"{first.id}, “{first.title}”"
            subject = which if len(violated) == 1 else f"first {which}"
            return f"{counted(len(violated), 'rule')} {verb} violated{': ' if len(violated) == 1 else ', '}{subject}."
        case RunVerdict.INCOMPLETE if partial_note(result.run):
            note = partial_note(result.run)
            return f"{note[0].lower()}{note[1:]}"
        case RunVerdict.INCOMPLETE if not result.histories and not result.fuzzed:
            return "no history was played, so nothing was tested."
        case RunVerdict.INCOMPLETE if not any(map(blocks_conformance, result.rules)) and needless(result):
            return f"nothing was violated, but {needless(result)[0]} is waived and needs no waiver."
        case RunVerdict.INCOMPLETE:
            open_rules = sum(blocks_conformance(rule) for rule in result.rules)
            verb = "was" if open_rules == 1 else "were"
            subject = counted(open_rules, "required rule")
            return (
                f"no rule was seen violated, but {subject} {verb} not put to the test, or not enough. This is no pass."
            )
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
    if defects(result):
        return f" Until then, {defects_found(result)}."
    return f" {counted(len(violated), 'rule was', 'rules were')} violated until then, first {violated[0].rule.id}."


def _warned(result: Result) -> str:
    warned = warnings(result)
    return f", with {counted(len(warned), 'warning')}, first {warned[0].rule.id}" if warned else ""


def _undecided(result: Result) -> str:
    number = len(result.unexpected)
    return f"; {counted(number, 'observation')} that no rule decides, listed below" if number else ""


def _except_waived(result: Result) -> str:
    waived = [rule for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED and rule.waiver is not None]
    return f", except for {counted(len(waived), 'violation')} that the user waived" if waived else ""


def needless(result: Result) -> list[str]:
    """Return the rules whose waiver was not needed."""
    return needless_waivers(result.rules, [waiver.rule for waiver in result.run.waivers])


def violations(result: Result) -> list[RuleResult]:
    """Return the violated rules that no waiver covers, the best explained first."""
    violated = [rule for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED and rule.waiver is None]
    return sorted(violated, key=lambda rule: rule.rank)


def ending(result: Result) -> FinishRecord | None:
    """Return the record of how the run ended, if there is one."""
    return result.evidence.last(FinishRecord)


def ending_note(result: Result) -> str:
    """Return what is worth knowing about the end of the run, or nothing."""
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
        notes.append(budget_in_words(budget))
    troubles = [trouble for record in result.evidence.of(ExamplesRecord) for trouble in record.trouble]
    troubles += [trouble for record in result.evidence.of(SharedRecord) for trouble in record.trouble]
    if troubles:
        notes.append(f"Shared examples: {'; '.join(dict.fromkeys(troubles))}.")
    names = ", ".join(spec_of(profile).title for profile in unseen(result))
    if names and result.rules:
        notes.append(f"{names}: the run ended before it was known what the target offers there.")
    return " ".join(notes)


def _cut_short(result: Result) -> Iterator[str]:
    """Yield how far a stopped run came: the histories that it began."""
    planned = [name for record in result.evidence.of(PlanRecord) for name in record.histories]
    if planned:
        begun = {record.id for record in result.evidence.of(HistoryRecord)}
        played = sum(name in begun for name in planned)
        yield f"{played:,} of {len(planned):,} planned histories were begun."


def budget_in_words(budget: BudgetRecord) -> str:
    """Return what a budget of requests was enough for."""
    played = f"{budget.played} of {budget.planned} planned histories ({budget.systematic} of them systematic)"
    rest = f", and the rest would take about {budget.rest} more" if budget.rest else ", which is all of them"
    return f"The budget of {budget.most} requests bought {played} for {budget.sent} requests{rest}."


def unseen(result: Result) -> list[Profile]:
    """Return the APIs of the run that it did not get to."""
    return [profile for profile in profiles(result) if not result.of(profile)]


def replay_line(result: Result, file: str) -> str:
    """Return the command that runs a counterexample again, from the report's folder."""
    target = result.run.target.name
    return f"cancel-conformance replay . {shlex.quote(file)} --target {shlex.quote(target)}"


def warnings(result: Result) -> list[RuleResult]:
    """Return the violated recommendations that no waiver covers and no defect explains.

    The best explained is first.
    """
    following = listed_under_others(result)
    warned = [
        rule
        for rule in result.rules
        if rule.verdict is RuleVerdict.WARNING and rule.waiver is None and (rule.profile, rule.rule.id) not in following
    ]
    return sorted(warned, key=lambda rule: rule.rank)


def verdicts(result: Result) -> list[RuleVerdict]:
    """Return the verdicts that a rule of this run can have.

    Only a merchant's obligation can be a warning.
    """
    return [verdict for verdict in RuleVerdict if verdict is not RuleVerdict.WARNING or is_merchant_run(result.run)]


def proved_nothing(result: Result) -> str:
    """Return how many histories were inconclusive, with the most frequent cause.

    Returns nothing where none was.
    """
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
    """Return the number of rules with each verdict, including zeros."""
    tally = Counter(rule.verdict for rule in results)
    return {verdict: tally[verdict] for verdict in RuleVerdict}


def untested(result: Result) -> list[Untested]:
    """Return what was not tested, grouped by reason, the blocking reasons first."""
    groups: dict[tuple[bool, RuleVerdict, str], list[RuleResult]] = {}
    for rule in result.rules:
        if rule.verdict is RuleVerdict.RECORDED:
            if not rule.records:
                groups.setdefault((False, rule.verdict, _NEVER_MET), []).append(rule)
        elif rule.untried:
            groups.setdefault((False, rule.verdict, f"in part: {rule.untried}"), []).append(rule)
        elif rule.verdict in _SILENT:
            groups.setdefault((blocks_conformance(rule), rule.verdict, rule.reason), []).append(rule)
    ordered = sorted(groups.items(), key=lambda item: (not item[0][0], _IN_PART.index(item[0][1]), -len(item[1])))
    return [Untested(verdict, reason, tuple(rules), is_blocking) for (is_blocking, verdict, reason), rules in ordered]


def profiles(result: Result) -> list[Profile]:
    """Return the APIs of the run, in the order in which it names them."""
    return [Profile(name) for name in result.run.profiles]
