"""How old an order is when a cancel arrives: ages on both sides of every limit, from the model's own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from conformance.domain.order import Profile
from conformance.model import ModelContext
from conformance.model.context import CANCEL_LIMIT, DAY, DEAD_ZONE, OPENING_WINDOW, REFUND_LIMIT, SIX_MONTHS

CLEAR: Final = 2 * DEAD_ZONE
"""Far enough from a limit for an example that nobody can call borderline."""


class Moment(StrEnum):
    """When the time passes."""

    LAST = "before the cancel"
    EARLY = "before the first capture"
    SPLIT = "half before the first capture"


@dataclass(frozen=True, slots=True)
class Ageing:
    """An age, and when the order reaches it."""

    by: timedelta = timedelta()
    moment: Moment = Moment.LAST

    @property
    def name(self) -> str:
        """The age in words."""
        return spoken(self.by)


FRESH: Final = Ageing()
A_DAY: Final = Ageing(DAY)
OPENING: Final = Ageing(OPENING_WINDOW - timedelta(minutes=1))
"""As old as a payment can be that nobody has opened."""


def spoken(age: timedelta) -> str:
    """Return an age in words."""
    if age % DAY:
        return f"{age // timedelta(minutes=1)} minutes"
    return f"{age // DAY} day{'' if age == DAY else 's'}"


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """The first moment at which some reading calls an order too old to cancel, and the last."""

    first: timedelta
    last: timedelta

    @property
    def within(self) -> tuple[timedelta, ...]:
        """Ages that are young enough under every reading, the last judged one among them."""
        return (DAY, self.first // 2 // DAY * DAY, self.first - CLEAR, self.first - DEAD_ZONE)

    @property
    def open(self) -> tuple[timedelta, ...]:
        """Ages that the documentation does not decide."""
        between = (self.first + CLEAR,) if self.first + CLEAR < self.last - CLEAR else ()
        return (*between, self.last)

    @property
    def beyond(self) -> tuple[timedelta, ...]:
        """Ages that are too old under every reading, the first whole day of them among them."""
        return (self.last + CLEAR, 2 * self.last)


def age_limits(profile: Profile, context: ModelContext) -> AgeLimits:
    """Return the limits that are in force for a cancel, whatever they are measured from."""
    found: list[timedelta] = []
    if context.allows("C1", "reservation") or context.allows("C1", "initiation"):
        found.append(CANCEL_LIMIT)
    if context.allows("C1", "market-deadline"):
        found.append(context.market_deadline)
    if profile is Profile.ECOM and context.allows("C1", "six-months"):
        found.extend(SIX_MONTHS)
    return AgeLimits(min(found, default=CANCEL_LIMIT), max(found, default=CANCEL_LIMIT))


REFUND_WITHIN: Final = (REFUND_LIMIT - CLEAR, REFUND_LIMIT - DEAD_ZONE)
REFUND_BEYOND: Final = (REFUND_LIMIT + CLEAR, REFUND_LIMIT * 2)
