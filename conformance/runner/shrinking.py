"""What failed, found again in the evidence, and the smallest history that shows each failure."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from conformance.domain.order import Profile
from conformance.domain.steps import History, Together, history_as_json, history_from_json
from conformance.evidence.consistency import SEQUENTIAL_SUFFIXES
from conformance.evidence.counterexamples import FOLDER, Counterexample, write_counterexample
from conformance.evidence.journal import Evidence, RecordSink
from conformance.judging.judge import FailureKey, Findings
from conformance.runner.executor import CaseExecutor, Observer, together
from conformance.runner.request_budget import cost
from conformance.runner.session import RACES, RunSession
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.shrink import candidates
from conformance.targets.target import Worker

ProfileFailureKey: TypeAlias = tuple[Profile, FailureKey]


@dataclass(frozen=True, slots=True)
class Failure:
    """A history that broke a rule, under the identifier of the attempt that did."""

    identifier: str
    history: History


def failures(evidence: Evidence) -> dict[ProfileFailureKey, Failure]:
    """Return the shortest failing history of each rule and reason, the shortest of them first.

    Of several equally short ones it is the first in the plan, whoever happened to play it first.
    """
    played = {record["id"]: record for record in evidence.of_kind("history")}
    found: dict[ProfileFailureKey, Failure] = {}
    for judgement in evidence.of_kind("judgement"):
        record = played[judgement["history"]]
        if judgement["status"] != "violates" or record["source"] == "shrinking":
            continue
        failure = Failure(record["id"], history_from_json(record["history"]))
        for finding in judgement["findings"]:
            key = (failure.history.profile, (finding["rule"], f"{finding['branch']}: {finding['field']}"))
            if key not in found or _size(failure) < _size(found[key]):
                found[key] = failure
    return dict(sorted(found.items(), key=lambda item: (_size(item[1]), item[0])))


def _tries(history: History) -> int:
    return RACES if any(isinstance(step, Together) for step in history.steps) else 1


def _size(failure: Failure) -> tuple[int, str]:
    return len(failure.history.steps), failure.identifier


class FailureShrinker:
    """Minimises the failures of a run, and keeps the smallest history of each as a counterexample."""

    def __init__(
        self,
        run_session: RunSession,
        ledger: RecordSink,
        directory: Path,
        observer: Observer,
        before: Evidence | None = None,
    ) -> None:
        """Take the place of the run, and what was kept ``before`` it was interrupted."""
        self._run_session = run_session
        self._ledger = ledger
        self._directory = directory
        self._observer = observer
        self._playing = CaseExecutor(run_session, ledger, observer)
        self._played = 0
        self._files: dict[tuple[Profile, str], int] = {}
        for record in before.of_kind("history") if before is not None else ():
            if record["source"] == "shrinking":
                self._played = max(self._played, int(record["id"].rstrip(SEQUENTIAL_SUFFIXES)[-5:]))
        for record in before.of_kind("counterexample") if before is not None else ():
            key = Profile(record["profile"]), record["rule"]
            self._files[key] = self._files.get(key, 0) + 1

    async def shrink_all(self, found: dict[ProfileFailureKey, Failure]) -> None:
        """Minimise every failure."""
        self._observer.phase("minimising", len(found))
        workers = [self._run_session.target.worker() for _ in range(max(1, self._run_session.target.concurrency))]
        minimisers: dict[Profile, Shrinker] = {}
        try:
            for number, ((profile, group), failure) in enumerate(found.items()):
                minimiser = minimisers.setdefault(profile, self._minimiser(workers))
                minimiser.most = self._trials(failure.history, len(found) - number)
                smallest = await minimiser.minimise(failure.history, group)
                await self._keep(group, failure, smallest, minimiser.tried, workers[0])
        finally:
            for worker in workers:
                await worker.close()

    def _trials(self, history: History, groups: int) -> int:
        """Return how many smaller histories may be tried, so that what is left of the requests keeps every failure."""
        most = self._run_session.settings.most_requests
        if most is None:
            return MOST_TRIALS
        share = (most - self._run_session.target.requests) // groups
        return max(0, min(MOST_TRIALS, share // cost(history) - 2))

    def _minimiser(self, workers: Sequence[Worker]) -> Shrinker:
        async def play_all(histories: Sequence[History]) -> list[Findings]:
            found: list[Findings] = [()] * len(histories)

            async def work(worker: Worker, mine: range) -> None:
                for index in mine:
                    history = histories[index]
                    found[index] = await self._playing.run_unrecorded(
                        history, self._identifier(history.profile), worker
                    )

            parts = [range(number, len(histories), len(workers)) for number in range(len(workers))]
            await together([work(worker, mine) for worker, mine in zip(workers, parts, strict=True) if mine])
            return found

        return Shrinker(play_all, len(workers))

    def _identifier(self, profile: Profile) -> str:
        self._played += 1
        shard = self._run_session.settings.shard
        return f"{profile.value}-s{'' if shard is None else f'{shard.number}-'}{self._played:05d}"

    async def _keep(self, group: FailureKey, failure: Failure, smallest: History, tried: int, worker: Worker) -> None:
        # The smallest history is played once more and judged like any other: what is shown is what was recorded. A race
        # need not be lost every time.
        for history in (*[smallest] * _tries(smallest), *[failure.history] * _tries(failure.history)):
            identifier = self._identifier(history.profile)
            one = Case(history, "smallest history that fails", {}, (group[0],))
            trial = await self._playing.play(one, identifier, "shrinking", worker)
            finding = next((finding for finding in trial.own_findings if finding.group == group), None)
            if finding is not None:
                break
        else:
            said = self._run_session.redactor.clean(group[1])
            self._observer.note(f"{group[0]} failed once and could not be made to fail again: {said}")
            return
        settings = self._run_session.settings
        profile = history.profile
        # What the target answered stands in the reason, and may be anything.
        reason = self._run_session.redactor.clean(finding.reason)
        number = self._files[profile, group[0]] = self._files.get((profile, group[0]), 0) + 1
        shard = settings.shard
        part = "" if shard is None else f"s{shard.number}-"
        file = f"{FOLDER}/{profile.value}-{group[0]}-{part}{number}.json"
        example = Counterexample(
            rule=group[0],
            profile=profile,
            reason=reason,
            history=history,
            market=settings.market,
            readings=settings.readings,
            seed=settings.seed,
            target=self._run_session.target.name,
        )
        write_counterexample(self._directory / file, example)
        self._ledger.append(
            "counterexample",
            rule=group[0],
            profile=profile.value,
            reason=reason,
            field=finding.field,
            file=file,
            history=identifier,
            first=failure.identifier,
            steps=len(history.steps),
            tried=tried,
        )


MOST_TRIALS: Final = 400
"""How many candidates are played for one failure before the smallest so far is kept."""

PlayAll = Callable[[Sequence[History]], Awaitable[Sequence[Findings]]]
"""Plays histories, all at once where the target allows it, and returns each one's findings."""


