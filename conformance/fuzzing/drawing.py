"""Executes the requests that schemathesis draws from a description."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from conformance.domain.messages import NoResponse, Request, Response
from conformance.domain.operations import MODIFYING, Operation
from conformance.domain.order import Profile
from conformance.evidence.record_parts import ObjectionRecord, UndrawnRecord
from conformance.evidence.records import FuzzProfileRecord
from conformance.fuzzing.executor import Budget, RequestDraft, RequestExecutor, SpentError
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.request_bodies import OFTEN, with_meaningful_values
from conformance.fuzzing.schemathesis_engine import (
    SKIPPED,
    Drawing,
    DrawingPhase,
    GenerationError,
    StockCheckFailure,
    operation_of,
)

SAMPLED: Final = 0.4
"""The share of schemathesis' systematic requests that is sent: the probes have covered most of them."""
_ANNOUNCED: Final = ("coverage", "fuzzing", "stateful")
"""The phases of schemathesis that are announced."""


@dataclass
class FuzzStatistics:
    """What happened while requests were drawn.

    Attributes:
        failed_checks: how often each stock check of schemathesis failed, by check and operation.
        errors: operations for which no requests could be drawn, each with the reason.
        sent: how many requests were sent, by phase.

    """

    failed_checks: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)

    def as_record(self, profile: Profile, ended: str, judged: int) -> FuzzProfileRecord:
        """Return the record of how the fuzzing of an API ended, with the number of judged requests."""
        return FuzzProfileRecord(
            profile=profile.value,
            ended=ended,
            judged=judged,
            drawn=dict(sorted(self.sent.items())),
            objections=tuple(
                ObjectionRecord(check=check, operation=operation, times=times)
                for (check, operation), times in sorted(self.failed_checks.items())
            ),
            undrawn=tuple(
                UndrawnRecord(operation=operation, message=message)
                for operation, message in sorted(self.errors.items())
            ),
        )


class DrawnRequests:
    """Draws requests in a thread and executes them in the campaign's event loop."""

    def __init__(
        self,
        description: Description,
        executor: RequestExecutor,
        budget: Budget,
        statistics: FuzzStatistics,
        announce: Callable[[Profile, str], None],
    ) -> None:
        self._description = description
        self._executor = executor
        self._budget = budget
        self._statistics = statistics
        self._announce = announce
        self._phase = "examples"
        self._error: BaseException | None = None
        self._pending: Future[Response] | None = None

    async def run(self, seed: int, examples: int) -> None:
        """Draw requests and execute them, ``examples`` for each operation.

        Raises:
            TargetError: the target does not respond any more.

        """
        loop = asyncio.get_running_loop()
        drawing = Drawing(
            self._description,
            self._executor.operations,
            seed,
            lambda request: self._respond(request, drawing, loop),
            examples,
        )
        thread = loop.run_in_executor(None, self._draw, drawing)
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            # The drawing thread must not go on sending.
            self._budget.stopped = True
            drawing.stop()
            if self._pending is not None:
                self._pending.cancel()
            await asyncio.wait([thread], timeout=10)
            raise
        if self._error is not None:
            raise self._error

    def _draw(self, drawing: Drawing) -> None:
        for event in drawing.events():
            match event:
                case DrawingPhase(name):
                    self._phase = name
                    if name in _ANNOUNCED:
                        self._announce(self._executor.orders.profile, name)
                case StockCheckFailure(check, operation):
                    self._statistics.failed_checks[check, operation] += 1
                case GenerationError(operation, message):
                    self._statistics.errors[operation] = message[:300]

    def _respond(self, request: Request, drawing: Drawing, loop: asyncio.AbstractEventLoop) -> Response:
        """Execute a drawn request in the campaign's loop.

        Returns its response to the drawing thread.
        """
        if self._budget.spent or self._error is not None:
            drawing.stop()
            return SKIPPED
        self._pending = asyncio.run_coroutine_threadsafe(self._execute(request, self._phase), loop)
        try:
            return self._pending.result()
        except SpentError:
            self._budget.stopped = True
        except BaseException as error:
            self._error = error
        drawing.stop()
        return SKIPPED

    async def _execute(self, request: Request, phase: str) -> Response:
        executor = self._executor
        operation = operation_of(self._description, request.path, request.method)
        if operation is None or (phase == "coverage" and executor.random.random() > SAMPLED):
            return SKIPPED
        if not operation.body and operation.kind in MODIFYING and request.method != operation.method:
            return SKIPPED
        draft = await self._draft(operation, request, phase)
        self._statistics.sent[phase] += 1
        answer = await executor.execute(draft)
        return SKIPPED if isinstance(answer, NoResponse) else answer

    async def _draft(self, operation: Operation, request: Request, phase: str) -> RequestDraft:
        executor = self._executor
        order = None
        if operation.names_order and executor.random.random() < OFTEN:
            order = await executor.orders.pick(operation, executor.random)
        largest = order.largest_amount if order is not None else 0
        new_id = executor.orders.fresh_id()
        body = with_meaningful_values(operation, request.body, executor.defaults, new_id, largest, executor.random)
        content_type = request.header("content-type") or ""
        if not operation.body and request.method == "GET":
            # The body of a GET has no meaning.
            body, content_type = b"", ""
        label = "drawn" if request.method == operation.method else f"drawn, as {request.method}"
        return RequestDraft(operation, phase, label, request.method, body, content_type, order)
