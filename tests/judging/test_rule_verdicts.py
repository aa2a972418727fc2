"""What was observed of one rule, reduced to its verdict and the reason in words."""

from collections import Counter
from dataclasses import replace

import pytest

from conformance.domain.order import Profile
from conformance.judging.rule_verdicts import rule_verdict
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import CHECKS_NEEDED, RuleTally, RuleVerdict, Scope
from conformance.rulebook import Level, RuleStatus, load, load_obligations
from tests.judging.tallies import AGED, BARE, BARE_WIRE, FULL, PLAIN, SHOP, SIDED, USERS, WIRED, tally

SERVER_ERROR = "3 of its histories proved nothing: a server error"
TIMED_OUT = load().rule("KB-12")
SIDES_THIN = "1 example on the side 'within', 2 examples on the side 'beyond', where 3 are needed"


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
    rule = next(one for one in load().governing(Profile.ECOM) if one.status is RuleStatus.EXCLUDED)
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


OPTIONAL = next(one for one in load().governing(Profile.ECOM) if one.optional)
NOW_AND_THEN = load_obligations().rule("M8")
ALWAYS = load_obligations().rule("M1")
NOT_YET = "the run ended before it came to an example of it"
NEVER = "nothing that the integration did in this run was about it"


@pytest.mark.parametrize(
    ("rule", "seen", "scope", "said", "in_scope"),
    [
        (
            OPTIONAL,
            tally(),
            FULL,
            "the target's answers leave out what it is about, as the documentation lets them",
            False,
        ),
        (
            OPTIONAL,
            tally(missed={"no answer": 2}),
            FULL,
            "2 histories were to be examples of it and are none: no answer",
            False,
        ),
        (NOW_AND_THEN, tally(), SHOP, NEVER, False),
        (ALWAYS, tally(), SHOP, NEVER, True),
        (ALWAYS, tally(), replace(SHOP, cut=True), NOT_YET, True),
        (NOW_AND_THEN, tally(), replace(SHOP, cut=True), NOT_YET, False),
        (PLAIN, tally(), replace(FULL, cut=True), NOT_YET, True),
        (
            ALWAYS,
            tally(missed={"no answer": 2}),
            SHOP,
            "2 histories were to be examples of it and are none: no answer",
            True,
        ),
    ],
)
def test_a_rule_that_nothing_was_about_says_why_and_whether_it_holds_the_run_back(rule, seen, scope, said, in_scope):
    result = rule_verdict(rule, seen, scope)
    assert (result.verdict, result.reason, result.in_scope) == (RuleVerdict.NOT_EXERCISED, said, in_scope)


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_required_is_violated_whether_the_run_is_strict_or_not(strict):
    scope = Scope(Profile.ECOM, frozenset(), merchant=True, strict=strict)
    assert rule_verdict(ALWAYS, tally(1), scope).verdict is RuleVerdict.VIOLATED
    advice = rule_verdict(load_obligations().rule("M10"), tally(1), scope).verdict
    assert advice is (RuleVerdict.VIOLATED if strict else RuleVerdict.WARNING)


@pytest.mark.parametrize(("examples", "verdict"), [(1, RuleVerdict.PASSED), (0, RuleVerdict.NOT_EXERCISED)])
def test_what_a_merchant_does_now_and_then_is_no_less_shown_for_being_rare(examples, verdict):
    assert rule_verdict(NOW_AND_THEN, tally(M8=examples), SHOP).verdict is verdict
    assert rule_verdict(ALWAYS, tally(M1=1), SHOP).verdict is RuleVerdict.THIN
