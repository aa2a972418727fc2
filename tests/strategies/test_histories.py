"""The strategies: what they draw can be run, reaches what it should, and shrinks to what a person would write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.domain.api_table import spec_of
from conformance.domain.order import Market, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Cancel,
    Capture,
    Defect,
    History,
    Key,
    Refund,
    Step,
    StopAgreement,
    history_as_json,
    history_from_json,
    parts_of,
)
from conformance.model import ModelContext
from conformance.rulebook import RuleStatus, load
from conformance.strategies.provider.histories import (
    MOST_CHANGES,
    ages,
    amounts,
    cancels,
    captures,
    flags,
    histories,
    reaching,
)
from conformance.strategies.provider.money import TRIGGERS
from conformance.strategies.provider.plan import draw_cases
from conformance.strategies.provider.situations import Extent, needs
from conformance.strategies.provider.systematic import systematic
from conformance.strategies.provider.walk import Question, questions, reached, walk
from tests.strategies.capabilities import EVERYTHING

PAYMENTS = (Profile.ECOM, Profile.EPAYMENT)


def drawn(strategy: SearchStrategy[Any], count: int, number: int = 1) -> list[Any]:
    """Return what a strategy draws from a seed."""
    values: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values


def smallest(strategy: SearchStrategy[Any], condition: Callable[[Any], bool]) -> Any:
    """Return what Hypothesis shrinks to from most of several seeds: now and then it ends at another minimum."""
    quietly = settings(max_examples=5000, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    minima = Counter(find(strategy, condition, settings=quietly, random=Random(number)) for number in range(5))
    ((value, count),) = minima.most_common(1)
    assert count >= 3, minima
    return value


@cache
def sample(profile: Profile) -> list[History]:
    # Draws of one seed resemble each other, so several are asked.
    strategy = histories(profile, ModelContext(), EVERYTHING)
    return [history for number in range(5) for history in drawn(strategy, 100, number)]


@cache
def plan(profile: Profile, seed: int) -> list[History]:
    return draw_cases(profile, ModelContext(), EVERYTHING, wire=True, seed_=seed, count=300)


def all_requests(history: History) -> list[Step]:
    """Return every request of a history, those that are sent together one after the other."""
    return [part for step in history.steps for part in parts_of(step)]


def steps_as_json(history: History) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = history_as_json(history)["steps"]
    return steps


# What is drawn


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("market", list(Market))
def test_every_history_can_be_walked_and_stored(profile: Profile, market: Market) -> None:
    context = ModelContext(market)
    for history in drawn(histories(profile, context, EVERYTHING), 150):
        assert len(walk(history, context)) == len(history.all_steps)
        assert history_from_json(history_as_json(history)) == history


@pytest.mark.parametrize("profile", list(Profile))
def test_most_draws_differ(profile: Profile) -> None:
    assert len(set(sample(profile))) > len(sample(profile)) * 0.6


@pytest.mark.parametrize("profile", list(Profile))
def test_every_history_has_a_cancel_and_no_more_than_the_rate_limit_allows(profile: Profile) -> None:
    for history in sample(profile):
        assert 1 <= sum(isinstance(step, Cancel) for step in all_requests(history)) <= MOST_CHANGES


@pytest.mark.parametrize("profile", list(Profile))
def test_no_total_and_no_refund_has_a_meaning_of_its_own(profile: Profile) -> None:
    for history in sample(profile):
        refunds = {step.amount for step in all_requests(history) if isinstance(step, Refund)}
        assert not TRIGGERS & {history.opening.amount, *refunds}


@pytest.mark.parametrize("profile", list(Profile))
def test_most_captures_before_the_first_cancel_are_ones_that_can_succeed(profile: Profile) -> None:
    captures_of, too_much = 0, 0
    for history in sample(profile):
        uncaptured = history.opening.amount
        for step in all_requests(history):
            if isinstance(step, Cancel):
                break
            if isinstance(step, Capture):
                assert step.amount >= spec_of(profile).least_capture
                captures_of, too_much = captures_of + 1, too_much + (step.amount > uncaptured)
                uncaptured -= step.amount if step.amount <= uncaptured else 0
    assert 0 < too_much < captures_of // 5


@pytest.mark.parametrize("profile", list(Profile))
def test_a_plan_has_amounts_of_every_magnitude_and_remainder(profile: Profile) -> None:
    totals = [history.opening.amount for history in plan(profile, seed=3)]
    assert {total.bit_length() for total in totals} >= set(range(7, 27))
    assert all({total % modulus for total in totals} == set(range(modulus)) for modulus in (3, 7, 16))
    assert len({total % 100 for total in totals}) >= 80
    assert len(set(totals)) > 0.7 * len(totals)


@pytest.mark.parametrize("profile", list(Profile))
def test_a_plan_has_no_history_twice_and_is_the_same_for_a_seed(profile: Profile) -> None:
    assert len(set(plan(profile, seed=3))) == 300
    assert draw_cases(profile, ModelContext(), EVERYTHING, wire=True, seed_=3, count=300) == plan(profile, seed=3)


@pytest.mark.parametrize("profile", list(Profile))
def test_the_first_of_a_plan_ask_nearly_all_that_the_others_do(profile: Profile) -> None:
    def asked(histories_: list[History]) -> set[Question]:
        return {question for history in histories_ for question in questions(history, ModelContext())}

    first, whole = asked(plan(profile, seed=3)[:60]), asked(plan(profile, seed=3))
    assert len(first) > 0.6 * len(whole)


@pytest.mark.parametrize("missing", sorted(EVERYTHING))
def test_nothing_is_drawn_that_a_target_cannot_do(missing: str) -> None:
    offered = EVERYTHING - {missing}
    for profile in Profile:
        for history in drawn(histories(profile, ModelContext(), offered), 60):
            assert needs(history) <= offered


def test_a_target_that_offers_nothing_still_gets_histories() -> None:
    for profile in Profile:
        assert all(not needs(history) for history in drawn(histories(profile, ModelContext(), frozenset()), 20))


@pytest.mark.parametrize("profile", list(Profile))
def test_without_http_nothing_is_broken_on_the_wire(profile: Profile) -> None:
    for history in drawn(histories(profile, ModelContext(), EVERYTHING, wire=False), 200):
        for step in history.steps:
            assert not (isinstance(step, Cancel) and (step.defect or step.to is Addressee.FOREIGN))
            assert step != StopAgreement(with_other_change=True)


@pytest.mark.parametrize("profile", list(Profile))
def test_the_draws_cover_what_the_grid_does_not_plan(profile: Profile) -> None:
    cancels_of_each = [
        [step for step in all_requests(history) if isinstance(step, Cancel)] for history in sample(profile)
    ]
    planned = {case.history for case in systematic(profile, ModelContext(), EVERYTHING)}
    assert sum(history in planned for history in sample(profile)) < len(sample(profile)) // 5
    assert {len(requests) for requests in cancels_of_each} == set(range(1, MOST_CHANGES + 1))
    assert {step.key for requests in cancels_of_each for step in requests} == set(Key)
    assert {step.to for requests in cancels_of_each for step in requests} == set(Addressee)
    assert any(step.defect for requests in cancels_of_each for step in requests)
    captured = [sum(isinstance(step, Capture) for step in history.steps) for history in sample(profile)]
    assert {0, 1, 2, 3, 5} <= set(captured)


@pytest.mark.parametrize("profile", list(Profile))
def test_the_draws_reach_nearly_every_checked_rule(profile: Profile) -> None:
    reached_rules = {ref.partition("/")[0] for history in sample(profile) for ref in reached(history, ModelContext())}
    checked = {rule.id for rule in load().governing(profile) if rule.status is RuleStatus.CHECKED}
    assert len(checked & reached_rules) >= 0.85 * len(checked)


@given(st.data(), amounts(), st.sampled_from(tuple(Profile)), st.sampled_from([Extent.PART, Extent.ALL]))
def test_captures_add_up(data: st.DataObject, amount: int, profile: Profile, extent: Extent) -> None:
    # Of the least amount, no part can be captured.
    amount = max(amount, spec_of(profile).least_capture + 1)
    pieces = data.draw(captures(amount, profile, extent))
    assert min(pieces) >= spec_of(profile).least_capture
    assert sum(pieces) == amount if extent is Extent.ALL else 0 < sum(pieces) < amount


@given(amounts())
def test_totals_are_ordinary(amount: int) -> None:
    assert 100 <= amount <= 65_000_000
    assert amount not in TRIGGERS


@given(st.sampled_from(tuple(Profile)).flatmap(lambda profile: ages(profile, ModelContext())))
def test_ages_are_not_negative(age: timedelta) -> None:
    assert timedelta() <= age <= timedelta(days=3 * 365)


@pytest.mark.parametrize("profile", PAYMENTS)
def test_most_cancels_are_plain(profile: Profile) -> None:
    drawn_cancels = drawn(cancels(profile), 300)
    plain = [step for step in drawn_cancels if step == Cancel(flag=step.flag)]
    assert len(drawn_cancels) // 2 < len(plain) < len(drawn_cancels)
    assert {step.flag for step in plain} == {None, False, True}
    assert not any(step.defect or step.to is Addressee.FOREIGN for step in drawn(cancels(profile, wire=False), 200))


def test_recurring_has_no_flag() -> None:
    assert {step.flag for step in drawn(cancels(Profile.RECURRING), 100)} == {None}
    assert set(drawn(flags(Profile.RECURRING), 10)) == {None}


# Reaching a rule

REACHED = {
    profile: {goal.partition("/")[0] for case in systematic(profile, ModelContext(), EVERYTHING) for goal in case.goals}
    for profile in Profile
}
REACHABLE = [
    (profile, rule.id)
    for profile in Profile
    for rule in load().governing(profile)
    if rule.status is RuleStatus.CHECKED and rule.id in REACHED[profile]
]


@pytest.mark.parametrize(("profile", "rule"), REACHABLE)
def test_a_rule_is_reached_by_construction(profile: Profile, rule: str) -> None:
    drawn_histories = drawn(reaching(rule, profile, ModelContext(), EVERYTHING), 40)
    hits = sum(
        any(ref.partition("/")[0] == rule for ref in reached(history, ModelContext())) for history in drawn_histories
    )
    assert hits >= 0.95 * len(drawn_histories)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("side", ["within", "beyond"])
def test_one_side_of_a_rule_can_be_asked_for(profile: Profile, side: str) -> None:
    for history in drawn(reaching(f"KB-02/{side}", profile, ModelContext(), EVERYTHING), 30):
        assert f"KB-02/{side}" in reached(history, ModelContext())


def test_a_rule_out_of_reach_is_said_to_be() -> None:
    with pytest.raises(LookupError, match="no history of ecom reaches KB-05 where the target offers approve"):
        reaching("KB-05", Profile.ECOM, ModelContext(), frozenset({"approve"}))


# Shrinking


def cancels_of(history: History) -> list[Cancel]:
    return [step for step in history.steps if isinstance(step, Cancel)]


def partly_captured_with_the_flag(history: History) -> bool:
    uncaptured = history.opening.amount
    for step in history.steps:
        if isinstance(step, Capture) and step.amount < uncaptured:
            uncaptured -= step.amount
        elif step == Cancel(flag=True) and uncaptured < history.opening.amount:
            return True
    return False


def cancelled_late(history: History) -> bool:
    age = timedelta()
    for step in history.steps:
        age += step.by if isinstance(step, Age) else timedelta()
        if isinstance(step, Cancel) and age > timedelta(days=181):
            return True
    return False


def captured_after_a_cancel(history: History) -> bool:
    places = [place for place, step in enumerate(history.steps) if isinstance(step, Cancel)]
    return any(isinstance(step, Capture) for step in history.steps[min(places, default=len(history.steps)) :])


@pytest.mark.parametrize("profile", PAYMENTS)
@pytest.mark.parametrize(
    ("condition", "steps"),
    [
        (lambda _: True, [{"do": "cancel"}]),
        (
            partly_captured_with_the_flag,
            [{"do": "approve"}, {"do": "capture", "amount": 500}, {"do": "cancel", "flag": True}],
        ),
        (captured_after_a_cancel, [{"do": "cancel"}, {"do": "capture", "amount": 500}]),
        (lambda history: len(cancels_of(history)) > 1, [{"do": "cancel"}, {"do": "cancel"}]),
        (lambda history: Cancel(flag=False) in history.steps, [{"do": "cancel", "flag": False}]),
    ],
)
def test_histories_shrink_to_what_a_person_would_write(
    profile: Profile, condition: Callable[[History], bool], steps: list[dict[str, Any]]
) -> None:
    assert steps_as_json(smallest(histories(profile, ModelContext(), EVERYTHING), condition)) == [
        {"do": "initiate"},
        *steps,
    ]


@pytest.mark.parametrize("profile", PAYMENTS)
def test_a_malformed_cancel_shrinks_to_one_with_a_plain_one_at_most(profile: Profile) -> None:
    shrunk = smallest(
        histories(profile, ModelContext(), EVERYTHING),
        lambda history: any(step.defect is Defect.BAD_TOKEN for step in cancels_of(history)),
    )
    assert [step.defect for step in cancels_of(shrunk) if step.defect] == [Defect.BAD_TOKEN]
    assert len(shrunk.steps) <= 2


@pytest.mark.parametrize("profile", list(Profile))
def test_an_odd_amount_shrinks_to_the_plainest_odd_one(profile: Profile) -> None:
    shrunk = smallest(histories(profile, ModelContext(), EVERYTHING), lambda history: history.opening.amount % 2 == 1)
    assert shrunk.opening.amount == 999
    assert shrunk.steps == (Cancel(),)


@pytest.mark.parametrize("profile", list(Profile))
def test_ages_shrink_to_one_that_stands_clear_of_the_limit(profile: Profile) -> None:
    shrunk = smallest(histories(profile, ModelContext(), EVERYTHING), cancelled_late)
    (age,) = [step for step in shrunk.steps if isinstance(step, Age)]
    assert age.by == timedelta(days=186 if profile is Profile.ECOM else 182)
    assert len(shrunk.steps) == 2


def test_the_simplest_of_everything() -> None:
    assert smallest(amounts(), lambda _: True) == 1000
    assert smallest(captures(1000, Profile.ECOM), lambda _: True) == (500,)
    assert smallest(captures(1000, Profile.ECOM, Extent.ALL), lambda _: True) == (1000,)
    assert smallest(ages(Profile.ECOM, ModelContext()), lambda _: True) == timedelta()
    assert smallest(flags(Profile.ECOM), lambda _: True) is None
    assert smallest(cancels(Profile.ECOM), lambda _: True) == Cancel()
