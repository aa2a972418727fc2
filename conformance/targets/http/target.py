"""A target that is reached in HTTP messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.targets.http.credentials import EnvironmentCredentials
from conformance.targets.http.session import HttpSession, open_session
from conformance.targets.http.smoke_test import smoke_test
from conformance.targets.operator import ManualSteps, Operator, manual_actions
from conformance.targets.target import ProbeResult, RecordExchange, Worker
from conformance.targets.throttle import Throttle
from conformance.targets.transport import Connection, Transport
from conformance.wire.driver import Driver


class HttpTarget:
    """An HTTP target with its credentials."""

    over_http = True

    def __init__(
        self, transport: Transport, credentials: EnvironmentCredentials, *, concurrency: int | None = None
    ) -> None:
        self.transport = transport
        self._credentials = credentials
        self._session: HttpSession | None = None
        self.kind = transport.kind
        self.name = transport.name
        self.control = transport.control
        self.concurrency = concurrency or transport.concurrency
        self.throttle = transport.throttle = Throttle(self.concurrency, adapts=transport.remote and concurrency is None)
        self.private = transport.private
        self.names_other_unit = credentials.other_named
        self.operator: Operator | None = None
        self._manual: dict[Profile, frozenset[str]] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.transport.requests

    def spend_at_most(self, requests: int) -> None:
        """Limit the number of requests."""
        self.transport.most_requests = requests

    @property
    def profiles(self) -> tuple[Profile, ...] | None:
        """The APIs that the test control API lists."""
        if self._session is None or not self._session.capabilities.controlled:
            return None
        return tuple(self._session.capabilities.offers)

    async def open(
        self, market: Market, naming: OrderNaming, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Reach the target, fetch a token, ask the test control API what it offers."""
        for secret in self._credentials.secrets:
            learn_secret(secret)
        today = datetime.now(UTC).date()
        self._session = await open_session(
            self.transport, self._credentials, market, naming, today, learn_secret, record
        )

    @property
    def session(self) -> HttpSession:
        """The session, once the target is open."""
        if self._session is None:
            raise RuntimeError("the target was not opened")
        return self._session

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Run the smoke test of one API, and add what an operator can do."""
        session = self.session
        note = await smoke_test(session, profile, record)
        offered, source = session.offered[profile], session.capabilities.of(profile).source
        manual = frozenset[str]() if self.operator is None else manual_actions(profile, offered)
        if manual:
            source = f"{source}; a person at the terminal for {', '.join(sorted(manual))}"
        self._manual[profile] = manual
        return ProbeResult(offered | manual, source, note, session.distinguishes_units[profile], manual=manual)

    def manual_steps(self, profile: Profile, order_id: str) -> ManualSteps | None:
        """Return what an operator does to an order of a probed API; None if nothing."""
        manual = self._manual.get(profile)
        if self.operator is None or not manual:
            return None
        return ManualSteps(self.operator, manual, order_id, self.session.market.currency)

    def worker(self) -> Worker:
        """Return a worker with two connections.

        The second is for requests that race with another.
        """
        return _HttpWorker(self, self.transport.connect(), self.transport.connect())

    async def close(self) -> None:
        """Stop what ``open`` started."""
        await self.transport.stop()


class _HttpWorker:
    def __init__(self, target: HttpTarget, connection: Connection, beside: Connection) -> None:
        self._target = target
        self._link = connection
        self._beside = beside

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        manual = self._target.manual_steps(profile, order_id)
        return self._target.session.driver(profile, order_id, self._link, record, self._beside, manual)

    async def close(self) -> None:
        await self._link.close()
        await self._beside.close()
