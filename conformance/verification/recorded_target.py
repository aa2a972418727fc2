"""A target that is a recorded run, and the session with it.

What the run knew and its journal does not record (sales unit, phone number, order ids) is taken from its requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import ClassVar, Final

from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming, recorded_prefixes
from conformance.evidence.journal import RecordSink
from conformance.evidence.record_parts import RequestRecord, body_as_record, builtins_of
from conformance.evidence.recorder import ExchangeRecorder, record_manual_step
from conformance.evidence.records import ExchangeRecord
from conformance.evidence.redaction import REMOVED
from conformance.model import ModelContext
from conformance.results.partial_runs import AGE
from conformance.rulebook import Readings
from conformance.runner.session import RunSession
from conformance.runner.settings import Settings
from conformance.targets.http.credentials import EnvironmentCredentials
from conformance.targets.http.health_monitor import HealthMonitor
from conformance.targets.http.session import TOKEN_PATH, open_session, token_call
from conformance.targets.http.target import HttpTarget
from conformance.targets.http.token_store import Token, TokenStore
from conformance.targets.operator import Operator
from conformance.targets.target import RecordExchange, Worker, busy_recorder
from conformance.targets.transport import Connection, Transport
from conformance.verification.tape import RecordedConnection, RecordedExchanges, RunRecording
from conformance.wire import WIRES, Call, ResponseOrNone
from conformance.wire.base import nested
from conformance.wire.driver import Driver

_UNIT: Final = "merchant-serial-number"
_DUE: Final = re.compile(r'"due":"(\d{4}-\d{2}-\d{2})"')
_AHEAD: Final = timedelta(days=45)
"""How far ahead of the first day of a run a charge is due."""
_LONGEST_RUN: Final = timedelta(days=3)
_PHONES: Final = (("customerInfo", "mobileNumber"), ("customer", "phoneNumber"), ("phoneNumber",))


class RecordedTransport(Transport):
    """A recorded run as a transport that takes two requests at once."""

    kind: ClassVar[str] = "recording"
    remote: bool  # type: ignore[misc]

    def __init__(self, recording: RunRecording) -> None:
        self.name = recording.run.target.name
        self.control = recording.run.target.control
        self.remote = recording.run.target.kind == "url"
        self.doubted = self.remote and recording.run.doubts
        self._recording = recording

    def connect(self) -> Connection:
        """Return a connection to the exchanges of the probe."""
        return RecordedConnection(self._recording.probe)


class RecordedTransportInTurn(RecordedTransport):
    """A recorded run as a transport that takes one request at a time."""

    concurrent: ClassVar[bool] = False


class RecordedTokenStore(TokenStore):
    """Renews a token, and sends a refused request again, where the recording does.

    When a token ends, and which of several histories renews it, depends on time and chance. No verdict depends on it.
    """

    def __init__(self, recording: RunRecording, credentials: EnvironmentCredentials) -> None:
        super().__init__(Token(REMOVED))
        self._recording = recording
        self._renewal = token_call(credentials)

    async def authorize(self, call: Call, record: RecordExchange) -> Call:
        """Fetch a token as often as it was fetched before this call was recorded."""
        exchanges = self._recording.current
        connection = RecordedConnection(exchanges)
        connection.busy = busy_recorder(record)
        for _ in range(exchanges.renewals(call)):
            record(self._renewal, await connection.send(self._renewal))
        return call

    async def reauthorize(self, call: Call, record: RecordExchange) -> Call:
        """Return a copy of a refused call if the recording sent it again."""
        return replace(call) if self._recording.current.was_resent else call


class RecordedHealth(HealthMonitor):
    """Judges no health.

    Health depends on the order of responses among histories that ran side by side.
    """

    def check(self, answer: ResponseOrNone) -> bool:
        """Return False: nothing follows from one answer."""
        del answer
        return False


class RecordedTarget(HttpTarget):
    """A recorded run as a target."""

    def __init__(self, recording: RunRecording) -> None:
        one_at_a_time = recording.run.target.kind == "wsgi"
        transport = (RecordedTransportInTurn if one_at_a_time else RecordedTransport)(recording)
        self._recording = recording
        self._units = _Units(recording)
        self._started = datetime.fromisoformat(recording.run.started).date()
        unit, other = self._units.own, self._units.other
        named = recording.run.other_unit
        credentials = EnvironmentCredentials(
            REMOVED, REMOVED, REMOVED, unit, "", other, "", known=True, other_named=named
        )
        super().__init__(transport, credentials)

    async def open(
        self, market: Market, naming: OrderNaming, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Replay how the target was reached."""
        first = next(self._recording.probe.requests(), None)
        fetched = first is not None and first.path == TOKEN_PATH
        self._credentials = replace(self._credentials, token="" if fetched else REMOVED)
        session = await open_session(self.transport, self._credentials, market, naming, self._started, _ignore, record)
        session.tokens = RecordedTokenStore(self._recording, self._credentials)
        session.health = RecordedHealth("the recording")
        self._session = session

    @property
    def opened(self) -> bool:
        """Whether the target was reached in the replay."""
        return self._session is not None

    def prepare(self, profile: Profile, exchanges: RecordedExchanges) -> None:
        """Know what was known when a exchanges was recorded."""
        session = self.session
        session.credentials = replace(session.credentials, phone=self._units.phone(profile))
        session.today = self._started
        due = exchanges.find(_DUE)
        if due:
            # A run may go on after midnight; each of its processes reads the clock when it begins.
            day = date.fromisoformat(due[7:-1]) - _AHEAD
            if timedelta() <= day - self._started <= _LONGEST_RUN:
                session.today = day

    def worker(self) -> Worker:
        """Return a worker that replays the history that was begun last."""
        return _RecordedWorker(self, self._recording)


