"""Each peer as one function: a provider in, and what it says of it and what that took out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.apis import APIS
from benchmarks.machine import machine_for
from benchmarks.peers import stock
from benchmarks.peers.direct import client_of
from benchmarks.peers.examples import failures
from conformance.domain.order import Market, Profile
from conformance.judging.verdicts import RunVerdict
from conformance.rulebook import Readings
from conformance.runner.settings import BUDGETS
from conformance.sandbox import Provider
from tests.museum import stage

SEED = 1
RUNS, STEPS = 100, 50
"""Hypothesis' own defaults for a state machine."""


@dataclass(frozen=True)
class Told:
    """What a peer says of one provider: ``alarm`` that something is wrong with it; ``seconds`` of the processor."""

    alarm: bool
    requests: int
    seconds: float
    says: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Subject:
    """A provider to be judged, of one API."""

    profile: Profile
    make: Callable[[], Provider]


def counted(make: Callable[[], Provider]) -> tuple[Provider, list[int]]:
    """Make a provider that counts its requests."""
    provider, requests = make(), [0]
    handle = provider.handle

    def counting(request: Any) -> Any:
        requests[0] += 1
        return handle(request)

    provider.handle = counting  # type: ignore[method-assign]
    return provider, requests


def timed(subject: Subject, judge: Callable[[Provider], tuple[str, ...]]) -> Told:
    """Judge a new provider."""
    provider, requests = counted(subject.make)
    start = time.process_time()
    says = judge(provider)
    return Told(bool(says), requests[0], round(time.process_time() - start, 2), says)


def ours(budget: str, subject: Subject) -> Told:
    """Play a whole run of this suite; nothing is minimised."""

    def judge(provider: Provider) -> tuple[str, ...]:
        profile, drawn = subject.profile, BUDGETS[budget]
        result = asyncio.run(stage.result_for(provider, profile, Readings.documented(), Market.NO, drawn))
        return (result.reason,) if result.verdict is RunVerdict.NOT_CONFORMANT else ()

    return timed(subject, judge)


def by_examples(subject: Subject) -> Told:
    """Run the hand-written tests."""

    def judge(provider: Provider) -> tuple[str, ...]:
        with client_of(provider) as client:
            return tuple(failures(APIS[subject.profile](client)))

    return timed(subject, judge)


def by_machine(subject: Subject) -> Told:
    """Run the plain state machine with Hypothesis' defaults, one seed, and stop at the first failure."""

    def judge(provider: Provider) -> tuple[str, ...]:
        chosen = settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        with client_of(provider) as client:
            made = machine_for(APIS[subject.profile](client))
            try:
                run_state_machine_as_test(made, settings=chosen)
            except Exception as error:
                # Whatever ends it, an assertion or an answer that cannot be read, is what the tester sees as red.
                return (f"{type(error).__name__}: {error}"[:200],)
        return ()

    return timed(subject, judge)


@cache
def usual(profile: Profile, examples: int | None, *, prepared: bool) -> frozenset[stock.Failure]:
    """Return what schemathesis reports of the correct provider, which whoever uses it learns to ignore."""
    return stock.run(Provider(), profile, examples=examples, prepared=prepared, seed=SEED).failures


def by_schemathesis(examples: int | None, prepared: bool, subject: Subject) -> Told:
    """Run schemathesis; what it says of the correct provider as well does not count."""

    def judge(provider: Provider) -> tuple[str, ...]:
        found = stock.run(provider, subject.profile, examples=examples, prepared=prepared, seed=SEED)
        news = found.failures - usual(subject.profile, examples, prepared=prepared)
        return tuple(sorted(f"{check}: {operation}" for check, operation in news))

    return timed(subject, judge)


PEERS: Mapping[str, Callable[[Subject], Told]] = {
    "cancel-conformance, standard": partial(ours, "standard"),
    "cancel-conformance, quick": partial(ours, "quick"),
    "25 example tests": by_examples,
    "state machine": by_machine,
    "schemathesis": partial(by_schemathesis, None, False),
    "schemathesis, prepared": partial(by_schemathesis, None, True),
    "schemathesis, ten times": partial(by_schemathesis, 1000, False),
}
"""Every peer by its name in the table."""
EVERY: Mapping[str, int] = {
    "cancel-conformance, standard": 3,
    "state machine": 3,
    "schemathesis": 20,
    "schemathesis, prepared": 20,
    "schemathesis, ten times": 100,
}
"""Those that take longer judge every so many-eth exhibit of each API; the others judge all of them."""
ONLY: Mapping[str, Profile] = {"schemathesis, ten times": Profile.ECOM}
"""Those that judge one API: ten times the examples of the others take half an hour for each provider."""
