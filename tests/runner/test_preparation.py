"""A step of our own: executed once, and read back until it has happened."""

import asyncio

from conformance.domain.order import Stage
from conformance.domain.steps import Cancel
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.runner.preparation import LOOKS, prepare
from tests.model.on_paper import INITIAL, R
from tests.runner.test_trial import CANCELLED, CONFLICT, DONE, RESERVED, Scripted

CANCELLING = (INITIAL, Cancel())


def prepared(answers, views, steps=CANCELLING, **options):
    """Return what was observed of the last step, and the tracker and the driver after it."""
    tracker, driver = Tracker(R, ModelContext()), Scripted(list(answers), list(views))
    observation = None
    for step in steps:
        observation = asyncio.run(prepare(tracker, step, driver, **options))
    return observation, tracker, driver


def test_a_step_that_happened_moves_the_order_on_and_is_not_read_again():
    observation, tracker, driver = prepared([DONE, DONE], [RESERVED, CANCELLED])
    assert observation == {**DONE, **CANCELLED}
    assert {order.stage for order in tracker.orders} == {Stage.CANCELLED}
    assert driver.paused == []


def test_a_step_that_takes_its_time_is_read_again():
    observation, _, driver = prepared([DONE, DONE], [RESERVED, RESERVED, RESERVED, CANCELLED])
    assert observation == {**DONE, **CANCELLED}
    assert driver.paused == [1, 2]


def test_a_step_that_fails_leaves_the_order_where_it_was():
    observation, tracker, driver = prepared([DONE, CONFLICT], [RESERVED, {**RESERVED, "view.captured": 7}])
    assert observation is None
    assert {order.stage for order in tracker.orders} == {Stage.RESERVED}
    assert driver.paused == list(range(1, LOOKS + 1))


def test_an_outcome_that_may_still_change_is_read_again_and_the_last_look_counts():
    observation, tracker, driver = prepared([DONE], [RESERVED], [INITIAL], is_final=lambda _: False)
    assert observation == {**DONE, **RESERVED}
    assert {order.stage for order in tracker.orders} == {Stage.RESERVED}
    assert driver.paused == list(range(1, LOOKS + 1))


def test_the_evidence_says_why_an_order_was_read_and_whether_its_log_was():
    _, _, driver = prepared([DONE], [RESERVED], [INITIAL])
    assert driver.asked == [INITIAL, ("prepare", False)]
    _, _, driver = prepared([DONE], [RESERVED], [INITIAL], purpose="read", log=True)
    assert driver.asked == [INITIAL, ("read", True)]
