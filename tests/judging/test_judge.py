"""One step: what conforms, who is blamed, and what proves nothing."""

import pytest

from conformance.domain.expectation import Claim, Expectation, NoneOf, OneOf
from conformance.judging.judge import Judgement, StepStatus, judge, observed_text
from tests.judging.branches import ORDER, OTHER, OUTCOME, REFUSED, branch, claim
from tests.stored import stored

AMOUNT = claim("view.cancelled", 1000, rules=("C",))


def test_one_branch_that_fits_conforms_and_shows_its_rules_and_readings():
    expectation = Expectation(
        (branch("done", OUTCOME, rules=("A/x",), readings=(("C8", "reject"),)), branch("no", REFUSED))
    )
    judgement, left = judge(expectation, {"answer.outcome": "accepted"})
    assert (judgement.status, judgement.examples) == (StepStatus.CONFORMS, ("A/x",))
    assert judgement.readings == (("C8", "reject"),)
    assert [branch.name for branch in left] == ["done"]


def test_of_two_branches_that_fit_only_what_both_agree_on_is_shown():
    expectation = Expectation(
        (branch("one", OUTCOME, rules=("A", "B")), branch("two", OUTCOME, rules=("B",), after=OTHER))
    )
    judgement, left = judge(expectation, {"answer.outcome": "accepted"})
    assert judgement.examples == ("B",)
    assert len(left) == 2


def test_a_branch_that_permits_anything_takes_nothing_from_one_that_leads_to_the_same_order():
    anything = branch("anything", OUTCOME)
    expectation = Expectation((branch("documented", OUTCOME, rules=("A",)), anything))
    assert judge(expectation, {"answer.outcome": "accepted"})[0].examples == ("A",)
    elsewhere = Expectation((branch("documented", OUTCOME, rules=("A",)), branch("anything", OUTCOME, after=OTHER)))
    assert judge(elsewhere, {"answer.outcome": "accepted"})[0].examples == ()


def test_a_step_about_a_silent_rule_alone_is_recorded():
    expectation = Expectation((branch("done", OUTCOME),), ("S",))
    judgement, _ = judge(expectation, {"answer.outcome": "accepted"})
    assert (judgement.status, judgement.records) == (StepStatus.RECORDED, ("S",))


def test_what_is_only_still_to_come_is_inconclusive_about_everything_that_was_meant():
    waiting = branch("later", claim("answer.outcome", "pending"), proves=False)
    expectation = Expectation((branch("done", OUTCOME, rules=("A",)), waiting))
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
    expectation = Expectation((branch("done", OUTCOME, claim("view.x", 1, rules=("A",)), rules=("A",)),))
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
    other = Expectation((branch("refused", REFUSED, claim("answer.status", 400, rules=("B",))),))
    observed = {"answer.outcome": "refused", "answer.status": status, "view.outcome": "accepted"}
    judgement, _ = judge(other, observed)
    assert (judgement.status, judgement.cause) == (StepStatus.INCONCLUSIVE, f"the target refused to answer ({status})")
    same = Expectation(
        (branch("refused", REFUSED, claim("answer.status", status, rules=("B",)), claim("view.x", 1, rules=("B",))),)
    )
    assert judge(same, observed)[0].status is StepStatus.VIOLATES


def test_a_read_that_is_refused_proves_nothing_and_any_other_refusal_does():
    expectation = Expectation((branch("done", OUTCOME, claim("view.x", 1, rules=("A",))),))
    unread = {"answer.outcome": "accepted", "view.outcome": "refused", "view.status": 404}
    judgement, _ = judge(expectation, unread)
    assert judgement.cause == "the target refused to answer when the order was read back (404)"
    assert judge(expectation, {"answer.outcome": "refused", "answer.status": 404})[0].status is StepStatus.VIOLATES


