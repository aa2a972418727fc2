"""How old an order is when a cancel arrives: ages on both sides of every limit, from the model's own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.model import ModelContext
from conformance.model.context import CANCEL_LIMIT, DAY, DEAD_ZONE, OPENING_WINDOW, REFUND_LIMIT, SIX_MONTHS

CLEAR: Final = 2 * DEAD_ZONE
"""A distance from a limit that makes an age clearly within or beyond it."""


class Moment(StrEnum):
    """When the time passes."""

    LAST = "before the cancel"
    EARLY = "before the first capture"
    SPLIT = "half before the first capture"
    SPREAD = "between the captures, each as old again as the one before"


@dataclass(frozen=True, slots=True)
class Ageing:
    """An age, and when the order reaches it."""

    by: timedelta = timedelta()
    moment: Moment = Moment.LAST

    @property
    def name(self) -> str:
        """The age in words."""
        return age_in_words(self.by)

    @property
    def parts(self) -> tuple[timedelta, timedelta]:
        """How much of it passes before the first capture, and how much right before the cancel."""
        if self.moment is Moment.EARLY:
            return self.by, timedelta()
        if self.moment is Moment.SPLIT:
            return self.by // 2, self.by - self.by // 2
        return timedelta(), timedelta() if self.moment is Moment.SPREAD else self.by

    @property
    def spread(self) -> timedelta:
        """How much passes between the captures."""
        return self.by if self.moment is Moment.SPREAD else timedelta()


FRESH: Final = Ageing()
A_DAY: Final = Ageing(DAY)
OPENING: Final = Ageing(OPENING_WINDOW - timedelta(minutes=1))
"""The greatest age of a payment that the customer has not opened."""


def age_in_words(age: timedelta) -> str:
    """Return an age in words, such as "180 days" or "9 minutes"."""
    hours = timedelta(hours=1)
    if age > DAY and age % DAY:
        return f"{age_in_words(age // DAY * DAY)} and {age % DAY // hours} hours"
    if age % DAY:
        return f"{age // timedelta(minutes=1)} minutes"
    return f"{age // DAY} day{'' if age == DAY else 's'}"


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """The ages at which the first and the last interpretation call an order too old to cancel."""

    first: timedelta
    last: timedelta

    @property
    def within(self) -> tuple[timedelta, ...]:
        """Ages that are young enough under every interpretation, the last one that is judged among them."""
        return (DAY, self.first // 2 // DAY * DAY, self.first - CLEAR, self.first - DEAD_ZONE)

    @property
    def open(self) -> tuple[timedelta, ...]:
        """Ages that the documentation does not decide."""
        between = (self.first + CLEAR,) if self.first + CLEAR < self.last - CLEAR else ()
        return (*between, self.last)

    @property
    def edges(self) -> tuple[timedelta, ...]:
        """Ages at which a limit may lie if it is not at its whole day; what happens there is recorded."""
        return (self.first - DEAD_ZONE // 2, self.last + DEAD_ZONE // 2, self.last + DEAD_ZONE)

    @property
    def beyond(self) -> tuple[timedelta, ...]:
        """Ages that are too old under every interpretation, the first whole day of them among them."""
        return (self.last + CLEAR, 2 * self.last)


def age_limits(profile: Profile, context: ModelContext) -> AgeLimits:
    """Return the age limits in force for a cancel, whatever they are measured from."""
    ages: list[timedelta] = []
    if context.allows("C1", "reservation") or context.allows("C1", "initiation"):
        ages.append(CANCEL_LIMIT)
    if context.allows("C1", "market-deadline"):
        ages.append(context.market_deadline)
    if "six-months" in spec_of(profile).age_limits and context.allows("C1", "six-months"):
        ages.extend(SIX_MONTHS)
    return AgeLimits(min(ages, default=CANCEL_LIMIT), max(ages, default=CANCEL_LIMIT))


REFUND_WITHIN: Final = (REFUND_LIMIT - CLEAR, REFUND_LIMIT - DEAD_ZONE)
REFUND_BEYOND: Final = (REFUND_LIMIT + CLEAR, REFUND_LIMIT * 2)
