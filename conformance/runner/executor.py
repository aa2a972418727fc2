"""Playing many histories against a target, and writing down what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Coroutine, Mapping, Sequence
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.domain.steps import History, history_as_json
from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES, digest_of
from conformance.evidence.journal import RecordSink
from conformance.judging.judge import Findings
from conformance.runner.session import RunSession, ScheduledCase
from conformance.runner.trial import TrialResult, TrialStatus, run_trial
from conformance.strategies.provider.case import Case
from conformance.targets.target import Worker
from conformance.targets.transport import SPENT, TargetError

UNHEALTHY: Final = 40
"""So many inconclusive histories in a row, after the replays, end the run.

Where nothing at all is answered in order, it is ended long before.
"""


class Observer:
    """Told how a campaign goes on. Does nothing; a progress display overrides what it shows."""

    def phase(self, name: str, total: int) -> None:
        """A phase begins: so many histories are to be played."""

    def played(self, profile: Profile, trial: TrialResult) -> None:
        """A history was played."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class CaseExecutor:
    """Plays histories of one sitting, and writes them into one journal."""

    def __init__(self, run_session: RunSession, ledger: RecordSink, observer: Observer | None = None) -> None:
        self._run_session = run_session
        self._ledger = ledger
        self._observer = observer or Observer()
        self._in_a_row = 0
        self.failed = False
        """Whether some history broke a rule."""

    async def run_all(
        self, histories: Sequence[ScheduledCase], planned: Container[str] = (), workers: int | None = None
    ) -> None:
        """Play histories with as many workers as the target takes. Which ones is written down before the first.

        Those in ``planned`` were written down already, by a run that was interrupted. ``workers`` are fewer where
        somebody else is to be taken into account.

        Raises:
            TargetError: too many of them in a row proved nothing.

        """
        target = self._run_session.target
        waiting = iter(histories)
        new = [one for one in histories if one.identifier not in planned]
        if new or not histories:
            self._ledger.append(
                "plan",
                histories=[one.identifier for one in new],
                digest=digest_of((one.identifier, history_as_json(one.planned.history)) for one in new),
            )

        async def work() -> None:
            worker = target.worker()
            try:
                for one in waiting:
                    await self._run_case(one, worker)
            finally:
                await worker.close()

        await together([work() for _ in range(max(1, min(workers or target.concurrency, len(histories))))])

    async def _run_case(self, numbered: ScheduledCase, worker: Worker) -> None:
        # A target in this process never makes us wait: here is where a signal gets its turn.
        await asyncio.sleep(0)
        one, trial, identifier = numbered.planned, TrialResult(), numbered.identifier
        source = one.source
        attempts = ("", *RETRY_SUFFIXES)
        for attempt in attempts[attempts.index(numbered.attempt) :]:
            identifier = numbered.identifier + attempt
            trial = await self.play(one, identifier, source, worker, last=attempt == RETRY_SUFFIXES[-1])
            if trial.ending is not TrialStatus.INCONCLUSIVE:
                break
        self._observer.played(one.history.profile, trial)
        self.failed = self.failed or trial.ending is TrialStatus.VIOLATES
        missed, cause = trial.missing(one.goals)
        if missed:
            self._ledger.append("missed", history=identifier, rules=missed, cause=self._clean(cause))
        spent = SPENT in trial.cause
        self._in_a_row = self._in_a_row + 1 if trial.ending is TrialStatus.INCONCLUSIVE and not spent else 0
        if self._in_a_row >= UNHEALTHY:
            raise TargetError(
                f"{self._run_session.target.name} is not healthy: {UNHEALTHY} histories in a row proved nothing "
                f"({trial.cause})."
            )

    async def play(self, one: Case, identifier: str, source: str, worker: Worker, *, last: bool = True) -> TrialResult:
        """Play one history and write it down. What is inconclusive counts only in its ``last`` attempt."""
        profile = one.history.profile
        self._ledger.append(
            "history",
            id=identifier,
            profile=profile.value,
            source=source,
            label=one.label,
            cell=dict(one.cell),
            goals=list(one.goals),
            history=history_as_json(one.history),
        )
        exchanges = self._run_session.exchanges(self._ledger, identifier)
        driver = worker.driver(profile, self._run_session.order_id(identifier), exchanges)
        endings = iter(SEQUENTIAL_SUFFIXES)

        async def elsewhere(history: History) -> TrialResult:
            label = f"{one.label}: one after the other" if one.label else "one after the other"
            alone = Case(history, label, one.cell, (), generated=one.generated)
            return await self.play(alone, f"{identifier}{next(endings)}", source, worker, last=last)

        def note(step: int, **judgement: Any) -> None:
            exchanges.step = step + 1
            content = self._cleaned(judgement)
            if content["status"] == "inconclusive" and not last:
                content["superseded"] = True
            self._ledger.append("judgement", history=identifier, step=step, **content)

        return await run_trial(one.history, driver, self._run_session.contexts[profile], note, elsewhere)

    async def run_unrecorded(self, history: History, identifier: str, worker: Worker) -> Findings:
        """Play a history without writing it down."""
        await asyncio.sleep(0)
        return (await self._unwritten(history, identifier, worker)).own_findings

    async def _unwritten(self, history: History, identifier: str, worker: Worker) -> TrialResult:
        profile = history.profile
        driver = worker.driver(profile, self._run_session.order_id(identifier), _ignored)
        endings = iter(SEQUENTIAL_SUFFIXES)

        async def elsewhere(alone: History) -> TrialResult:
            return await self._unwritten(alone, f"{identifier}{next(endings)}", worker)

        return await run_trial(history, driver, self._run_session.contexts[profile], _ignored, elsewhere)

    def _clean(self, text: str) -> str:
        return self._run_session.redactor.clean(text)

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._clean(value)
        if isinstance(value, Mapping):
            return {name: self._cleaned(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleaned(one) for one in value]
        return value


async def together(tasks: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run tasks side by side; the first one's trouble is everybody's end."""
    if len(tasks) == 1:
        await tasks[0]
        return
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _ignored(*_: object, **__: object) -> None:
    return