def test_what_is_documented_of_an_answer_says_nothing_of_the_read_that_follows():
    expectation = Expectation((branch("not now", claim("answer.outcome", "broken"), claim("view.x", 1, rules=("A",))),))
    judgement, _ = judge(expectation, {"answer.outcome": "broken", "view.outcome": "lost"})
    assert judgement.cause == "no answer when the order was read back"
    seen = {"answer.outcome": "broken", "view.outcome": "accepted", "view.x": 2}
    assert judge(expectation, seen)[0].status is StepStatus.VIOLATES


def test_an_optional_part_that_is_missing_shows_nothing_of_its_rule_on_either_side():
    optional = Claim("answer.text", OneOf(("done", None)), ("A",))
    expectation = Expectation((branch("done", claim("answer.outcome", "accepted"), optional, rules=("A/x",)),))
    assert judge(expectation, {"answer.outcome": "accepted"})[0].examples == ()
    assert judge(expectation, {"answer.outcome": "accepted", "answer.text": "done"})[0].examples == ("A/x",)


def test_a_reason_that_must_not_be_given_is_blamed_where_no_branch_begins_like_the_answer():
    young = Claim("answer.code", NoneOf(("6030",)), ("C",))
    expectation = Expectation((branch("done", OUTCOME, young, claim("view.x", 1, rules=("D",))),))
    for code, rules in (("6030", ["A", "C"]), ("6040", ["A"])):
        judgement, _ = judge(expectation, {"answer.outcome": "refused", "answer.code": code})
        assert [finding.rule for finding in judgement.findings] == rules


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (None, "absent"), (5, "5"), ("Yes", "Yes")]
)
def test_an_observed_value_is_shown_as_it_stands_in_the_answer(value, text):
    assert observed_text(value) == text


def test_a_server_error_that_is_documented_is_an_answer_like_any_other():
    expectation = Expectation((branch("not now", claim("answer.outcome", "refused", "broken"), rules=("A",)),))
    assert judge(expectation, {"answer.outcome": "broken"})[0].status is StepStatus.CONFORMS


def test_where_no_branch_begins_like_the_answer_every_branch_is_blamed_once():
    judgement, _ = judge(Expectation((branch("a", OUTCOME), branch("b", REFUSED))), {"answer.outcome": "pending"})
    assert [(finding.rule, finding.branch) for finding in judgement.findings] == [("A", "a"), ("B", "b")]


def test_the_closest_branch_that_fits_the_answer_is_blamed_for_all_that_is_wrong():
    far = branch("far", OUTCOME, claim("view.x", 1, rules=("X",)), claim("view.y", 1, rules=("Y",)))
    near = branch("near", OUTCOME, claim("view.x", 2, rules=("X/side",)), claim("view.y", 5, rules=("Z",)))
    judgement, _ = judge(Expectation((far, near)), {"answer.outcome": "accepted", "view.x": 2, "view.y": 4})
    assert [(finding.rule, finding.field, finding.permitted, finding.observed) for finding in judgement.findings] == [
        ("Z", "view.y", "5", "4")
    ]
    assert judgement.findings[0].failure_key == ("Z", "near: view.y")
    assert judgement.findings[0].reason == "view.y should be 5, but was 4"


def test_what_fails_without_a_rule_was_our_own_preparation():
    judgement, _ = judge(Expectation((branch("moved", claim("view.state", 1)),)), {})
    assert judgement.status is StepStatus.INCONCLUSIVE
    assert judgement.cause == "the order could not be brought there: view.state should be 1, but was absent"
    judgement, _ = judge(Expectation((branch("moved", claim("view.state", 1)),)), {"view.state": 2})
    assert judgement.cause == "the order could not be brought there: view.state should be 1, but was 2"


def test_a_step_of_which_nothing_is_documented_is_inconclusive():
    assert judge(Expectation(()), {})[0].cause == "nothing is documented for this step"


PLACE = ("kind", "history", "step", "do", "seen", "observed")


def written(judgement, expectation):
    """Return what the journal says of a judgement beside its place."""
    record = judgement.as_record(expectation, history="", step=0, do="", response="", observed={})
    return {name: value for name, value in stored(record).items() if name not in PLACE}