@dataclass(slots=True)
class Shrinker:
    """Shrinks failing histories. What was played once is remembered, because failures of one defect shrink alike."""

    run_all: PlayAll
    batch: int = 1
    played: dict[str, Findings] = field(default_factory=dict)
    tried: int = 0
    most: int = MOST_TRIALS

    async def minimise(self, history: History, group: FailureKey) -> History:
        """Return the smallest history found that fails with this rule and reason."""
        self.tried = 0
        best = history
        while self.tried < self.most:
            smaller = await self._smaller(best, group)
            if smaller is None:
                return best
            best = smaller
        return best

    async def _smaller(self, history: History, group: FailureKey) -> History | None:
        waiting: list[History] = []
        for candidate in candidates(history):
            waiting.append(candidate)
            if len(waiting) == self.batch:
                found = await self._first(waiting, group)
                if found is not None or self.tried >= self.most:
                    return found
                waiting = []
        return await self._first(waiting, group) if waiting else None

    async def _first(self, histories: Sequence[History], group: FailureKey) -> History | None:
        keys = [json.dumps(history_as_json(history)) for history in histories]
        new = [(key, history) for key, history in zip(keys, histories, strict=True) if key not in self.played]
        if new:
            self.tried += len(new)
            results = await self.run_all([history for _, history in new])
            self.played.update(zip((key for key, _ in new), results, strict=True))
        for key, history in zip(keys, histories, strict=True):
            if any(finding.group == group for finding in self.played[key]):
                return history
        return None
