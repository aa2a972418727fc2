"""A run's fuzzing: what is always sent, and then what is drawn, bounded in time and requests."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Protocol

from conformance.domain.messages import Request, Response
from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, RecordSink
from conformance.fuzzing.executor import Budget, CountingConnection, RequestDraft, RequestExecutor, SpentError
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.order_pool import OrderPool
from conformance.fuzzing.probes import probe
from conformance.fuzzing.recorder import FuzzRecorder, Sent
from conformance.fuzzing.request_shape import OFTEN, RequestDefaults, realised
from conformance.fuzzing.schemathesis_engine import (
    EXAMPLES,
    SKIPPED,
    Drawing,
    DrawingPhase,
    GenerationError,
    StockCheckFailure,
    operation_of,
)
from conformance.judging.http_layer import Verdict
from conformance.rulebook import load_http_rules
from conformance.runner.session import RunSession
from conformance.targets.http.target import HttpTarget
from conformance.targets.transport import Connection, TargetError
from conformance.wire import NoResponse
from conformance.wire.base import OrderIdentifiers
from conformance.wire.operations import MODIFYING, Operation

SECONDS: Final = 60.0
REQUESTS: Final = 10_000
DRAWN: Final = "drawn to the end"
CUT_OFF: Final = "cut off before its end"
SAMPLED: Final = 0.4
"""The share of schemathesis' systematic requests that is sent: ours have gone through the same before."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long fuzzing may take in seconds, and how many requests it may send."""

    seconds: float = SECONDS
    requests: int = REQUESTS
    examples: int = EXAMPLES


@dataclass(frozen=True, slots=True)
class FuzzPhase:
    """What a run is asked to fuzz from, and for how long. ``named`` is what the user called it."""

    description: Description
    limits: Limits
    named: str

    def as_json(self) -> dict[str, Any]:
        """Return what a run needs to know to be resumed."""
        return {"openapi": self.named, "digest": self.description.digest, "seconds": self.limits.seconds}

    @property
    def name(self) -> str:
        """What the phase is called while it runs."""
        return f"Fuzzing from {self.description.name}"

    async def run(self, run_session: RunSession, ledger: RecordSink, before: Evidence | None) -> None:
        """Fuzz after a run's histories."""
        await Fuzzer(run_session, ledger, self.description, self.limits).play(before)


class Watch(Protocol):
    """Told how fuzzing goes on."""

    def begun(self, profile: Profile, phase: str) -> None:
        """A way of drawing begins."""

    def judged(self, sent: Sent, verdict: Verdict) -> None:
        """A request was judged."""


@dataclass
class _FuzzStatistics:
    """What happened besides: objections of stock checks, and operations that could not be drawn for."""

    objections: Counter[tuple[str, str]] = field(default_factory=Counter)
    troubles: dict[str, str] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)


