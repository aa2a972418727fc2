"""Plays a run against one provider, and finds in its evidence what the run says first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path

from conformance import generation, sitting
from conformance.campaign import Campaign, Settings
from conformance.counterexamples import Counterexample
from conformance.order import Market, Profile
from conformance.playing import Playing
from conformance.result import Result
from conformance.rulebook import Readings
from conformance.sandbox import Provider
from conformance.settings import nonce_for
from conformance.sitting import Held, Sitting
from conformance.targets.embedded import EmbeddedTarget
from conformance.targets.http import HttpSeat
from conformance.targets.session import keys_from

HISTORIES = 24
planned = cache(generation.planned)


def plan(profile, world, offered, *, wire, seed, count):
    """Return a plan; the runs of a process whose settings are the same share it."""
    try:
        return planned(profile, world, offered, wire=wire, seed=seed, count=count)
    except TypeError:
        return generation.planned(profile, world, offered, wire=wire, seed=seed, count=count)


sitting.planned = plan


def seat_of(provider: Provider) -> HttpSeat:
    """Return a seat in front of a provider in this process."""
    return HttpSeat(EmbeddedTarget(provider), keys_from(embedded=True))


def settings_for(seat: HttpSeat, profile: Profile, readings: Readings, market: Market = Market.NO) -> Settings:
    """Return a small run's settings."""
    return Settings(
        profiles=(profile,), readings=readings, market=market, histories=HISTORIES, nonce=nonce_for(seat, 0)
    )


def run(
    make: Callable[[], Provider],
    profile: Profile,
    directory: Path,
    readings: Readings | None = None,
    market: Market = Market.NO,
) -> Result:
    """Play a small run against a new provider."""
    seat = seat_of(make())
    settings = settings_for(seat, profile, readings or Readings.documented(), market)
    return asyncio.run(Campaign(seat, settings, directory).run())


def replay(make: Callable[[], Provider], example: Counterexample) -> list[str]:
    """Play a counterexample once more against a new provider; return the rules that it breaks now."""

    async def again() -> list[str]:
        seat = seat_of(make())
        there = Sitting(seat, settings_for(seat, example.profile, example.readings, example.market))
        held = Held()
        await there.open(held)
        await there.look(example.profile, held)
        worker = seat.worker()
        findings = await Playing(there, held).quietly(example.history, f"{example.profile.value}-00001", worker)
        await worker.close()
        return [finding.rule for finding in findings]

    return asyncio.run(again())


def shortest(result: Result) -> dict:
    """Return the record of the shortest counterexample; the first one of those that are equally short."""
    return min(result.evidence.of_kind("counterexample"), key=lambda record: record["steps"])


def first_finding(result: Result) -> dict:
    """Return the first finding of the shortest counterexample."""
    record = shortest(result)
    judgements = [one for one in result.evidence.of_kind("judgement") if one["history"] == record["history"]]
    return next(one["findings"][0] for one in judgements if one["status"] == "violates")


def told(result: Result) -> str:
    """Tell the shortest counterexample in one line."""
    record = shortest(result)
    history = next(one["history"] for one in result.evidence.of_kind("history") if one["id"] == record["history"])
    return " > ".join(
        " ".join([step["do"], *(f"{name}={value}" for name, value in step.items() if name != "do")])
        for step in history["steps"]
    )
