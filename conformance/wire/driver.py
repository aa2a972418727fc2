"""Who plays a step: the interface between a trial and a target, over HTTP or without it."""

from __future__ import annotations

from typing import Protocol

from conformance.domain.steps import Step
from conformance.wire.base import ObservedFields


class Driver(Protocol):
    """Plays one history's steps against a target and says what was observed, in the model's words.

    A player over HTTP observes every field, missing ones as None. One without HTTP leaves out the fields that it cannot
    speak of, and what is claimed of those is not judged (``complete`` is False).
    """

    complete: bool

    async def perform(self, step: Step) -> ObservedFields:
        """Make a step happen; return the ``answer.`` fields."""

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        """Read the order back; return the ``view.`` fields. Without ``log`` the event log may be left out."""

    async def pause(self, attempt: int) -> None:
        """Wait before asking for the ``attempt``-th time."""
