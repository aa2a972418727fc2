"""The place in front of a target that a campaign sits down at, whatever the target is reached by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from conformance.domain.order import Market, Profile
from conformance.wire.driver import Driver

RecordExchange = Callable[..., None]
"""Takes a call and its answer."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What was learnt of a target before anything is judged.

    ``offered`` uses the words of a rule's needs; ``source`` says how we know and ``note`` what was done. ``unplayable``
    are the names of steps that every other target can play and this one cannot.
    """

    offered: frozenset[str]
    source: str
    note: str
    distinguishes_units: bool = True
    unplayable: frozenset[str] = frozenset()


class Worker(Protocol):
    """Plays histories one after the other."""

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        """Return a player for one history, under a fresh order id."""

    async def close(self) -> None:
        """Give the connection back."""


class Target(Protocol):
    """A target, ready for a campaign.

    ``wire`` says whether it is spoken to in HTTP; ``concurrency`` how many histories may be under way at once;
    ``private`` that it lives in this process and serves nobody else. ``profiles`` are the ones it says it has, once it
    was opened. ``names_other_unit`` says that another sales unit was named, from which the target has to tell ours.
    """

    kind: str
    name: str
    wire: bool
    control: str | None
    concurrency: int
    private: bool
    names_other_unit: bool

    @property
    def requests(self) -> int:
        """How many requests were sent so far. A target without HTTP is sent none."""

    def spend_at_most(self, requests: int) -> None:
        """Send no more requests than this; those after it are not answered."""

    @property
    def profiles(self) -> tuple[Profile, ...] | None:
        """The profiles that the target says it has; None where it says nothing."""

    async def open(
        self, market: Market, nonce: str, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Reach the target.

        Raises:
            TargetError: it cannot be reached or used, for a reason that the message names.

        """

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Take one order through its life.

        Raises:
            TargetError: the target cannot be tested, for a reason that the message names.

        """

    def worker(self) -> Worker:
        """Return one worker's way to the target."""

    async def close(self) -> None:
        """Leave the target as it was found."""
