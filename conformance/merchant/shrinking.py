"""Shrinks a failing merchant history: the smallest history, with the fewest faults, that still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.obligations.history import SIMPLEST_AMOUNT, Behaviour, MerchantHistory, MerchantStep

StillFails = Callable[[MerchantHistory], bool]
"""Runs a history, and returns whether it still breaks the obligation."""


def shrink_history(history: MerchantHistory, still_fails: StillFails, most_tried: int) -> tuple[MerchantHistory, int]:
    """Return the smallest history found that still fails, and how many were tried for it.

    Args:
        history: a history that fails.
        still_fails: runs a history, and returns whether it fails in the same way.
        most_tried: how many histories may be tried.

    """
    tried: set[MerchantHistory] = {history}
    shrunk = True
    while shrunk:
        shrunk = False
        for candidate in _candidates(history):
            if candidate in tried or candidate.size >= history.size:
                continue
            if len(tried) > most_tried:
                return history, len(tried) - 1
            tried.add(candidate)
            if still_fails(candidate):
                history, shrunk = candidate, True
                break
    return history, len(tried) - 1


def _candidates(history: MerchantHistory) -> Iterator[MerchantHistory]:
    """Return the histories that are simpler in one respect, the simplest first."""
    yield from _shorter(history)
    yield from _plainer(history)


def _shorter(history: MerchantHistory) -> Iterator[MerchantHistory]:
    """Return histories with fewer orders or steps, and those without faults."""
    steps = history.steps
    if len(history.amounts) > 1:
        for order in range(len(history.amounts)):
            yield _only_order(history, order)
    half = len(steps) // 2
    if half > 1:
        yield replace(history, steps=steps[:half])
    if history.faults:
        yield replace(history, faults=())
        # In a history with faults scheduled work runs after each action; that may be what makes it fail.
        yield replace(history, faults=(), steps=_with_ticks(steps))
    for index in reversed(range(len(steps))):
        if steps[index].do != "create":
            yield replace(history, steps=steps[:index] + steps[index + 1 :])


def _plainer(history: MerchantHistory) -> Iterator[MerchantHistory]:
    """Return histories with fewer or simpler faults, the default behaviour, or the simplest amounts."""
    for index in range(len(history.faults)):
        yield replace(history, faults=history.faults[:index] + history.faults[index + 1 :])
    if history.behaviour != Behaviour():
        yield replace(history, behaviour=Behaviour())
    for index, fault in enumerate(history.faults):
        for simpler in (replace(fault, times=1), replace(fault, at=1)):
            if simpler != fault:
                yield replace(history, faults=(*history.faults[:index], simpler, *history.faults[index + 1 :]))
    if any(amount != SIMPLEST_AMOUNT for amount in history.amounts):
        steps = tuple(replace(step, number=400) if step.do == "capture" else step for step in history.steps)
        yield replace(history, amounts=(SIMPLEST_AMOUNT,) * len(history.amounts), steps=steps)


def _with_ticks(steps: tuple[MerchantStep, ...]) -> tuple[MerchantStep, ...]:
    """Return the steps with scheduled work after every action of the shop."""
    with_ticks: list[MerchantStep] = []
    for step in steps:
        with_ticks.append(step)
        if step.do in ("cancel", "abandon", "capture"):
            with_ticks.append(MerchantStep("tick"))
    return tuple(with_ticks)


def _only_order(history: MerchantHistory, order: int) -> MerchantHistory:
    """Return the history of one of its orders."""
    about_no_order = ("tick", "restart", "deliver", "deliver_twice", "deliver_reversed", "lose", "wait")
    steps = tuple(
        MerchantStep(step.do, 0, step.number)
        for step in history.steps
        if step.order == order or step.do in about_no_order
    )
    return replace(history, amounts=(history.amounts[order],), steps=steps)
