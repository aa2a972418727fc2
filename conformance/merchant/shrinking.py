"""Shrinks a failing merchant history: the smallest history, with the fewest faults, that still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from conformance.obligations.history import (
    DELIVERY_FORMS,
    MONEY_STEPS,
    PLAIN_SPANS,
    SIMPLEST_AMOUNT,
    TIME_STEPS,
    WEBHOOK_STEPS,
    ZONES,
    Behaviour,
    MerchantHistory,
    MerchantStep,
)

_PLAIN_NUMBERS: Final = {"capture": 400, "complete": 400, "refund": 200}
"""The amount of a step in which nothing depends on it, of an order with the simplest amount."""
_OF_ALL_ORDERS: Final = frozenset({"tick", "restart", *WEBHOOK_STEPS, *DELIVERY_FORMS, *TIME_STEPS} - {"age"})
"""Steps that are about no order in particular."""
StillFails = Callable[[MerchantHistory], bool]
"""Runs a history, and returns whether it still breaks the obligation."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A history of the plan that breaks an obligation, and whether somebody loses money at its end."""

    identifier: str
    history: MerchantHistory
    loses_money: bool

    @property
    def plainness(self) -> tuple[bool, bool, tuple[int, int, int]]:
        """How little a reader has to believe: no injected fault, then money at stake, then a small history."""
        return bool(self.history.faults), not self.loses_money, self.history.size


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
            yield _only_order(history, order, _OF_ALL_ORDERS | ZONES.keys())
    half = len(steps) // 2
    if half > 1:
        yield replace(history, steps=steps[:half])
    if history.faults:
        yield replace(history, faults=())
        # In a history with faults scheduled work runs after each action; that may be what makes it fail.
        yield replace(history, faults=(), steps=_with_ticks(steps))
    if any(step.do in ZONES for step in steps):
        yield replace(history, steps=tuple(step for step in steps if step.do not in ZONES))
    for index in reversed(range(len(steps))):
        if steps[index].do != "create":
            yield replace(history, steps=steps[:index] + steps[index + 1 :])


def _plainer(history: MerchantHistory) -> Iterator[MerchantHistory]:
    """Return histories with fewer or simpler faults, the default behaviour, or the simplest amounts."""
    for index in range(len(history.faults)):
        yield replace(history, faults=history.faults[:index] + history.faults[index + 1 :])
    yield replace(history, behaviour=Behaviour())
    for each in fields(Behaviour):
        default: dict[str, Any] = {each.name: each.default}
        yield replace(history, behaviour=replace(history.behaviour, **default))
    for index, fault in enumerate(history.faults):
        for simpler in (replace(fault, times=1), replace(fault, at=1)):
            if simpler != fault:
                yield replace(history, faults=(*history.faults[:index], simpler, *history.faults[index + 1 :]))
    for index, step in enumerate(history.steps):
        for span in PLAIN_SPANS if step.do == "live" else ():
            steps = (*history.steps[:index], replace(step, number=span), *history.steps[index + 1 :])
            yield replace(history, steps=steps)
    yield _with_plain_amounts(history)


def _with_plain_amounts(history: MerchantHistory) -> MerchantHistory:
    """Return a history with the simplest amounts; what was the whole amount of an order stays the whole one."""
    steps = tuple(
        replace(step, number=_plain_number(step, history.amounts[step.order])) if step.do in MONEY_STEPS else step
        for step in history.steps
    )
    return replace(history, amounts=(SIMPLEST_AMOUNT,) * len(history.amounts), steps=steps)


def _plain_number(step: MerchantStep, amount: int) -> int:
    return SIMPLEST_AMOUNT if step.number == amount else _PLAIN_NUMBERS[step.do]


def _with_ticks(steps: tuple[MerchantStep, ...]) -> tuple[MerchantStep, ...]:
    """Return the steps with scheduled work after every action of the shop."""
    with_ticks: list[MerchantStep] = []
    for step in steps:
        with_ticks.append(step)
        if step.do in ("cancel", "abandon", "capture"):
            with_ticks.append(MerchantStep("tick"))
    return tuple(with_ticks)


def _only_order(
    history: MerchantHistory, order: int, of_all_orders: frozenset[str] = _OF_ALL_ORDERS
) -> MerchantHistory:
    """Return the history of one of its orders, with the steps that are about no order."""
    steps = tuple(
        MerchantStep(step.do, 0, step.number)
        for step in history.steps
        if step.order == order or step.do in of_all_orders
    )
    return replace(history, amounts=(history.amounts[order],), steps=steps)
