"""Histories played on paper."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conformance.domain.order import Kind, Market, Profile, Stage
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    History,
    Initiate,
    Key,
    StopAgreement,
)
from conformance.model import ModelContext
from conformance.strategies.provider.systematic import systematic
from conformance.strategies.provider.walk import ideal, questions, reached, walk
from tests.strategies.capabilities import EVERYTHING


def of(profile: Profile, *steps: object, kind: Kind = Kind.PAYMENT) -> History:
    return History(profile, Initiate(kind=kind), tuple(steps))  # type: ignore[arg-type]


def test_a_walk_has_one_stride_for_the_opening_and_one_for_each_step() -> None:
    strides = walk(of(Profile.ECOM, Approve(), Cancel()), ModelContext())
    assert [stride.step for stride in strides] == [Initiate(), Approve(), Cancel()]
    (order,) = strides[-1].possible
    assert (order.stage, order.cancelled, order.remaining) == (Stage.CANCELLED, 1000, 0)


def test_a_cancel_of_a_reservation_exercises_its_rules() -> None:
    assert {"EC-03", "KB-01/reserved"} <= reached(of(Profile.ECOM, Approve(), Cancel()), ModelContext())


def test_rules_of_silence_are_reached_too() -> None:
    assert "EC-04" in reached(of(Profile.ECOM, Approve(), Cancel(flag=True)), ModelContext())


@pytest.mark.parametrize(("days", "side"), [(1, "within"), (179, "within"), (182, None), (184, None), (186, "beyond")])
def test_both_sides_of_the_age_limit_are_reached_and_the_zone_between_is_not(days: int, side: str | None) -> None:
    references = reached(of(Profile.ECOM, Approve(), Age(timedelta(days=days)), Cancel()), ModelContext())
    sides = {ref.partition("/")[2] for ref in references if ref.startswith("KB-02/")}
    assert sides == ({side} if side else set())


def test_a_reservation_that_was_kept_is_told_from_one_that_lapsed() -> None:
    history = of(Profile.EPAYMENT, Approve(), Age(timedelta(days=400)))
    assert {order.lapsed for order in walk(history, ModelContext())[-1].possible} == {False}


def test_a_repeated_key_is_remembered() -> None:
    history = of(Profile.EPAYMENT, Approve(), Capture(500), Cancel(), Cancel(key=Key.SAME))
    assert "EP-22" in reached(history, ModelContext())


def test_somebody_elses_cancel_is_not_this_orders() -> None:
    history = of(Profile.EPAYMENT, Approve(), Cancel(to=Addressee.FOREIGN), Cancel())
    assert {"EP-16", "EP-05"} <= reached(history, ModelContext())


def test_recurring_charges_are_walked_too() -> None:
    history = of(Profile.RECURRING, BecomeDue(), StopAgreement(), kind=Kind.CHARGE_RESERVE)
    assert any(ref.startswith("RE-22/") for ref in reached(history, ModelContext()))


def test_another_amount_is_no_other_question_and_another_flag_or_state_is() -> None:
    def questions_of(*steps: object) -> frozenset[object]:
        return questions(of(Profile.ECOM, *steps), ModelContext())

    plain = questions_of(Approve(), Capture(500), Cancel())
    assert questions_of(Approve(), Capture(700), Cancel()) == plain
    assert len(plain) == 4
    assert len(questions_of(Approve(), Capture(500), Cancel(flag=True)) - plain) == 1
    assert len(questions_of(Approve(), Cancel()) - plain) == 1
    assert len(questions_of(Approve(), Capture(500), Cancel(), Cancel())) == 4


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("market", list(Market))
def test_what_an_ideal_provider_shows_is_permitted(profile: Profile, market: Market) -> None:
    context = ModelContext(market)
    for planned in systematic(profile, context, EVERYTHING):
        for stride in walk(planned.history, context):
            shown = ideal(stride.branch)
            failed = [claim for claim in stride.branch.claims if not claim.holds(shown)]
            assert not failed, (planned.label, stride.step, failed)
