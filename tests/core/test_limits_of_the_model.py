"""Where the model's limits lie: at the very moment, and between what is possible and what is sure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from conformance.model import Age, World, age_for_refund, expect
from conformance.model.world import OPENING_WINDOW, must_have_lapsed
from conformance.order import Attempt, Kind, Order, Stage
from conformance.steps import Cancel, Key

from .on_paper import DAY, E, P, R, world

CHARGE = Order(R, Kind.INITIAL_RESERVE, 1000, "NOK", Stage.RESERVED, since_reserved=14 * DAY)
PAYMENT = Order(P, Kind.PAYMENT, 1000, "NOK", Stage.INITIATED)
MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(("age", "sure"), [(14 * DAY - MOMENT, False), (14 * DAY, True), (14 * DAY + MOMENT, True)])
def test_a_reservation_has_ended_from_the_very_moment_at_which_one_was_seen_to_end(age, sure):
    there = replace(World(), lapses_after=14 * DAY)
    assert must_have_lapsed(replace(CHARGE, since_reserved=age), there) is sure
    assert not must_have_lapsed(replace(CHARGE, since_reserved=None), there)
    assert not must_have_lapsed(CHARGE, World())


@pytest.mark.parametrize(
    ("captured", "side"), [(10 * DAY, Age.OPEN), (400 * DAY, Age.BEYOND)], ids=["only the reservation", "both"]
)
def test_a_refund_is_too_old_only_where_every_way_to_count_says_so(captured, side):
    order = replace(CHARGE, since_reserved=400 * DAY, since_captured=captured, since_last_captured=captured)
    assert age_for_refund(order) is side


@pytest.mark.parametrize(("age", "may"), [(OPENING_WINDOW - MOMENT, False), (OPENING_WINDOW, True)])
def test_a_payment_may_have_timed_out_from_the_very_end_of_its_window(age, may):
    ways = expect((replace(PAYMENT, since_initiated=age),), Cancel(), World()).branches
    assert ("timed out" in {one.name for one in ways}) is may


def test_what_is_recorded_of_any_order_that_is_still_possible_is_recorded():
    reserved = Order(E, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, since_reserved=timedelta())
    ended = replace(reserved, stage=Stage.CANCELLED, cancelled=1000)
    assert expect((reserved, ended), Cancel(), World()).records == ("EC-14",)
    assert expect((reserved, ended), Cancel(flag=True), World()).records == ("EC-04", "EC-14")


@pytest.mark.parametrize(("status", "again"), [(423, True), (429, True), (424, False), (409, False)])
def test_a_refusal_for_the_moment_need_not_be_given_again_for_its_key(status, again):
    attempt = Attempt(None, "refused", status, None, Stage.RESERVED)
    order = replace(PAYMENT, stage=Stage.RESERVED, since_reserved=timedelta(), attempt=attempt)
    there = world("C13=operation-scope", "C26=excludes-transient")
    ways = {one.name for one in expect((order,), Cancel(key=Key.SAME), there).branches}
    assert ("released" in ways) is again
