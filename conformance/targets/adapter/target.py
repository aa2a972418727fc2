"""A Python adapter as a target: its methods are called, and no HTTP is involved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from conformance.domain.expectation import ACCEPTED, LOST, PENDING
from conformance.domain.order import Kind, Market, Profile
from conformance.domain.steps import Approve, Cancel, Initiate
from conformance.targets.adapter.driver import AdapterDriver, UnansweredError
from conformance.targets.adapter.inspection import CHARGE_RUN, USER, Methods, methods_of, profiles_of
from conformance.targets.event_loop_thread import EventLoopThread, RaisedError
from conformance.targets.target import ProbeResult, RecordExchange, Worker
from conformance.targets.transport import TargetError, TargetUsageError
from conformance.wire.base import ObservedFields, OrderIdentifiers
from conformance.wire.driver import Driver

AMOUNT: Final = 1000
STEPS: Final = {"capture": "capture", "refund": "refund", "stop_agreement": "stop-agreement"}
"""The methods that stand for a step which every HTTP target can play."""


class AdapterTarget:
    """An adapter, ready for a campaign. Its methods run in a thread of their own, one at a time."""

    kind = "python"
    wire = False
    control: str | None = None
    concurrency = 1
    private = False
    names_other_unit = False

    def __init__(self, name: str, made: Callable[[], Any], *, timeout: float = 30.0) -> None:
        """Make the adapter and look at what it has.

        Raises:
            TargetUsageError: it cannot be made, or is no adapter.

        """
        self.name = name
        self._timeout = timeout
        self._lane = EventLoopThread()
        self._market = Market.NO
        self._nonce = ""
        try:
            adapter = self._lane.call_now(made, timeout)
            self._profiles = profiles_of(name, adapter)
            self._methods: Methods = methods_of(name, adapter)
        except TargetUsageError:
            self._lane.close()
            raise
        except RaisedError as error:
            self._lane.close()
            raise TargetUsageError(f"{name} could not be made without arguments: it raised {error}.") from error
        except TimeoutError:
            self._lane.close()
            raise TargetUsageError(f"{name} was not made within {timeout:g} seconds: make it faster.") from None

    @property
    def requests(self) -> int:
        """An adapter is sent none."""
        return 0

    def spend_at_most(self, requests: int) -> None:
        """Say nothing: there is nothing to be spent."""

    @property
    def profiles(self) -> tuple[Profile, ...] | None:
        """The profiles that the adapter names."""
        return self._profiles

    async def open(
        self, market: Market, nonce: str, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Take note of the market, and of what order ids begin with."""
        self._market, self._nonce = market, nonce

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Take one order through its life.

        Raises:
            TargetError: a method raises, hangs or returns nonsense, or the adapter does not have this profile.

        """
        if profile not in self._profiles:
            raise TargetError(
                f"{self.name} does not implement {profile.value}: add it to its 'profiles', "
                f"or leave it out of --profile."
            )
        recurring = profile is Profile.RECURRING
        driver = self._driver(profile, f"{self._nonce}-{profile.value[0]}smoke1")
        opening = Initiate(AMOUNT, Kind.INITIAL_RESERVE if recurring else Kind.PAYMENT)
        if self._orderly(await driver.perform(opening)) not in (ACCEPTED, PENDING):
            raise TargetError(f"{self.name}: initiate() refused the first order, which it has to accept.")
        if self._orderly(await driver.look("read", log=True)) != ACCEPTED:
            raise TargetError(f"{self.name}: read() refused an order that initiate() had accepted.")
        if "approve" in self._methods and not recurring:
            self._orderly(await driver.perform(Approve()))
        cancelled = self._orderly(await driver.perform(Cancel()))
        self._orderly(await driver.look("read", log=True))
        return ProbeResult(
            offered=frozenset(self._methods) & {*(CHARGE_RUN if recurring else USER), "age"},
            source="as its methods say",
            note=f"one order initiated, read, cancelled ({cancelled})",
            unplayable=frozenset(step for method, step in STEPS.items() if method not in self._methods),
        )

    def worker(self) -> Worker:
        """Return a worker."""
        return _AdapterWorker(self._driver)

    async def close(self) -> None:
        """Stop the adapter's thread."""
        self._lane.close()

    async def _ask(self, method: str, *arguments: Any, **named: Any) -> Any:
        if method not in self._methods:
            raise UnansweredError(f"the adapter has no {method}()")
        try:
            return await self._lane.call(self._methods[method], self._timeout, *arguments, **named)
        except RaisedError as error:
            raise UnansweredError(f"{method}() raised {error}") from error
        except TimeoutError:
            raise UnansweredError(f"{method}() did not return within {self._timeout:g} seconds") from None

    def _driver(self, profile: Profile, order_id: str) -> AdapterDriver:
        return AdapterDriver(self._ask, profile, OrderIdentifiers(order_id, datetime.now(UTC).date(), self._market))

    def _orderly(self, observed: ObservedFields) -> str:
        part = "view" if "view.outcome" in observed else "answer"
        if observed[f"{part}.outcome"] == LOST:
            raise TargetError(f"{self.name} cannot be tested, since {observed[f'{part}.cause']}: correct the adapter.")
        return str(observed[f"{part}.outcome"])


class _AdapterWorker:
    def __init__(self, driver: Callable[[Profile, str], AdapterDriver]) -> None:
        self._driver = driver

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        return self._driver(profile, order_id)

    async def close(self) -> None:
        """Leave the adapter to the next worker."""
