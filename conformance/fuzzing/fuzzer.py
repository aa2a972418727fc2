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
from conformance.evidence.journal import Evidence, Ledger
from conformance.fuzzing.executor import Budget, CountingLink, Draft, Gate, SpentError
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.order_pool import Orders
from conformance.fuzzing.probes import probe
from conformance.fuzzing.recorder import Notebook, Sent
from conformance.fuzzing.request_shape import OFTEN, Ours, realised
from conformance.fuzzing.schemathesis_engine import EXAMPLES, SKIPPED, Drawing, Objection, Phase, Trouble, operation_of
from conformance.judging.http_layer import Verdict
from conformance.rulebook import load_wire
from conformance.runner.session import Sitting
from conformance.targets.http.target import HttpSeat
from conformance.targets.transport import Link, TargetError
from conformance.wire import Lost
from conformance.wire.base import Ticket
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
class Fuzz:
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

    async def run(self, sitting: Sitting, ledger: Ledger, before: Evidence | None) -> None:
        """Fuzz after a run's histories."""
        await Fuzzing(sitting, ledger, self.description, self.limits).play(before)


class Watch(Protocol):
    """Told how fuzzing goes on."""

    def begun(self, profile: Profile, phase: str) -> None:
        """A way of drawing begins."""

    def judged(self, sent: Sent, verdict: Verdict) -> None:
        """A request was judged."""


@dataclass
class _Tale:
    """What happened besides: objections of stock checks, and operations that could not be drawn for."""

    objections: Counter[tuple[str, str]] = field(default_factory=Counter)
    troubles: dict[str, str] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)


class Fuzzing:
    """Fuzzes the profiles that a sitting has looked at and a description has."""

    def __init__(
        self, sitting: Sitting, ledger: Ledger, description: Description, limits: Limits, watch: Watch | None = None
    ) -> None:
        # A person at the terminal has nothing to do with what is fuzzed.
        seat = getattr(sitting.seat, "inner", sitting.seat)
        if not isinstance(seat, HttpSeat):
            raise TargetError(f"{seat.name} is called without HTTP: there is nothing to fuzz.")
        self._sitting = sitting
        self._ledger = ledger
        self._description = description
        self._limits = limits
        self._watch = watch
        self._session = seat.session
        self._judged: Counter[Profile] = Counter()
        """How many requests of a profile were judged before the run was interrupted."""

    async def play(self, before: Evidence | None = None) -> None:
        """Fuzz. What a run had fuzzed ``before`` it was interrupted is kept, and what it had not ended begins anew.

        Raises:
            TargetError: the target is not healthy.

        """
        profiles = [one for one in self._sitting.worlds if one in self._description.profiles]
        limits = self._limits
        every = len(profiles)
        if before is not None and before.first("fuzz") is not None:
            profiles = [one for one in profiles if not self._taken_up(one, before)]
        else:
            self._ledger.append(
                "fuzz",
                profiles=[one.value for one in profiles],
                document=self._description.as_json(),
                rules=load_wire().digest,
                seconds=limits.seconds,
                requests=limits.requests,
            )
        if not profiles:
            return
        deadline = time.monotonic() + limits.seconds * len(profiles) / every
        budget = Budget(deadline, limits.requests * len(profiles) // every)
        for index, profile in enumerate(profiles):
            left = len(profiles) - index
            # What one profile leaves over is the others'.
            share = Budget(
                time.monotonic() + max(0.0, deadline - time.monotonic()) / left, max(1, budget.requests // left)
            )
            given = share.requests
            await self._one(profile, share)
            budget.requests -= given - share.requests

    def _taken_up(self, profile: Profile, before: Evidence) -> bool:
        """Close what was cut off of a profile; tell whether it had come to its end."""
        self._judged[profile] = sum(one["profile"] == profile for one in before.of_kind("fuzzed"))
        told = [one for one in before.of_kind("fuzz-profile") if one["profile"] == profile]
        left = self._judged[profile] - sum(one["judged"] for one in told)
        if left:
            self._close(profile, CUT_OFF, left, _Tale())
        return any(one["ended"] != CUT_OFF for one in told)

    async def _one(self, profile: Profile, budget: Budget) -> None:
        settings = self._sitting.settings
        seat = self._session.target
        link = CountingLink(seat.link(), budget)
        base = seat.name if seat.kind == "url" else "http://127.0.0.1:9701"
        watcher = self._watch
        notebook = Notebook(self._ledger, self._sitting.redactor, base, watcher, self._judged[profile])
        tale = _Tale()
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

    def _close(self, profile: Profile, ended: str, judged: int, tale: _Tale) -> None:
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
            undrawn=[{"operation": one, "message": said} for one, said in sorted(tale.troubles.items())],
        )

    def _gate(self, profile: Profile, link: Link, notebook: Notebook) -> Gate:
        settings, session = self._sitting.settings, self._session
        orders = Orders(session, profile, self._sitting.worlds[profile], settings.nonce, link, notebook.aside)
        credentials = session.credentials
        due = Ticket("", session.today, session.market).due
        ours = Ours(credentials.msn, settings.market.currency, credentials.phone, due)
        chance = Random(_seed(settings.seed, profile))
        return Gate(orders, self._description, link, notebook, credentials, ours, chance)

    async def _drawn(self, gate: Gate, budget: Budget, tale: _Tale, seed: int) -> None:
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
            for one in drawing.happenings():
                if isinstance(one, Phase):
                    phase[0] = one.name
                    if self._watch is not None and one.name in ("coverage", "fuzzing", "stateful"):
                        self._watch.begun(gate.orders.profile, one.name)
                elif isinstance(one, Objection):
                    tale.objections[one.check, one.operation] += 1
                elif isinstance(one, Trouble):
                    tale.troubles[one.operation] = one.message[:300]

        running = loop.run_in_executor(None, run)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # The thread that draws must not go on sending: it is told, and waited for.
            budget.stopped = True
            drawing.stop()
            for one in pending:
                one.cancel()
            await asyncio.wait([running], timeout=10)
            raise
        if trouble:
            raise trouble[0]

    async def _exchange(self, gate: Gate, request: Request, phase: str, tale: _Tale) -> Response:
        found = operation_of(self._description, request.path, request.method)
        if found is None or (phase == "coverage" and gate.chance.random() > SAMPLED):
            return SKIPPED
        operation, _ = found
        if not operation.body and operation.deed in MODIFYING and request.method != operation.method:
            return SKIPPED
        fellow = None
        if operation.ordered and gate.chance.random() < OFTEN:
            fellow = await gate.orders.one_for(operation, gate.chance)
        left = fellow.left if fellow is not None else 0
        body = realised(operation, request.body, gate.ours, gate.orders.fresh_id(), left, gate.chance)
        kind = request.header("content-type") or ""
        if not operation.body and request.method == "GET":
            # What is in the body of a GET is nobody's concern.
            body, kind = b"", ""
        tale.sent[phase] += 1
        draft = Draft(operation, phase, _label(operation, request), request.method, body, kind, fellow)
        answer = await gate.exchange(draft)
        if isinstance(answer, Lost):
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
