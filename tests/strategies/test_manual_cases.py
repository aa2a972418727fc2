"""A person is asked for what nothing else exercises, as often as a rule needs it, and for no more."""

from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, History, Initiate, Reject
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.manual_cases import MOST, limited_cases, needs_operator, with_few_manual_cases

MANUAL = frozenset({"reject"})


def case(*steps, goals=("EP-09",), generated=False):
    return Case(History(Profile.EPAYMENT, Initiate(1000), steps), "", {}, goals, generated=generated)


AUTOMATIC = case(Approve(), Cancel(), goals=("EP-01",))
SHORT, LONG = case(Reject()), case(Reject(), Cancel())


def test_a_history_needs_an_operator_for_a_manual_step():
    assert needs_operator(SHORT.history, MANUAL)
    assert not needs_operator(AUTOMATIC.history, MANUAL)
    assert not needs_operator(SHORT.history, frozenset())


def test_each_goal_is_aimed_at_as_often_as_a_rule_needs_checks_with_the_shortest_first():
    assert limited_cases([LONG] * 5 + [SHORT], MANUAL) == [SHORT, LONG, LONG]


def test_nobody_is_asked_for_what_other_cases_exercise():
    elsewhere = [case(Approve())] * 3
    assert limited_cases([*elsewhere, SHORT], MANUAL) == []


def test_nobody_is_asked_for_a_random_draw():
    assert limited_cases([case(Reject(), generated=True)], MANUAL) == []


def test_there_is_an_end_to_what_a_person_is_asked_for():
    cases = [case(Reject(), goals=(f"EP-{number:02d}",)) for number in range(MOST + 5)]
    assert len(limited_cases(cases, MANUAL)) == MOST


def test_manual_cases_come_first_and_those_that_were_not_chosen_are_left_out():
    cases = [AUTOMATIC, *[LONG] * 5]
    assert with_few_manual_cases(cases, MANUAL) == [LONG, LONG, LONG, AUTOMATIC]
    assert with_few_manual_cases(cases, frozenset()) == cases
