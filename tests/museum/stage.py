"""Plays histories against one provider in this process and keeps what they show, with nothing written to disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from conformance.domain.order import Market, Profile
from conformance.domain.steps import History
from conformance.evidence.journal import Evidence, Ledger
from conformance.evidence.recorder import Exchanges
from conformance.evidence.redaction import Redactor
from conformance.judging.judge import Findings
from conformance.model import World
from conformance.results.result import Result, result_of
from conformance.rulebook import Readings
from conformance.runner.executor import Playing
from conformance.runner.session import Numbered, Sitting, begin
from conformance.runner.settings import Settings, nonce_for
from conformance.runner.shrinking import Minimiser
from conformance.sandbox import Provider
from conformance.strategies.provider import plan as generation
from conformance.strategies.provider.case import Planned
from conformance.strategies.provider.systematic import systematic
from conformance.targets.http.embedded import EmbeddedTarget
from conformance.targets.http.session import keys_from
from conformance.targets.http.target import HttpSeat
from conformance.targets.target import Probe, Record, Worker

Plan = tuple[Planned, ...]
STARTED = datetime(2026, 1, 1, tzinfo=UTC)

drawn = cache(generation.draw)
fixed = cache(systematic)


class OneAtATime(HttpSeat):
    """A seat at which no two requests race: faults that only a race shows have tests of their own, over a port."""

    async def probe(self, profile: Profile, record: Record) -> Probe:
        probe = await super().probe(profile, record)
        return replace(probe, offered=probe.offered - {"concurrent"})


def seat_of(provider: Provider) -> HttpSeat:
    """Return a seat in front of a provider in this process."""
    return OneAtATime(EmbeddedTarget(provider), keys_from(embedded=True))


def settings_for(
    seat: HttpSeat, profile: Profile, readings: Readings, market: Market, histories: int | None = None
) -> Settings:
    """Return a run's settings, at the default budget and seed unless a number of drawn histories is given."""
    return Settings(
        profiles=(profile,), readings=readings, market=market, histories=histories, nonce=nonce_for(seat, 0)
    )


class Unspoken(Redactor):
    """Nothing here is shown to anybody, so nothing has to be taken out of it."""

    def clean(self, text: str) -> str:
        return text


class Untold(Exchanges):
    """Forgets what crosses the wire."""

    def __init__(self) -> None:
        self.step = 0

    def __call__(self, *_: object, **__: object) -> None:
        return


class Memory(Ledger):
    """A journal that is never written."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def append(self, kind: str, **content: Any) -> None:
        self.records.append({"kind": kind, **content})


class Quiet(Sitting):
    """A sitting whose exchanges are forgotten, and whose plan is shared with everybody who would come to the same."""

    def exchanges(self, ledger: Ledger, history: str) -> Exchanges:
        return Untold()

    def plan(self, profile: Profile) -> list[Numbered]:
        settings = self.settings
        plan = planned(profile, self.worlds[profile], self._offered[profile], settings.seed, settings.generated)
        return [Numbered(f"{profile.value}-{number:05d}", one) for number, one in enumerate(plan, 1)]


def planned(profile: Profile, world: World, offered: frozenset[str], seed: int, count: int) -> Plan:
    """Return the histories of a run, as the generation does; equal runs of a process share them."""
    histories = drawn(profile, world, offered, wire=True, seed_=seed, count=count)
    later = tuple(Planned(history, "drawn", {}, (), generated=True) for history in histories)
    return (*fixed(profile, world, offered), *later)


@dataclass(slots=True)
class Stage:
    """A provider that was looked at, and a worker in front of it."""

    sitting: Quiet
    ledger: Memory
    profile: Profile
    worker: Worker
    _played: int = 0

    @property
    def world(self) -> World:
        return self.sitting.worlds[self.profile]

    @property
    def offered(self) -> frozenset[str]:
        return self.sitting._offered[self.profile]

    def plan(self, seed: int, count: int) -> Plan:
        """Return the plan of a run with this seed."""
        return planned(self.profile, self.world, self.offered, seed, count)

    async def findings(self, history: History) -> Findings:
        """Play a history as an order of its own; return the rules that it breaks."""
        self._played += 1
        playing = Playing(self.sitting, self.ledger)
        return await playing.quietly(history, f"{self.profile.value}-q{self._played:05d}", self.worker)

    def minimiser(self) -> Minimiser:
        """Return a minimiser that plays its candidates here."""

        async def play_all(histories: Sequence[History]) -> list[Findings]:
            return [await self.findings(one) for one in histories]

        return Minimiser(play_all)


async def stage_for(
    provider: Provider,
    profile: Profile,
    readings: Readings,
    market: Market,
    histories: int | None = None,
    *,
    seat: Callable[[Provider], HttpSeat] = seat_of,
) -> Stage:
    """Look at a provider."""
    front = seat(provider)
    sitting = Quiet(front, settings_for(front, profile, readings, market, histories), Unspoken(()))
    ledger = Memory()
    await begin(sitting, ledger, STARTED)
    return Stage(sitting, ledger, profile, front.worker())


async def stage_for_correct(profile: Profile, *, seat: Callable[[Provider], HttpSeat] = seat_of) -> Stage:
    """Look at the embedded provider as it is."""
    return await stage_for(Provider(), profile, Readings.documented(), Market.NO, seat=seat)


async def result_for(
    provider: Provider, profile: Profile, readings: Readings, market: Market, histories: int | None = None
) -> Result:
    """Play a whole run and reduce it as any other is, from a journal that was never written."""
    stage = await stage_for(provider, profile, readings, market, histories)
    await Playing(stage.sitting, stage.ledger).play_all(stage.sitting.everything())
    stage.ledger.append("finish", ended="complete", message="", seconds=0)
    return result_of(Evidence(tuple(stage.ledger.records)))
