"""Runs that test a part of the rules only, or rules that no history tests: what they say about which rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, JournalError
from conformance.evidence.records import FuzzedRecord, FuzzRecord
from conformance.judging.judge import StepStatus
from conformance.judging.rule_verdicts import rule_results
from conformance.judging.verdicts import RuleResult, RuleTally, RuleVerdict, Scope
from conformance.rulebook import load_http_rules

FUZZ: Final = "fuzz"
AGE: Final = "age"
_OPEN: Final = (RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
_NOT_ABOUT_AGE: Final = "the run was about the age of orders, and nothing else was asked for"


def apply_focus(focus: str | None, results: tuple[RuleResult, ...]) -> tuple[RuleResult, ...]:
    """Return what a run with a focus says about the rules that histories test.

    A run that only fuzzes runs no history and says nothing about them. One that is about ages says what it observed of
    every rule, and no rule without a need for age keeps it from being conformant.
    """
    if focus == FUZZ:
        return ()
    return tuple(map(_focused_on_age, results)) if focus == AGE else results


def _focused_on_age(result: RuleResult) -> RuleResult:
    if result.verdict not in _OPEN or "age" in result.rule.needs:
        return result
    reason = result.reason if result.examples else _NOT_ABOUT_AGE
    return replace(result, reason=reason, in_scope=False)


def fuzzed_rules(evidence: Evidence, scopes: Iterable[Scope], waivers: Mapping[str, str]) -> tuple[RuleResult, ...]:
    """Return what a run says about the rules of the HTTP layer; nothing if it did not fuzz.

    Raises:
        JournalError: it was judged by another version of these rules.

    """
    begun = evidence.first(FuzzRecord)
    if begun is None:
        return ()
    if begun.rules != load_http_rules().digest:
        raise JournalError(
            "What was fuzzed was judged by another version of the rules: "
            f"report it with version {evidence.run.tool} of cancel-conformance."
        )
    tallies: dict[tuple[Profile, str], RuleTally] = {}
    for record in evidence.of(FuzzedRecord):
        _tally(record, tallies)
    fuzzed = [scope for scope in scopes if scope.profile.value in begun.profiles]
    return rule_results(load_http_rules(), fuzzed, tallies, waivers)


def _tally(record: FuzzedRecord, tallies: dict[tuple[Profile, str], RuleTally]) -> None:
    profile, status = Profile(record.profile), StepStatus(record.status)
    for finding in record.findings:
        tally = tallies.setdefault((profile, finding.rule), RuleTally())
        tally.violations += 1
        tally.reason = tally.reason or f"{record.operation}, {record.label}: {finding.reason}"
    for rule in record.examples:
        tally = tallies.setdefault((profile, rule), RuleTally())
        if status is StepStatus.INCONCLUSIVE:
            tally.inconclusive += 1
            tally.causes[record.cause] += 1
        elif status is not StepStatus.VIOLATES:
            tally.examples[rule] += 1
