"""Ages against their limits: at the very moment, and a day on each side of it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.order import Kind, Order, Stage
from conformance.model import AgeLimit, ModelContext, age_for_cancel, age_for_refund
from conformance.model.context import CANCEL_LIMIT, DEAD_ZONE, may_have_lapsed, must_have_lapsed
from tests.model.on_paper import DAY, R, context

CHARGE = Order(R, Kind.INITIAL_RESERVE, 1000, "NOK", Stage.RESERVED, since_reserved=14 * DAY)
MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(("age", "sure"), [(14 * DAY - MOMENT, False), (14 * DAY, True), (14 * DAY + MOMENT, True)])
def test_a_reservation_has_ended_from_the_very_moment_at_which_one_was_seen_to_end(age, sure):
    there = ModelContext(lapses_after=14 * DAY)
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