class Fuzzer:
    """Fuzzes the profiles that a sitting has looked at and a description has."""

    def __init__(
        self,
        run_session: RunSession,
        ledger: RecordSink,
        description: Description,
        limits: Limits,
        watch: Watch | None = None,
    ) -> None:
        # A person at the terminal has nothing to do with what is fuzzed.
        target = getattr(run_session.target, "inner", run_session.target)
        if not isinstance(target, HttpTarget):
            raise TargetError(f"{target.name} is called without HTTP: there is nothing to fuzz.")
        self._run_session = run_session
        self._ledger = ledger
        self._description = description
        self._limits = limits
        self._watch = watch
        self._session = target.session
        self._judged: Counter[Profile] = Counter()
        """How many requests of a profile were judged before the run was interrupted."""

    async def play(self, before: Evidence | None = None) -> None:
        """Fuzz. What a run had fuzzed ``before`` it was interrupted is kept, and what it had not ended begins anew.

        Raises:
            TargetError: the target is not healthy.

        """
        profiles = [profile for profile in self._run_session.contexts if profile in self._description.profiles]
        limits = self._limits
        every = len(profiles)
        if before is not None and before.first("fuzz") is not None:
            profiles = [profile for profile in profiles if not self._taken_up(profile, before)]
        else:
            self._ledger.append(
                "fuzz",
                profiles=[profile.value for profile in profiles],
                document=self._description.as_json(),
                rules=load_http_rules().digest,
                seconds=limits.seconds,
                requests=limits.requests,
            )
        if not profiles:
            return
        deadline = time.monotonic() + limits.seconds * len(profiles) / every
        budget = Budget(deadline, limits.requests * len(profiles) // every)
        for index, profile in enumerate(profiles):
            remaining = len(profiles) - index
            # What one profile leaves over is the others'.
            share = Budget(
                time.monotonic() + max(0.0, deadline - time.monotonic()) / remaining,
                max(1, budget.requests // remaining),
            )
            granted = share.requests
            await self._one(profile, share)
            budget.requests -= granted - share.requests

    def _taken_up(self, profile: Profile, before: Evidence) -> bool:
        """Close what was cut off of a profile; tell whether it had come to its end."""
        self._judged[profile] = sum(record["profile"] == profile for record in before.of_kind("fuzzed"))
        endings = [record for record in before.of_kind("fuzz-profile") if record["profile"] == profile]
        unclosed = self._judged[profile] - sum(record["judged"] for record in endings)
        if unclosed:
            self._close(profile, CUT_OFF, unclosed, _FuzzStatistics())
        return any(record["ended"] != CUT_OFF for record in endings)

    async def _one(self, profile: Profile, budget: Budget) -> None:
        settings = self._run_session.settings
        target = self._session.transport
        link = CountingConnection(target.connect(), budget)
        base = target.name if target.kind == "url" else "http://127.0.0.1:9701"
        watcher = self._watch
        notebook = FuzzRecorder(self._ledger, self._run_session.redactor, base, watcher, self._judged[profile])
        tale = _FuzzStatistics()
        ended = CUT_OFF
        began = notebook.count
        try:
            gate = self._gate(profile, link, notebook)
            if watcher is not None:
                watcher.begun(profile, "probes")
            await probe(gate)
            await self._drawn(gate, budget, tale, _seed(settings.seed, profile))
            ended = _how(budget)
        except SpentError:
            ended = _how(budget)
        finally:
            self._close(profile, ended, notebook.count - began, tale)
            await link.close()

    def _close(self, profile: Profile, ended: str, judged: int, tale: _FuzzStatistics) -> None:
        self._ledger.append(
            "fuzz-profile",
            profile=profile.value,
            ended=ended,
            judged=judged,
            drawn=dict(sorted(tale.sent.items())),
            objections=[
                {"check": check, "operation": operation, "times": times}
                for (check, operation), times in sorted(tale.objections.items())
            ],
            undrawn=[
                {"operation": operation, "message": message} for operation, message in sorted(tale.troubles.items())
            ],
        )

    def _gate(self, profile: Profile, link: Connection, notebook: FuzzRecorder) -> RequestExecutor:
        settings, session = self._run_session.settings, self._session
        orders = OrderPool(session, profile, self._run_session.contexts[profile], settings.nonce, link, notebook.aside)
        credentials = session.credentials
        due = OrderIdentifiers("", session.today, session.market).due
        ours = RequestDefaults(credentials.msn, settings.market.currency, credentials.phone, due)
        chance = Random(_seed(settings.seed, profile))
        return RequestExecutor(orders, self._description, link, notebook, credentials, ours, chance)

    async def _drawn(self, gate: RequestExecutor, budget: Budget, tale: _FuzzStatistics, seed: int) -> None:
        loop = asyncio.get_running_loop()
        phase = ["examples"]
        trouble: list[BaseException] = []
        pending: list[Future[Response]] = []

        def answering(request: Request) -> Response:
            if budget.spent or trouble:
                drawing.stop()
                return SKIPPED
            future = asyncio.run_coroutine_threadsafe(self._exchange(gate, request, phase[0], tale), loop)
            pending[:] = [future]
            try:
                return future.result()
            except SpentError:
                budget.stopped = True
            except BaseException as error:
                trouble.append(error)
            drawing.stop()
            return SKIPPED

        drawing = Drawing(self._description, gate.operations, seed, answering, self._limits.examples)

        def run() -> None:
            for event in drawing.happenings():
                if isinstance(event, DrawingPhase):
                    phase[0] = event.name
                    if self._watch is not None and event.name in ("coverage", "fuzzing", "stateful"):
                        self._watch.begun(gate.orders.profile, event.name)
                elif isinstance(event, StockCheckFailure):
                    tale.objections[event.check, event.operation] += 1
                elif isinstance(event, GenerationError):
                    tale.troubles[event.operation] = event.message[:300]

        running = loop.run_in_executor(None, run)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # The thread that draws must not go on sending: it is told, and waited for.
            budget.stopped = True
            drawing.stop()
            for future in pending:
                future.cancel()
            await asyncio.wait([running], timeout=10)
            raise
        if trouble:
            raise trouble[0]

    async def _exchange(self, gate: RequestExecutor, request: Request, phase: str, tale: _FuzzStatistics) -> Response:
        match = operation_of(self._description, request.path, request.method)
        if match is None or (phase == "coverage" and gate.chance.random() > SAMPLED):
            return SKIPPED
        operation, _ = match
        if not operation.body and operation.deed in MODIFYING and request.method != operation.method:
            return SKIPPED
        fellow = None
        if operation.ordered and gate.chance.random() < OFTEN:
            fellow = await gate.orders.one_for(operation, gate.chance)
        most = fellow.left if fellow is not None else 0
        body = realised(operation, request.body, gate.ours, gate.orders.fresh_id(), most, gate.chance)
        kind = request.header("content-type") or ""
        if not operation.body and request.method == "GET":
            # What is in the body of a GET is nobody's concern.
            body, kind = b"", ""
        tale.sent[phase] += 1
        draft = RequestDraft(operation, phase, _label(operation, request), request.method, body, kind, fellow)
        answer = await gate.exchange(draft)
        if isinstance(answer, NoResponse):
            return SKIPPED
        return answer


def _how(budget: Budget) -> str:
    if not budget.spent:
        return DRAWN
    return "the requests are used up" if budget.requests <= 0 else "the time is used up"


def _label(operation: Operation, request: Request) -> str:
    return "drawn" if request.method == operation.method else f"drawn, as {request.method}"


def _seed(seed: int, profile: Profile) -> int:
    return int(hashlib.sha256(f"{seed} {profile.value}".encode()).hexdigest()[:8], 16)
