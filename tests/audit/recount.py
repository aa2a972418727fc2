"""A second count of the judgements of any evidence, and of what the rules of a run make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence
from conformance.evidence.record_parts import FindingRecord
from conformance.evidence.records import FuzzedRecord, HistoryRecord, JudgementRecord
from conformance.judging.incidental import QUESTIONS
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.results.result import Result, partial_note
from conformance.rulebook import Level

COUNTED: Final = ("systematic", "generated", "example", "replay")
"""Where the histories come from whose judgements count."""


def complaints(result: Result) -> Iterator[str]:
    """Say where a result contradicts its evidence."""
    yield from _totals(result)
    yield from _verdict(result)


def _totals(result: Result) -> Iterator[str]:
    """Count the judgements once more, and compare with the results of the rules."""
    evidence = result.evidence
    waivers = {waiver.rule: waiver.reason for waiver in evidence.run.waivers}
    counted = _counted(evidence)
    reported: Counter[tuple[Profile, str, str]] = Counter()
    for rule in result.rules:
        key = rule.profile, rule.rule.id
        reported[*key, "violations"] += rule.violations
        reported[*key, "examples"] += rule.examples
        reported[*key, "records"] += sum(rule.records.values())
        if rule.waiver != waivers.get(rule.rule.id):
            yield f"{rule.rule.id} is waived otherwise than the run was asked to"
        allowed = [RuleVerdict.VIOLATED, RuleVerdict.EXCLUDED]
        allowed += [RuleVerdict.WARNING] if rule.rule.level is Level.SHOULD else []
        hidden = rule.violations and rule.verdict not in allowed
        if hidden or (rule.verdict is RuleVerdict.PASSED and not rule.examples):
            yield f"{rule.rule.id} is {rule.verdict.value} in {rule.profile.value} against what was counted"
    for key in counted.keys() | reported.keys():
        if counted[key] != reported[key]:
            yield f"the evidence has {counted[key]} {key[2]} of {key[1]} in {key[0].value}, the result {reported[key]}"


def _counted(evidence: Evidence) -> Counter[tuple[Profile, str, str]]:
    profiles = {record.id: Profile(record.profile) for record in evidence.of(HistoryRecord) if record.source in COUNTED}
    counted: Counter[tuple[Profile, str, str]] = Counter()
    seen = _seen(evidence)
    for judgement in evidence.of(JudgementRecord):
        if judgement.history not in profiles or judgement.superseded:
            continue
        profile = profiles[judgement.history]
        counted.update(
            (profile, finding.rule, "violations")
            for finding in judgement.findings
            if not evidence.run.confirms or len(seen[_failure(profile, finding)]) > 1
        )
        counted.update((profile, rule, "records") for rule in judgement.noticed if rule not in QUESTIONS)
        if judgement.status != "inconclusive":
            counted.update((profile, rule.partition("/")[0], "examples") for rule in judgement.examples)
            counted.update((profile, rule, "records") for rule in judgement.records)
    for fuzzed in evidence.of(FuzzedRecord):
        profile = Profile(fuzzed.profile)
        counted.update((profile, finding.rule, "violations") for finding in fuzzed.findings)
        if fuzzed.status == "conforms":
            counted.update((profile, rule, "examples") for rule in fuzzed.examples)
    return counted


def _seen(evidence: Evidence) -> dict[tuple[str, ...], set[str]]:
    """Return the histories that show each failure; one that a single history shows is no violation."""
    played = {record.id: record for record in evidence.of(HistoryRecord)}
    seen: dict[tuple[str, ...], set[str]] = {}
    for judgement in evidence.of(JudgementRecord):
        for finding in judgement.findings:
            failure = _failure(Profile(played[judgement.history].profile), finding)
            seen.setdefault(failure, set()).add(judgement.history)
    return seen


def _failure(profile: Profile, finding: FindingRecord) -> tuple[str, ...]:
    return profile.value, finding.rule, finding.branch, finding.field


def _verdict(result: Result) -> Iterator[str]:
    """Hold the verdict of a run against its rules: red is never green, nor green red."""
    open_ = (RuleVerdict.INCONCLUSIVE, RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
    complete = result.evidence.ended == "complete"
    violated = [rule for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED]
    blocking = [
        rule for rule in result.rules if rule.verdict in open_ and rule.in_scope and rule.rule.level is Level.REQUIRED
    ]
    red = {rule.rule.id for rule in (*violated, *blocking)}
    green = (
        complete
        and not partial_note(result.run)
        and any(rule.verdict is RuleVerdict.PASSED for rule in result.rules)
        and all(rule.waiver for rule in (*violated, *blocking))
        and red.issuperset(waiver.rule for waiver in result.run.waivers)
    )
    broken = complete and any(not rule.waiver for rule in violated)
    if (result.verdict is RunVerdict.CONFORMANT) != green or (result.verdict is RunVerdict.NOT_CONFORMANT) != broken:
        yield f"the run is called {result.verdict.value}, and its rules say otherwise"
