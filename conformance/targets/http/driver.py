"""Executes a history's steps in HTTP messages, one after the other or two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from conformance.domain.expectation import BROKEN, BUSY, LOST, ODD, of_the_other
from conformance.domain.messages import Call, NoResponse, ResponseOrNone
from conformance.domain.observation import Field
from conformance.domain.steps import Cancel, Step, Together
from conformance.targets.http.health_monitor import HealthMonitor
from conformance.targets.http.in_between import REFUSED_IN_RACE, is_foreign_refusal
from conformance.targets.http.race_timing import RaceTiming
from conformance.targets.http.request_sender import RequestSender, SendPolicy
from conformance.targets.http.token_store import Token, TokenStore
from conformance.targets.operator import ManualSteps
from conformance.targets.target import RecordExchange
from conformance.targets.transport import SURPLUS, Connection
from conformance.wire import Calls, ObservedFields, Wire

READS: Final = 3
"""How often an order is read back until the response is an orderly one."""
_UNREADABLE: Final = frozenset({LOST, BROKEN, BUSY, ODD})
Raced: TypeAlias = list[tuple[Call, ResponseOrNone]]
"""Requests that were sent at the same moment, with their answers."""


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
            tokens or TokenStore(Token(wire.credentials.token)),
            health or HealthMonitor("the target"),
            policy,
            record,
            wire.profile,
        )
        self._cause = ""
        self._last: tuple[Call, ResponseOrNone] | None = None

    async def perform(self, step: Step) -> ObservedFields:
        """Make a step happen; return the observation of its response."""
        if self._manual is not None and (observed := await self._manual.perform(step, self)) is not None:
            return observed
        self._sender.unanswered = 0
        self._sender.mixed_up = False
        self._last = None
        self._sender.preparing = not isinstance(step, Cancel)
        if not isinstance(step, Together):
            observed = await self._run(self._wire.perform(step))
            observed = {**observed, **self._signs_of(*self._last)} if self._last is not None else observed
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
        calls = [next(first), next(second)]
        race, raced = await self._send_both(calls, beside)
        again = await self._sender.reauthorized(raced)
        if again is not None:
            self._record_both(race, raced, resent=True)
            race, raced = await self._send_both(again, beside)
        self._record_both(race, raced)
        return race, self._finish(raced[0], first), self._finish(raced[1], second)

    def _record_both(self, race: RaceTiming, raced: Raced, *, resent: bool = False) -> None:
        # In the order of the step, whichever came back first.
        for (call, answer), timing in zip(raced, race.timings, strict=True):
            self._record(call, answer, (race.began(timing), timing.took), resent=resent)
            self._sender.check(answer)

    async def _send_both(self, calls: Sequence[Call], beside: Connection) -> tuple[RaceTiming, Raced]:
        # Rate limits and tokens are dealt with before, so that the two are sent at the same moment.
        connections = self._link, beside
        calls = [await self._sender.prepare(call, to) for call, to in zip(calls, connections, strict=True)]
        race = RaceTiming()
        answers = await asyncio.gather(
            *(to.race(call, timing) for call, to, timing in zip(calls, connections, race.timings, strict=True))
        )
        return race, list(zip(calls, answers, strict=True))

    def _finish(self, raced: tuple[Call, ResponseOrNone], calls: Calls) -> _RacedRequest:
        call, answer = raced
        evidence = self._sender.evidence_in(call, answer)
        if self._sender.is_token_refused(call, answer):
            # The other request may have been carried out, so that nothing raced with it.
            evidence = NoResponse(REFUSED_IN_RACE)
        try:
            calls.send(evidence)
        except StopIteration as stop:
            return _RacedRequest(answer, {**stop.value, **self._signs_of(call, evidence)})
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
                # The response before the read may have been that of another request.
                mixed_up: ObservedFields = {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: SURPLUS}
                return {**view, **mixed_up} if self._sender.mixed_up else view
            if attempt < READS:
                await self.pause(attempt)
        cause = f"the order could not be read back: {self._cause or 'no orderly answer'}"
        return {**view, Field.ANSWER_OUTCOME: view[Field.VIEW_OUTCOME], Field.ANSWER_CAUSE: cause}

    @property
    def doubted(self) -> bool:
        """Whether something between the suite and the target may have sent a response."""
        return self._sender.policy.doubts

    def _signs_of(self, call: Call, evidence: ResponseOrNone) -> ObservedFields:
        """Return what a refusal says of where it comes from, if it crossed a network."""
        if not self.doubted or call.to_control:
            return {}
        return {Field.ANSWER_FOREIGN: True} if is_foreign_refusal(self._wire.profile, evidence) else {}

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
                self._last = call, answer
                call = calls.send(answer)
        except StopIteration as stop:
            observed: ObservedFields = stop.value
            return observed


@dataclass(frozen=True, slots=True)
class _RacedRequest:
    """One of two requests sent at the same moment: its answer, and the observation."""

    answer: ResponseOrNone
    observed: ObservedFields
