"""The merchant harness: an integration, the provider double and the clock that its histories run with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from msgspec import structs

from conformance.domain.api_table import USUAL_API
from conformance.domain.order import Market, Profile
from conformance.evidence.journal import RecordSink
from conformance.evidence.record_parts import Record
from conformance.evidence.records import ActionRecord
from conformance.evidence.redaction import Redactor
from conformance.merchant.driver import MerchantDriver
from conformance.merchant.integration.base import SHORT_ACTION_SECONDS, Integration, MerchantCapabilities
from conformance.merchant.integration.command import CommandIntegration
from conformance.merchant.integration.hook import HookIntegration
from conformance.merchant.integration.in_process import PythonIntegration
from conformance.merchant.protocol import Setup
from conformance.merchant.provider_double.double import FEWER_REQUESTS, ProviderDouble
from conformance.merchant.provider_double.fault_injection import Faults
from conformance.merchant.provider_double.mounts import LoopbackServer
from conformance.merchant.provider_double.state import ProviderState
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.merchant.scenario import ScenarioRunner
from conformance.merchant.webhooks.channel import Carrier
from conformance.merchant.webhooks.posting import Poster
from conformance.merchant.webhooks.registrations import Registration, Registrations, url_problem
from conformance.obligations.declarations import declarations_from
from conformance.obligations.history import (
    CLOCK,
    HANDLER,
    Behaviour,
    Fault,
    MerchantHistory,
    merchant_history_as_json,
)
from conformance.obligations.judge import ObligationResult, judge
from conformance.obligations.observation import MerchantTrace, trace_from_records
from conformance.rulebook import Rulebook, load_obligations
from conformance.targets.http.credentials import secrets_in
from conformance.targets.transport import TargetError, TargetUsageError

MOST_STUCK: Final = 3
"""Histories with an action that did not end, after which actions get less time and fewer requests."""
LONGEST_REAL_WAIT: Final = 2
"""The most seconds that ``Retry-After`` asks a merchant to wait that really waits.

