"""Shrinking failures: what failed, found in the evidence, and the smallest history that shows each failure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from conformance.domain.order import Profile
from conformance.domain.steps import History, history_as_json, history_from_json
from conformance.evidence.consistency import SEQUENTIAL_SUFFIXES
from conformance.evidence.counterexamples import FOLDER, Counterexample, write_counterexample
from conformance.evidence.journal import Evidence, RecordSink
from conformance.evidence.record_parts import Record
from conformance.evidence.records import CounterexampleRecord, HistoryRecord, JudgementRecord
from conformance.evidence.recurrence import REPLAYED, SHRINKING
from conformance.judging.judge import FailureKey, Finding, Findings
from conformance.runner.executor import CaseExecutor, Observer, together
from conformance.runner.narrowing import MOST_NARROWING, Fails, Narrower
from conformance.runner.request_budget import cost
from conformance.runner.schedule import tries_of
from conformance.runner.session import RunSession
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.shrink import candidates
from conformance.targets.target import Worker

AT_ONCE: Final = 8
"""How many candidates are run at once, at most: those beyond the first that fails were run for nothing."""
MOST_TRIALS: Final = 400
"""How many candidates are run for one failure before the smallest so far is kept."""

ProfileFailureKey: TypeAlias = tuple[Profile, FailureKey]
RunAll = Callable[[Sequence[History]], Awaitable[Sequence[Findings]]]
"""Runs histories, all at once where the target allows it, and returns each one's findings."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A history that broke a rule, under the identifier of the attempt that did."""

    identifier: str
    history: History


def failures(records: Iterable[Record]) -> dict[ProfileFailureKey, Failure]:
    """Return the shortest failing history of each rule and reason, shortest first.

    Of several equally short ones it is the first in the plan, whoever happened to run it first.
    """
    histories: dict[str, HistoryRecord] = {}
    shortest: dict[ProfileFailureKey, Failure] = {}
    for judgement in records:
        if isinstance(judgement, HistoryRecord):
            histories[judgement.id] = judgement
        if not isinstance(judgement, JudgementRecord) or judgement.status != "violates":
            continue
        record = histories[judgement.history]
        if record.source in REPLAYED:
            continue
        failure = Failure(record.id, history_from_json(record.history))
        for finding in judgement.findings:
            key = (failure.history.profile, (finding.rule, f"{finding.branch}: {finding.field}"))
            if key not in shortest or _size(failure) < _size(shortest[key]):
                shortest[key] = failure
    return dict(sorted(shortest.items(), key=lambda item: (_size(item[1]), item[0])))


def _size(failure: Failure) -> tuple[int, str]:
    return len(failure.history.steps), failure.identifier


@dataclass(slots=True)
class Shrinker:
    """Shrinks failing histories.

    What was run once is remembered, because failures of one defect shrink alike.
    """

    run_all: RunAll
    batch: int = 1
    findings: dict[str, Findings] = field(default_factory=dict)
    tried: int = 0
    most: int = MOST_TRIALS

    async def minimise(self, history: History, key: FailureKey) -> History:
        """Return the smallest history found that fails with this rule and reason."""
        self.tried = 0
        best = history
        while self.tried < self.most:
            smaller = await self._smaller(best, key)
            if smaller is None:
                return best
            best = smaller
        return best

    def failing_with(self, key: FailureKey) -> Fails:
        """Return what tells which histories fail with this rule and reason."""

        async def fails(histories: Sequence[History]) -> list[bool]:
            await self._run_new(histories)
            return [self._fails(history, key) for history in histories]

        return fails

    async def _smaller(self, history: History, key: FailureKey) -> History | None:
        batch: list[History] = []
        for candidate in candidates(history):
            batch.append(candidate)
            if len(batch) == self.batch:
                failing = await self._first_failing(batch, key)
                if failing is not None or self.tried >= self.most:
                    return failing
                batch = []
        return await self._first_failing(batch, key) if batch else None

    async def _first_failing(self, histories: Sequence[History], key: FailureKey) -> History | None:
        await self._run_new(histories)
        return next((history for history in histories if self._fails(history, key)), None)

    async def _run_new(self, histories: Sequence[History]) -> None:
        new = {_as_text(history): history for history in histories if _as_text(history) not in self.findings}
        if new:
            self.tried += len(new)
            self.findings.update(zip(new, await self.run_all(list(new.values())), strict=True))

    def _fails(self, history: History, key: FailureKey) -> bool:
        return any(finding.failure_key == key for finding in self.findings[_as_text(history)])


def _as_text(history: History) -> str:
    return json.dumps(history_as_json(history))


