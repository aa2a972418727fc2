"""The quantity of a failing history that can have a limit: its age, or the order's amount.

A minimal failing history says "at 178 days". Where the failure begins and ends is found by running the same history
with other values; here is which values those are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from conformance.domain.steps import Age, Capture, History, Refund, parts_of
from conformance.model.context import DAY
from conformance.strategies.provider.money import LEAST_TOTAL, MOST_TOTAL, SIMPLEST, TRIGGERS

Kind: TypeAlias = Literal["age", "amount"]

OLDEST: Final = 800 * DAY
"""Beyond every limit."""
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What may have a limit in a history.

    Attributes:
        of: an age, in seconds, or an amount, in minor units.
        history: the failing history.
        value: how much it is there.
        least: the least that is tried.
        most: the most that is tried.
        units: to how much the limit is narrowed, one after the other.

    """

    of: Kind
    history: History
    value: int
    least: int
    most: int
    units: Sequence[int]

    def with_value(self, value: int) -> History:
        """Return the same history with another value."""
        if self.of == "amount":
            return replace(self.history, opening=replace(self.history.opening, amount=value))
        other = (Age(timedelta(seconds=value)),) if value else ()
        (place,) = _ages(self.history)
        return replace(self.history, steps=(*self.history.steps[:place], *other, *self.history.steps[place + 1 :]))


def quantity_of(history: History) -> Quantity | None:
    """Return what a history's failure may depend on, if it is one quantity that can be told.

    That is the only age that passes. Without any, it is an amount that could not be made the simplest one, in a history
    where no part of it moves.
    """
    ages = _ages(history)
    if len(ages) == 1:
        step = history.steps[ages[0]]
        value = step.by // _SECOND if isinstance(step, Age) else 0
        day, hour = DAY // _SECOND, 3600
        return Quantity("age", history, value, 0, OLDEST // _SECOND, (day, hour))
    amount = history.opening.amount
    moved = any(isinstance(part, Capture | Refund) for step in history.steps for part in parts_of(step))
    if ages or moved or amount == SIMPLEST:
        return None
    return Quantity("amount", history, amount, LEAST_TOTAL, MOST_TOTAL, (1,))


def is_ordinary(quantity: Quantity, value: int) -> bool:
    """Tell whether a value means nothing special to a test environment."""
    return quantity.of == "age" or value not in TRIGGERS


def _ages(history: History) -> list[int]:
    return [place for place, step in enumerate(history.steps) if isinstance(step, Age)]
