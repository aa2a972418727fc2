"""At which ages a planted order can show something: just before a limit of its age, and once the limit is over.

The limits are the model's own. They depend on the API, the market and the accepted interpretations (`C1`): an order is
kept until the last days on which it must still be young enough, or until the first on which it must be too old.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from conformance.domain.citation import rule_of
from conformance.domain.order import Market, Order
from conformance.domain.steps import Age, History, Read, Refund
from conformance.model import AgeLimit, ModelContext, age_for_cancel, age_for_refund
from conformance.model.context import DEAD_ZONE
from conformance.rulebook import load
from conformance.strategies.provider.walk import walk

HOUR: Final = timedelta(hours=1)
"""How exactly a limit is located, and how long the planting of one order takes at most."""
LAST_DAYS: Final = timedelta(days=5)
"""How long before a limit an order is judged that must still be young enough; less where the limit itself is near."""
_SHARE: Final = 4
_LONGEST: Final = 800 * 24
"""Hours. No limit is later than this age."""


class Side(StrEnum):
    """What an order is kept for."""

    BEFORE = "before"
    """It is judged just before the limit, while it must be young enough."""
    AFTER = "after"
    """It is judged once the limit is over."""
    LATEST = "latest"
    """It is judged once the limit of every market is over: in Denmark and Finland the deadline can come first."""


@dataclass(frozen=True, slots=True)
class Window:
    """The ages at which an order of one side is judged: from ``since`` to ``until``, or without an end.

    ``limit`` is the age limit that it lies before or after.
    """

    side: Side
    limit: timedelta
    since: timedelta
    until: timedelta | None = None

    def has(self, age: timedelta) -> bool:
        """Return whether an order of an age is judged now."""
        return self.since <= age and (self.until is None or age <= self.until)


Windows = dict[Side, Window]


@lru_cache(maxsize=1024)
def _windows(history: History, *, refund: bool, context: ModelContext) -> tuple[Window, ...]:
    order = walk(history, context)[-1].possible[0]
    not_young_from = _first(order, context, refund=refund, past=AgeLimit.WITHIN)
    until = not_young_from - 2 * HOUR
    windows = [Window(Side.BEFORE, not_young_from - HOUR + DEAD_ZONE, until - min(LAST_DAYS, until / _SHARE), until)]
    after = _first(order, context, refund=refund, past=AgeLimit.OPEN)
    latest = _first(order, replace(context, market=Market.NO), refund=refund, past=AgeLimit.OPEN)
    for side, since in ((Side.AFTER, after), (Side.LATEST, latest)):
        if side is Side.AFTER or since > after:
            windows.append(Window(side, since - HOUR - DEAD_ZONE, since))
    return tuple(windows)


def windows_of(history: History, then: History, context: ModelContext) -> Windows:
    """Return the windows in which an order is judged.

    Args:
        history: how the order is made.
        then: what is tried once it is old enough.
        context: its market, and the accepted interpretations.

    """
    refund = any(isinstance(step, Refund) for step in then.steps)
    return {window.side: window for window in _windows(history, refund=refund, context=context)}


def _first(order: Order, context: ModelContext, *, refund: bool, past: AgeLimit) -> timedelta:
    """Return the first age, in whole hours, at which an order is past one side of its limit."""
    sides = (AgeLimit.WITHIN, AgeLimit.OPEN, AgeLimit.BEYOND)

    def is_past(hours: int) -> bool:
        older = order.older(timedelta(hours=hours))
        side = age_for_refund(older) if refund else age_for_cancel(older, context)
        return sides.index(side) > sides.index(past)

    return HOUR * bisect_left(range(_LONGEST), True, key=is_past)


def aged(history: History, then: History, age: timedelta) -> History:
    """Return the whole history of an order: its making, the time since, what is tried."""
    passed = Age(timedelta(seconds=int(age.total_seconds())))
    return History(history.profile, history.opening, (*history.steps, passed, *then.steps))


@lru_cache(maxsize=1024)
def shown_at(history: History, then: History, age: timedelta, context: ModelContext) -> tuple[str, ...]:
    """Return the rules, with their sides, of which an order is a check when it is judged at an age.

    These are the rules about ages; where what is tried is a check of none, the others of which it is one.
    """
    about_age = {rule.id for rule in load().rules if "age" in rule.needs}
    examples = walk(aged(history, then, age), context)[-1].examples
    return tuple(each for each in examples if rule_of(each) in about_age) or examples


def useful_windows(history: History, then: History, context: ModelContext) -> list[Window]:
    """Return the windows in which an order shows something.

    Where any outcome is permitted, it shows nothing. One that is only read again is read at the end.
    """
    windows = [
        window
        for window in windows_of(history, then, context).values()
        if shown_at(history, then, window.until or window.since, context)
    ]
    return windows[-1:] if isinstance(then.steps[-1], Read) else windows
