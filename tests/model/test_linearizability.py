"""Two requests at the same time: what one of their orders explains is permitted, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.expectation import of_the_other
from conformance.domain.order import Kind
from conformance.domain.steps import (
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    History,
    Initiate,
    Refund,
    Reserve,
    Together,
)
from conformance.judging.judge import StepStatus, judge
from conformance.model import apart, expect
from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.recipe import Recipe
from conformance.strategies.provider.walk import ideal, walk
from tests.model.on_paper import PROFILES, E, P, R, context

PLACES = [(profile, race) for profile in PROFILES for race in CASES[profile].races]
WORLD = context()


def raced(profile, race):
    """Return what is believed when the two requests are sent, and the step that sends them."""
    situation, flag, rival = race
    history = Recipe(profile, situation, situation.share, cancel=Cancel(flag=flag), rival=rival).history()
    *_, before = walk(History(profile, history.opening, history.steps[:-1]), WORLD)
    return before.possible, history.steps[-1]


def serial(possible, steps, answers):
    """Play two requests one after the other with an ideal provider; return what was seen of both, and at the end."""
    seen = {}
    for step, name in zip(steps, answers, strict=True):
        branch = next(one for one in expect(possible, step, WORLD).branches if one.proves)
        observed = ideal(branch)
        said = {field: value for field, value in observed.items() if field.startswith("answer.")}
        seen |= {name(field): value for field, value in said.items()}
        possible = (branch.after,)
    return seen | {field: value for field, value in observed.items() if field.startswith("view.")}


def own(field):
    return field


@pytest.mark.parametrize(("profile", "race"), PLACES)
def test_both_orders_are_explained(profile, race):
    possible, step = raced(profile, race)
    expectation = expect(possible, step, WORLD)
    for steps, answers in (
        ((step.first, step.second), (own, of_the_other)),
        ((step.second, step.first), (of_the_other, own)),
    ):
        judgement, left = judge(expectation, serial(possible, steps, answers))
        assert judgement.status is StepStatus.CONFORMS, judgement.findings
        assert "INV-11" in judgement.examples
        assert len({(one.after.captured, one.after.refunded, one.after.cancelled) for one in left}) == 1


@pytest.mark.parametrize(("profile", "race"), PLACES)
def test_everything_that_is_claimed_of_two_requests_is_blamed_on_the_race(profile, race):
    for branch in expect(*raced(profile, race), WORLD).branches:
        for claim in branch.claims:
            assert claim.rules[0] == "INV-11"
            assert set(claim.rules) <= {"INV-11", "INV-10", "INV-4"}


@pytest.mark.parametrize(("profile", "race"), PLACES)
def test_no_way_is_permitted_twice(profile, race):
    branches = expect(*raced(profile, race), WORLD).branches
    assert len({(branch.claims, branch.after) for branch in branches}) == len(branches) <= 20


@pytest.mark.parametrize(("profile", "race"), PLACES)
def test_money_is_neither_lost_nor_made(profile, race):
    for branch in expect(*raced(profile, race), WORLD).branches:
        order = branch.after
        assert order.captured + order.cancelled <= order.amount
        assert order.refunded <= order.captured


def reserved(profile):
    opening = Initiate(1000, Kind.INITIAL_RESERVE if profile is R else Kind.PAYMENT)
    *_, stride = walk(History(profile, opening, () if profile is R else (Approve(),)), WORLD)
    return stride.possible


def seen_of(profile, step, answers=(200, 200), **changed):
    """Return what is seen after a cancel that released everything beside something that did not happen."""
    possible = reserved(profile)
    seen = serial(possible, (step.first, step.second), (own, of_the_other))
    for part, status in zip(("answer", "other"), answers, strict=True):
        seen[f"{part}.outcome"], seen[f"{part}.status"] = ("accepted" if status < 300 else "refused"), status
    return expect(possible, step, WORLD), seen | {f"view.{name}": value for name, value in changed.items()}


def test_a_release_beside_a_capture_of_the_same_money_is_no_order_and_out_of_the_books():
    race = Together(Cancel(), Capture(1000))
    expectation, seen = seen_of(P, race, captured=1000, overdrawn=True)
    judgement, _ = judge(expectation, seen)
    assert judgement.status is StepStatus.VIOLATES
    assert {finding.rule: finding.reason for finding in judgement.findings} == {
        "INV-11": "view.overdrawn should be false or absent, but was true",
        "INV-4": "view.overdrawn should be false or absent, but was true",
    }


def test_an_accepted_capture_that_is_nowhere_to_be_seen_is_out_of_the_books():
    possible = reserved(P)
    race = Together(Cancel(), Capture(400))
    seen = serial(possible, (race.second, race.first), (of_the_other, own))
    lost = seen | {"view.captured": 0, "view.cancelled": 1000, "view.log.captured": 0, "view.log.cancelled": 1000}
    judgement, _ = judge(expect(possible, race, WORLD), lost)
    assert {finding.rule for finding in judgement.findings} == {"INV-11", "INV-10"}


BUSY = [
    (E, 423, None),
    (E, 409, None),
    (E, 400, "94"),
    (E, 400, "98"),
    (P, 409, None),
    (P, 400, "6160"),
    (R, 423, None),
]


@pytest.mark.parametrize(("profile", "status", "code"), BUSY)
def test_a_cancel_may_be_turned_down_because_of_the_other_request(profile, status, code):
    possible = reserved(profile)
    race = Together(Cancel(), Capture(400))
    branch = next(one for one in expect(possible, race.second, WORLD).branches if one.proves)
    seen = {name if name.startswith("view.") else of_the_other(name): value for name, value in ideal(branch).items()}
    seen |= {"answer.outcome": "refused", "answer.status": status, "answer.code": code}
    judgement, left = judge(expect(possible, race, WORLD), seen)
    assert (judgement.status, judgement.examples) == (StepStatus.CONFORMS, ("INV-11",))
    assert {branch.after.captured for branch in left} == {400}


def test_two_requests_that_were_both_turned_down_are_an_example_of_nothing():
    possible = reserved(P)
    race = Together(Cancel(), Capture(400))
    expectation = expect(possible, race, WORLD)
    branch = next(one for one in expectation.branches if one.proves and not one.rules)
    judgement, left = judge(expectation, ideal(branch) | {"other.status": 409})
    assert (judgement.status, judgement.examples) == (StepStatus.RECORDED, ())
    assert {one.after for one in left} == set(possible)


def test_a_cancel_that_is_to_be_done_later_and_finds_everything_captured_accuses_nobody():
    possible = reserved(R)
    race = Together(Cancel(), Capture(1000))
    seen = serial(possible, (race.second, race.first), (of_the_other, own))
    later = seen | {"answer.outcome": "pending", "answer.status": 202, "answer.code": None, "answer.detail": None}
    judgement, left = judge(expect(possible, race, WORLD), later)
    assert (judgement.status, judgement.examples) == (StepStatus.CONFORMS, ())
    assert {branch.after.captured for branch in left} == {1000}


def test_a_cancel_that_is_to_be_done_later_is_waited_for_where_something_is_left():
    possible = reserved(R)
    race = Together(Cancel(), Capture(400))
    later = {"answer.outcome": "pending", "answer.status": 202}
    captured = next(one for one in expect(possible, race.second, WORLD).branches if one.proves)
    seen = {name if name.startswith("view.") else of_the_other(name): value for name, value in ideal(captured).items()}
    judgement, _ = judge(expect(possible, race, WORLD), seen | later)
    assert judgement.status is StepStatus.INCONCLUSIVE


def test_where_two_were_not_under_way_together_the_same_is_permitted_and_nothing_is_shown():
    expectation, seen = seen_of(P, Together(Cancel(), Capture(1000)), (200, 400))
    alone = apart(expectation)
    assert [one.claims for one in alone.branches] == [one.claims for one in expectation.branches]
    assert judge(expectation, seen)[0].examples == ("INV-11",)
    assert judge(alone, seen)[0].examples == ()


@pytest.mark.parametrize(("profile", "rule"), [(E, {"INV-11", "EC-02"}), (P, {"INV-11"})])
def test_a_cancel_beside_an_approval_is_what_its_rule_speaks_of(profile, rule):
    *_, stride = walk(History(profile, Initiate(), (Together(Cancel(), Approve()),)), WORLD)
    assert set(stride.examples) == rule


def test_a_cancel_that_was_accepted_and_an_approval_that_still_reserved_are_no_order():
    *_, start = walk(History(P, Initiate(), ()), WORLD)
    race = Together(Cancel(), Approve())
    seen = serial(start.possible, (race.first, race.second), (own, of_the_other))
    late = seen | {"view.state": "AUTHORIZED", "view.authorized": 1000, "view.cancelled": 0}
    judgement, _ = judge(expect(start.possible, race, WORLD), late)
    assert {finding.rule for finding in judgement.findings} == {"INV-11"}


@given(st.sampled_from((Cancel(), Capture(300), Refund(1), Reserve(), Charge())), st.booleans())
def test_the_charge_run_races_whatever_it_finds(rival, due):
    opening = Initiate(kind=Kind.CHARGE_RESERVE)
    strides = walk(History(R, opening, (*([BecomeDue()] if due else []), Together(Cancel(), rival), Cancel())), WORLD)
    assert all(stride.expectation.branches for stride in strides)


def test_a_key_that_is_sent_again_repeats_the_second_of_two_cancels():
    history = History(P, Initiate(), (Approve(), Together(Cancel(), Cancel(flag=False))))
    assert {order.attempt.flag for order in walk(history, WORLD)[-1].possible} == {False}
    beside = History(P, Initiate(), (Approve(), Together(Cancel(flag=False), Capture(100))))
    assert {order.attempt.flag for order in walk(beside, WORLD)[-1].possible} == {False}


@pytest.mark.parametrize(("profile", "race"), PLACES)
def test_the_two_outcomes_are_claimed_before_the_rest_of_the_answers(profile, race):
    """What a race is blamed for where nothing fits is how it was answered, and not what follows from that."""
    for branch in expect(*raced(profile, race), WORLD).branches:
        answers = [claim.field for claim in branch.claims if claim.field.startswith(("answer.", "other."))]
        assert set(answers[:2]) == {"answer.outcome", "other.outcome"}


@pytest.mark.parametrize(
    ("rival", "ways"),
    [
        (
            Capture(400),
            {
                "cancel, then capture: released, refused",
                "capture, then cancel: captured, released",
                "capture, then cancel: captured, turned down for the moment",
                "capture, then cancel: turned down for the moment, released",
            },
        ),
        (
            Cancel(),
            {
                "the first cancel, then the second cancel: released, repeated",
                "the second cancel, then the first cancel: released, repeated",
            },
        ),
    ],
)
def test_a_way_is_named_after_the_order_of_the_two(rival, ways):
    names = {branch.name for branch in expect(reserved(P), Together(Cancel(), rival), WORLD).branches}
    assert names >= ways, names


def beside_a_capture(status, code):
    """Return how a cancel that was refused like this is judged, beside a capture that was done."""
    possible, race = reserved(P), Together(Cancel(), Capture(400))
    branch = next(one for one in expect(possible, race.second, WORLD).branches if one.proves)
    seen = {name if name.startswith("view.") else of_the_other(name): value for name, value in ideal(branch).items()}
    seen |= {"answer.outcome": "refused", "answer.status": status, "answer.code": code}
    return judge(expect(possible, race, WORLD), seen)[0]


@pytest.mark.parametrize(("status", "code"), [(400, None), (422, None), (400, "6030"), (404, None)])
def test_a_cancel_that_was_refused_for_another_reason_is_no_order(status, code):
    assert [finding.rule for finding in beside_a_capture(status, code).findings] == ["INV-11"]
    assert beside_a_capture(423, None).status is StepStatus.CONFORMS


@pytest.mark.parametrize("status", [400, 404, 409, 422, 423])
def test_of_anything_but_a_cancel_nothing_is_documented_and_it_may_be_turned_down_in_any_way(status):
    expectation, seen = seen_of(P, Together(Cancel(), Capture(400)), (200, status))
    assert judge(expectation, seen)[0].status is StepStatus.CONFORMS
