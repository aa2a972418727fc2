"""The real pipeline: a campaign with its journal on disk, its minimising and its result, against one provider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.domain.order import Market, Profile
from conformance.evidence.counterexamples import Counterexample
from conformance.results.result import Result
from conformance.rulebook import Readings
from conformance.runner.campaign import Campaign
from conformance.sandbox import Provider
from tests.stored import stored_records

from .stage import seat_of, settings_for, stage_for

DRAWN = 24


def run(make: Callable[[], Provider], profile: Profile, readings: Readings, market: Market, directory: Path) -> Result:
    """Play a small run against a new provider."""
    target = seat_of(make())
    settings = settings_for(target, profile, readings, market, DRAWN)
    return asyncio.run(Campaign(target, settings, directory).run())


def replay(make: Callable[[], Provider], example: Counterexample) -> list[str]:
    """Play a counterexample once more against a new provider; return the rules that it breaks now."""

    async def again() -> list[str]:
        on = await stage_for(make(), example.profile, example.readings, example.market)
        return [found.rule for found in await on.findings(example.history)]

    return asyncio.run(again())


def shortest(result: Result) -> dict[str, Any]:
    """Return the record of the shortest counterexample; the first one of those that are equally short."""
    return min(stored_records(result.evidence, "counterexample"), key=lambda record: record["steps"])


def first_finding(result: Result) -> dict[str, Any]:
    """Return the first finding of the shortest counterexample."""
    record = shortest(result)
    judgements = [one for one in stored_records(result.evidence, "judgement") if one["history"] == record["history"]]
    return next(one["findings"][0] for one in judgements if one["status"] == "violates")


def told(result: Result) -> str:
    """Tell the shortest counterexample in one line."""
    record = shortest(result)
    history = next(
        one["history"] for one in stored_records(result.evidence, "history") if one["id"] == record["history"]
    )
    return " > ".join(
        " ".join([step["do"], *(f"{name}={value}" for name, value in step.items() if name != "do")])
        for step in history["steps"]
    )