class FailureShrinker:
    """Shrinks a run's failures, and keeps the smallest history of each."""

    def __init__(
        self,
        run_session: RunSession,
        journal: RecordSink,
        directory: Path,
        observer: Observer,
        before: Evidence | None = None,
    ) -> None:
        """Prepare for a run's failures.

        Identifiers and files are numbered on from what the run kept ``before`` it was interrupted.
        """
        self._run_session = run_session
        self._journal = journal
        self._directory = directory
        self._observer = observer
        self._executor = CaseExecutor(run_session, journal, observer)
        self._last_number = 0
        self._files: Counter[tuple[Profile, str]] = Counter()
        if before is not None:
            numbers = [
                int(record.id.rstrip(SEQUENTIAL_SUFFIXES)[-5:])
                for record in before.of(HistoryRecord)
                if record.source == SHRINKING
            ]
            self._last_number = max(numbers, default=0)
            self._files.update((Profile(record.profile), record.rule) for record in before.of(CounterexampleRecord))

    async def shrink_all(self, failed: dict[ProfileFailureKey, Failure]) -> None:
        """Shrink every failure."""
        self._observer.phase("minimising", len(failed))
        target = self._run_session.target
        workers = [target.worker() for _ in range(max(1, min(AT_ONCE, target.concurrency)))]
        shrinker = Shrinker(self._run_with(workers), len(workers))
        try:
            for number, ((_, key), failure) in enumerate(failed.items()):
                shrinker.most = self._trials(failure.history, len(failed) - number)
                smallest = await shrinker.minimise(failure.history, key)
                narrower = Narrower(shrinker.failing_with(key), len(workers), self._narrowing(shrinker))
                await self._keep(key, failure, smallest, shrinker.tried, workers[0], narrower)
        finally:
            for worker in workers:
                await worker.close()

    def _trials(self, history: History, groups: int) -> int:
        """Return how many candidates may be tried, so that the requests suffice for all."""
        most = self._run_session.settings.most_requests
        if most is None:
            return MOST_TRIALS
        share = (most - self._run_session.target.requests) // groups
        return max(0, min(MOST_TRIALS, share // cost(history) - 2))

    def _narrowing(self, shrinker: Shrinker) -> int:
        """Return how many histories may be run to narrow a failure: what shrinking left, where requests are limited."""
        if self._run_session.settings.most_requests is None:
            return MOST_NARROWING
        return max(0, min(MOST_NARROWING, shrinker.most - shrinker.tried))

    def _run_with(self, workers: Sequence[Worker]) -> RunAll:
        async def run_all(histories: Sequence[History]) -> list[Findings]:
            findings: list[Findings] = [()] * len(histories)

            async def work(worker: Worker, share: range) -> None:
                for index in share:
                    history = histories[index]
                    identifier = self._identifier(history.profile)
                    findings[index] = await self._executor.run_unrecorded(history, identifier, worker)

            shares = [range(number, len(histories), len(workers)) for number in range(len(workers))]
            await together([work(worker, share) for worker, share in zip(workers, shares, strict=True) if share])
            return findings

        return run_all

    def _identifier(self, profile: Profile) -> str:
        self._last_number += 1
        shard = self._run_session.settings.shard
        return f"{profile.value}-s{'' if shard is None else f'{shard.number}-'}{self._last_number:05d}"

    async def _keep(
        self, key: FailureKey, failure: Failure, smallest: History, tried: int, worker: Worker, narrower: Narrower
    ) -> None:
        """Run the smallest history once more, recorded, and keep it as a counterexample."""
        rule = key[0]
        # A race need not be lost every time.
        for history in (*[smallest] * tries_of(smallest), *[failure.history] * tries_of(failure.history)):
            identifier = self._identifier(history.profile)
            case = Case(history, "smallest history that fails", {}, (rule,))
            trial = await self._executor.play(case, identifier, SHRINKING, worker)
            finding = next((finding for finding in trial.own_findings if finding.failure_key == key), None)
            if finding is not None:
                break
        else:
            reason = self._run_session.redactor.clean(key[1])
            self._observer.note(f"{rule} failed once and could not be made to fail again: {reason}")
            return
        example = self._counterexample(finding, history)
        file = self._file_of(example)
        write_counterexample(self._directory / file, example)
        self._journal.append(
            CounterexampleRecord(
                rule=rule,
                profile=history.profile.value,
                reason=example.reason,
                field=finding.field,
                file=file,
                history=identifier,
                first=failure.identifier,
                steps=len(history.steps),
                tried=tried,
                boundary=await narrower.boundary(history),
            )
        )

    def _counterexample(self, finding: Finding, history: History) -> Counterexample:
        settings = self._run_session.settings
        return Counterexample(
            rule=finding.rule,
            profile=history.profile,
            # What the target responded is part of the reason, and may be anything.
            reason=self._run_session.redactor.clean(finding.reason),
            history=history,
            market=settings.market,
            readings=settings.readings,
            seed=settings.seed,
            target=self._run_session.target.name,
        )

    def _file_of(self, example: Counterexample) -> str:
        """Return the next free name for a counterexample's file, in the run's directory."""
        self._files[example.profile, example.rule] += 1
        shard = self._run_session.settings.shard
        part = "" if shard is None else f"s{shard.number}-"
        return (
            f"{FOLDER}/{example.profile.value}-{example.rule}-{part}{self._files[example.profile, example.rule]}.json"
        )
