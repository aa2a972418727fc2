"""What failed, found again in the evidence, and the smallest history that shows each failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from conformance.budgeting import cost
from conformance.counterexamples import FOLDER, Counterexample, write_counterexample
from conformance.journal import Evidence
from conformance.minimise import MOST_TRIALS, Findings, Group, Minimiser
from conformance.order import Profile
from conformance.playing import Observer, Playing, together
from conformance.sitting import RACES, Ledger, Sitting
from conformance.soundness import ALONE
from conformance.steps import History, Together, history_from_json
from conformance.targets.seat import Worker
from strategies.plan import Planned

Key: TypeAlias = tuple[Profile, Group]


@dataclass(frozen=True, slots=True)
class Failure:
    """A history that broke a rule, under the identifier of the attempt that did."""

    identifier: str
    history: History


def failures(evidence: Evidence) -> dict[Key, Failure]:
    """Return the shortest failing history of each rule and reason, the shortest of them first.

    Of several equally short ones it is the first in the plan, whoever happened to play it first.
    """
    played = {record["id"]: record for record in evidence.of_kind("history")}
    found: dict[Key, Failure] = {}
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


class Reduction:
    """Minimises the failures of a run, and keeps the smallest history of each as a counterexample."""

    def __init__(
        self, sitting: Sitting, ledger: Ledger, directory: Path, observer: Observer, before: Evidence | None = None
    ) -> None:
        """Take the place of the run, and what was kept ``before`` it was interrupted."""
        self._sitting = sitting
        self._ledger = ledger
        self._directory = directory
        self._observer = observer
        self._playing = Playing(sitting, ledger, observer)
        self._played = 0
        self._files: dict[tuple[Profile, str], int] = {}
        for record in before.of_kind("history") if before is not None else ():
            if record["source"] == "shrinking":
                self._played = max(self._played, int(record["id"].rstrip(ALONE)[-5:]))
        for record in before.of_kind("counterexample") if before is not None else ():
            key = Profile(record["profile"]), record["rule"]
            self._files[key] = self._files.get(key, 0) + 1

    async def keep_smallest(self, found: dict[Key, Failure]) -> None:
        """Minimise every failure."""
        self._observer.phase("minimising", len(found))
        workers = [self._sitting.seat.worker() for _ in range(max(1, self._sitting.seat.concurrency))]
        minimisers: dict[Profile, Minimiser] = {}
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
        most = self._sitting.settings.most_requests
        if most is None:
            return MOST_TRIALS
        share = (most - self._sitting.seat.requests) // groups
        return max(0, min(MOST_TRIALS, share // cost(history) - 2))

    def _minimiser(self, workers: Sequence[Worker]) -> Minimiser:
        async def play_all(histories: Sequence[History]) -> list[Findings]:
            found: list[Findings] = [()] * len(histories)

            async def work(worker: Worker, mine: range) -> None:
                for index in mine:
                    history = histories[index]
                    found[index] = await self._playing.quietly(history, self._identifier(history.profile), worker)

            parts = [range(number, len(histories), len(workers)) for number in range(len(workers))]
            await together([work(worker, mine) for worker, mine in zip(workers, parts, strict=True) if mine])
            return found

        return Minimiser(play_all, len(workers))

    def _identifier(self, profile: Profile) -> str:
        self._played += 1
        shard = self._sitting.settings.shard
        return f"{profile.value}-s{'' if shard is None else f'{shard.number}-'}{self._played:05d}"

    async def _keep(self, group: Group, failure: Failure, smallest: History, tried: int, worker: Worker) -> None:
        # The smallest history is played once more and judged like any other: what is shown is what was recorded. A race
        # need not be lost every time.
        for history in (*[smallest] * _tries(smallest), *[failure.history] * _tries(failure.history)):
            identifier = self._identifier(history.profile)
            one = Planned(history, "smallest history that fails", {}, (group[0],))
            trial = await self._playing.play(one, identifier, "shrinking", worker)
            finding = next((finding for finding in trial.own_findings if finding.group == group), None)
            if finding is not None:
                break
        else:
            said = self._sitting.redactor.clean(group[1])
            self._observer.note(f"{group[0]} failed once and could not be made to fail again: {said}")
            return
        settings = self._sitting.settings
        profile = history.profile
        # What the target answered stands in the reason, and may be anything.
        reason = self._sitting.redactor.clean(finding.reason)
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
            target=self._sitting.seat.name,
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
