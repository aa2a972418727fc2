"""Playing a shop's history against an integration, and what comes of it as records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from conformance.domain.order import Market, Profile
from conformance.evidence.journal import Record
from conformance.merchant.integration.base import SHORT, Integration, MerchantCapabilities
from conformance.merchant.integration.in_process import PythonIntegration
from conformance.merchant.integration.out_of_process import CommandIntegration, HookIntegration
from conformance.merchant.protocol import Setup
from conformance.merchant.provider_double.double import FEWER_REQUESTS, ProviderDouble
from conformance.merchant.provider_double.fault_injection import Faults
from conformance.merchant.provider_double.mounts import Server
from conformance.merchant.provider_double.state import ProviderState
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.merchant.scenario import ScenarioRunner
from conformance.obligations.history import Behaviour, Fault, MerchantHistory, merchant_history_as_json
from conformance.obligations.judge import ObligationResult, judge
from conformance.obligations.observation import MerchantTrace, trace_from_records
from conformance.rulebook import Rulebook, load_obligations
from conformance.targets.transport import TargetError, TargetUsageError

STUCK: Final = 3
"""After so many histories with an action that did not end, actions get less time."""


class RecordSink(Protocol):
    """Where records are written."""

    count: int

    def append(self, kind: str, **content: Any) -> None:
        """Write one."""


@dataclass
class CountingSink:
    """Records that nobody keeps."""

    count: int = 0

    def append(self, kind: str, **content: Any) -> None:
        """Count it."""
        del kind, content
        self.count += 1


@dataclass(slots=True)
class MerchantTrialResult:
    """A played history: what was seen, and what was said of it."""

    seen: MerchantTrace
    judged: list[ObligationResult] = field(default_factory=list)

    @property
    def broken(self) -> dict[str, str]:
        """The obligations that it breaks, with the reason."""
        return {one.rule: one.ruling.reason for one in self.judged if one.ruling.broken}

    @property
    def examples(self) -> list[str]:
        """The obligations that it is an example of and that were met."""
        return [one.rule for one in self.judged if not one.ruling.broken]


SOON: Final = 2
"""Seconds that ``Retry-After`` asks for where time is real: more than the second that many a client waits by itself."""


def _soon(fault: Fault) -> Fault:
    """Return a fault for a merchant that really waits."""
    return replace(fault, seconds=min(fault.seconds, SOON))


class MerchantHarness:
    """An integration and everything that it is played with, from the first history to the last.

    Args:
        integration: ``python:module:Adapter``, ``http://127.0.0.1…``, ``exec:COMMAND``, or an adapter class.
        market: the sales unit's country.
        seed: decides every identifier.
        port: the port of the provider; 0 takes a free one.
        first: the API that it is told when it is first reached.

    Raises:
        TargetUsageError: the integration makes no sense, or the port is taken.

    """

    def __init__(
        self, integration: Any, *, market: str = "no", seed: int = 0, port: int = 0, first: Profile | None = None
    ) -> None:
        self._first = first
        self.market = market
        self.seed = seed
        self.book: Rulebook = load_obligations()
        self._clock = VirtualClock()
        self._double: ProviderDouble | None = None
        self._counter: ProviderState | None = None
        self._offer: MerchantCapabilities | None = None
        self._stuck = 0
        try:
            self._server = Server(self.double, port)
        except OSError as error:
            raise TargetUsageError(f"the provider cannot listen on port {port}: {error.strerror}.") from None
        try:
            self.integration: Integration = self._integration(integration)
        except BaseException:
            self._server.close()
            raise

    def _integration(self, integration: Any) -> Integration:
        if not isinstance(integration, str):
            return PythonIntegration(integration, self.double, self.clock, self._server.port)
        kind, colon, rest = integration.partition(":")
        if kind == "python" and colon:
            return PythonIntegration(rest, self.double, self.clock, self._server.port)
        if kind == "exec" and colon:
            return CommandIntegration(rest)
        if kind in ("http", "https") and colon:
            return HookIntegration(integration)
        raise TargetUsageError(
            f"{integration!r} is no integration: write python:module:Adapter, http://127.0.0.1:PORT or exec:COMMAND."
        )

    def double(self) -> ProviderDouble:
        """Return the seat of the present history."""
        assert self._double is not None
        return self._double

    @property
    def base_url(self) -> str:
        """Where the provider listens."""
        return self._server.url

    @property
    def currency(self) -> str:
        """What orders are paid in."""
        return Market(self.market).currency

    def clock(self) -> VirtualClock:
        """Return the clock of the present history."""
        return self._clock

    def open(self) -> MerchantCapabilities:
        """Reach the integration, and return what it has.

        Raises:
            TargetError: it cannot be reached, or does not keep to the protocol.

        """
        if self._offer is None:
            self._take_place(Behaviour(), "open", CountingSink(), 1)
            self._offer = self.integration.open(self._setup(self._first or self.integration.first or Profile.EPAYMENT))
        return self._offer

    def check(self) -> None:
        """Look at an adapter in this process before anything is written.

        Raises:
            TargetUsageError: it is none.

        """
        if self.integration.kind == "python":
            try:
                self.open()
            except TargetUsageError:
                raise
            except TargetError:
                # Whether it comes up is a question for the run, and its evidence.
                return

    def _setup(self, profile: Profile) -> Setup:
        options = self.double().counter.options
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

    def _take_place(self, behaviour: Behaviour, name: str, ledger: RecordSink, orders: int) -> list[Record]:
        records: list[Record] = []

        def write(kind: str, **content: Any) -> None:
            number = ledger.count
            record = {"history": name, **content}
            ledger.append(kind, **record)
            records.append({"n": number, "kind": kind, **record})

        self._clock = VirtualClock()
        seed = int.from_bytes(hashlib.sha256(f"{self.seed}-{name}".encode()).digest()[:6])
        self._counter = ProviderState(self._clock, behaviour, self.market, seed, self._counter)
        self._faults = Faults(())
        self._double = ProviderDouble(self._counter, self._clock, self._faults, write, orders)
        return records

    def play(self, history: MerchantHistory, name: str, ledger: RecordSink) -> MerchantTrialResult:
        """Play a history from its first step to its quiet end, and judge it.

        Raises:
            TargetError: the integration cannot be asked any more, or its adapter does not keep to the protocol.

        """
        offered = self.open().actions
        records = self._take_place(history.behaviour, name, ledger, len(history.amounts))
        double = self.double()
        double.faults = Faults(history.faults if self.integration.virtual else map(_soon, history.faults))
        self.integration.begin(self._setup(history.profile))
        if self._stuck >= STUCK:
            # It is proved by now. What is left is played all the same, and must not take all day.
            self.integration.seconds, double.most = SHORT, FEWER_REQUESTS
        scenario = ScenarioRunner(self.integration, offered, double, self._clock, double.write, f"cc-{name}")
        scenario.play(history)
        self._stuck += any(one["kind"] == "action" and one["ended"] in ("hung", "flooded") for one in records)
        seen = trace_from_records({"history": merchant_history_as_json(history)}, records, offered)
        return MerchantTrialResult(seen, judge(seen, self.book))

    def close(self) -> None:
        """Leave nothing running."""
        try:
            self.integration.close()
        finally:
            self._server.close()
