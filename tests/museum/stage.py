"""Plays histories against one provider in this process and keeps what they show, with nothing written to disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from conformance.domain.order import Market, Profile
from conformance.domain.steps import History
from conformance.evidence.journal import Evidence, RecordSink
from conformance.evidence.recorder import ExchangeRecorder
from conformance.evidence.records import FinishRecord, JournalRecord
from conformance.evidence.redaction import Redactor
from conformance.judging.judge import Findings
from conformance.model import ModelContext
from conformance.results.result import Result, result_of
from conformance.rulebook import Readings
from conformance.runner.confirmation import confirm_failures
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.schedule import Schedule, ScheduledCase
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import Settings, nonce_for
from conformance.runner.shrinking import Shrinker
from conformance.sandbox import Provider
from conformance.strategies.provider import plan as generation
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.systematic import systematic
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.target import ProbeResult, RecordExchange, Worker

Plan = tuple[Case, ...]
STARTED = datetime(2026, 1, 1, tzinfo=UTC)

drawn = cache(generation.draw_cases)
fixed = cache(systematic)


class OneAtATime(HttpTarget):
    """A seat at which no two requests race: faults that only a race shows have tests of their own, over a port."""

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        probe = await super().probe(profile, record)
        return replace(probe, offered=probe.offered - {"concurrent"})


def seat_of(provider: Provider) -> HttpTarget:
    """Return a seat in front of a provider in this process."""
    return OneAtATime(EmbeddedTransport(provider), credentials_from(embedded=True))


def settings_for(
    target: HttpTarget, profile: Profile, readings: Readings, market: Market, histories: int | None = None
) -> Settings:
    """Return a run's settings, at the default budget and seed unless a number of drawn histories is given."""
    return Settings(
        profiles=(profile,), readings=readings, market=market, histories=histories, nonce=nonce_for(target, 0)
    )


class Unspoken(Redactor):
    """Nothing here is shown to anybody, so nothing has to be taken out of it."""

    def clean(self, text: str) -> str:
        return text


class Untold(ExchangeRecorder):
    """Forgets what crosses the wire."""

    def __init__(self) -> None:
        self.step = 0

    def __call__(self, *_: object, **__: object) -> None:
        return


class Memory(RecordSink):
    """A journal that is never written."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []

    def append(self, record: JournalRecord) -> None:
        self.records.append(record)


class Quiet(RunSession):
    """A session whose exchanges are forgotten."""

    def exchanges(self, journal: RecordSink, history: str) -> ExchangeRecorder:
        return Untold()


class SharedSchedule(Schedule):
    """A schedule that is shared with everybody who would come to the same."""

    def of(self, profile: Profile) -> list[ScheduledCase]:
        session = self._run_session
        settings, offered = session.settings, session.probes[profile].offered
        plan = planned(profile, session.contexts[profile], offered, settings.seed, settings.generated)
        return [ScheduledCase(f"{profile.value}-{number:05d}", case) for number, case in enumerate(plan, 1)]


def planned(profile: Profile, context: ModelContext, offered: frozenset[str], seed: int, count: int) -> Plan:
    """Return the histories of a run, as the generation does; equal runs of a process share them."""
    histories = drawn(profile, context, offered, wire=True, seed_=seed, count=count)
    later = tuple(Case(history, "drawn", {}, (), generated=True) for history in histories)
    return (*fixed(profile, context, offered), *later)


@dataclass(slots=True)
class Stage:
    """A provider that was looked at, and a worker in front of it."""

    run_session: Quiet
    ledger: Memory
    profile: Profile
    worker: Worker
    _played: int = 0

    @property
    def context(self) -> ModelContext:
        return self.run_session.contexts[self.profile]

    @property
    def offered(self) -> frozenset[str]:
        return self.run_session.probes[self.profile].offered

    def plan(self, seed: int, count: int) -> Plan:
        """Return the plan of a run with this seed."""
        return planned(self.profile, self.context, self.offered, seed, count)

    async def findings(self, history: History) -> Findings:
        """Play a history as an order of its own; return the rules that it breaks."""
        self._played += 1
        playing = CaseExecutor(self.run_session, self.ledger)
        return await playing.run_unrecorded(history, f"{self.profile.value}-q{self._played:05d}", self.worker)

    def minimiser(self) -> Shrinker:
        """Return a minimiser that plays its candidates here."""

        async def play_all(histories: Sequence[History]) -> list[Findings]:
            return [await self.findings(one) for one in histories]

        return Shrinker(play_all)


async def stage_for(
    provider: Provider,
    profile: Profile,
    readings: Readings,
    market: Market,
    histories: int | None = None,
    *,
    target: Callable[[Provider], HttpTarget] = seat_of,
) -> Stage:
    """Look at a provider."""
    front = target(provider)
    run_session = Quiet(front, settings_for(front, profile, readings, market, histories), Unspoken(()))
    ledger = Memory()
    await start_journal(run_session, ledger, STARTED)
    return Stage(run_session, ledger, profile, front.worker())


async def stage_for_correct(profile: Profile, *, target: Callable[[Provider], HttpTarget] = seat_of) -> Stage:
    """Look at the embedded provider as it is."""
    return await stage_for(Provider(), profile, Readings.documented(), Market.NO, target=target)


async def result_for(
    provider: Provider, profile: Profile, readings: Readings, market: Market, histories: int | None = None
) -> Result:
    """Play a whole run and reduce it as any other is, from a journal that was never written."""
    stage = await stage_for(provider, profile, readings, market, histories)
    await CaseExecutor(stage.run_session, stage.ledger).run_all(SharedSchedule(stage.run_session).all())
    await confirm_failures(stage.run_session, stage.ledger, lambda: stage.ledger.records, Observer())
    stage.ledger.append(FinishRecord(ended="complete", message="", seconds=0))
    return result_of(Evidence(tuple(stage.ledger.records)))
