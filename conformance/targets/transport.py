"""A target: the implementation under test and how it is reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from conformance.domain.order import Profile
from conformance.targets.http.race_timing import RequestTiming
from conformance.wire import Call, NoResponse, ResponseOrNone

SPENT: Final = "the run's budget of requests was spent"
"""Why a request was not sent."""


class TargetError(Exception):
    """The target cannot be tested as things are. The message says what is wrong and what to change."""


class TargetUsageError(TargetError):
    """What was asked for makes no sense, whatever the target does: an unknown kind of target, a refused host."""


@dataclass(frozen=True, slots=True)
class ControlOffer:
    """What a target lets the suite do in one profile.

    ``actions`` are test control actions, with ``age`` among them where one payment can be made older. ``source`` says
    how we know.
    """

    profile: Profile
    actions: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a target offers beside the API itself, as its test control API says. Empty where it has none."""

    offers: Mapping[Profile, ControlOffer] = field(default_factory=dict)
    controlled: bool = False

    def of(self, profile: Profile) -> ControlOffer:
        """Return a profile's offer; nothing is offered where nothing was said."""
        return self.offers.get(profile) or ControlOffer(profile, frozenset(), "no test control API was named")


class Connection(ABC):
    """One worker's connection to a target. Links are not shared between tasks."""

    @abstractmethod
    async def send(self, call: Call) -> ResponseOrNone:
        """Make one call. A call that is not answered is returned as lost, never raised."""

    async def race(self, call: Call, flight: RequestTiming) -> ResponseOrNone:
        """Make a call that leaves together with another link's. Only where the target takes both at once."""
        with flight:
            return await self.send(call)

    async def pause(self, seconds: float) -> None:
        """Let the target have some time. Targets in this process need none."""
        del seconds

    async def close(self) -> None:  # noqa: B027 - most links hold nothing that has to be given back
        """Give the connection back."""


class Transport(ABC):
    """A target that is spoken to in HTTP messages, whether or not they cross a network."""

    kind: ClassVar[str]
    name: str
    control: str | None = None
    concurrency: int = 1
    private: ClassVar[bool] = True
    concurrent: ClassVar[bool] = True
    """Whether it can be sent a request while another is under way. That it answers both is seen in the smoke test."""
    remote: ClassVar[bool] = False
    """Whether there is a network in between, on which requests and answers are lost."""
    loopback: bool = True
    """Whether it is on this machine."""
    paced: bool = False
    """Whether the documented limits are kept that an order has per minute."""
    pause: float = 0.2
    """Seconds to wait before something is asked again, times how often it was asked."""
    requests: int = 0
    """How many requests were sent so far."""
    most_requests: int | None = None
    """How many may be sent; the next one is not sent any more."""

    def spend(self) -> NoResponse | None:
        """Count a request that is about to be sent; return what is said of it instead, if it may not be."""
        if self.most_requests is not None and self.requests >= self.most_requests:
            return NoResponse(SPENT)
        self.requests += 1
        return None

    @abstractmethod
    def link(self) -> Connection:
        """Open a connection of one's own."""

    async def start(self) -> None:  # noqa: B027 - most targets need nothing
        """Make the target ready, for example by starting an application."""

    async def stop(self) -> None:  # noqa: B027
        """Undo ``start``."""
