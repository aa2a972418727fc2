"""The fuzzing of a run, within a budget of time and requests.

Some requests are always sent; the others are drawn.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, RecordSink
from conformance.evidence.record_parts import FuzzSettingsRecord
from conformance.evidence.records import FuzzedRecord, FuzzProfileRecord, FuzzRecord
from conformance.fuzzing.drawing import DrawnRequests, FuzzStatistics
from conformance.fuzzing.executor import Budget, CountingConnection, RequestExecutor, SpentError
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.order_pool import OrderPool
from conformance.fuzzing.probes import probe
from conformance.fuzzing.recorder import FuzzRecorder, Watcher
from conformance.fuzzing.requests.base import RequestDefaults
from conformance.fuzzing.schemathesis_engine import EXAMPLES
from conformance.rulebook import load_http_rules
from conformance.runner.session import RunSession
from conformance.targets.http.target import HttpTarget
from conformance.targets.transport import Connection, TargetError
from conformance.wire.base import OrderIdentifiers

SECONDS: Final = 60.0
REQUESTS: Final = 10_000
DRAWN: Final = "drawn to the end"
CUT_OFF: Final = "cut off before its end"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of fuzzing.

    Attributes:
        seconds: how long it may take.
        requests: how many requests it may send.
        examples: how many requests are drawn for each operation.

    """

    seconds: float = SECONDS
    requests: int = REQUESTS
    examples: int = EXAMPLES


@dataclass(frozen=True, slots=True)
class FuzzPhase:
    """Fuzzing as a phase of a run. ``named`` is the description as the user named it."""

    description: Description
    limits: Limits
    named: str

    def as_record(self) -> FuzzSettingsRecord:
        """Return what resuming takes."""
        return FuzzSettingsRecord(openapi=self.named, digest=self.description.digest, seconds=self.limits.seconds)

    @property
    def name(self) -> str:
        """What the phase is called while it runs."""
        return f"Fuzzing from {self.description.name}"

    async def run(self, run_session: RunSession, ledger: RecordSink, before: Evidence | None) -> None:
        """Fuzz after the histories of a run.

        ``before`` is the evidence of the run that is resumed.
        """
        await Fuzzer(run_session, ledger, self.description, self.limits).run(before)


class Watch(Watcher, Protocol):
    """Follows the progress of fuzzing."""

    def begun(self, profile: Profile, phase: str) -> None:
        """Take note of the beginning of a phase."""


class Fuzzer:
    """Fuzzes the APIs of a run that a description has."""

    def __init__(
        self,
        run_session: RunSession,
        sink: RecordSink,
        description: Description,
        limits: Limits,
        watch: Watch | None = None,
    ) -> None:
        """Take a session whose target is open.

        Raises:
            TargetError: the target is not reached in HTTP messages.

        """
        target = run_session.target
        if not isinstance(target, HttpTarget):
            raise TargetError(f"{target.name} is called without HTTP: there is nothing to fuzz.")
        self._run_session = run_session
        self._sink = sink
        self._description = description
        self._limits = limits
        self._watch = watch
        self._session = target.session
        self._judged_before: Counter[Profile] = Counter()
        """How many requests of each API were judged before the run was interrupted."""

    async def run(self, before: Evidence | None = None) -> None:
        """Fuzz every API.

        Of a run that is resumed, an API that was not fuzzed to the end is fuzzed again.

        Raises:
            TargetError: the target is not healthy.

        """
        profiles = [profile for profile in self._run_session.contexts if profile in self._description.profiles]
        total = len(profiles)
        if before is not None and before.first(FuzzRecord) is not None:
            profiles = [profile for profile in profiles if not self._resume(profile, before)]
        else:
            self._sink.append(
                FuzzRecord(
                    profiles=tuple(profile.value for profile in profiles),
                    document=self._description.as_record(),
                    rules=load_http_rules().digest,
                    seconds=self._limits.seconds,
                    requests=self._limits.requests,
                )
            )
        if profiles:
            deadline = time.monotonic() + self._limits.seconds * len(profiles) / total
            await self._fuzz_all(profiles, Budget(deadline, self._limits.requests * len(profiles) // total))

    async def _fuzz_all(self, profiles: list[Profile], budget: Budget) -> None:
        for index, profile in enumerate(profiles):
            remaining = len(profiles) - index
            # What one API does not use is left for the next ones.
            seconds = max(0.0, budget.deadline - time.monotonic()) / remaining
            granted = max(1, budget.requests // remaining)
            share = Budget(time.monotonic() + seconds, granted)
            await self._fuzz(profile, share)
            budget.requests -= granted - share.requests

    def _resume(self, profile: Profile, before: Evidence) -> bool:
        """Record the end of the interrupted fuzzing of an API.

        Returns whether it had been fuzzed to the end.
        """
        self._judged_before[profile] = sum(record.profile == profile for record in before.of(FuzzedRecord))
        endings = [record for record in before.of(FuzzProfileRecord) if record.profile == profile]
        unclosed = self._judged_before[profile] - sum(record.judged for record in endings)
        if unclosed:
            self._record_end(profile, CUT_OFF, unclosed, FuzzStatistics())
        return any(record.ended != CUT_OFF for record in endings)

    async def _fuzz(self, profile: Profile, budget: Budget) -> None:
        transport = self._session.transport
        connection = CountingConnection(transport.connect(), budget)
        base = transport.name if transport.kind == "url" else "http://127.0.0.1:9701"
        recorder = FuzzRecorder(self._sink, self._run_session.redactor, base, self._watch, self._judged_before[profile])
        statistics = FuzzStatistics()
        ended = CUT_OFF
        judged_before = recorder.count
        try:
            executor = self._executor(profile, connection, recorder)
            self._begin(profile, "probes")
            await probe(executor)
            seed = _seed(self._run_session.settings.seed, profile)
            drawn = DrawnRequests(self._description, executor, budget, statistics, self._begin)
            await drawn.run(seed, self._limits.examples)
            ended = _ending(budget)
        except SpentError:
            ended = _ending(budget)
        finally:
            self._record_end(profile, ended, recorder.count - judged_before, statistics)
            await connection.close()

    def _begin(self, profile: Profile, phase: str) -> None:
        if self._watch is not None:
            self._watch.begun(profile, phase)

    def _record_end(self, profile: Profile, ended: str, judged: int, statistics: FuzzStatistics) -> None:
        self._sink.append(statistics.as_record(profile, ended, judged))

    def _executor(self, profile: Profile, connection: Connection, recorder: FuzzRecorder) -> RequestExecutor:
        settings, session = self._run_session.settings, self._session
        orders = OrderPool(
            session,
            profile,
            self._run_session.contexts[profile],
            settings.naming,
            connection,
            recorder.record_aside,
        )
        credentials = session.credentials
        due = OrderIdentifiers("", session.today, session.market).due
        defaults = RequestDefaults(credentials.msn, settings.market.currency, credentials.phone, due)
        random = Random(_seed(settings.seed, profile))
        return RequestExecutor(orders, self._description, connection, recorder, credentials, defaults, random)


def _ending(budget: Budget) -> str:
    if not budget.spent:
        return DRAWN
    return "the requests are used up" if budget.requests <= 0 else "the time is used up"


def _seed(seed: int, profile: Profile) -> int:
    return int(hashlib.sha256(f"{seed} {profile.value}".encode()).hexdigest()[:8], 16)
