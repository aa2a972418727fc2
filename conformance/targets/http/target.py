"""The seat in front of a target that is spoken to in HTTP messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from conformance.domain.order import Market, Profile
from conformance.targets.http.session import EnvironmentCredentials, Session, open_session
from conformance.targets.http.smoke_test import smoke_test
from conformance.targets.target import ProbeResult, RecordExchange, Worker
from conformance.targets.transport import Connection, Transport
from conformance.wire.driver import Driver


class HttpTarget:
    """An HTTP target with its credentials."""

    wire = True

    def __init__(self, target: Transport, keys: EnvironmentCredentials, *, concurrency: int | None = None) -> None:
        self._target = target
        self._keys = keys
        self._session: Session | None = None
        self.kind = target.kind
        self.name = target.name
        self.control = target.control
        self.concurrency = concurrency or target.concurrency
        self.private = target.private
        self.names_other_unit = keys.other_named

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._target.requests

    def spend_at_most(self, requests: int) -> None:
        """Send no more requests than this."""
        self._target.most_requests = requests

    @property
    def profiles(self) -> tuple[Profile, ...] | None:
        """The profiles that the test control API lists."""
        if self._session is None or not self._session.capabilities.controlled:
            return None
        return tuple(self._session.capabilities.offers)

    async def open(
        self, market: Market, nonce: str, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Reach the target, fetch a token, ask what it offers."""
        for secret in self._keys.secrets:
            learn_secret(secret)
        today: date = datetime.now(UTC).date()
        self._session = await open_session(self._target, self._keys, market, nonce, today, learn_secret, record)

    @property
    def session(self) -> Session:
        """The session, once it was opened."""
        if self._session is None:
            raise RuntimeError("the target was not opened")
        return self._session

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Take one order through its life."""
        note = await smoke_test(self.session, profile, record)
        return ProbeResult(
            self.session.offered[profile],
            self.session.capabilities.of(profile).source,
            note,
            self.session.distinguishes_units[profile],
        )

    def worker(self) -> Worker:
        """Return a worker with a connection of its own, and a second one for what is sent beside the first."""
        return _HttpWorker(self.session, self._target.link(), self._target.link())

    async def close(self) -> None:
        """Stop what was started."""
        await self._target.stop()


class _HttpWorker:
    def __init__(self, session: Session, link: Connection, beside: Connection) -> None:
        self._session = session
        self._link = link
        self._beside = beside

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        return self._session.driver(profile, order_id, self._link, record, self._beside)

    async def close(self) -> None:
        await self._link.close()
        await self._beside.close()
