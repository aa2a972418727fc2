"""Which wrong fields decide nothing, and what is said of them when they are wrong again."""

import pytest
from msgspec.structs import replace

from conformance.domain.expectation import Branch, Claim, Expectation, OneOf
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.judging.independence import WrongFields
from conformance.judging.judge import StepStatus, judge

ORDER = Order(Profile.EPAYMENT, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED)
FITS = {"answer.outcome": "accepted", "answer.order": "same", "view.state": "DONE", "view.captured": 5}


def claim(name, *values, rules=()):
    return Claim(name, OneOf(values), rules)


def branch(*claims, after=ORDER, rules=("R", "S"), **changes):
    outcome = claim("answer.outcome", "accepted", rules=("O",))
    return Branch("done", (outcome, *claims), after, rules, **changes)


DONE = branch(
    claim("answer.order", "same", rules=("R",)),
    claim("view.state", "DONE", rules=("S",)),
    claim("view.captured", 5, rules=("S",)),
    claim("view.log.captured", 5, None, rules=("L",)),
)


@pytest.mark.parametrize(
    ("name", "value", "goes_on"),
    [
        ("answer.order", "other", True),
        ("view.log.captured", 6, True),
        ("view.state", "OTHER", False),
        ("view.captured", 6, False),
        ("answer.outcome", "refused", False),
    ],
)
def test_state_amounts_and_the_outcome_decide_and_nothing_else(name, value, goes_on):
    judgement, left = judge(Expectation((DONE,)), {**FITS, name: value})
    assert judgement.status is StepStatus.VIOLATES
    assert (judgement.independent, judgement.goes_on, bool(left)) == (goes_on, goes_on, goes_on)


def test_what_is_right_is_still_a_check_and_what_is_wrong_is_none():
    judgement, (left,) = judge(Expectation((DONE,)), {**FITS, "answer.order": "other"})
    assert [finding.rule for finding in judgement.findings] == ["R"]
    assert judgement.examples == ("S",)
    assert left.after == ORDER


def test_a_wrong_field_beside_one_that_decides_ends_the_history_and_both_are_violated():
    judgement, left = judge(Expectation((DONE,)), {**FITS, "answer.order": "other", "view.captured": 6})
    assert [finding.rule for finding in judgement.findings] == ["R", "S"]
    assert (judgement.independent, left) == (False, ())


def test_where_the_wrong_field_tells_two_orders_apart_it_decides():
    here = branch(claim("answer.kind", "a", rules=("R",)), claim("view.state", "DONE"))
    there = branch(claim("answer.kind", "b", rules=("R",)), claim("view.state", "DONE"), after=replace(ORDER, amount=1))
    judgement, left = judge(Expectation((here, there)), {**FITS, "answer.kind": "c"})
    assert (judgement.independent, left) == (False, ())


def test_before_an_order_shows_state_or_amounts_its_newest_entry_decides():
    early = branch(claim("view.log.newest", "INITIATE", rules=("R",)), claim("view.log.order", "newest", rules=("S",)))
    seen = {"answer.outcome": "accepted", "view.log.newest": "INITIATE", "view.log.order": "newest"}
    assert not judge(Expectation((early,)), {**seen, "view.log.newest": "CANCEL"})[0].goes_on
    assert judge(Expectation((early,)), {**seen, "view.log.order": "oldest"})[0].goes_on


def test_an_outcome_that_proves_nothing_is_not_made_to_fit():
    locked = branch(claim("answer.status", 423), rules=(), proves=False)
    wrong = WrongFields()
    wrong.note((claim("answer.status", 200, rules=("R",)),), {"answer.status": 201})
    forgiven = wrong.forgive(Expectation((locked,)), {"answer.outcome": "accepted", "answer.status": 201})
    assert forgiven.branches == (locked,)


def noted(value, *permitted, rules=("L",)):
    wrong = WrongFields()
    wrong.note((claim("view.log.captured", *permitted, rules=rules),), {"view.log.captured": value})
    return wrong


def rest(wrong, value, *permitted, rules=("S",)):
    expected = branch(claim("view.log.captured", *permitted, rules=rules), rules=("S", "L", "R"))
    return wrong.forgive(Expectation((expected,)), {"view.log.captured": value}).branches[0]


def test_a_field_that_did_not_move_and_was_not_to_move_leaves_other_rules_checked():
    left = rest(noted(6, 5), 6, 5)
    assert [each.field for each in left.claims] == ["answer.outcome"]
    assert left.rules == ("S", "L", "R")


def test_a_rule_that_was_violated_there_is_not_checked_again():
    assert rest(noted(6, 5), 6, 5, rules=("S", "L")).rules == ("S", "R")


def test_a_field_that_should_have_moved_leaves_its_rules_unchecked():
    assert rest(noted(6, 5), 6, 9).rules == ("L", "R")


def test_a_field_that_moved_to_another_wrong_value_is_wrong_again_for_other_rules_only():
    assert "view.log.captured" in [each.field for each in rest(noted(6, 5), 7, 5).claims]
    assert "view.log.captured" not in [each.field for each in rest(noted(6, 5), 7, 5, rules=("L",)).claims]


def test_what_is_seen_later_of_a_wrong_field_is_taken_in():
    wrong = noted(6, 5)
    wrong.follow(Expectation((branch(claim("view.log.captured", 9, rules=("L",))),)), {"view.log.captured": 10})
    assert rest(wrong, 10, 9).rules == ("S", "L", "R")
