"""A budget of requests: how many of the planned histories it buys, and what the rest would cost.

The plan is ordered so that every beginning of it tells the most, and so a budget buys a beginning. How many requests a
history takes is estimated, and the estimate is corrected by what the ones before it took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from conformance.domain.steps import Addressee, Cancel, Capture, History, Refund, parts_of
from conformance.evidence.records import BudgetRecord
from conformance.runner.schedule import ScheduledCase
from conformance.targets.http.request_sender import CHANGES, MINUTE
from conformance.wire import WIRES

MARGIN: Final = 1.2
"""What a history may take beyond its estimate: polls, and another attempt now and then."""
KEPT_BACK: Final = 5
"""One part in so many is kept for confirming and shrinking failures, once there are any."""
AT_ONCE: Final = 2
"""One part in so many of what is left is spent before anybody looks whether there are failures."""


def cost(history: History) -> int:
    """Return about how many requests a history takes.

    >>> from conformance.domain.order import Profile
    >>> from conformance.domain.steps import Cancel, Initiate
    >>> cost(History(Profile("ecom"), Initiate(1000), (Cancel(),)))
    4
    """
    wire = WIRES[history.profile]
    return sum(wire.request_count(step) for step in history.all_steps)


def longest_wait(history: History) -> float:
    """Return about how many seconds a history has to wait for the documented limits of its order.

    >>> from conformance.domain.order import Profile
    >>> from conformance.domain.steps import Initiate
    >>> captures = (Capture(100),) * 6
    >>> longest_wait(History(Profile("ecom"), Initiate(1000), captures))
    60.0
    """
    parts = (part for step in history.steps for part in parts_of(step))
    sent = Counter(
        type(part)
        for part in parts
        if isinstance(part, Capture | Refund) or (isinstance(part, Cancel) and part.to is not Addressee.UNKNOWN)
    )
    return MINUTE * max((max(0, number - 1) // CHANGES for number in sent.values()), default=0)


class RequestBudget:
    """What is left of a budget of requests."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._expected = self._taken = 0

    def affordable(self, cases: Sequence[ScheduledCase], sent: int, at_a_time: int, *, failed: bool) -> int:
        """Return how many of the next cases the budget pays for, at most ``at_a_time``.

        Some of it always remains: a failure among them has to be seen again before it counts.
        """
        unspent = self._most - sent
        remaining = unspent - self._most // KEPT_BACK if failed else unspent // AT_ONCE
        price = self._price()
        for number, scheduled in enumerate(cases[:at_a_time]):
            remaining -= round(cost(scheduled.case.history) * price)
            if remaining < 0:
                return number
        return min(at_a_time, len(cases))

    def paid(self, cases: Sequence[ScheduledCase], requests: int) -> None:
        """Learn how many requests cases took."""
        self._expected += sum(cost(scheduled.case.history) for scheduled in cases)
        self._taken += requests

    def needs(self, cases: Sequence[ScheduledCase]) -> int:
        """Return about how many requests cases would take."""
        return round(sum(cost(scheduled.case.history) for scheduled in cases) * self._price() / MARGIN)

    def bought(self, sent: int, run: Sequence[ScheduledCase], rest: Sequence[ScheduledCase]) -> BudgetRecord:
        """Return the record that says what the budget bought."""
        systematic = [scheduled for scheduled in (*run, *rest) if scheduled.case.source == "systematic"]
        return BudgetRecord(
            most=self._most,
            sent=sent,
            played=len(run),
            planned=len(run) + len(rest),
            systematic=len(systematic),
            rest=self.needs(rest),
        )

    def _price(self) -> float:
        return MARGIN * (self._taken / self._expected if self._expected else 1.0)
