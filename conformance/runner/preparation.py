"""Preparing an order: one step of our own, executed and read back until it has happened.

What prepares an order is not judged. A step that turns out in no documented way leaves an order that is of no use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.domain.expectation import Branch
from conformance.domain.steps import Step
from conformance.judging.tracker import Tracker
from conformance.wire.base import ObservedFields
from conformance.wire.driver import Driver

LOOKS: Final = 4
"""How often an order is read again before it is taken for one that stays as it is."""


async def prepare(
    tracker: Tracker,
    step: Step,
    driver: Driver,
    *,
    purpose: str = "prepare",
    log: bool = False,
    is_final: Callable[[tuple[Branch, ...]], bool] = bool,
) -> ObservedFields | None:
    """Execute a step, read it back until it has happened, and move the tracker on.

    Args:
        tracker: follows the order. If the step fails it stays where it is.
        step: what is done to the order.
        driver: executes steps against the target.
        purpose: why the order is read, for the evidence.
        log: whether the event log is read, too.
        is_final: whether the outcomes that fit will stay; where they may still change, the order is read again.

    Returns:
        What was observed, or None if the step turned out in no documented way.

    """
    response = await driver.perform(step)
    for attempt in range(1, LOOKS + 1):
        observation = response | await driver.look(purpose, log=log)
        judgement, branches = tracker.compare(step, observation)
        if judgement.is_permitted and is_final(branches):
            break
        await driver.pause(attempt)
    if not judgement.goes_on:
        return None
    tracker.advance(step, branches, observation)
    return observation