class _RecordedWorker:
    def __init__(self, target: RecordedTarget, recording: RunRecording) -> None:
        self._target = target
        self._recording = recording

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        exchanges = self._recording.current
        self._target.prepare(profile, exchanges)
        connection, beside = RecordedConnection(exchanges), RecordedConnection(exchanges)
        manual = self._target.manual_steps(profile, order_id)
        return self._target.session.driver(profile, order_id, connection, record, beside, manual)

    async def close(self) -> None:
        return


class RecordedOperator:
    """An operator who gives the recorded answers."""

    def __init__(self, recording: RunRecording) -> None:
        self._recording = recording

    async def ask(self, text: str) -> str:
        """Return the next recorded answer."""
        del text
        return self._recording.said_by_hand()

    async def confirm(self, text: str) -> str:
        """Return the next recorded answer."""
        return await self.ask(text)


class RecordedSession(RunSession):
    """A session with a recorded run, under the settings of that run."""

    def __init__(self, recording: RunRecording) -> None:
        run = recording.run
        settings = Settings(
            profiles=tuple(Profile(name) for name in run.profiles),
            market=Market(run.market),
            readings=Readings.from_json(run.readings),
            seed=run.seed,
            nonce=run.nonce,
            order_prefixes=recorded_prefixes(run.order_prefixes),
        )
        self._recording = recording
        self._recorded_target = RecordedTarget(recording)
        self._plain = True
        if recording.by_hand:
            operator = Operator(RecordedOperator(recording))
            operator.record = partial(record_manual_step, recording)
            self._recorded_target.operator = operator
        granted = frozenset({"age"}) if run.focus == AGE else frozenset[str]()
        super().__init__(self._recorded_target, settings, granted=granted)

    async def open(self, journal: RecordSink) -> tuple[Profile, ...]:
        """Replay how the target was reached.

        Each process of a run has a nonce of its own, which begins with the run's.
        """
        match = self._recording.probe.find(re.compile(rf"{re.escape(self.nonce)}[\w-]*-[a-z]smoke1"))
        own = match.rpartition("-")[0] if match else self.nonce
        self._plain = self._plain and own == self.nonce
        self.settings = replace(self.settings, nonce=own)
        return await super().open(journal)

    async def look(self, profile: Profile, journal: RecordSink) -> None:
        """Replay the probe of one API."""
        self._recorded_target.prepare(profile, self._recording.probe)
        await super().look(profile, journal)

    async def _lapses_after(self, profile: Profile, context: ModelContext, journal: RecordSink) -> timedelta | None:
        """Replay the measurement of expiry, if there was one.

        A process that resumes a run does not measure again.
        """
        first = next(self._recording.probe.requests(), None)
        sent = "" if first is None else str(builtins_of(first))
        if profile in self.contexts and f"-{self.settings.order_prefixes[profile]}lapse" not in sent:
            return self.contexts[profile].lapses_after
        return await super()._lapses_after(profile, context, journal)

    @property
    def opened(self) -> bool:
        """Whether the target was reached in the replay."""
        return self._recorded_target.opened

    @property
    def nonce(self) -> str:
        """What the ids of all orders of the run begin with."""
        return self._recording.run.nonce

    def order_id(self, identifier: str) -> str:
        """Return the order id of a history."""
        own = super().order_id(identifier)
        if self.settings.nonce == self.nonce and self._plain:
            return own
        ending = own.removeprefix(self.settings.nonce)
        pattern = re.compile(rf"{re.escape(self.nonce)}[\w-]*?{re.escape(ending)}(?!\w)")
        return self._recording.current.find(pattern) or own

    def exchanges(self, journal: RecordSink, history: str) -> ExchangeRecorder:
        """Return the comparer of one history's exchanges."""
        return _ExchangeComparer(self._recording, self.redactor, history)


class _ExchangeComparer(ExchangeRecorder):
    """Compares each request with the recorded one instead of recording it."""

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
        """Compare one exchange."""
        del answer, timing
        request = RequestRecord(
            method=call.request.method,
            path=call.request.path,
            headers=self._redactor.headers(call.request.headers),
            body=body_as_record(call.request.body),
        )
        self._sink.append(
            ExchangeRecord(
                history=self._history,
                step=self.step,
                purpose=call.purpose,
                request=request,
                response=None,
                ms=0,
                resent=resent,
                waited=waited,
            )
        )


class _Units:
    """The sales units and phone numbers of a run, as its requests name them."""

    def __init__(self, recording: RunRecording) -> None:
        self._recording = recording
        self._phones: dict[Profile, str] = {}
        units = dict.fromkeys(
            value
            for exchanges in recording.by_history.values()
            for request in exchanges.requests()
            for name, value in request.headers
            if name.lower() == _UNIT
        )
        self.own, self.other = (*units, "", "")[:2]

    def phone(self, profile: Profile) -> str:
        """Return the phone number in the orders of an API."""
        if profile not in self._phones:
            self._phones[profile] = self._phone(profile)
        return self._phones[profile]

    def _phone(self, profile: Profile) -> str:
        for exchanges in self._recording.by_history.values():
            for request in exchanges.requests():
                if request.method == "POST" and request.path == WIRES[profile].base:
                    body = json.loads(request.content)
                    phone = next(filter(None, (nested(body, *path) for path in _PHONES)), None)
                    return phone if isinstance(phone, str) else ""
        return ""


def _ignore(_: str) -> None:
    return
