"""Judging one step, and reducing many judgements to a rule's verdict and a run's."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.expectation import Between, Branch, Claim, Expectation, Folded, Mentions, Missing, NoneOf, OneOf
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.judging.judge import StepStatus, judge, observed_text
from conformance.judging.rule_verdicts import rule_results, rule_verdict
from conformance.judging.run_verdicts import blocks_conformance, run_verdict
from conformance.judging.verdicts import CHECKS_NEEDED, EXIT_CODES, RuleTally, RuleVerdict, RunVerdict, Scope
from conformance.rulebook import Level, Status, load

ORDER = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED)
OTHER = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.CANCELLED)


def way(name, *claims, rules=(), after=ORDER, readings=(), proves=True):
    return Branch(name, tuple(claims), after, rules, readings, proves)


def says(field, *values, rules=()):
    return Claim(field, OneOf(values), rules)


OUTCOME = says("answer.outcome", "accepted", rules=("A",))
REFUSED = says("answer.outcome", "refused", rules=("B",))


@pytest.mark.parametrize(
    ("permitted", "yes", "no"),
    [
        (OneOf((1, None)), (1, None), (0, "1", True, 2)),
        (OneOf((True,)), (True,), (1, "true", None)),
        (OneOf(("a",)), ("a",), ("A", None)),
        (Between(400, 499, but=(404,)), (400, 499, 410), (404, 399, 500, "400", True, None)),
        (Folded(("Cancelled",)), ("CANCELLED", "cancelled"), ("cancel", None, 1)),
        (Mentions(("charged",)), ("It is CHARGED.",), ("It is due.", None, 1)),
        (Missing(), (None,), ("", 0, False)),
    ],
)
def test_a_claim_permits_its_values_and_no_others(permitted, yes, no):
    assert all(permitted.permits(value) for value in yes)
    assert not any(permitted.permits(value) for value in no)
    assert str(permitted)
    assert permitted.as_json()


def test_one_way_that_fits_conforms_and_shows_its_rules_and_readings():
    expectation = Expectation((way("done", OUTCOME, rules=("A/x",), readings=(("C8", "reject"),)), way("no", REFUSED)))
    judgement, left = judge(expectation, {"answer.outcome": "accepted"})
    assert (judgement.status, judgement.examples) == (StepStatus.CONFORMS, ("A/x",))
    assert judgement.readings == (("C8", "reject"),)
    assert [branch.name for branch in left] == ["done"]


def test_of_two_ways_that_fit_only_what_both_agree_on_is_shown():
    expectation = Expectation((way("one", OUTCOME, rules=("A", "B")), way("two", OUTCOME, rules=("B",), after=OTHER)))
    judgement, left = judge(expectation, {"answer.outcome": "accepted"})
    assert judgement.examples == ("B",)
    assert len(left) == 2


def test_a_way_that_permits_anything_takes_nothing_from_one_that_leads_to_the_same_order():
    anything = way("anything", OUTCOME)
    expectation = Expectation((way("documented", OUTCOME, rules=("A",)), anything))
    assert judge(expectation, {"answer.outcome": "accepted"})[0].examples == ("A",)
    elsewhere = Expectation((way("documented", OUTCOME, rules=("A",)), way("anything", OUTCOME, after=OTHER)))
    assert judge(elsewhere, {"answer.outcome": "accepted"})[0].examples == ()


def test_a_step_about_a_silent_rule_alone_is_recorded():
    expectation = Expectation((way("done", OUTCOME),), ("S",))
    judgement, _ = judge(expectation, {"answer.outcome": "accepted"})
    assert (judgement.status, judgement.records) == (StepStatus.RECORDED, ("S",))


def test_what_is_only_still_to_come_is_inconclusive_about_everything_that_was_meant():
    waiting = way("later", says("answer.outcome", "pending"), proves=False)
    expectation = Expectation((way("done", OUTCOME, rules=("A",)), waiting))
    judgement, left = judge(expectation, {"answer.outcome": "pending"})
    assert (judgement.status, judgement.examples) == (StepStatus.INCONCLUSIVE, ("A",))
    assert left == (waiting,)


CAUSES = [
    ("lost", None, "timed out", "no answer{} (timed out)"),
    ("lost", None, None, "no answer{}"),
    ("broken", 503, None, "the target answered with a server error{} (503)"),
    ("busy", 429, None, "the target asked to slow down{} (429)"),
    ("odd", 302, None, "the answer is neither a success nor an error{} (302)"),
]


@pytest.mark.parametrize(("part", "when"), [("answer", ""), ("view", " when the order was read back")])
@pytest.mark.parametrize(("outcome", "status", "why", "said"), CAUSES)
def test_an_answer_that_proves_nothing_is_inconclusive_and_says_why(outcome, status, why, said, part, when):
    expectation = Expectation((way("done", OUTCOME, says("view.x", 1, rules=("A",)), rules=("A",)),))
    observed = {
        "answer.outcome": "accepted",
        f"{part}.outcome": outcome,
        f"{part}.cause": why,
        f"{part}.status": status,
    }
    judgement, left = judge(expectation, observed)
    assert (judgement.status, judgement.cause) == (StepStatus.INCONCLUSIVE, said.format(when))
    assert judgement.examples == ("A",)
    assert left == ()


@pytest.mark.parametrize("status", [401, 408])
def test_credentials_that_are_refused_prove_nothing_unless_that_is_what_is_documented(status):
    other = Expectation((way("refused", REFUSED, says("answer.status", 400, rules=("B",))),))
    observed = {"answer.outcome": "refused", "answer.status": status, "view.outcome": "accepted"}
    judgement, _ = judge(other, observed)
    assert (judgement.status, judgement.cause) == (StepStatus.INCONCLUSIVE, f"the target refused to answer ({status})")
    same = Expectation(
        (way("refused", REFUSED, says("answer.status", status, rules=("B",)), says("view.x", 1, rules=("B",))),)
    )
    assert judge(same, observed)[0].status is StepStatus.VIOLATES


def test_a_read_that_is_refused_proves_nothing_and_any_other_refusal_does():
    expectation = Expectation((way("done", OUTCOME, says("view.x", 1, rules=("A",))),))
    unread = {"answer.outcome": "accepted", "view.outcome": "refused", "view.status": 404}
    judgement, _ = judge(expectation, unread)
    assert judgement.cause == "the target refused to answer when the order was read back (404)"
    assert judge(expectation, {"answer.outcome": "refused", "answer.status": 404})[0].status is StepStatus.VIOLATES


def test_what_is_documented_of_an_answer_says_nothing_of_the_read_that_follows():
    expectation = Expectation((way("not now", says("answer.outcome", "broken"), says("view.x", 1, rules=("A",))),))
    judgement, _ = judge(expectation, {"answer.outcome": "broken", "view.outcome": "lost"})
    assert judgement.cause == "no answer when the order was read back"
    seen = {"answer.outcome": "broken", "view.outcome": "accepted", "view.x": 2}
    assert judge(expectation, seen)[0].status is StepStatus.VIOLATES


def test_an_optional_part_that_is_missing_shows_nothing_of_its_rule_on_either_side():
    optional = Claim("answer.text", OneOf(("done", None)), ("A",))
    expectation = Expectation((way("done", says("answer.outcome", "accepted"), optional, rules=("A/x",)),))
    assert judge(expectation, {"answer.outcome": "accepted"})[0].examples == ()
    assert judge(expectation, {"answer.outcome": "accepted", "answer.text": "done"})[0].examples == ("A/x",)


def test_a_reason_that_must_not_be_given_is_blamed_where_no_way_begins_like_the_answer():
    young = Claim("answer.code", NoneOf(("6030",)), ("C",))
    expectation = Expectation((way("done", OUTCOME, young, says("view.x", 1, rules=("D",))),))
    for code, rules in (("6030", ["A", "C"]), ("6040", ["A"])):
        judgement, _ = judge(expectation, {"answer.outcome": "refused", "answer.code": code})
        assert [one.rule for one in judgement.findings] == rules


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (None, "absent"), (5, "5"), ("Yes", "Yes")]
)
def test_an_observed_value_is_shown_as_it_stands_in_the_answer(value, text):
    assert observed_text(value) == text


def test_a_server_error_that_is_documented_is_an_answer_like_any_other():
    expectation = Expectation((way("not now", says("answer.outcome", "refused", "broken"), rules=("A",)),))
    assert judge(expectation, {"answer.outcome": "broken"})[0].status is StepStatus.CONFORMS


def test_where_no_way_begins_like_the_answer_every_way_is_blamed_once():
    judgement, _ = judge(Expectation((way("a", OUTCOME), way("b", REFUSED))), {"answer.outcome": "pending"})
    assert [(one.rule, one.branch) for one in judgement.findings] == [("A", "a"), ("B", "b")]


def test_the_closest_way_that_fits_the_answer_is_blamed_for_all_that_is_wrong():
    far = way("far", OUTCOME, says("view.x", 1, rules=("X",)), says("view.y", 1, rules=("Y",)))
    near = way("near", OUTCOME, says("view.x", 2, rules=("X/side",)), says("view.y", 5, rules=("Z",)))
    judgement, _ = judge(Expectation((far, near)), {"answer.outcome": "accepted", "view.x": 2, "view.y": 4})
    assert [(one.rule, one.field, one.permitted, one.observed) for one in judgement.findings] == [
        ("Z", "view.y", "5", "4")
    ]
    assert judgement.findings[0].group == ("Z", "near: view.y")
    assert judgement.findings[0].reason == "view.y should be 5, but was 4"


def test_what_fails_without_a_rule_was_our_own_preparation():
    judgement, _ = judge(Expectation((way("moved", says("view.x", 1)),)), {})
    assert judgement.status is StepStatus.INCONCLUSIVE
    assert judgement.cause == "the order could not be brought there: view.x should be 1, but was absent"
    judgement, _ = judge(Expectation((way("moved", says("view.x", 1)),)), {"view.x": 2})
    assert judgement.cause == "the order could not be brought there: view.x should be 1, but was 2"


def test_a_step_of_which_nothing_is_documented_is_inconclusive():
    assert judge(Expectation(()), {})[0].cause == "nothing is documented for this step"


def test_only_a_violation_says_in_the_evidence_what_was_expected():
    expectation = Expectation((way("done", OUTCOME, rules=("A",)),), ("S",))
    fine = judge(expectation, {"answer.outcome": "accepted"})[0].as_json(expectation)
    assert fine == {"status": "conforms", "branches": ["done"], "examples": ["A"], "records": ["S"]}
    broken = judge(expectation, {"answer.outcome": "refused"})[0].as_json(expectation)
    assert broken == {
        "status": "violates",
        "findings": [
            {
                "rule": "A",
                "branch": "done",
                "field": "answer.outcome",
                "permitted": "accepted",
                "observed": "refused",
                "reason": "answer.outcome should be accepted, but was refused",
            }
        ],
        "expected": [
            {
                "name": "done",
                "rules": ["A"],
                "readings": {},
                "claims": [{"field": "answer.outcome", "permitted": {"one-of": ["accepted"]}, "rules": ["A"]}],
            }
        ],
    }
    lost = judge(expectation, {"answer.outcome": "lost"})[0].as_json(expectation)
    assert lost == {"status": "inconclusive", "examples": ["A"], "cause": "no answer"}
    decided = Expectation((way("done", OUTCOME, readings=(("C8", "reject"),)),))
    said = judge(decided, {"answer.outcome": "accepted"})[0].as_json(decided)
    assert said == {"status": "conforms", "branches": ["done"], "readings": {"C8": "reject"}}


USERS = frozenset({"age", "approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds"})
FULL = Scope(Profile.ECOM, USERS | {"concurrent", "units"})
BARE = Scope(Profile.ECOM, frozenset())
PLAIN = load().rule("EC-03")
SIDED = load().rule("KB-01")
AGED = load().rule("KB-02")
WIRED = load().rule("EC-23")
BARE_WIRE = Scope(Profile.ECOM, frozenset(), wire=False)
SERVER_ERROR = "3 of its histories proved nothing: a server error"
TIMED_OUT = load().rule("KB-12")
SIDES_THIN = "1 example on the side 'within', 2 examples on the side 'beyond', where 3 are needed"


def tally(violations=0, inconclusive=0, causes=(), missed=(), **examples):
    names = {name.replace("__", "/").replace("_", "-"): count for name, count in examples.items()}
    return RuleTally(
        Counter(names), violations, inconclusive, causes=Counter(causes), missed=Counter(missed), reason="because"
    )


TABLE = [
    ("enough examples pass", PLAIN, tally(EC_03=CHECKS_NEEDED), FULL, RuleVerdict.PASSED),
    ("too few are thin", PLAIN, tally(EC_03=CHECKS_NEEDED - 1), FULL, RuleVerdict.THIN),
    ("none is not exercised", PLAIN, tally(), FULL, RuleVerdict.NOT_EXERCISED),
    ("one violation outweighs everything", PLAIN, tally(1, 5, EC_03=99), FULL, RuleVerdict.VIOLATED),
    ("one open answer outweighs all examples", PLAIN, tally(0, 1, EC_03=99), FULL, RuleVerdict.INCONCLUSIVE),
    ("both sides pass", SIDED, tally(KB_01__initiated=3, KB_01__reserved=3), FULL, RuleVerdict.PASSED),
    ("one side is thin", SIDED, tally(KB_01__initiated=99, KB_01__reserved=2), FULL, RuleVerdict.THIN),
    ("one side alone is thin", AGED, tally(KB_02__within=99), BARE, RuleVerdict.THIN),
    ("out of reach is not exercised", AGED, tally(), BARE, RuleVerdict.NOT_EXERCISED),
    ("silence is recorded", load().rule("EC-04"), tally(EC_04=1), FULL, RuleVerdict.RECORDED),
    ("what is excluded stays so", load().rule("EC-22"), tally(1), FULL, RuleVerdict.EXCLUDED),
    (
        "without HTTP there is no wire",
        WIRED,
        tally(),
        Scope(Profile.ECOM, frozenset(), False),
        RuleVerdict.NOT_EXERCISED,
    ),
]


@pytest.mark.parametrize(("what", "rule", "seen", "scope", "verdict"), TABLE)
def test_a_rule_is_reduced_to_the_worst_that_applies(what, rule, seen, scope, verdict):
    result = rule_verdict(rule, seen, scope)
    assert result.verdict is verdict
    assert result.reason


def test_a_rule_that_does_not_exist_without_http_keeps_no_run_back():
    result = rule_verdict(WIRED, tally(), Scope(Profile.ECOM, frozenset(), wire=False))
    assert not result.in_scope
    assert not blocks_conformance(result)


def test_where_no_order_is_somebody_elses_the_rule_about_it_keeps_nobody_back():
    result = rule_verdict(load().rule("EC-20"), tally(), Scope(Profile.ECOM, USERS))
    assert (result.verdict, result.in_scope) == (RuleVerdict.NOT_EXERCISED, False)
    assert "sales unit" in result.reason
    assert blocks_conformance(rule_verdict(load().rule("EC-20"), tally(), FULL))


@pytest.mark.parametrize(
    ("rule", "scope", "said"),
    [
        (WIRED, BARE_WIRE, "the target is called without HTTP: what this rule governs does not exist there"),
        (
            load().rule("EC-40"),
            FULL,
            "the target's answers leave out what it is about, as the documentation lets them",
        ),
    ],
)
def test_a_rule_that_is_out_of_scope_says_what_the_target_is_not(rule, scope, said):
    result = rule_verdict(rule, tally(), scope)
    assert (result.verdict, result.in_scope, result.reason) == (RuleVerdict.NOT_EXERCISED, False, said)


def test_a_rule_that_is_excluded_is_out_of_scope_and_says_why():
    rule = next(one for one in load().governing(Profile.ECOM) if one.status is Status.EXCLUDED)
    result = rule_verdict(rule, tally(), FULL)
    assert (result.in_scope, result.reason) == (False, rule.reason)


def test_what_is_recorded_is_told_with_the_three_commonest_answers():
    rule = load().rule("EC-04")
    assert rule_verdict(rule, RuleTally(), FULL).reason == f"{rule.reason} Not observed in this run."
    seen = RuleTally(records=Counter({"refused 400": 4, "accepted 200": 9, "lost": 2, "odd 302": 1}))
    told = "accepted 200 (9 times), refused 400 (4 times), lost (2 times)"
    assert rule_verdict(rule, seen, FULL).reason == f"{rule.reason} Observed: {told}."


def test_what_an_answer_may_leave_out_does_not_keep_a_run_back():
    echo = load().rule("EC-40")
    assert not blocks_conformance(rule_verdict(echo, tally(), FULL))
    assert rule_verdict(echo, tally(), FULL).verdict is RuleVerdict.NOT_EXERCISED
    assert rule_verdict(echo, tally(2), FULL).verdict is RuleVerdict.VIOLATED
    assert blocks_conformance(rule_verdict(echo, tally(EC_40=1), FULL))


@pytest.mark.parametrize(("rule", "level"), [("INV-11", Level.REQUIRED), ("EC-02", Level.MAY)])
def test_a_rule_about_two_requests_at_once_keeps_nobody_back_who_takes_one_at_a_time(rule, level):
    result = rule_verdict(load().rule(rule), tally(), Scope(Profile.ECOM, USERS))
    assert (result.verdict, result.rule.level, result.in_scope) == (RuleVerdict.NOT_EXERCISED, level, False)
    assert "one request at a time" in result.reason
    assert not blocks_conformance(result)
    assert rule_verdict(load().rule(rule), tally(), FULL).in_scope


@pytest.mark.parametrize(
    ("rule", "seen", "scope", "said"),
    [
        (
            AGED,
            tally(),
            BARE,
            "the target offers no way to let time pass for one payment; "
            "a test control API (--control-url) would make it reachable",
        ),
        (
            TIMED_OUT,
            tally(),
            BARE,
            "the target offers no way to reject as the user or to let a payment time out; "
            "a test control API (--control-url) would make it reachable",
        ),
        (
            AGED,
            tally(missed={"a server error": 3, "no answer": 4}),
            FULL,
            "4 histories were to be examples of it and are none: no answer",
        ),
        (AGED, tally(), FULL, "nothing that the target answered in this run was an example of it"),
        (
            AGED,
            tally(KB_02__within=9),
            BARE,
            "0 examples on the side 'beyond', where 3 are needed; "
            "the target offers no way to let time pass for one payment",
        ),
        (AGED, tally(KB_02__within=1, KB_02__beyond=2), FULL, SIDES_THIN),
        (AGED, tally(0, 2, {"no answer": 2}), FULL, "2 of its histories proved nothing: no answer"),
        (AGED, tally(0, 1), FULL, "1 of its histories proved nothing: no answer"),
        (AGED, tally(0, 3, {"a server error": 2, "no answer": 1}), FULL, SERVER_ERROR),
        (PLAIN, tally(EC_03=1), FULL, "1 example, where 3 are needed"),
        (PLAIN, tally(EC_03=2), FULL, "2 examples, where 3 are needed"),
        (PLAIN, tally(EC_03=4), FULL, "4 examples, no violation"),
    ],
)
def test_a_verdict_says_why(rule, seen, scope, said):
    assert rule_verdict(rule, seen, scope).reason == said


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


CHECKED = [rule for rule in load().governing(Profile.ECOM) if rule.status is not Status.EXCLUDED]


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
    if rule.status is Status.EXCLUDED:
        return "EXCLUDED"
    if seen.violations:
        return "VIOLATED"
    if rule.status is Status.RECORDED:
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
