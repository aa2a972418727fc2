"""Runs that consist of races, against a provider on a port of this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conformance.domain.order import Profile
from conformance.domain.steps import RACERS, History, Together
from conformance.judging.verdicts import RuleResult
from conformance.results.result import Result
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.strategies.provider import plan as generation
from conformance.targets.resolve import resolve_target


def races(*arguments, rivals=RACERS, **named):
    """Return the plan's races, and nothing else: all of them, or those of a cancel against some requests."""
    cases = generation.plan_cases(*arguments, **named)
    return [case for case in cases if any(isinstance(race.second, rivals) for race in races_of(case.history))]


def races_of(history: History) -> list[Together]:
    """Return the pairs of requests that a history sends together."""
    return [step for step in history.steps if isinstance(step, Together)]


def run(url: str, profile: Profile, directory: Path, *, seed: int = 0, histories: int = 0) -> Result:
    """Play a plan's races."""
    target = resolve_target(url, control_url=f"{url}/control", environment={})
    settings = Settings((profile,), histories=histories, seed=seed, nonce=nonce_for(target, seed))
    return asyncio.run(Campaign(target, settings, directory).run())


def rule_of(result: Result, rule: str) -> RuleResult:
    """Return one rule's result."""
    return next(candidate for candidate in result.rules if candidate.rule.id == rule)
