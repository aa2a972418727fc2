"""A Python adapter as a target: its methods are called, without HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED, LOST, PENDING
from conformance.domain.observation import Field
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import Approve, Cancel, Initiate, actions_of
from conformance.targets.adapter.driver import AdapterDriver, UnusableResultError
from conformance.targets.adapter.inspection import Methods, methods_of, profiles_of
from conformance.targets.event_loop_thread import EventLoopThread, RaisedError
from conformance.targets.http.credentials import secrets_in
from conformance.targets.operator import Operator
from conformance.targets.target import ProbeResult, RecordExchange, Worker
from conformance.targets.throttle import Throttle
from conformance.targets.transport import TargetError, TargetUsageError
from conformance.wire.base import ObservedFields, OrderIdentifiers
from conformance.wire.driver import Driver

AMOUNT: Final = 1000
STEPS: Final = {"capture": "capture", "refund": "refund", "stop_agreement": "stop-agreement"}
"""Methods, and the steps that cannot be executed without them; every HTTP target can execute these."""


class AdapterTarget:
    """An adapter. Its methods run in a thread of their own, one at a time."""

    kind = "python"
    over_http = False
    control: str | None = None
    concurrency = 1
    private = False
    names_other_unit = False
    operator: Operator | None = None

    def __init__(self, name: str, factory: Callable[[], Any], *, timeout: float = 30.0) -> None:
        """Create the adapter and check its APIs and methods.

        Args:
            name: what the user calls it.
            factory: returns the adapter.
            timeout: seconds that one method may take.

        Raises:
            TargetUsageError: the adapter cannot be created, or does not keep to the protocol.

        """
        self.name = name
        self.throttle = Throttle(self.concurrency)
        self._timeout = timeout
        self._thread = EventLoopThread()
        self._market = Market.NO
        self._naming = OrderNaming("")
        try:
            adapter = self._thread.call_now(factory, timeout)
            self._profiles = profiles_of(name, adapter)
            self._methods: Methods = methods_of(name, adapter)
        except TargetUsageError:
            self._thread.close()
            raise
        except RaisedError as error:
            self._thread.close()
            raise TargetUsageError(
                f"{name} could not be made without arguments: it raised {error.located}. Correct its constructor.",
                error.crash,
            ) from error
        except TimeoutError:
            self._thread.close()
            raise TargetUsageError(f"{name} was not made within {timeout:g} seconds: make it faster.") from None

    @property
    def requests(self) -> int:
        """0: an adapter gets no requests."""
        return 0

    def spend_at_most(self, requests: int) -> None:
        """Do nothing: an adapter gets no requests."""

    @property
    def profiles(self) -> tuple[Profile, ...] | None:
        """The APIs that the adapter lists."""
        return self._profiles

    async def open(
        self, market: Market, naming: OrderNaming, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Take note of the market, and of the beginning of order ids."""
        # An exception of the adapter may quote a secret that it took from the environment.
        for secret in secrets_in(os.environ):
            learn_secret(secret)
        self._market, self._naming = market, naming

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Run the smoke test of one API.

        Raises:
            TargetError: a method raises, hangs or returns a wrong type, or the adapter does not list the API.

        """
        if profile not in self._profiles:
            raise TargetError(
                f"{self.name} does not implement {profile.value}: add it to its 'profiles', "
                f"or leave it out of --profile."
            )
        spec = spec_of(profile)
        driver = self._driver(profile, self._naming.order_id(profile, "smoke1"))
        opening = Initiate(AMOUNT, spec.reserved_kind)
        initiated = await driver.perform(opening)
        if self._outcome_of(initiated) not in (ACCEPTED, PENDING):
            raise TargetError(
                f"{self.name}: initiate() refused the first order{_refusal(initiated)}: it has to accept "
                f"{AMOUNT} minor units of {self._market.currency}, kind {spec.reserved_kind.value!r}."
            )
        if self._outcome_of(await driver.look("read", log=True)) != ACCEPTED:
            raise TargetError(
                f"{self.name}: read() refused an order that initiate() had accepted: it has to find it by its order id."
            )
        if "approve" in self._methods and spec.user_approves:
            self._outcome_of(await driver.perform(Approve()))
        cancelled = self._outcome_of(await driver.perform(Cancel()))
        self._outcome_of(await driver.look("read", log=True))
        return ProbeResult(
            offered=frozenset(self._methods) & {*actions_of(profile), "age"},
            source="as its methods say",
            note=f"one order initiated, read, cancelled ({cancelled})",
            unplayable=frozenset(step for method, step in STEPS.items() if method not in self._methods),
        )

    def worker(self) -> Worker:
        """Return a worker."""
        return _AdapterWorker(self._driver)

    async def close(self) -> None:
        """Stop the adapter's thread."""
        self._thread.close()

    async def _call_method(self, method: str, *arguments: Any, **named: Any) -> Any:
        if method not in self._methods:
            raise UnusableResultError(f"the adapter has no {method}()")
        try:
            return await self._thread.call(self._methods[method], self._timeout, *arguments, **named)
        except RaisedError as error:
            raise UnusableResultError(f"{method}() raised {error.located}", error.crash) from error
        except TimeoutError:
            raise UnusableResultError(f"{method}() did not return within {self._timeout:g} seconds") from None

    def _driver(self, profile: Profile, order_id: str) -> AdapterDriver:
        return AdapterDriver(
            self._call_method, profile, OrderIdentifiers(order_id, datetime.now(UTC).date(), self._market)
        )

    def _outcome_of(self, observed: ObservedFields) -> str:
        part = "view" if Field.VIEW_OUTCOME in observed else "answer"
        if observed[f"{part}.outcome"] == LOST:
            raise TargetError(
                f"{self.name} cannot be tested, since {observed[f'{part}.cause']}: correct the adapter.",
                str(observed.get(Field.ANSWER_CRASH, "")),
            )
        return str(observed[f"{part}.outcome"])


def _refusal(observed: ObservedFields) -> str:
    """Return what a refusal says of itself, in parentheses: ``(status 400, code 71, no such sales unit)``."""
    words = ((Field.ANSWER_STATUS, "status "), (Field.ANSWER_CODE, "code "), (Field.ANSWER_DETAIL, ""))
    parts = [f"{word}{observed[field]}" for field, word in words if observed.get(field) is not None]
    return f" ({', '.join(parts)})" if parts else ""


class _AdapterWorker:
    def __init__(self, driver: Callable[[Profile, str], AdapterDriver]) -> None:
        self._driver = driver

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        return self._driver(profile, order_id)

    async def close(self) -> None:
        """Do nothing: the next worker uses the same adapter."""
