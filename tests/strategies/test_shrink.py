"""Candidates for a smaller history: sound, strictly simpler, and enough to arrive where a person would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.domain.api_table import spec_of
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Defect,
    Enter3DS,
    History,
    Initiate,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reserve,
    StartProcessing,
    Step,
    Together,
    history_as_json,
    history_from_json,
    parts_of,
)
from conformance.model import ModelContext
from conformance.strategies.provider.histories import histories
from conformance.strategies.provider.money import TRIGGERS
from conformance.strategies.provider.shrink import amounts_cost, candidates, cost
from conformance.strategies.provider.walk import walk
from tests.strategies.capabilities import EVERYTHING

ANY = st.one_of([histories(profile, ModelContext(), EVERYTHING) for profile in Profile])


def of(*steps: Any, amount: int = 1000, profile: Profile = Profile.ECOM, kind: Kind = Kind.PAYMENT) -> History:
    return History(profile, Initiate(amount, kind), steps)


def shrink(history: History, condition: Callable[[History], bool]) -> tuple[History, int]:
    """Take the first candidate that still fails until none does; return it, and how many were tried."""
    tried = 0
    while True:
        for candidate in candidates(history):
            tried += 1
            if condition(candidate):
                history = candidate
                break
        else:
            return history, tried


def excess_moves(history: History) -> int:
    uncaptured, captured, count = history.opening.amount, 0, 0
    for step in parts(history):
        if isinstance(step, Capture):
            fits = step.amount <= uncaptured
            uncaptured, captured = (
                (uncaptured - step.amount, captured + step.amount) if fits else (uncaptured, captured)
            )
        elif isinstance(step, Refund):
            fits = step.amount <= captured
            captured -= step.amount if fits else 0
        else:
            continue
        count += not fits
    return count


def moved_amounts(history: History) -> list[int]:
    return [step.amount for step in parts(history) if isinstance(step, Capture | Refund)]


def parts(history: History) -> list[Step]:
    return [part for step in history.steps for part in parts_of(step)]


@settings(max_examples=150)
@given(ANY)
def test_every_candidate_is_strictly_simpler(history: History) -> None:
    simpler = list(candidates(history))
    assert all(cost(candidate) < cost(history) for candidate in simpler)
    assert len(set(simpler)) == len(simpler)
    assert [cost(candidate) for candidate in simpler] == sorted(cost(candidate) for candidate in simpler)
    assert min(cost(history)) >= 0


@settings(max_examples=150)
@given(ANY)
def test_every_candidate_can_be_played_and_stored(history: History) -> None:
    for candidate in candidates(history):
        assert candidate.profile is history.profile
        assert history_from_json(history_as_json(candidate)) == candidate
        assert len(walk(candidate, ModelContext())) == len(candidate.all_steps)


@settings(max_examples=150)
@given(ANY)
def test_no_candidate_asks_for_more_than_its_origin_did(history: History) -> None:
    floor = min([spec_of(history.profile).least_capture, *moved_amounts(history)])
    refunds = {step.amount for step in parts(history) if isinstance(step, Refund)}
    for candidate in candidates(history):
        assert excess_moves(candidate) <= excess_moves(history)
        assert min([floor, *moved_amounts(candidate)]) == floor
        marked = TRIGGERS & {
            candidate.opening.amount,
            *(step.amount for step in parts(candidate) if isinstance(step, Refund)),
        }
        assert marked <= TRIGGERS & {history.opening.amount, *refunds}


@settings(max_examples=50)
@given(ANY)
def test_minimising_ends_at_the_simplest_history(history: History) -> None:
    smallest, tried = shrink(history, lambda candidate: any(isinstance(step, Cancel) for step in candidate.steps))
    assert smallest == History(history.profile, Initiate(1000, smallest.opening.kind), (Cancel(),))
    assert smallest.opening.kind in (Kind.PAYMENT, Kind.INITIAL_RESERVE)
    assert tried < 200


LONG = of(
    Enter3DS(),
    Leave3DS(),
    Age(timedelta(days=90, hours=5)),
    Capture(3021),
    Capture(77),
    Capture(502),
    Refund(900),
    Age(timedelta(days=133, minutes=7)),
    Read(),
    Cancel(flag=False, key=Key.SAME),
    Cancel(flag=True),
    Capture(100),
    amount=12345,
)


def captures_of(history: History) -> int:
    return sum(isinstance(step, Capture) for step in history.steps)


def aged(history: History) -> timedelta:
    return sum((step.by for step in history.steps if isinstance(step, Age)), timedelta())


@pytest.mark.parametrize(
    ("condition", "steps"),
    [
        (
            lambda candidate: candidate.steps[-1] == Cancel(flag=True) and captures_of(candidate) > 0,
            (Capture(500), Cancel(flag=True)),
        ),
        (lambda candidate: aged(candidate) > timedelta(days=181), (Age(timedelta(days=182)),)),
        (lambda candidate: aged(candidate) > timedelta(days=200), (Age(timedelta(days=367)),)),
        (lambda candidate: Approve() in candidate.steps or Enter3DS() in candidate.steps, (Enter3DS(),)),
        (
            lambda candidate: Refund in map(type, candidate.steps) and captures_of(candidate) > 0,
            (Capture(200), Refund(100)),
        ),
        (lambda candidate: sum(isinstance(step, Cancel) for step in candidate.steps) > 1, (Cancel(), Cancel())),
    ],
)
def test_a_long_history_becomes_what_a_person_would_write(
    condition: Callable[[History], bool], steps: tuple[Any, ...]
) -> None:
    smallest, tried = shrink(LONG, condition)
    assert smallest == of(*steps)
    assert tried < 250


def test_an_odd_amount_stays_odd_and_becomes_plain() -> None:
    smallest, _ = shrink(LONG, lambda candidate: candidate.opening.amount % 2 == 1 and captures_of(candidate) > 0)
    assert smallest == of(Capture(100), amount=999)


@pytest.mark.parametrize(
    ("history", "digits"),
    [
        (of(Cancel()), 1),
        (of(Cancel(), amount=999), 3),
        (of(Capture(500), Refund(250), Cancel()), 4),
        (of(Capture(537), Cancel(), amount=12_000), 5),
    ],
)
def test_round_amounts_are_those_with_few_digits(history: History, digits: int) -> None:
    assert amounts_cost(history) == digits


def test_adjacent_ages_captures_and_refunds_are_merged() -> None:
    history = of(Approve(), Capture(300), Capture(200), Age(timedelta(days=1)), Age(timedelta(days=2)), Cancel())
    simpler = set(candidates(history))
    assert of(Approve(), Capture(500), *history.steps[3:]) in simpler
    assert of(*history.steps[:3], Age(timedelta(days=3)), Cancel()) in simpler


def test_an_approval_is_simpler_than_3_d_secure() -> None:
    assert of(Approve(), Cancel()) in set(candidates(of(Enter3DS(), Leave3DS(), Cancel())))


def test_an_initial_charge_is_simpler_than_one_that_was_processed() -> None:
    history = of(
        BecomeDue(), StartProcessing(), Reserve(), Cancel(), profile=Profile.RECURRING, kind=Kind.CHARGE_RESERVE
    )
    assert of(Cancel(), profile=Profile.RECURRING, kind=Kind.INITIAL_RESERVE) in set(candidates(history))


def test_a_cancel_loses_its_oddities_one_by_one_and_all_at_once() -> None:
    odd = Cancel(flag=True, key=Key.SPENT, to=Addressee.FOREIGN, defect=Defect.NO_TOKEN)
    simpler = {candidate.steps[0] for candidate in candidates(of(odd))}
    assert simpler >= {
        Cancel(),
        Cancel(flag=True, key=Key.SPENT, to=Addressee.FOREIGN),
        Cancel(flag=True, key=Key.SPENT, defect=Defect.NO_TOKEN),
        Cancel(flag=True, to=Addressee.FOREIGN, defect=Defect.NO_TOKEN),
        Cancel(flag=False, key=Key.SPENT, to=Addressee.FOREIGN, defect=Defect.NO_TOKEN),
        Cancel(flag=None, key=Key.SPENT, to=Addressee.FOREIGN, defect=Defect.NO_TOKEN),
    }


def test_a_race_loses_one_of_its_requests_or_becomes_one_after_the_other() -> None:
    cancel, capture = Cancel(flag=True), Capture(700)
    simpler = set(candidates(of(Approve(), Together(cancel, capture))))
    assert simpler >= {
        of(Approve(), cancel),
        of(Approve(), capture),
        of(Approve(), cancel, capture),
        of(Approve(), capture, cancel),
        of(Approve(), Together(Cancel(), capture)),
        of(Approve(), Together(cancel, Capture(1000))),
    }


def test_a_race_that_has_to_stay_one_becomes_what_a_person_would_write() -> None:
    start = of(Enter3DS(), Leave3DS(), Age(timedelta(days=3)), Together(Cancel(flag=False), Capture(777)), Cancel())

    def raced(history: History) -> bool:
        return any(isinstance(step, Together) and isinstance(step.second, Capture) for step in history.steps)

    smallest, _ = shrink(start, raced)
    assert smallest == of(Together(Cancel(), Capture(500)))


def test_the_simplest_history_has_no_candidates() -> None:
    assert not list(candidates(of(Cancel())))