It is more than one second, which many clients wait by themselves.
"""


class NumberedSink(RecordSink, Protocol):
    """Takes the records of a run and counts them, as the journal does."""

    @property
    def count(self) -> int:
        """How many records there are, which is the number of the next one."""


@dataclass
class KeepingSink:
    """Keeps records: for the history that shows whether a payment can be made at all."""

    records: list[Record] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.records)

    def append(self, record: Record) -> None:
        """Keep a record."""
        self.records.append(record)


@dataclass
class CountingSink:
    """Counts records and keeps none: for a history that is run to shrink a failure."""

    count: int = 0

    def append(self, record: Record) -> None:
        """Count a record."""
        del record
        self.count += 1


@dataclass(slots=True)
class MerchantTrialResult:
    """What was observed of a history that was run, and the result of each obligation that it says something about."""

    trace: MerchantTrace
    results: list[ObligationResult] = field(default_factory=list)
    paid: bool = True
    """Whether the provider made a payment in it."""

    @property
    def broken(self) -> dict[str, str]:
        """The rule ids of the obligations that were broken, each with the reason, without mere consequences."""
        return {result.rule: result.finding.reason for result in self.results if result.counts}

    @property
    def examples(self) -> list[str]:
        """The rule ids of the obligations that were met."""
        return [result.rule for result in self.results if not result.finding.broken]


class MerchantHarness:
    """A merchant's integration with everything that its histories run with. It has to be closed.

    Args:
        integration: ``python:module:Adapter``, ``http://127.0.0.1…``, ``exec:COMMAND``, or an adapter class.
        market: the sales unit's country.
        seed: decides every identifier.
        port: the port of the provider; 0 takes a free one.
        first: the API that the integration is told of when it is reached for the first time.
        declare: ways of the shop by name, over what the integration declares itself.

    Raises:
        TargetUsageError: The integration is named wrongly, or the port is taken.

    """

    def __init__(
        self,
        integration: Any,
        *,
        market: str = "no",
        seed: int = 0,
        port: int = 0,
        first: Profile | None = None,
        declare: Mapping[str, Any] | None = None,
    ) -> None:
        self._first = first
        self._declare = declare or {}
        self.market = market
        self.seed = seed
        self.book: Rulebook = load_obligations()
        # What a merchant sends, or says of a failure, may quote a secret that it took from the environment. Tokens
        # of the double are public, and what is done with them is judged.
        secrets = secrets_in(os.environ)
        self.clean = Redactor(secrets).clean
        self._redactor = Redactor(secrets, by_name=False) if secrets else None
        self._clock = VirtualClock()
        self._double: ProviderDouble | None = None
        self._state: ProviderState | None = None
        self._capabilities: MerchantCapabilities | None = None
        self.opening = KeepingSink()
        """What was recorded while the integration was reached for the first time."""
        self._stuck = 0
        self._poster = Poster()
        try:
            self._server = LoopbackServer(self.double, port)
        except OSError as error:
            raise TargetUsageError(f"the provider cannot listen on port {port}: {error.strerror}.") from None
        try:
            self.integration: Integration = self._integration(integration)
        except BaseException:
            self._server.close()
            raise

    def _integration(self, integration: Any) -> Integration:
        if isinstance(integration, str):
            return self._named_integration(integration)
        if not callable(integration):
            raise TargetUsageError(f"{integration!r:.80} is no integration: name an adapter class.")
        return PythonIntegration(integration, self.double, self.clock, self._server.port)

    def _named_integration(self, integration: str) -> Integration:
        kind, colon, place = integration.partition(":")
        if kind == "python" and colon:
            return PythonIntegration(place, self.double, self.clock, self._server.port)
        if kind == "exec" and colon:
            return CommandIntegration(place)
        if kind in ("http", "https") and colon:
            return HookIntegration(integration)
        raise TargetUsageError(
            f"{integration!r} is no integration: write python:module:Adapter, http://127.0.0.1:PORT or exec:COMMAND."
        )

    def double(self) -> ProviderDouble:
        """Return the double of the history that runs."""
        assert self._double is not None
        return self._double

    @property
    def _follows_clock(self) -> bool:
        """Whether the merchant lives by the run's clock, as far as is known."""
        return self.integration.virtual or (self._capabilities is not None and CLOCK in self._capabilities.actions)

    def clock(self) -> VirtualClock:
        """Return the clock of the history that runs."""
        return self._clock

    @property
    def base_url(self) -> str:
        """Where the provider listens."""
        return self._server.url

    @property
    def currency(self) -> str:
        """The currency of the market."""
        return Market(self.market).currency

    def open(self) -> MerchantCapabilities:
        """Reach the integration, unless that was done before, and return what it can do.

        Raises:
            TargetError: The integration cannot be reached, or does not keep to the protocol.

        """
        if self._capabilities is None:
            self.opening = KeepingSink()
            self._set_up(Behaviour(), "open", self.opening, 1)
            first = self._first or self.integration.first or USUAL_API
            capabilities = self.integration.open(self._setup_for(first))
            declared = declarations_from({**capabilities.declared.as_json(), **self._declare})
            self._capabilities = replace(capabilities, declared=declared, actions=self._with_handler(capabilities))
        return self._capabilities

    def _with_handler(self, capabilities: MerchantCapabilities) -> frozenset[str]:
        """Return what the integration offers; one that has registered a webhook on this machine has a handler there.

        Raises:
            TargetError: The webhook that it states is not on this machine.

        """
        elsewhere = self.integration.kind != "python"
        if capabilities.webhook is not None and elsewhere and (problem := url_problem(capabilities.webhook[0])):
            raise TargetError(f"{self.integration.name} has a wrong webhook_url: {problem}")
        registered = elsewhere and self.double().registrations.reachable()
        return capabilities.actions | ({HANDLER, "deliver"} if registered else frozenset())

    def check(self) -> None:
        """Look at an adapter in this process before anything is written.

        Raises:
            TargetUsageError: It is not an adapter.

        """
        if self.integration.kind == "python":
            try:
                self.open()
            except TargetUsageError:
                raise
            except TargetError:
                # An adapter that does not start is a result of the run, with evidence.
                return

    def _setup_for(self, profile: Profile) -> Setup:
        options = self.double().state.options
        return Setup(
            profile=profile.value,
            base_url=self._server.url,
            client_id=options.client_id,
            client_secret=options.client_secret,
            subscription_key=options.subscription_key,
            msn=options.msn,
            now=self._now,
            sleep=self._sleep,
        )

    def _now(self) -> datetime:
        return self._clock.now()

    def _sleep(self, seconds: float) -> None:
        self._clock.skip(seconds)

    def _set_up(self, behaviour: Behaviour, name: str, sink: NumberedSink, orders: int) -> list[Record]:
        """Make clock, provider and double for a history; return the list that its records will be in."""
        records: list[Record] = []

        def write(record: Record, /) -> None:
            number = sink.count
            if isinstance(record, ActionRecord) and record.told:
                record = structs.replace(record, told=self.clean(record.told), crash=self.clean(record.crash))
            if self._redactor is not None:
                record = self._redactor.clean_record(record)
            placed = structs.replace(record, history=name)
            sink.append(placed)
            records.append(structs.replace(placed, n=number))

        self._clock = VirtualClock()
        seed = int.from_bytes(hashlib.sha256(f"{self.seed}-{name}".encode()).digest()[:6])
        self._state = ProviderState(
            self._clock, behaviour, self.market, seed, self._state, tokens_expire=self._follows_clock
        )
        self._double = ProviderDouble(
            self._state, self._clock, Faults(()), write, orders, self._registrations(f"{self.seed}-{name}")
        )
        return records

    def _registrations(self, seed: str) -> Registrations:
        """Return the registrations that a history begins with."""
        stated = self._capabilities.webhook if self._capabilities is not None else None
        return Registrations(
            seed,
            anywhere=self.integration.kind == "python",
            former=() if self._double is None else self._double.registrations.registered(),
            declared=Registration("stated", *stated) if stated is not None else None,
        )

    def _carrier(self) -> Carrier | None:
        """Return how signed notifications reach the merchant's handler; None where it has none."""
        if HANDLER not in self.open().actions:
            return None
        if isinstance(self.integration, PythonIntegration):
            integration = self.integration
            return Carrier(
                lambda request: integration.call(HANDLER, {"request": request}),
                lambda request: integration.beside(HANDLER, {"request": request}),
                in_process=integration.routes_by_nothing,
            )
        return Carrier(self._poster.post, self._poster.post, in_process=False)

    def run(self, history: MerchantHistory, name: str, sink: NumberedSink) -> MerchantTrialResult:
        """Run a history until the merchant is at rest, and judge it.

        Args:
            history: the history.
            name: its name in the run, such as ``epayment-00001``.
            sink: takes its records.

        Raises:
            TargetError: The integration cannot be reached any more, or its adapter does not keep to the protocol.

        """
        offered = self.open().actions
        records = self._set_up(history.behaviour, name, sink, len(history.amounts))
        double = self.double()
        double.faults = Faults(history.faults if self.integration.virtual else map(_with_short_wait, history.faults))
        self.integration.begin(self._setup_for(history.profile))
        if self._stuck >= MOST_STUCK:
            # The defect is proved by now. The other histories still run, and must not take all day.
            self.integration.seconds, double.most_requests = SHORT_ACTION_SECONDS, FEWER_REQUESTS
        driver = MerchantDriver(self.integration, offered, double, self._clock, double.write, self._carrier())
        ScenarioRunner(driver, f"cc-{name}").run(history)
        declared = self.open().declared.as_json()
        trace = trace_from_records(merchant_history_as_json(history), records, offered, declared)
        self._stuck += any(action.ending in ("hung", "flooded") for action in trace.actions)
        return MerchantTrialResult(trace, judge(trace, self.book), any(double.payments))

    def close(self) -> None:
        """Stop everything that runs."""
        try:
            self.integration.close()
        finally:
            self._server.close()


def _with_short_wait(fault: Fault) -> Fault:
    """Return a fault for a merchant that really waits."""
    return replace(fault, seconds=min(fault.seconds, LONGEST_REAL_WAIT))
