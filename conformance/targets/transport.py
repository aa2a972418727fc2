"""How HTTP messages get to a target: by network, or in this process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from conformance.domain.messages import Call, NoResponse, Response, ResponseOrNone
from conformance.domain.order import Profile
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.throttle import Throttle

SPENT: Final = "the run's budget of requests was spent"
"""Cause of a request that was not sent."""
SURPLUS: Final = "the connection had more than one response on it, and nobody knows which belongs to which request"
"""Cause of a request whose response, or the response before it, may be that of another request."""


class TargetError(Exception):
    """The target cannot be tested as it is.

    The message says what is wrong and what to change. ``crash`` is the exception of the user's code that is behind it,
    in a few lines; empty where there is none.
    """

    def __init__(self, message: str, crash: str = "") -> None:
        super().__init__(message)
        self.crash = crash


class TargetUsageError(TargetError):
    """The user specified the target wrongly.

    Examples are an unknown kind of target, or a host that is refused.
    """


@dataclass(frozen=True, slots=True)
class ControlOffer:
    """What a target lets the suite do in one API.

    Attributes:
        profile: the API.
        actions: test control actions; ``age`` is among them if one payment can be made older.
        source: how that is known.

    """

    profile: Profile
    actions: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a target's test control API lets the suite do.

    It is empty without such an API (``controlled`` is False).
    """

    offers: Mapping[Profile, ControlOffer] = field(default_factory=dict)
    controlled: bool = False

    def of(self, profile: Profile) -> ControlOffer:
        """Return what is offered in one API; an empty offer if nothing is known."""
        return self.offers.get(profile) or ControlOffer(profile, frozenset(), "no test control API was named")


class Connection(ABC):
    """One worker's connection to a target. Tasks do not share it.

    Attributes:
        busy: takes a call whose answer was a 429 and that is sent again, that answer, and how many seconds it waits.

    """

    busy: Callable[[Call, Response, float], None] = staticmethod(lambda *_: None)

    @abstractmethod
    async def send(self, call: Call) -> ResponseOrNone:
        """Send a call and return its answer.

        A call without a response is returned as lost, never raised.
        """

    async def race(self, call: Call, timing: RequestTiming) -> ResponseOrNone:
        """Send a call at the same moment as another connection sends its own.

        Returns its answer.
        """
        with timing:
            return await self.send(call)

    async def pause(self, seconds: float) -> None:
        """Give the target some time. A target in this process needs none."""
        del seconds

    async def close(self) -> None:  # noqa: B027 - most connections hold nothing
        """Close the connection."""


class Transport(ABC):
    """A target that is reached in HTTP messages, whether or not they cross a network."""

    kind: ClassVar[str]
    name: str
    control: str | None = None
    concurrency: int = 1
    throttle: Throttle = Throttle()
    """Is told how long requests take; the target that uses the transport has one of its own."""
    private: ClassVar[bool] = True
    concurrent: ClassVar[bool] = True
    """Whether a request can be sent while another is under way. The smoke test shows whether both are answered."""
    remote: ClassVar[bool] = False
    """Whether there is a network in between, which can lose requests and responses."""
    doubted: bool = False
    """Whether responses may come from what stands in the network, and are checked for it."""
    loopback: bool = True
    """Whether it is on this machine."""
    paced: bool = False
    """Whether the documented number of requests per order and minute is kept."""
    pause: float = 0.2
    """Seconds to wait before something is read again, times the number of reads so far."""
    requests: int = 0
    """How many requests were sent so far."""
    most_requests: int | None = None
    """How many requests may be sent; None for any number."""

    def spend(self) -> NoResponse | None:
        """Count a request that is about to be sent.

        Returns its answer instead if it may not be sent.
        """
        if self.most_requests is not None and self.requests >= self.most_requests:
            return NoResponse(SPENT)
        self.requests += 1
        return None

    @abstractmethod
    def connect(self) -> Connection:
        """Return a new connection."""

    async def start(self) -> None:  # noqa: B027 - most targets need nothing
        """Make the target ready, for example by starting an application."""

    async def stop(self) -> None:  # noqa: B027
        """Stop what ``start`` started."""
