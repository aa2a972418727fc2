"""The smallest history, with the smallest plan of faults, that still breaks an obligation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.obligations.history import SIMPLE, Behaviour, MerchantHistory, Step

StillFails = Callable[[MerchantHistory], bool]


def shrink_history(history: MerchantHistory, breaks: StillFails, most: int) -> tuple[MerchantHistory, int]:
    """Return the smallest history found that breaks the same, and how many were tried for it.

    Args:
        history: breaks it.
        breaks: plays a history and tells whether it does.
        most: how many may be tried.

    """
    tried: set[MerchantHistory] = {history}
    going = True
    while going:
        going = False
        for one in _smaller(history):
            if one in tried or one.size >= history.size:
                continue
            if len(tried) > most:
                return history, len(tried) - 1
            tried.add(one)
            if breaks(one):
                history, going = one, True
                break
    return history, len(tried) - 1


def _smaller(history: MerchantHistory) -> Iterator[MerchantHistory]:
    """Return what is simpler by one thing, what is simplest first."""
    if len(history.amounts) > 1:
        for order in range(len(history.amounts)):
            yield _only(history, order)
    steps = history.steps
    half = len(steps) // 2
    if half > 1:
        yield replace(history, steps=steps[:half])
    if history.faults:
        yield replace(history, faults=())
        # A fault gives a queue its turn; it may be that alone.
        yield replace(history, faults=(), steps=_with_turns(steps))
    for index in reversed(range(len(steps))):
        if steps[index].do != "create":
            yield replace(history, steps=steps[:index] + steps[index + 1 :])
    for index in range(len(history.faults)):
        yield replace(history, faults=history.faults[:index] + history.faults[index + 1 :])
    if history.behaviour != Behaviour():
        yield replace(history, behaviour=Behaviour())
    for index, fault in enumerate(history.faults):
        for simpler in (replace(fault, times=1), replace(fault, at=1)):
            if simpler != fault:
                yield replace(history, faults=(*history.faults[:index], simpler, *history.faults[index + 1 :]))
    if any(amount != SIMPLE for amount in history.amounts):
        steps = tuple(replace(step, number=400) if step.do == "capture" else step for step in steps)
        yield replace(history, amounts=(SIMPLE,) * len(history.amounts), steps=steps)


def _with_turns(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps with scheduled work after everything that the shop is asked for."""
    asked = ("cancel", "abandon", "capture")
    return tuple(one for step in steps for one in ((step, Step("tick")) if step.do in asked else (step,)))


def _only(history: MerchantHistory, order: int) -> MerchantHistory:
    """Return the history of one of the orders."""
    everybodys = ("tick", "restart", "deliver", "deliver_twice", "deliver_reversed", "lose", "wait")
    steps = tuple(Step(s.do, 0, s.number) for s in history.steps if s.order == order or s.do in everybodys)
    return replace(history, amounts=(history.amounts[order],), steps=steps)
