"""Runs that put only a part of the rules to the test, or rules that histories do not: what they say of which rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, JournalError, Record
from conformance.judging.judge import StepStatus
from conformance.judging.rule_verdicts import rule_results
from conformance.judging.verdicts import RuleResult, RuleTally, RuleVerdict, Scope
from conformance.rulebook import load_http_rules

FUZZ: Final = "fuzz"
AGE: Final = "age"
_OPEN: Final = (RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)


def apply_focus(focus: str | None, results: tuple[RuleResult, ...]) -> tuple[RuleResult, ...]:
    """Return what a run with a focus says of the rules that histories put to the test.

    A run that only fuzzes plays no history and says nothing of them. One that is about ages says what it saw of every
    rule, and is not held back by a rule that needs no age.
    """
    if focus == FUZZ:
        return ()
    if focus != AGE:
        return results
    reason = "the run was about the age of orders, and nothing else was asked for"
    return tuple(
        replace(one, reason=reason, in_scope=False)
        if one.verdict in _OPEN and "age" not in one.rule.needs and not one.examples
        else replace(one, in_scope=False)
        if one.verdict in _OPEN and "age" not in one.rule.needs
        else one
        for one in results
    )


def fuzzed_rules(evidence: Evidence, scopes: Iterable[Scope], waivers: Mapping[str, str]) -> tuple[RuleResult, ...]:
    """Return what a run says of the rules of the HTTP layer; nothing where it did not fuzz.

    Raises:
        JournalError: it was judged by another version of these rules.

    """
    begun = evidence.first("fuzz")
    if begun is None:
        return ()
    if begun["rules"] != load_http_rules().digest:
        raise JournalError(
            "What was fuzzed was judged by another version of the rules: "
            f"report it with version {evidence.records[0]['tool']} of cancel-conformance."
        )
    tallies: dict[tuple[Profile, str], RuleTally] = {}
    for record in evidence.of_kind("fuzzed"):
        _tally(record, tallies)
    fuzzed = [scope for scope in scopes if scope.profile.value in begun["profiles"]]
    return rule_results(load_http_rules(), fuzzed, tallies, waivers)


def _tally(record: Record, tallies: dict[tuple[Profile, str], RuleTally]) -> None:
    profile, status = Profile(record["profile"]), StepStatus(record["status"])
    for finding in record.get("findings", ()):
        tally = tallies.setdefault((profile, finding["rule"]), RuleTally())
        tally.violations += 1
        tally.reason = tally.reason or f"{record['operation']}, {record['label']}: {finding['reason']}"
    for rule in record.get("examples", ()):
        tally = tallies.setdefault((profile, rule), RuleTally())
        if status is StepStatus.INCONCLUSIVE:
            tally.inconclusive += 1
            tally.causes[record["cause"]] += 1
        elif status is not StepStatus.VIOLATES:
            tally.examples[rule] += 1
