"""The systematic set: complete, deterministic, and ordered so that every beginning of it tells the most."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache

import pytest

from conformance.domain.api_table import spec_of
from conformance.domain.order import Kind, Market, Order, Profile, Stage
from conformance.domain.steps import (
    Addressee,
    Age,
    Cancel,
    Capture,
    History,
    Refund,
    StopAgreement,
    Together,
    history_as_json,
    history_from_json,
    parts_of,
)
from conformance.judging.verdicts import CHECKS_NEEDED
from conformance.model import ModelContext, age_for_cancel
from conformance.model.context import DEAD_ZONE
from conformance.model.context import AgeLimit as Judged
from conformance.rulebook import Readings, RuleStatus, load
from conformance.strategies.provider.ages import age_limits
from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.grid import defects_of
from conformance.strategies.provider.money import TRIGGERS
from conformance.strategies.provider.situations import needs
from conformance.strategies.provider.systematic import EXAMPLES, WEIGHTS, systematic
from conformance.strategies.provider.walk import Question, questions
from tests.strategies.capabilities import EVERYTHING

WORLDS = [(profile, market) for profile in Profile for market in Market]
MOST = 340

UNREACHABLE = {
    (Profile.ECOM, "KB-04"): "a cancel before approval fails only where the user acts meanwhile; an ideal one succeeds",
    (
        Profile.EPAYMENT,
        "KB-04",
    ): "a cancel before approval fails only where the user acts meanwhile; an ideal one succeeds",
}
"""Checked rules that no history reaches with an ideal provider, and why. None of them is required."""


@cache
def planned_for(profile: Profile, market: Market) -> tuple[Case, ...]:
    return systematic(profile, ModelContext(market), EVERYTHING)


def refs_of(profile: Profile) -> dict[str, str]:
    """Return the checked rules of a profile: each side, and the rule's id."""
    return {
        ref: rule.id
        for rule in load().governing(profile)
        if rule.status is RuleStatus.CHECKED
        for ref in ([f"{rule.id}/{side}" for side in rule.sides] or [rule.id])
    }


def examples(planned: tuple[Case, ...]) -> Counter[str]:
    return Counter(goal for case in planned for goal in case.goals)


def total_age(history: History) -> timedelta:
    return sum((step.by for step in history.steps if isinstance(step, Age)), timedelta())


def test_as_many_examples_are_planned_as_a_verdict_needs() -> None:
    assert len(WEIGHTS) == EXAMPLES == CHECKS_NEEDED


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_every_checked_rule_has_its_examples_on_every_side(profile: Profile, market: Market) -> None:
    counted = examples(planned_for(profile, market))
    thin = {ref: counted[ref] for ref in refs_of(profile) if counted[ref] < CHECKS_NEEDED}
    expected = {ref for ref, rule in refs_of(profile).items() if (profile, rule) in UNREACHABLE}
    assert set(thin) == expected


@pytest.mark.parametrize(("profile", "rule"), list(UNREACHABLE))
def test_what_cannot_be_reached_is_not_required(profile: Profile, rule: str) -> None:
    assert load().rule(rule).level == "MAY"
    assert not any(examples(planned_for(profile, market))[rule] for market in Market)


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_goals_are_rules_of_the_profile(profile: Profile, market: Market) -> None:
    known = {rule.id: rule.sides for rule in load().governing(profile)}
    for goal in examples(planned_for(profile, market)):
        rule, _, side = goal.partition("/")
        assert rule in known
        assert side in known[rule] if side else not known[rule]


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_the_set_is_small_and_has_no_duplicates(profile: Profile, market: Market) -> None:
    planned = planned_for(profile, market)
    assert 150 <= len(planned) <= MOST
    assert len({case.history for case in planned}) == len(planned)
    assert len({case.label for case in planned}) == len(planned)


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_the_set_is_deterministic(profile: Profile, market: Market) -> None:
    assert systematic(profile, ModelContext(market), EVERYTHING) == planned_for(profile, market)


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_rules_come_first_then_questions_then_further_examples(profile: Profile, market: Market) -> None:
    planned, context = planned_for(profile, market), ModelContext(market)

    def beginning(share: float) -> tuple[Case, ...]:
        return planned[: int(len(planned) * share)]

    def questions_of(cases: tuple[Case, ...]) -> frozenset[Question]:
        return frozenset(question for case in cases for question in questions(case.history, context))

    everything = examples(planned)
    assert set(examples(beginning(1 / 4))) == set(everything)
    # A race asks for a chance more than for an order: when it comes does not matter.
    asked_late = {question[0] for question in questions_of(planned) - questions_of(beginning(1 / 2))}
    assert all(isinstance(step, Together) for step in asked_late), asked_late
    counted = examples(beginning(2 / 3))
    assert all(counted[goal] >= min(CHECKS_NEEDED, count) for goal, count in everything.items())


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_no_other_history_is_a_better_beginning(profile: Profile, market: Market) -> None:
    first, *others = planned_for(profile, market)
    question_counts = {case.history: len(questions(case.history, ModelContext(market))) for case in (first, *others)}
    best = max(len(case.goals) + question_counts[case.history] for case in others)
    # The pairs of things that every history has are as many for all of them.
    assert len(first.goals) + question_counts[first.history] >= best


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_histories_survive_json(profile: Profile, market: Market) -> None:
    for case in planned_for(profile, market):
        assert history_from_json(history_as_json(case.history)) == case.history


@pytest.mark.parametrize("profile", list(Profile))
def test_every_situation_has_a_cell(profile: Profile) -> None:
    cells = {case.cell["situation"] for case in planned_for(profile, Market.NO)}
    assert cells == {situation.name for situation in CASES[profile].situations}
    assert len(cells) == len(CASES[profile].situations)


