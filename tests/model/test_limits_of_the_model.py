"""Where the model's limits lie: at the very moment, and between what is possible and what is sure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from conformance.domain.order import Attempt, Kind, Order, Stage
from conformance.domain.steps import Age as Aged
from conformance.domain.steps import Cancel, Defect, Key, Refund
from conformance.model import AgeLimit, ModelContext, advance, age_for_cancel, age_for_refund, expect
from conformance.model.context import CANCEL_LIMIT, DEAD_ZONE, OPENING_WINDOW, may_have_lapsed, must_have_lapsed
from tests.model.on_paper import DAY, E, P, R, context

CHARGE = Order(R, Kind.INITIAL_RESERVE, 1000, "NOK", Stage.RESERVED, since_reserved=14 * DAY)
PAYMENT = Order(P, Kind.PAYMENT, 1000, "NOK", Stage.INITIATED)
MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(("age", "sure"), [(14 * DAY - MOMENT, False), (14 * DAY, True), (14 * DAY + MOMENT, True)])
def test_a_reservation_has_ended_from_the_very_moment_at_which_one_was_seen_to_end(age, sure):
    there = replace(ModelContext(), lapses_after=14 * DAY)
    assert must_have_lapsed(replace(CHARGE, since_reserved=age), there) is sure
    assert not must_have_lapsed(replace(CHARGE, since_reserved=None), there)
    assert not must_have_lapsed(CHARGE, ModelContext())


@pytest.mark.parametrize(
    ("captured", "side"),
    [(10 * DAY, AgeLimit.OPEN), (400 * DAY, AgeLimit.BEYOND)],
    ids=["only the reservation", "both"],
)
def test_a_refund_is_too_old_only_where_every_way_to_count_says_so(captured, side):
    order = replace(CHARGE, since_reserved=400 * DAY, since_captured=captured, since_last_captured=captured)
    assert age_for_refund(order) is side


@pytest.mark.parametrize(("age", "may"), [(OPENING_WINDOW - MOMENT, False), (OPENING_WINDOW, True)])
def test_a_payment_may_have_timed_out_from_the_very_end_of_its_window(age, may):
    ways = expect((replace(PAYMENT, since_initiated=age),), Cancel(), ModelContext()).branches
    assert ("timed out" in {one.name for one in ways}) is may


def test_what_is_recorded_of_any_order_that_is_still_possible_is_recorded():
    reserved = Order(E, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, since_reserved=timedelta())
    ended = replace(reserved, stage=Stage.CANCELLED, cancelled=1000)
    assert expect((reserved, ended), Cancel(), ModelContext()).records == ("EC-14",)
    assert expect((reserved, ended), Cancel(flag=True), ModelContext()).records == ("EC-04", "EC-14")


@pytest.mark.parametrize(("status", "again"), [(423, True), (429, True), (424, False), (409, False)])
def test_a_refusal_for_the_moment_need_not_be_given_again_for_its_key(status, again):
    attempt = Attempt(None, "refused", status, None, Stage.RESERVED)
    order = replace(PAYMENT, stage=Stage.RESERVED, since_reserved=timedelta(), attempt=attempt)
    there = context("C13=operation-scope", "C26=excludes-transient")
    ways = {one.name for one in expect((order,), Cancel(key=Key.SAME), there).branches}
    assert ("released" in ways) is again


@pytest.mark.parametrize(
    ("age", "side"),
    [
        (CANCEL_LIMIT - DEAD_ZONE, AgeLimit.WITHIN),
        (CANCEL_LIMIT - DEAD_ZONE + MOMENT, AgeLimit.OPEN),
        (CANCEL_LIMIT + DEAD_ZONE, AgeLimit.OPEN),
        (CANCEL_LIMIT + DEAD_ZONE + MOMENT, AgeLimit.BEYOND),
    ],
)
@pytest.mark.parametrize("reading", ["C1=reservation", "C1=six-months"], ids=["its own", "of another API"])
def test_around_a_limit_a_day_on_each_side_is_not_judged(age, side, reading):
    assert age_for_cancel(replace(CHARGE, since_reserved=age), context(reading)) is side


@pytest.mark.parametrize(("age", "may"), [(CANCEL_LIMIT - DEAD_ZONE, False), (CANCEL_LIMIT - DEAD_ZONE + MOMENT, True)])
def test_a_reservation_may_have_ended_from_a_day_before_its_deadline(age, may):
    assert may_have_lapsed(replace(CHARGE, since_reserved=age), ModelContext()) is may


@pytest.mark.parametrize("captured", [0, 999])
def test_what_is_left_of_a_reservation_may_end_down_to_its_last_unit(captured):
    order = replace(CHARGE, captured=captured)
    older = expect((order,), Aged(by=200 * DAY), ModelContext()).branches
    assert "lapsed" in {one.name for one in older}
    there = replace(ModelContext(), lapses_after=180 * DAY)
    kept = next(one for one in expect((order,), Aged(by=200 * DAY), there).branches if one.name == "older")
    assert not kept.lasting


@pytest.mark.parametrize(("by", "may"), [(OPENING_WINDOW - MOMENT, False), (OPENING_WINDOW, True)])
def test_a_payment_that_grows_older_may_time_out_at_the_very_end_of_its_window(by, may):
    ways = expect((PAYMENT,), Aged(by=by), ModelContext()).branches
    assert ("timed out" in {one.name for one in ways}) is may


def test_a_refund_after_the_release_of_a_single_unit_is_one_after_a_release():
    order = Order(
        E, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, 999, 0, 1,
        since_reserved=DAY, since_captured=DAY, since_last_captured=DAY,
    )  # fmt: skip
    (refunded, *_) = expect((order,), Refund(amount=500), ModelContext()).branches
    assert refunded.rules


@pytest.mark.parametrize(("profile", "code"), [(E, "95"), (P, "6220")], ids=["ecom", "epayment"])
def test_a_refund_that_comes_too_late_is_refused_with_its_code(profile, code):
    late = 400 * DAY
    order = Order(
        profile, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, 1000,
        since_reserved=late, since_captured=late, since_last_captured=late,
    )  # fmt: skip
    (refusal,) = expect((order,), Refund(amount=500), context("C21=error-code")).branches
    (claim,) = [one for one in refusal.claims if one.field == "answer.code"]
    assert claim.permitted.permits(code)
    assert not claim.permitted.permits("1")


@pytest.mark.parametrize(("status", "again"), [(423, True), (429, True), (430, False)])
def test_a_charge_that_was_refused_for_the_moment_need_not_be_refused_again(status, again):
    attempt = Attempt(None, "refused", status, None, Stage.RESERVED)
    order = replace(CHARGE, since_reserved=timedelta(), attempt=attempt)
    ways = {one.name for one in expect((order,), Cancel(key=Key.SAME), context("C26=excludes-transient")).branches}
    assert ("cancelled" in ways) is again


def test_of_an_answer_only_a_status_and_a_code_that_are_some_are_remembered():
    order = replace(CHARGE, since_reserved=timedelta())
    (way, *_) = expect((order,), Cancel(), ModelContext()).branches
    odd = {"answer.outcome": "refused", "answer.status": "400", "answer.code": 7}
    (after,) = advance(Cancel(), (order,), (way,), odd)
    assert after.attempt is not None
    assert (after.attempt.status, after.attempt.code) == (None, None)


def test_a_cancel_that_needs_no_key_is_recorded_as_one_with_a_key_is():
    order = replace(CHARGE, since_reserved=timedelta(), agreement_stopped=True)
    there = context("C13=delete-without-key")
    assert expect((order,), Cancel(defect=Defect.NO_KEY), there).records == ("RE-28",)
    assert expect((order,), Cancel(), there).records == ("RE-28",)


@pytest.mark.parametrize(
    ("age", "kept"),
    [(CANCEL_LIMIT + DEAD_ZONE, False), (CANCEL_LIMIT + DEAD_ZONE + MOMENT, True)],
    ids=["near", "past"],
)
def test_a_reservation_that_stands_past_its_deadline_was_kept(age, kept):
    by = age - CHARGE.since_reserved
    (older,) = [one for one in expect((CHARGE,), Aged(by=by), ModelContext()).branches if one.name == "older"]
    assert (older.readings == (("C20", "kept"),)) is kept
    for other in (replace(CHARGE, captured=1000, stage=Stage.CHARGED), replace(CHARGE, since_reserved=None)):
        (same, *_) = expect((other,), Aged(by=by), ModelContext()).branches
        assert same.readings == ()
