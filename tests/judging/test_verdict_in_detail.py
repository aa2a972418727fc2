"""What a judgement and a verdict say in the corners: who is blamed, what was shown, and the words of each reason."""

from dataclasses import replace

import pytest

from conformance.domain.expectation import Expectation
from conformance.domain.order import Profile
from conformance.judging.judge import Judgement, StepStatus, judge
from conformance.judging.rule_verdicts import rule_verdict
from conformance.judging.verdicts import RuleVerdict, Scope
from conformance.rulebook import load, load_obligations
from tests.judging.test_verdicts import FULL, ORDER, OTHER, OUTCOME, PLAIN, REFUSED, says, tally, way

SHOP = Scope(Profile.ECOM, frozenset(), merchant=True)
AMOUNT = says("view.cancelled", 1000, rules=("C",))


def test_a_way_that_does_not_begin_like_the_answer_is_blamed_for_its_beginning_alone():
    early = says("request.sent", "once", rules=("D",))
    expectation = Expectation((way("released", early, OUTCOME, AMOUNT),))
    judgement, _ = judge(expectation, {"answer.outcome": "refused", "view.cancelled": 0, "request.sent": "twice"})
    assert [one.rule for one in judgement.findings] == ["D", "A"]


def test_a_way_that_begins_with_two_answers_is_blamed_for_both():
    second = says("other.outcome", "accepted", rules=("E",))
    expectation = Expectation((way("both", OUTCOME, AMOUNT, second, says("view.captured", 0, rules=("F",))),))
    judgement, _ = judge(expectation, {"answer.outcome": "refused", "other.outcome": "refused", "view.cancelled": 0})
    assert [one.rule for one in judgement.findings] == ["A", "C", "E"]


@pytest.mark.parametrize(
    ("observed", "cause"),
    [
        ({"other.outcome": "lost"}, "no answer to the other request"),
        ({"other.outcome": "busy", "other.status": 429}, "the target asked to slow down to the other request (429)"),
        ({"view.outcome": "lost"}, "no answer when the order was read back"),
        ({"answer.outcome": "lost", "other.outcome": "lost"}, "no answer"),
    ],
)
def test_it_is_said_which_of_two_requests_and_the_read_proved_nothing(observed, cause):
    both = way("both", OUTCOME, says("other.outcome", "accepted", rules=("E",)), AMOUNT)
    answered = {"answer.outcome": "accepted", "other.outcome": "accepted"}
    judgement, left = judge(Expectation((both,)), answered | observed)
    assert (judgement.status, judgement.cause, left) == (StepStatus.INCONCLUSIVE, cause, ())


def test_what_only_our_own_preparation_failed_at_is_inconclusive_about_everything_that_was_meant():
    expectation = Expectation((way("done", OUTCOME, says("request.sent", "once"), rules=("A", "B")),))
    judgement, _ = judge(expectation, {"answer.outcome": "accepted", "request.sent": "twice"})
    assert (judgement.status, judgement.examples) == (StepStatus.INCONCLUSIVE, ("A", "B"))


def test_what_is_still_to_come_names_the_ways_that_it_may_go():
    expectation = Expectation((way("not yet", OUTCOME, proves=False), way("done", REFUSED, rules=("B",))))
    judgement, _ = judge(expectation, {"answer.outcome": "accepted"})
    assert (judgement.branches, judgement.cause, judgement.examples) == (("not yet",), "not yet", ("B",))


def test_a_reading_is_seen_only_where_every_way_that_is_left_takes_it():
    first, second = ("C8", "reject"), ("C3", "all")
    one = way("one", OUTCOME, rules=("A",), readings=(first, second))
    two = way("two", OUTCOME, rules=("A",), after=OTHER, readings=(second,))
    judgement, _ = judge(Expectation((one, two)), {"answer.outcome": "accepted"})
    assert judgement.readings == (second,)
    assert judge(Expectation((one,)), {"answer.outcome": "accepted"})[0].readings == (first, second)


def test_an_answer_that_a_read_has_settled_is_marked_in_the_evidence():
    settled = Judgement(StepStatus.INCONCLUSIVE, cause="no answer", ambiguous=True)
    expectation = Expectation((way("done", OUTCOME, after=ORDER),))
    assert settled.as_json(expectation) == {"status": "inconclusive", "cause": "no answer", "ambiguous": True}


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