def test_only_a_violation_says_in_the_evidence_what_was_expected():
    expectation = Expectation((branch("done", OUTCOME, rules=("A",)),), ("S",))
    fine = written(judge(expectation, {"answer.outcome": "accepted"})[0], expectation)
    assert fine == {"status": "conforms", "branches": ["done"], "examples": ["A"], "records": ["S"]}
    broken = written(judge(expectation, {"answer.outcome": "refused"})[0], expectation)
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
    lost = written(judge(expectation, {"answer.outcome": "lost"})[0], expectation)
    assert lost == {"status": "inconclusive", "examples": ["A"], "cause": "no answer"}
    decided = Expectation((branch("done", OUTCOME, readings=(("C8", "reject"),)),))
    said = written(judge(decided, {"answer.outcome": "accepted"})[0], decided)
    assert said == {"status": "conforms", "branches": ["done"], "readings": {"C8": "reject"}}


def test_a_branch_that_does_not_begin_like_the_answer_is_blamed_for_its_beginning_alone():
    early = claim("request.sent", "once", rules=("D",))
    expectation = Expectation((branch("released", early, OUTCOME, AMOUNT),))
    judgement, _ = judge(expectation, {"answer.outcome": "refused", "view.cancelled": 0, "request.sent": "twice"})
    assert [finding.rule for finding in judgement.findings] == ["D", "A"]


def test_a_branch_that_begins_with_two_answers_is_blamed_for_both():
    second = claim("other.outcome", "accepted", rules=("E",))
    expectation = Expectation((branch("both", OUTCOME, AMOUNT, second, claim("view.captured", 0, rules=("F",))),))
    judgement, _ = judge(expectation, {"answer.outcome": "refused", "other.outcome": "refused", "view.cancelled": 0})
    assert [finding.rule for finding in judgement.findings] == ["A", "C", "E"]


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
    both = branch("both", OUTCOME, claim("other.outcome", "accepted", rules=("E",)), AMOUNT)
    answered = {"answer.outcome": "accepted", "other.outcome": "accepted"}
    judgement, left = judge(Expectation((both,)), answered | observed)
    assert (judgement.status, judgement.cause, left) == (StepStatus.INCONCLUSIVE, cause, ())


def test_what_only_our_own_preparation_failed_at_is_inconclusive_about_everything_that_was_meant():
    expectation = Expectation((branch("done", OUTCOME, claim("view.state", "once"), rules=("A", "B")),))
    judgement, _ = judge(expectation, {"answer.outcome": "accepted", "view.state": "twice"})
    assert (judgement.status, judgement.examples) == (StepStatus.INCONCLUSIVE, ("A", "B"))


def test_what_is_still_to_come_names_the_branches_that_it_may_go():
    expectation = Expectation((branch("not yet", OUTCOME, proves=False), branch("done", REFUSED, rules=("B",))))
    judgement, _ = judge(expectation, {"answer.outcome": "accepted"})
    assert (judgement.branches, judgement.cause, judgement.examples) == (("not yet",), "not yet", ("B",))


def test_a_reading_is_seen_only_where_every_branch_that_is_left_takes_it():
    first, second = ("C8", "reject"), ("C3", "all")
    one = branch("one", OUTCOME, rules=("A",), readings=(first, second))
    two = branch("two", OUTCOME, rules=("A",), after=OTHER, readings=(second,))
    judgement, _ = judge(Expectation((one, two)), {"answer.outcome": "accepted"})
    assert judgement.readings == (second,)
    assert judge(Expectation((one,)), {"answer.outcome": "accepted"})[0].readings == (first, second)


def test_an_answer_that_a_read_has_settled_is_marked_in_the_evidence():
    settled = Judgement(StepStatus.INCONCLUSIVE, cause="no answer", ambiguous=True)
    expectation = Expectation((branch("done", OUTCOME, after=ORDER),))
    assert written(settled, expectation) == {"status": "inconclusive", "cause": "no answer", "ambiguous": True}
