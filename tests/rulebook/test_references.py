"""Every rule that the model cites is in the rulebook, and every rule that is checked is cited by the model."""

from functools import cache

import pytest

from conformance.domain.order import Market
from conformance.rulebook import RuleStatus, load
from tests.model.on_paper import (
    DAY,
    LATER,
    NOTICED,
    OLD,
    PROFILES,
    context,
    narrowings,
    references,
    walked,
    walked_races,
)

# What these tests share takes seconds to compute.
pytestmark = pytest.mark.xdist_group("references")


@cache
def cited(profile):
    found = set()
    for market in Market:
        for _, _, expectation in walked(profile, context(market=market)):
            found |= references(expectation)
    return frozenset(found.union(*map(references, walked_races(profile, context()))))


@cache
def shown(profile):
    found = {rule for race in walked_races(profile, context()) for branch in race.branches for rule in branch.rules}
    for market in Market:
        for _, _, expectation in walked(profile, context(market=market)):
            for branch in expectation.branches:
                found |= set(branch.rules)
    return frozenset(found)


@cache
def recorded(profile):
    found = [expectation for _, _, expectation in walked(profile, context(), (None, DAY))]
    return frozenset(rule for one in (*found, *walked_races(profile, context())) for rule in one.records)


@cache
def cited_under(profile, choice):
    ages = (None, LATER, OLD) if choice.startswith("C1=") else (OLD,)
    found = set()
    for _, _, expectation in walked(profile, context(choice, market=Market.DK), ages):
        found |= references(expectation)
    return frozenset(found)


def everything_cited(profile):
    return cited(profile).union(*(cited_under(profile, choice) for choice in narrowings()))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_reference_of_the_model_is_a_rule_of_that_profile_and_a_side_that_it_has(profile):
    governing = {rule.id: rule for rule in load().governing(profile)}
    for reference in sorted(everything_cited(profile)):
        name, slash, side = reference.partition("/")
        assert name in governing, f"{reference} does not govern {profile.value}"
        assert governing[name].status is not RuleStatus.EXCLUDED, f"{reference} is excluded"
        assert not slash or side in governing[name].sides, f"{name} has no side {side!r}"


@pytest.mark.parametrize("profile", PROFILES)
def test_an_example_of_a_rule_with_sides_always_names_one(profile):
    sided = {rule.id for rule in load().governing(profile) if rule.sides}
    assert not sided & shown(profile)


def rules_of(status):
    return [(profile, rule.id) for profile in PROFILES for rule in load().governing(profile) if rule.status is status]


# Both sides of a rule, or the rule itself, can be shown: without that a run can never be conformant.
@pytest.mark.parametrize(("profile", "rule"), rules_of(RuleStatus.CHECKED))
def test_every_checked_rule_can_be_shown_on_each_of_its_sides(profile, rule):
    sides = load().rule(rule).sides
    wanted = {f"{rule}/{side}" for side in sides} if sides else {rule}
    assert wanted <= shown(profile)


@pytest.mark.parametrize(("profile", "rule"), rules_of(RuleStatus.CHECKED))
def test_every_checked_rule_is_cited_by_a_claim_or_a_branch(profile, rule):
    assert rule in {reference.partition("/")[0] for reference in cited(profile)}


@pytest.mark.parametrize(("profile", "rule"), rules_of(RuleStatus.RECORDED))
def test_every_recorded_rule_is_recorded_by_some_step_or_listed_with_a_reason(profile, rule):
    assert (rule in recorded(profile)) != (rule in NOTICED)
