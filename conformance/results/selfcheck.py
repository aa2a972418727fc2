"""The suite's doubts about itself: it shows that it still tells right from wrong before it says anything of a target.

``check_oracle`` asks the model, the judge and the reduction what is known in advance. ``check_totals`` counts a run's
judgements a second time, rule by rule: nothing that was found may be lost on the way to a result, and nothing be added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.domain.citation import Citation
from conformance.domain.expectation import ACCEPTED, LOST, REFUSED, Branch, Claim, Expectation, Observation, OneOf
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.domain.steps import Cancel
from conformance.evidence.journal import Evidence
from conformance.judging.incidental import QUESTIONS
from conformance.judging.judge import OracleError, StepStatus, judge
from conformance.judging.rule_verdicts import rule_results, rule_verdict
from conformance.judging.run_verdicts import run_verdict
from conformance.judging.tracker import Tracker
from conformance.judging.verdicts import (
    CHECKS_NEEDED,
    EXIT_CODES,
    RuleResult,
    RuleTally,
    RuleVerdict,
    RunVerdict,
    Scope,
)
from conformance.model import ModelContext
from conformance.rulebook import Level, Rule, Status, load

_ORDER: Final = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, since_reserved=timedelta())
_CLAIMS: Final = (
    Claim("answer.outcome", OneOf((ACCEPTED,)), ("known",)),
    Claim("view.cancelled", OneOf((1000,)), ("known",)),
)
_PLAIN: Final = Expectation((Branch("released", _CLAIMS, _ORDER, ("known",)),))
_SILENT: Final = Expectation((Branch("anything", (), _ORDER),), ("known",))
_RIGHT: Final[Observation] = {"answer.outcome": ACCEPTED, "view.outcome": ACCEPTED, "view.cancelled": 1000}
_JUDGED: Final = (
    (_PLAIN, _RIGHT, StepStatus.CONFORMS, ("known",), ()),
    (_PLAIN, {**_RIGHT, "answer.outcome": REFUSED}, StepStatus.VIOLATES, (), ("known",)),
    (_PLAIN, {**_RIGHT, "view.cancelled": 0}, StepStatus.VIOLATES, (), ("known",)),
    (_PLAIN, {**_RIGHT, "answer.outcome": LOST}, StepStatus.INCONCLUSIVE, ("known",), ()),
    (_SILENT, _RIGHT, StepStatus.RECORDED, (), ()),
)
"""Expectation and observation, and what must be said of them: the status, the examples, the rules found violated."""

_COUNTED: Final = ("systematic", "generated", "example", "replay")


def check_oracle() -> None:
    """Ask what is known in advance.

    Raises:
        OracleError: an answer is wrong.

    """
    for expectation, observed, status, examples, blamed in _JUDGED:
        judgement, _ = judge(expectation, observed)
        said = (judgement.status, judgement.examples, tuple(finding.rule for finding in judgement.findings))
        _expect(said == (status, examples, blamed), f"{status.value!r} is judged {judgement.status.value!r}")
    for profile in Profile:
        _check_model(profile)
        _check_reduction(profile)
    _expect(
        [EXIT_CODES[verdict] for verdict in RunVerdict] == [0, 1, 4, 3, 5, 130], "a verdict has another's exit code"
    )


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise OracleError(f"The suite does not tell right from wrong any more: {otherwise}.")


def _check_model(profile: Profile) -> None:
    """A reserved order whose cancel is refused, or accepted without anything being released, is no conformance."""
    kind = Kind.INITIAL_RESERVE if profile is Profile.RECURRING else Kind.PAYMENT
    order = replace(_ORDER, profile=profile, kind=kind)
    for outcome, status in ((ACCEPTED, 200), (REFUSED, 400)):
        observation: Observation = {"answer.outcome": outcome, "answer.status": status, "view.outcome": ACCEPTED}
        judgement = Tracker(profile, ModelContext(), orders=(order,)).observe(Cancel(), observation)
        _expect(judgement.status is StepStatus.VIOLATES, f"a broken cancel in {profile.value} {judgement.status.value}")


def _check_reduction(profile: Profile) -> None:
    """One rule with sides, through everything that a run can have seen of it."""
    rules = [one for one in load().governing(profile) if one.status is Status.CHECKED and one.level is Level.REQUIRED]
    rule = next(one for one in rules if len(one.sides) > 1)
    scope = Scope(profile, frozenset(rule.needs))
    full = Counter({str(Citation(rule.id, side)): CHECKS_NEEDED for side in rule.sides})
    for side in rule.sides:
        thin = _reduced(
            rule, scope, RuleVerdict.THIN, RuleTally(Counter({**full, str(Citation(rule.id, side)): CHECKS_NEEDED - 1}))
        )
        _expect(
            thin.sides == {one: CHECKS_NEEDED - (one == side) for one in rule.sides}, "a rule's sides are exchanged"
        )
        _expect(repr(side) in thin.reason, f"{thin.reason!r} does not say which side is thin")
    red = [
        (RunVerdict.NOT_CONFORMANT, _reduced(rule, scope, RuleVerdict.VIOLATED, RuleTally(full, violations=1))),
        (RunVerdict.INCOMPLETE, _reduced(rule, scope, RuleVerdict.INCONCLUSIVE, RuleTally(full, inconclusive=1))),
        (RunVerdict.INCOMPLETE, _reduced(rule, scope, RuleVerdict.NOT_EXERCISED, RuleTally())),
        (RunVerdict.INCOMPLETE, thin),
    ]
    passed = _reduced(rule, scope, RuleVerdict.PASSED, RuleTally(full))
    for verdict, one in ((RunVerdict.CONFORMANT, passed), *red):
        said, _ = run_verdict([passed, one])
        _expect(said is verdict, f"a rule that is {one.verdict.value} makes a run {said.value}")
        waived, _ = run_verdict([passed, replace(one, waiver="known")])
        _expect(waived is RunVerdict.CONFORMANT, f"a waiver of a rule that is {one.verdict.value} makes {waived.value}")
    violated = red[0][1]
    for ended in (None, RunVerdict.ENVIRONMENT, RunVerdict.HARNESS, RunVerdict.INTERRUPTED):
        said, _ = run_verdict([passed, *(one for _, one in red)], ended)
        _expect(said is (ended or RunVerdict.NOT_CONFORMANT), f"a run that ended badly is {said.value}")
    empty, _ = run_verdict([])
    _expect(empty is RunVerdict.INCOMPLETE, f"a run of nothing is {empty.value}")
    tallies = {(profile, rule.id): RuleTally(violations=1)}
    everything = rule_results(load(), [scope], tallies, {})
    _expect([one.rule for one in everything] == list(load().governing(profile)), "a rule is lost in the reduction")
    found = [one.rule for one in everything if one.verdict is RuleVerdict.VIOLATED]
    _expect(found == [violated.rule], "a violation is lost in the reduction, or another's")


def _reduced(rule: Rule, scope: Scope, verdict: RuleVerdict, tally: RuleTally) -> RuleResult:
    result = rule_verdict(rule, tally, scope)
    _expect(result.verdict is verdict, f"a rule that is {verdict.value} is reduced to {result.verdict.value}")
    return result


def check_verdict(
    verdict: RunVerdict,
    results: Iterable[RuleResult],
    *,
    complete: bool,
    waived: Iterable[str] = (),
    whole: bool = True,
) -> None:
    """Hold the verdict of a run against its rules: what is red must not be called green, nor the other way round.

    Raises:
        OracleError: it was.

    """
    listed = list(results)
    open_ = (RuleVerdict.INCONCLUSIVE, RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
    required = [one for one in listed if one.rule.level is Level.REQUIRED and one.in_scope and not one.waiver]
    violated = any(one.verdict is RuleVerdict.VIOLATED and not one.waiver for one in listed)
    green = any(one.verdict is RuleVerdict.PASSED for one in listed)
    green = green and complete and not violated and not any(one.verdict in open_ for one in required)
    red = {one.rule.id for one in listed if one.verdict is RuleVerdict.VIOLATED}
    red |= {one.rule.id for one in listed if one.verdict in open_ and one.in_scope and one.rule.level is Level.REQUIRED}
    green = green and red.issuperset(waived) and whole
    if (verdict is RunVerdict.CONFORMANT) != green or (complete and violated) != (verdict is RunVerdict.NOT_CONFORMANT):
        raise OracleError(f"The run is called {verdict.value}, and its rules say otherwise.")


def check_totals(evidence: Evidence, results: Iterable[RuleResult]) -> None:
    """Count once more what the judgements that count say, and compare it with the results of the rules.

    Raises:
        OracleError: the two disagree.

    """
    waivers = {one["rule"]: one["reason"] for one in evidence.records[0]["waivers"]}
    profiles = {one["id"]: Profile(one["profile"]) for one in evidence.of_kind("history") if one["source"] in _COUNTED}
    counted: Counter[tuple[Profile, str, str]] = Counter()
    for record in evidence.of_kind("judgement"):
        profile = profiles.get(record["history"])
        if profile is None or record.get("superseded"):
            continue
        for finding in record.get("findings", ()):
            counted[profile, finding["rule"], "violations"] += 1
        counted.update((profile, rule, "records") for rule in record.get("noticed", ()) if rule not in QUESTIONS)
        if record["status"] in ("conforms", "recorded"):
            counted.update((profile, Citation.parse(text).rule, "examples") for text in record.get("examples", ()))
            counted.update((profile, rule, "records") for rule in record.get("records", ()))
    for record in evidence.of_kind("fuzzed"):
        profile = Profile(record["profile"])
        counted.update((profile, finding["rule"], "violations") for finding in record.get("findings", ()))
        if record["status"] == "conforms":
            counted.update((profile, rule, "examples") for rule in record.get("examples", ()))
    told: Counter[tuple[Profile, str, str]] = Counter()
    for one in results:
        key = one.profile, one.rule.id
        told[*key, "violations"] += one.violations
        told[*key, "examples"] += one.examples
        told[*key, "records"] += sum(one.records.values())
        if one.waiver != waivers.get(one.rule.id):
            raise OracleError(f"The result waives {one.rule.id} otherwise than the run was asked to.")
        allowed = [RuleVerdict.VIOLATED, RuleVerdict.EXCLUDED]
        allowed += [RuleVerdict.WARNING] if one.rule.level is Level.SHOULD else []
        hidden = one.violations and one.verdict not in allowed
        if hidden or (one.verdict is RuleVerdict.PASSED and not one.examples):
            raise OracleError(f"{one.rule.id} is {one.verdict.value} in {one.profile.value} against what was counted.")
    for profile, rule, what in counted.keys() | told.keys():
        if counted[profile, rule, what] != told[profile, rule, what]:
            raise OracleError(
                f"The evidence has {counted[profile, rule, what]} {what} of {rule} in {profile.value}, "
                f"and the result {told[profile, rule, what]}."
            )
