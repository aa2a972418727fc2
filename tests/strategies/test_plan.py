"""The plan of a run: the systematic set, what is drawn, and again what a target that offers little leaves rare."""

from collections import Counter

import pytest

from conformance.domain.order import Market, Profile
from conformance.model import ModelContext
from conformance.rulebook import RuleStatus, load
from conformance.strategies.provider.plan import plan_cases
from conformance.strategies.provider.systematic import EXAMPLES, systematic
from tests.strategies.capabilities import EVERYTHING

CONTEXT = ModelContext(Market.NO)
NO_CONTROL = frozenset({"approve", "concurrent", "units"})
NOTHING = frozenset()


def rare(cases):
    counted = Counter(goal for case in cases for goal in case.goals)
    checked = {rule.id for rule in load().rules if rule.status is RuleStatus.CHECKED}
    return {goal for goal, count in counted.items() if count < EXAMPLES and goal.partition("/")[0] in checked}


def planned(profile, offered, *, wire=True):
    return plan_cases(profile, CONTEXT, offered, wire=wire, seed=0, count=0)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("offered", [NO_CONTROL, NOTHING], ids=["no control", "nothing"])
def test_what_can_be_reached_is_planned_as_often_as_a_verdict_needs(profile, offered):
    assert rare(planned(profile, offered)) == set()


def test_without_test_control_a_rule_of_recurring_would_be_rare():
    grid = systematic(Profile.RECURRING, CONTEXT, NO_CONTROL)
    assert rare(grid) == {"RE-29"}
    again = planned(Profile.RECURRING, NO_CONTROL)[len(grid) :]
    assert [(case.goals.count("RE-29"), case.history.opening.amount) for case in again] == [(1, 999)]
    assert again[0].label.endswith(", again")


@pytest.mark.parametrize("profile", Profile)
def test_nothing_is_added_where_everything_is_offered(profile):
    assert planned(profile, EVERYTHING) == list(systematic(profile, CONTEXT, EVERYTHING))
