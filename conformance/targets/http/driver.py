"""Executes a history's steps in HTTP messages, one after the other or two at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from conformance.domain.expectation import BROKEN, BUSY, LOST, ODD, of_the_other
from conformance.domain.messages import Call, NoResponse, ResponseOrNone
from conformance.domain.observation import Field
from conformance.domain.steps import Cancel, Step, Together
from conformance.targets.http.health_monitor import HealthMonitor
from conformance.targets.http.race_timing import RaceTiming, RequestTiming
from conformance.targets.http.request_sender import RequestSender, SendPolicy
from conformance.targets.http.token_store import Token, TokenStore
from conformance.targets.operator import ManualSteps
from conformance.targets.target import RecordExchange
from conformance.targets.transport import Connection
from conformance.wire import Calls, ObservedFields, Wire

READS: Final = 3
"""How often an order is read back until the response is an orderly one."""
_UNREADABLE: Final = frozenset({LOST, BROKEN, BUSY, ODD})


class HttpDriver:
    """Executes one history's steps in HTTP messages."""

    complete = True

    def __init__(
        self,
        wire: Wire,
        connection: Connection,
        record: RecordExchange,
        beside: Connection | None = None,
        *,
        tokens: TokenStore | None = None,
        health: HealthMonitor | None = None,
        policy: SendPolicy = SendPolicy(),  # noqa: B008 - frozen
        manual: ManualSteps | None = None,
    ) -> None:
        """Take the wire of one order and a connection.

        Args:
            wire: turns steps into requests and responses into observations.
            connection: the connection.
            record: takes every exchange.
            beside: a second connection, for a request that races with another; None if the target takes one at a time.
            tokens: the token that the session shares; the wire's own if left out.
            health: the health that the session shares.
            policy: how politely requests are sent.
            manual: the steps that an operator carries out; None if there are none.

        """
        self._wire = wire
        self._link = connection
        self._beside = beside
        self._record = record
        self._manual = manual
        self._sender = RequestSender(
            tokens or TokenStore(Token(wire.credentials.token)), health or HealthMonitor("the target"), policy, record
        )
        self._cause = ""

    async def perform(self, step: Step) -> ObservedFields:
        """Make a step happen; return the observation of its response."""
        if self._manual is not None and (observed := await self._manual.perform(step, self)) is not None:
            return observed
        self._sender.unanswered = 0
        self._sender.preparing = not isinstance(step, Cancel)
        if not isinstance(step, Together):
            observed = await self._run(self._wire.perform(step))
            unanswered = self._sender.unanswered
            if self._manual is not None:
                observed = await self._manual.confirmed(step, observed)
            return {**observed, Field.ANSWER_UNANSWERED: unanswered} if unanswered else observed
        if self._beside is None:
            return {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: "the target takes one request at a time"}
        return await self._race(step, self._beside)

    async def _race(self, step: Together, beside: Connection) -> ObservedFields:
        # A read opens the second connection, so that its request takes no longer than the other one.
        await self._run(self._wire.read("prepare", log=False), beside)
        race, first, second = await self._both(self._wire.perform(step.first), self._wire.perform(step.second), beside)
        second_fields = {of_the_other(name): value for name, value in second.observed.items()}
        return {**first.observed, **second_fields, Field.SENT_TOGETHER: race.together}

    async def takes_two(self) -> bool:
        """Return whether two reads at the same time both get a response."""
        if self._beside is None:
            return False
        reads = self._wire.read("prepare", log=False), self._wire.read("prepare", log=False)
        race, *racers = await self._both(*reads, self._beside)
        return race.together and not any(isinstance(racer.answer, NoResponse) for racer in racers)

    async def _both(
        self, first: Calls, second: Calls, beside: Connection
    ) -> tuple[RaceTiming, _RacedRequest, _RacedRequest]:
        # Rate limits and tokens are dealt with before, so that the two are sent at the same moment.
        first_call = await self._sender.prepare(next(first), self._link)
        second_call = await self._sender.prepare(next(second), beside)
        race = RaceTiming()
        first_timing, second_timing = race.timings
        racers = await asyncio.gather(
            self._send_racer(first_call, first, self._link, first_timing),
            self._send_racer(second_call, second, beside, second_timing),
        )
        # Recorded in the order of the step, whichever came back first.
        for racer, timing in zip(racers, race.timings, strict=True):
            self._record(racer.call, racer.answer, (race.began(timing), timing.took))
            self._sender.check(racer.answer)
        return race, *racers

    @staticmethod
    async def _send_racer(call: Call, calls: Calls, connection: Connection, timing: RequestTiming) -> _RacedRequest:
        answer = await connection.race(call, timing)
        try:
            calls.send(answer)
        except StopIteration as stop:
            return _RacedRequest(call, answer, stop.value)
        raise RuntimeError(f"{call.request.method} {call.request.path} is not all that this step takes")

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        """Read the order back; return the observation.

        If no read gets an orderly response, the observation overrides the step's outcome too: how the step was
        answered proves nothing then.
        """
        view: ObservedFields = {}
        for attempt in range(1, READS + 1):
            view = await self._run(self._wire.read(purpose, log=log))
            if view.get(Field.VIEW_OUTCOME) not in _UNREADABLE:
                return view
            if attempt < READS:
                await self.pause(attempt)
        cause = f"the order could not be read back: {self._cause or 'no orderly answer'}"
        return {**view, Field.ANSWER_OUTCOME: view[Field.VIEW_OUTCOME], Field.ANSWER_CAUSE: cause}

    def interpret(self, step: Step, answer: ResponseOrNone) -> ObservedFields:
        """Return the observation of an answer to a request that somebody else sent.

        It is the only request of the step.
        """
        calls = self._wire.perform(step)
        next(calls)
        try:
            calls.send(answer)
        except StopIteration as stop:
            observed: ObservedFields = stop.value
            return observed
        raise RuntimeError(f"{type(step).__name__} takes more than one request")

    async def pause(self, attempt: int) -> None:
        """Wait a little longer with each attempt."""
        await self._link.pause(self._sender.policy.pause * attempt)

    async def _run(self, calls: Calls, connection: Connection | None = None) -> ObservedFields:
        try:
            call = next(calls)
            while True:
                answer = await self._sender.send(call, connection or self._link)
                self._cause = answer.cause if isinstance(answer, NoResponse) else f"status {answer.status}"
                call = calls.send(answer)
        except StopIteration as stop:
            observed: ObservedFields = stop.value
            return observed


@dataclass(frozen=True, slots=True)
class _RacedRequest:
    """One of two requests sent at the same moment, its answer, and the observation."""

    call: Call
    answer: ResponseOrNone
    observed: ObservedFields
