"""Which notifications are still to be delivered: in order, later ones held back by a failure, and tried again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from conformance.merchant.protocol import Webhook
from conformance.merchant.webhooks.registrations import Registration

QUICK_WAITS: Final = (2.0, 2.0, 2.0, 2.0, 60.0, 120.0)
"""Seconds before each of the first retries."""
HOURLY_UNTIL: Final = 29
"""The last retry that comes an hour after the one before; later ones come a day after it."""
LONGEST: Final = 7 * 86_400.0
"""Seconds after which a notification is given up."""


@dataclass(slots=True, eq=False)
class PendingDelivery:
    """A notification that is to be delivered to one registration.

    ``attempts`` counts those that failed; ``due`` and ``began`` are seconds of the run's clock.
    """

    registration: Registration
    webhook: Webhook
    payment_id: str
    began: float
    due: float
    attempts: int = 0


def wait_before(retry: int) -> float:
    """Return the seconds before a retry, which is counted from 1."""
    if retry <= len(QUICK_WAITS):
        return QUICK_WAITS[retry - 1]
    return 3600.0 if retry <= HOURLY_UNTIL else 86_400.0


@dataclass(slots=True)
class Outbox:
    """What is to be delivered, oldest first for each registration."""

    queues: dict[str, list[PendingDelivery]] = field(default_factory=dict)

    def add(self, delivery: PendingDelivery) -> None:
        """Add a notification at the end of its registration's queue."""
        self.queues.setdefault(delivery.registration.id, []).append(delivery)

    def due(
        self, now: float, active: Iterable[Registration], *, latest_first: bool = False
    ) -> Iterator[PendingDelivery]:
        """Yield what is to be delivered now.

        The order within a registration is kept; a notification that is not due, or not accepted when it is delivered,
        holds back the later ones of its payment. ``latest_first`` takes the registrations in reverse order. What was
        to go to a deleted registration is dropped.
        """
        alive = {each.id for each in active}
        for id_ in [id_ for id_ in self.queues if id_ not in alive]:
            del self.queues[id_]
        for id_ in sorted(self.queues, key=list(self.queues).index, reverse=latest_first):
            held: set[str] = set()
            for delivery in list(self.queues[id_]):
                if delivery.payment_id not in held and delivery.due <= now:
                    yield delivery
                if delivery in self.queues.get(id_, ()):
                    held.add(delivery.payment_id)

    def accepted(self, delivery: PendingDelivery) -> None:
        """Take out what was accepted."""
        self._remove(delivery)

    def failed(self, delivery: PendingDelivery, now: float) -> None:
        """Plan the next attempt, or give up: a callback is sent once, anything else for a week."""
        delivery.attempts += 1
        delivery.due = now + wait_before(delivery.attempts)
        if delivery.registration.callback or delivery.due - delivery.began > LONGEST:
            self._remove(delivery)

    def _remove(self, delivery: PendingDelivery) -> None:
        queue = self.queues.get(delivery.registration.id, [])
        if delivery in queue:
            queue.remove(delivery)

    def clear(self) -> None:
        """Lose everything that is under way."""
        self.queues.clear()
