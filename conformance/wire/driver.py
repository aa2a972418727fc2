"""The interface between a trial and a target.

A driver executes one history's steps.
"""

from __future__ import annotations

from typing import Protocol

from conformance.domain.steps import Step
from conformance.wire.base import ObservedFields


class Driver(Protocol):
    """Executes one history's steps against a target and returns observations.

    An HTTP driver observes every field, missing ones as None. Another leaves out the fields that it cannot observe,
    and claims about those are not judged; its ``complete`` is False. Where a response may be of something in between,
    ``doubted`` is True: what is wrong is looked at once more then.
    """

    complete: bool

    @property
    def doubted(self) -> bool:
        """Whether something between the suite and the target may have sent a response."""

    async def perform(self, step: Step) -> ObservedFields:
        """Make a step happen; return the ``answer.`` fields of the observation."""

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        """Read the order back; return the ``view.`` fields.

        Without ``log``, the event log may be left out.
        """

    async def pause(self, attempt: int) -> None:
        """Wait before an order is read for the ``attempt``-th time."""
