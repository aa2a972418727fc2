"""An implementation under test as a campaign sees it, whichever way it is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from conformance.domain.messages import Call, Response, ResponseOrNone
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import History, name_of
from conformance.targets.operator import Operator
from conformance.targets.throttle import Throttle
from conformance.wire.driver import Driver


class RecordExchange(Protocol):
    """Records one exchange."""

    def __call__(
        self,
        call: Call,
        answer: ResponseOrNone,
        timing: tuple[float, float] | None = None,
        /,
        *,
        resent: bool = False,
        waited: float | None = None,
    ) -> None:
        """RecordExchange a call and its answer.

        Args:
            call: the call.
            answer: its response, or why there is none.
            timing: of one of two requests that were sent together: how many seconds after the first of them it left,
                and how many it took.
            resent: whether the same request follows, sent again, so that this answer does not count.
            waited: how many seconds it waits before that, because the target asked for it (429).

        """


def busy_recorder(record: RecordExchange) -> Callable[[Call, Response, float], None]:
    """Return what records the 429s of a connection, with how long each one made the run wait."""

    def busy(call: Call, answer: Response, seconds: float) -> None:
        record(call, answer, resent=True, waited=seconds)

    return busy


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the smoke test of one API showed of a target, before anything is judged.

    Attributes:
        offered: what the target lets the suite do, in the words of a rule's needs: ``age``, ``approve``, …
        source: how that is known.
        note: what the smoke test did.
        distinguishes_units: whether the target refuses another sales unit than the order's.
        unplayable: names of steps that every other target can execute and this one cannot.
        manual: which of the offered actions an operator is asked for.

    """

    offered: frozenset[str]
    source: str
    note: str
    distinguishes_units: bool = True
    unplayable: frozenset[str] = frozenset()
    manual: frozenset[str] = frozenset()

    def can_run(self, history: History) -> bool:
        """Return whether the target can execute every step of a history."""
        return self.unplayable.isdisjoint(map(name_of, history.steps))


class Worker(Protocol):
    """Runs histories one after the other, over connections of its own."""

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        """Return the driver of a history with an order id that was never used."""

    async def close(self) -> None:
        """Close the connections."""


class Target(Protocol):
    """A target, ready for a campaign.

    Attributes:
        kind: ``url``, ``embedded``, ``asgi``, ``wsgi`` or ``python``.
        name: what the user calls it.
        over_http: whether it is reached in HTTP messages.
        control: the base of its test control API.
        concurrency: how many histories may run at once, at most.
        throttle: how many of them run at once now.
        private: whether it lives in this process and serves nobody else.
        names_other_unit: whether a second sales unit is configured, which the target must tell from the first.
        operator: who does what the target does not offer itself; None if nobody is asked.

    """

    kind: str
    name: str
    over_http: bool
    control: str | None
    concurrency: int
    throttle: Throttle
    private: bool
    names_other_unit: bool
    operator: Operator | None

    @property
    def requests(self) -> int:
        """How many requests were sent so far.

        It is 0 for a target that is not reached in HTTP messages.
        """

    def spend_at_most(self, requests: int) -> None:
        """Limit the number of requests; those beyond it are not sent."""

    @property
    def profiles(self) -> tuple[Profile, ...] | None:
        """The APIs that the target lists once it is open; None if it lists none."""

    async def open(
        self, market: Market, naming: OrderNaming, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Reach the target.

        Args:
            market: the sales unit's market.
            naming: how the orders of the run are named.
            learn_secret: takes every secret that must not be written down.
            record: takes every exchange.

        Raises:
            TargetError: it cannot be reached or used; the message says why.

        """

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Run the smoke test of one API: take an order through its life.

        Raises:
            TargetError: the target cannot be tested; the message says why.

        """

    def worker(self) -> Worker:
        """Return a worker with connections of its own."""

    async def close(self) -> None:
        """Close the target."""
