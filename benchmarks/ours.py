"""The suite itself: histories drawn, played, judged and written into a journal."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.places import SEED, InProcess, Kept, Place, seat_at
from conformance.domain.messages import Request
from conformance.domain.order import Profile
from conformance.evidence.journal import JOURNAL_NAME, Journal
from conformance.evidence.record_parts import Record
from conformance.evidence.records import CapabilitiesRecord
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.schedule import ScheduledCase
from conformance.runner.session import RunSession
from conformance.runner.settings import nonce_for
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.plan import draw_cases
from conformance.targets.target import Target


@dataclass(frozen=True)
class Played:
    """What it took to draw and to play histories. ``steps`` counts the openings, too."""

    histories: int
    steps: int
    conforming: int
    draw_seconds: float
    play_seconds: float


class _Count(Observer):
    def __init__(self) -> None:
        self.trials: list[TrialResult] = []

    def played(self, profile: Profile, trial: TrialResult) -> None:
        self.trials.append(trial)


class _Listening:
    """Passes records on, and remembers what a target offers."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.offered: frozenset[str] = frozenset()

    def append(self, record: Record) -> None:
        if isinstance(record, CapabilitiesRecord):
            self.offered = frozenset(record.offered)
        self._journal.append(record)


@dataclass
class Turn:
    """One turn of the suite at a provider; ``began`` is called between the smoke test and the first history."""

    target: Target
    profile: Profile
    histories: int

    async def take(self, began: Any = lambda: None) -> Played:
        settings = Settings(profiles=(self.profile,), nonce=f"cctest-{SEED}", histories=self.histories)
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder))
            run_session, listening, count = RunSession(self.target, settings), _Listening(journal), _Count()
            try:
                await run_session.open(listening)
                await run_session.look(self.profile, listening)
                began()
                start = time.perf_counter()
                plan = self._plan(run_session, listening.offered)
                drawn = time.perf_counter()
                await CaseExecutor(run_session, journal, count).run_all(plan)
                end = time.perf_counter()
            finally:
                await self.target.close()
                journal.close()
        conforming = sum(trial.ending is TrialStatus.CONFORMS for trial in count.trials)
        steps = sum(trial.steps for trial in count.trials)
        return Played(len(plan), steps, conforming, drawn - start, end - drawn)

    def _plan(self, run_session: RunSession, offered: frozenset[str]) -> list[ScheduledCase]:
        context = run_session.contexts[self.profile]
        # Two requests at once come in either order, and what is sent again bare has to come in one.
        offered = offered - {"concurrent"}
        found = draw_cases(self.profile, context, offered, wire=True, seed_=SEED, count=self.histories)
        return [
            ScheduledCase(f"{self.profile.value}-{number:05d}", Case(history, "drawn", {}, (), generated=True))
            for number, history in enumerate(found, 1)
        ]


def ours(place: Place, profile: Profile, histories: int, concurrency: int = 1) -> Played:
    """Measure the suite."""
    place.fresh()
    return asyncio.run(Turn(place.target(concurrency), profile, histories).take())


@dataclass(frozen=True)
class Recording:
    """What one turn sent, and the statuses it was answered with; the first ``prelude`` ones are no history's."""

    requests: tuple[tuple[Request, int], ...]
    prelude: int
    played: Played


def recorded(profile: Profile, histories: int) -> Recording:
    """Play once without a clock, and keep what was sent."""
    provider = Kept()
    marks: list[int] = []
    turn = Turn(seat_at(provider), profile, histories)
    played = asyncio.run(turn.take(lambda: marks.append(len(provider.kept))))
    return Recording(tuple(provider.kept), marks[0], played)


def whole_run(profiles: tuple[Profile, ...], histories: int | None = None) -> dict[str, Any]:
    """Measure one whole run on the embedded provider, from token to result; by default at the standard budget."""
    place = InProcess()
    target = place.target()
    settings = Settings(profiles=profiles, histories=histories)
    settings = replace(settings, nonce=nonce_for(target, settings.seed))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = asyncio.run(Campaign(target, settings, Path(folder)).run())
        seconds = time.perf_counter() - start
        size = (Path(folder) / JOURNAL_NAME).stat().st_size
    return {
        "seconds": seconds,
        "histories": sum(result.histories.values()),
        "requests": result.exchanges,
        "records": len(result.evidence.records),
        "journal_bytes": size,
        "verdict": result.verdict.value,
    }


def memory_of_whole_run(profiles: tuple[Profile, ...], histories: int | None = None) -> float:
    """Return the most memory, in megabytes, that the command takes for a whole run with its reports."""
    words = [word for profile in profiles for word in ("--profile", profile.value)]
    words += [] if histories is None else ["--histories", str(histories)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "conformance", "run", "--target", "embedded", "--quiet", *words]
        process = subprocess.Popen([*command, "--out", f"{folder}/out"], cwd=Path(__file__).parent.parent)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    # Kilobytes, except on macOS.
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
