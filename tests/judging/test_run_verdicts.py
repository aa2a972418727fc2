"""The results of the rules reduced to the verdict of a run, and any run reduced a second time."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.order import Profile
from conformance.judging.rule_verdicts import rule_results
from conformance.judging.run_verdicts import run_verdict
from conformance.judging.verdicts import CHECKS_NEEDED, EXIT_CODES, RuleTally, RuleVerdict, RunVerdict, Scope
from conformance.rulebook import Level, RuleStatus, load
from tests.judging.tallies import BARE, FULL, tally


def everything_passed(profile=Profile.ECOM, **changes):
    scope = Scope(profile, frozenset({*FULL.offered, "become_due", "start_processing", "reserve", "charge", "fail"}))
    tallies = {}
    for rule in load().governing(profile):
        names = [f"{rule.id}/{side}" for side in rule.sides] or [rule.id]
        tallies[profile, rule.id] = RuleTally(Counter(dict.fromkeys(names, CHECKS_NEEDED)))
    for name, change in changes.items():
        tallies[profile, name.replace("_", "-")] = change
    return rule_results(load(), [scope], tallies, {}), tallies, scope


@pytest.mark.parametrize("profile", Profile)
def test_a_run_in_which_every_rule_passed_is_conformant(profile):
    results = everything_passed(profile)[0]
    assert run_verdict(results)[0] is RunVerdict.CONFORMANT
    assert len(results) == len(load().governing(profile))


def test_an_empty_run_is_never_conformant():
    assert run_verdict(())[0] is RunVerdict.INCOMPLETE
    nothing = rule_results(load(), [BARE], {}, {})
    assert run_verdict(nothing)[0] is RunVerdict.INCOMPLETE
    waived = rule_results(load(), [BARE], {}, {rule.id: "later" for rule in load().rules})
    assert run_verdict(waived) == (RunVerdict.INCOMPLETE, "Nothing was tested.")


def test_an_open_required_rule_keeps_the_run_back_until_it_is_waived():
    results, tallies, scope = everything_passed(EC_03=RuleTally())
    assert run_verdict(results)[0] is RunVerdict.INCOMPLETE
    waived = rule_results(load(), [scope], tallies, {"EC-03": "known"})
    assert run_verdict(waived)[0] is RunVerdict.CONFORMANT


def test_an_open_rule_that_may_be_keeps_nobody_back():
    assert run_verdict(everything_passed(EC_10=RuleTally())[0])[0] is RunVerdict.CONFORMANT


def test_a_violation_makes_the_run_not_conformant_and_is_named():
    verdict, reason = run_verdict(everything_passed(EC_03=tally(1), EC_10=tally(2))[0])
    assert verdict is RunVerdict.NOT_CONFORMANT
    assert reason == "EC-03 and 1 more violated: because."
    _, reason = run_verdict(everything_passed(EC_03=tally(1))[0])
    assert reason == "EC-03 violated: because."


def test_the_rule_with_the_shortest_counterexample_is_named():
    far, near = tally(1), tally(1)
    far.rank, near.rank = (5, 0), (2, 1)
    assert run_verdict(everything_passed(EC_03=far, EC_10=near)[0])[1].startswith("EC-10 and 1 more violated")


def test_a_run_that_is_held_back_says_by_how_much():
    _, reason = run_verdict(everything_passed(EC_03=RuleTally(), EC_13=RuleTally(), EC_31=tally(0, 1))[0])
    assert reason == "Nothing was violated, but required rules remain open: 2 not exercised, 1 inconclusive."


def test_a_run_that_is_conformant_counts_what_passed_and_what_is_waived():
    results, tallies, scope = everything_passed(EC_03=tally(1))
    passed = sum(one.verdict is RuleVerdict.PASSED for one in results)
    waived = rule_results(load(), [scope], tallies, {"EC-03": "known"})
    assert run_verdict(waived)[1] == f"{passed} rules passed and 1 violated ones are waived."
    assert run_verdict(everything_passed()[0])[1] == f"{passed + 1} rules passed and none is violated."


@pytest.mark.parametrize("ended", [RunVerdict.ENVIRONMENT, RunVerdict.INTERRUPTED, RunVerdict.HARNESS])
def test_a_run_that_did_not_end_by_itself_is_what_ended_it(ended):
    assert run_verdict(everything_passed()[0], ended)[0] is ended


@pytest.mark.parametrize("ended", [RunVerdict.ENVIRONMENT, RunVerdict.INTERRUPTED])
def test_a_run_that_was_broken_off_says_what_was_violated_before(ended):
    assert run_verdict(everything_passed()[0], ended)[1] == "The run did not come to its end."
    one, two = everything_passed(EC_03=tally(1))[0], everything_passed(EC_03=tally(1), EC_10=tally(1))[0]
    assert run_verdict(one, ended)[1] == "The run did not come to its end. 1 rule violated before that."
    assert run_verdict(two, ended)[1] == "The run did not come to its end. 2 rules violated before that."


def test_a_run_in_which_the_suite_failed_claims_nothing():
    _, reason = run_verdict(everything_passed(EC_03=tally(1))[0], RunVerdict.HARNESS)
    assert reason == "The suite itself failed; nothing is claimed about the target."


def test_a_waived_violation_is_not_passed_over_in_silence():
    _, tallies, scope = everything_passed(EC_03=tally(1))
    _, reason = run_verdict(rule_results(load(), [scope], tallies, {"EC-03": "known"}))
    assert "none is violated" not in reason


def test_every_verdict_of_a_run_has_an_exit_code_of_its_own():
    assert set(EXIT_CODES) == set(RunVerdict)
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)


CHECKED = [rule for rule in load().governing(Profile.ECOM) if rule.status is not RuleStatus.EXCLUDED]


@st.composite
def tallies(draw):
    found = {}
    for rule in CHECKED:
        names = [f"{rule.id}/{side}" for side in rule.sides] or [rule.id]
        counts = {name: draw(st.sampled_from((CHECKS_NEEDED, CHECKS_NEEDED, 0, 1, 50))) for name in names}
        rare = st.sampled_from((0,) * 30 + (1,))
        found[Profile.ECOM, rule.id] = RuleTally(Counter(counts), draw(rare), draw(rare))
    return found


def out_of_nature(rule, scope):
    has = {*scope.offered, *(["wire"] if scope.wire else [])}
    return not has.issuperset({"wire", "concurrent", "units"}.intersection(rule.needs))


def again(rule, seen, scope):
    """The same reduction, written a second time from its description."""
    counts = [seen.examples[f"{rule.id}/{side}"] for side in rule.sides] or [seen.examples[rule.id]]
    if rule.status is RuleStatus.EXCLUDED:
        return "EXCLUDED"
    if seen.violations:
        return "VIOLATED"
    if rule.status is RuleStatus.RECORDED:
        return "RECORDED"
    if seen.inconclusive:
        return "INCONCLUSIVE"
    if sum(counts) == 0 or out_of_nature(rule, scope):
        return "NOT EXERCISED"
    return "PASSED" if min(counts) >= CHECKS_NEEDED else "THIN"


@given(tallies(), st.booleans(), st.sets(st.sampled_from([rule.id for rule in CHECKED]), max_size=5))
def test_the_headline_of_any_run_is_the_one_that_a_second_reduction_finds(seen, wire, waived):
    scope = Scope(Profile.ECOM, FULL.offered, wire)
    results = rule_results(load(), [scope], seen, dict.fromkeys(waived, "known"))
    expected = {
        rule.id: again(rule, seen.get((Profile.ECOM, rule.id), RuleTally()), scope)
        for rule in load().governing(Profile.ECOM)
    }
    assert {one.rule.id: one.verdict.value for one in results} == expected
    serious = {name: verdict for name, verdict in expected.items() if name not in waived}
    nowhere = {rule.id for rule in load().rules if rule.optional or out_of_nature(rule, scope)}
    required = {rule.id for rule in load().rules if rule.level is Level.REQUIRED}
    open_rules = {
        name
        for name, verdict in serious.items()
        if name in required
        and (verdict in ("THIN", "INCONCLUSIVE") or (verdict == "NOT EXERCISED" and name not in nowhere))
    }
    if "VIOLATED" in serious.values():
        headline = RunVerdict.NOT_CONFORMANT
    elif open_rules or "PASSED" not in expected.values():
        headline = RunVerdict.INCOMPLETE
    else:
        headline = RunVerdict.CONFORMANT
    assert run_verdict(results)[0] is headline
    decides = {name for name, verdict in expected.items() if verdict == "VIOLATED"}
    decides |= {
        name
        for name, verdict in expected.items()
        if name in required
        and (verdict in ("THIN", "INCONCLUSIVE") or (verdict == "NOT EXERCISED" and name not in nowhere))
    }
    if headline is RunVerdict.CONFORMANT and not waived <= decides:
        headline = RunVerdict.INCOMPLETE
    assert run_verdict(results, None, sorted(waived))[0] is headline