@pytest.mark.parametrize("profile", list(Profile))
def test_cells_have_the_four_keys_of_the_grid(profile: Profile) -> None:
    for case in planned_for(profile, Market.NO):
        assert set(case.cell) == {"situation", "age", "flag", "share"}
        assert not case.generated


@pytest.mark.parametrize("profile", list(Profile))
def test_every_defect_that_the_model_knows_is_sent(profile: Profile) -> None:
    sent = {
        step.defect for case in planned_for(profile, Market.NO) for step in case.history.steps if type(step) is Cancel
    }
    assert sent - {None} == set(defects_of(profile))


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_no_more_than_five_cancels_are_sent(profile: Profile, market: Market) -> None:
    for case in planned_for(profile, market):
        sent = [part for step in case.history.steps for part in parts_of(step)]
        assert sum(isinstance(part, Cancel) for part in sent) <= 5


@pytest.mark.parametrize(("profile", "market"), WORLDS)
def test_no_total_and_no_refund_has_a_meaning_of_its_own(profile: Profile, market: Market) -> None:
    for case in planned_for(profile, market):
        refunds = {step.amount for step in case.history.steps if isinstance(step, Refund)}
        assert not TRIGGERS & {case.history.opening.amount, *refunds}, case.label


@pytest.mark.parametrize("profile", list(Profile))
def test_most_captures_are_ones_that_the_schema_allows_and_some_are_tiny(profile: Profile) -> None:
    amounts = [
        step.amount
        for case in planned_for(profile, Market.NO)
        for step in case.history.steps
        if isinstance(step, Capture)
    ]
    small = sum(amount < spec_of(profile).least_capture for amount in amounts)
    assert small <= len(amounts) // 20
    assert 1 in amounts
    assert any(amount % 2 for amount in amounts)


@pytest.mark.parametrize("profile", list(Profile))
def test_amounts_vary_around_the_simplest(profile: Profile) -> None:
    counted = Counter(case.history.opening.amount for case in planned_for(profile, Market.NO))
    assert counted.most_common(1)[0][0] == 1000
    # Of the six times that a race is run, one has the simplest.
    planned = [case for case in planned_for(profile, Market.NO) if "concurrent" not in needs(case.history)]
    assert sum(case.history.opening.amount == 1000 for case in planned) > len(planned) // 2
    assert {999, 1001, 12345, 200} <= set(counted)


USED = [
    (profile, action)
    for profile in Profile
    for action in sorted(frozenset[str]().union(*(needs(case.history) for case in planned_for(profile, Market.NO))))
]


@pytest.mark.parametrize(("profile", "missing"), USED)
def test_nothing_is_planned_that_a_target_cannot_do(profile: Profile, missing: str) -> None:
    offered = EVERYTHING - {missing}
    fewer = systematic(profile, ModelContext(), offered)
    assert all(needs(case.history) <= offered for case in fewer)
    expected = {case.history for case in planned_for(profile, Market.NO) if needs(case.history) <= offered}
    assert {case.history for case in fewer} == expected


def test_every_action_is_used_by_some_plan() -> None:
    assert {action for _, action in USED} == EVERYTHING


@pytest.mark.parametrize("profile", list(Profile))
def test_without_http_nothing_is_broken_on_the_wire(profile: Profile) -> None:
    for case in systematic(profile, ModelContext(), EVERYTHING, wire=False):
        for step in case.history.steps:
            assert not (isinstance(step, Cancel) and (step.defect or step.to is Addressee.FOREIGN))
            assert step != StopAgreement(with_other_change=True)


@pytest.mark.parametrize("profile", [Profile.ECOM, Profile.EPAYMENT])
def test_a_target_that_offers_next_to_nothing_still_gets_a_set(profile: Profile) -> None:
    assert len(systematic(profile, ModelContext(), frozenset({"approve"}))) > 100
    assert systematic(profile, ModelContext(), frozenset())


@pytest.mark.parametrize(("profile", "market"), WORLDS)
@pytest.mark.parametrize("reading", ["C1=any", "C1=reservation", "C1=market-deadline"])
def test_ages_stand_on_both_sides_of_the_limit(profile: Profile, market: Market, reading: str) -> None:
    context = ModelContext(market, Readings.choose([reading]))
    limits = age_limits(profile, context)

    def limit_of(age: timedelta) -> Judged:
        order = Order(profile, Kind.PAYMENT, 1000, context.currency, Stage.RESERVED, since_reserved=timedelta())
        return age_for_cancel(order.older(age), context)

    assert {limit_of(age) for age in limits.within} == {Judged.WITHIN}
    assert {limit_of(age) for age in (*limits.open, *limits.edges)} == {Judged.OPEN}
    assert {limit_of(age) for age in limits.beyond} == {Judged.BEYOND}
    assert limit_of(limits.within[-1] + timedelta(seconds=1)) is Judged.OPEN
    assert limit_of(limits.last + DEAD_ZONE) is Judged.OPEN
    assert limit_of(limits.last + DEAD_ZONE + timedelta(seconds=1)) is Judged.BEYOND


@pytest.mark.parametrize("market", [Market.DK, Market.FI])
def test_where_only_the_markets_deadline_counts_fourteen_days_are_the_limit(market: Market) -> None:
    context = ModelContext(market, Readings.choose(["C1=market-deadline"]))
    for profile in Profile:
        planned = systematic(profile, context, EVERYTHING)
        beyond = [case for case in planned if "KB-02b/beyond" in case.goals]
        assert min(total_age(case.history) for case in beyond) == timedelta(days=16)
        assert len(beyond) >= CHECKS_NEEDED
