"""Plays a history's steps over HTTP messages: one request after the other, or two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from conformance.domain.expectation import BROKEN, BUSY, LOST, ODD, SENT_TOGETHER, UNANSWERED, of_the_other
from conformance.domain.steps import Cancel, Step, Together
from conformance.targets.http.race_timing import Race, RequestTiming
from conformance.targets.http.request_sender import RequestSender, Token, TokenStore
from conformance.targets.transport import Connection
from conformance.wire import Call, Calls, NoResponse, ObservedFields, ResponseOrNone, Wire

RecordExchange = Callable[..., None]
"""Takes every call and its answer as soon as there is one. Of two that raced it takes the times of the flight, too."""

READS: Final = 3
"""How often an order is read back until there is an orderly answer."""
_UNREADABLE: Final = frozenset({LOST, BROKEN, BUSY, ODD})


class HttpDriver:
    """Plays a history's steps over HTTP messages."""

    complete = True

    def __init__(
        self,
        wire: Wire,
        link: Connection,
        record: RecordExchange,
        beside: Connection | None = None,
        office: TokenStore | None = None,
    ) -> None:
        self._wire = wire
        self._link = link
        self._beside = beside
        self._record = record
        self._office = office or TokenStore("the target", Token(wire.credentials.token))
        self._sender = RequestSender(self._office, record)
        self._cause = ""

    async def perform(self, step: Step) -> ObservedFields:
        """Make a step happen; return what its answer says."""
        self._sender.unanswered = 0
        self._sender.preparing = not isinstance(step, Cancel)
        if not isinstance(step, Together):
            observed = await self._run(self._wire.perform(step))
            vain = self._sender.unanswered
            return {**observed, UNANSWERED: vain} if vain else observed
        if self._beside is None:
            return {"answer.outcome": LOST, "answer.cause": "the target takes one request at a time"}
        return await self._race(step, self._beside)

    async def _race(self, step: Together, beside: Connection) -> ObservedFields:
        # The second connection is opened by a read, so that what it carries has no longer way than the other request.
        await self._run(self._wire.read("prepare", log=False), beside)
        line, first, second = await self._both(self._wire.perform(step.first), self._wire.perform(step.second), beside)
        answers = first.observed | {of_the_other(name): value for name, value in second.observed.items()}
        return {**answers, SENT_TOGETHER: line.together}

    async def takes_two(self) -> bool:
        """Tell whether two reads are answered that are under way together."""
        if self._beside is None:
            return False
        reads = self._wire.read("prepare", log=False), self._wire.read("prepare", log=False)
        line, *both = await self._both(*reads, self._beside)
        return line.together and not any(isinstance(one.answer, NoResponse) for one in both)

    async def _both(self, first: Calls, second: Calls, beside: Connection) -> tuple[Race, _RacedRequest, _RacedRequest]:
        # Whatever has to be waited for is waited for before: the two are to leave at the same moment.
        leaving = await self._sender.ready(next(first), self._link), await self._sender.ready(next(second), beside)
        line = Race()
        one, other = line.flights
        flown = await asyncio.gather(
            self._fly(leaving[0], first, self._link, one), self._fly(leaving[1], second, beside, other)
        )
        # Written down in the order in which they are told, whoever came back first.
        for each, flight in zip(flown, line.flights, strict=True):
            self._record(each.call, each.answer, (line.began(flight), flight.took))
            self._office.heard(each.answer)
        return line, *flown

    @staticmethod
    async def _fly(call: Call, calls: Calls, link: Connection, flight: RequestTiming) -> _RacedRequest:
        answer = await link.race(call, flight)
        try:
            calls.send(answer)
        except StopIteration as stop:
            return _RacedRequest(call, answer, stop.value)
        raise RuntimeError(f"{call.request.method} {call.request.path} is not all that this step takes")

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        """Read the order back.

        Where reading itself gets no orderly answer, the step's answer is given as such a one too: what cannot be read
        proves nothing, however the step was answered.
        """
        view: ObservedFields = {}
        for attempt in range(1, READS + 1):
            view = await self._run(self._wire.read(purpose, log=log))
            if view.get("view.outcome") not in _UNREADABLE:
                return view
            if attempt < READS:
                await self.pause(attempt)
        cause = f"the order could not be read back: {self._cause or 'no orderly answer'}"
        return {**view, "answer.outcome": view["view.outcome"], "answer.cause": cause}

    def interpret(self, step: Step, answer: ResponseOrNone) -> ObservedFields:
        """Return what an answer says that somebody else's request for a step got. The step takes one request."""
        calls = self._wire.perform(step)
        next(calls)
        try:
            calls.send(answer)
        except StopIteration as stop:
            observed: ObservedFields = stop.value
            return observed
        raise RuntimeError(f"{type(step).__name__} takes more than one request")

    async def pause(self, attempt: int) -> None:
        """Wait a little longer each time."""
        await self._link.pause(self._office.pause * attempt)

    async def _run(self, calls: Calls, link: Connection | None = None) -> ObservedFields:
        try:
            call = next(calls)
            while True:
                answer = await self._sender.send(call, link or self._link)
                self._cause = answer.cause if isinstance(answer, NoResponse) else f"status {answer.status}"
                call = calls.send(answer)
        except StopIteration as stop:
            observed: ObservedFields = stop.value
            return observed


@dataclass(frozen=True, slots=True)
class _RacedRequest:
    """One of two requests that were sent together: what was asked, what came back, and what that says."""

    call: Call
    answer: ResponseOrNone
    observed: ObservedFields
