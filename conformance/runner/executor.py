"""Running many cases against a target, and recording what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Coroutine, Sequence
from typing import Any, Final

import msgspec

from conformance.domain.expectation import Expectation, Observation
from conformance.domain.order import Profile
from conformance.domain.steps import History, Read, history_as_json
from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES
from conformance.evidence.journal import RecordSink
from conformance.evidence.record_parts import CellRecord
from conformance.evidence.records import HistoryRecord, JudgementRecord, MissedRecord, PlanRecord
from conformance.judging.judge import Findings, Judgement, StepStatus
from conformance.runner.bystander import Bystander
from conformance.runner.schedule import ScheduledCase, digest_of_cases
from conformance.runner.session import RunSession
from conformance.runner.trial import TrialResult, TrialStatus, Wait, observation_in_words, run_trial
from conformance.strategies.provider.case import Case
from conformance.targets.target import Worker
from conformance.targets.transport import SPENT, TargetError

UNHEALTHY: Final = 40
"""So many inconclusive histories in a row, after the replays, end the run.

Where nothing at all is answered in order, it is ended long before.
"""


class Observer:
    """Is notified of a run's progress; a display overrides what it shows."""

    def phase(self, name: str, total: int) -> None:
        """A phase begins: so many histories are to be run."""

    def played(self, profile: Profile, trial: TrialResult) -> None:
        """A history was run."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class CaseExecutor:
    """Runs the cases of one session, and records them in one journal."""

    def __init__(self, run_session: RunSession, journal: RecordSink, observer: Observer | None = None) -> None:
        self._run_session = run_session
        self._journal = journal
        self._observer = observer or Observer()
        self._inconclusive_in_a_row = 0
        self.failed = False
        """Whether some history broke a rule."""

    async def run_all(
        self, cases: Sequence[ScheduledCase], planned: Container[str] = (), workers: int | None = None
    ) -> None:
        """Run cases with as many workers as the target takes at the moment.

        Which ones is recorded before the first. Those in ``planned`` were recorded already, by a run that was
        interrupted. ``workers`` are fewer where somebody else is to be taken into account.

        Raises:
            TargetError: too many of them in a row were inconclusive.

        """
        target = self._run_session.target
        waiting = iter(cases)
        new = [scheduled for scheduled in cases if scheduled.identifier not in planned]
        if new or not cases:
            self._journal.append(plan_of(new))

        async def work() -> None:
            worker = target.worker()
            bystanders: list[Bystander] = []
            try:
                while True:
                    async with target.throttle:
                        scheduled = next(waiting, None)
                        if scheduled is None:
                            break
                        if isinstance(scheduled.case.history.all_steps[-1], Read):
                            bystanders.append(Bystander())
                            await bystanders[-1].begin(self.run_case(scheduled, worker, bystanders[-1].wait))
                        else:
                            await self.run_case(scheduled, worker)
                for bystander in bystanders:
                    async with target.throttle:
                        await bystander.end()
            finally:
                for bystander in bystanders:
                    await bystander.abandon()
                await worker.close()

        await together([work() for _ in range(max(1, min(workers or target.concurrency, len(cases))))])

    async def run_case(self, scheduled: ScheduledCase, worker: Worker, wait: Wait | None = None) -> None:
        """Run a case, and again where it was inconclusive. ``wait`` is as in `run_trial`.

        Raises:
            TargetError: too many cases in a row were inconclusive.

        """
        # A target in this process never makes us wait: here is where a signal gets its turn.
        await asyncio.sleep(0)
        case, trial, identifier = scheduled.case, TrialResult(), scheduled.identifier
        attempts = ("", *RETRY_SUFFIXES)
        for attempt in attempts[attempts.index(scheduled.attempt) :]:
            identifier = scheduled.identifier + attempt
            trial = await self.play(
                case, identifier, case.source, worker, last=attempt == RETRY_SUFFIXES[-1], wait=wait
            )
            if trial.ending is not TrialStatus.INCONCLUSIVE:
                break
        self._observer.played(case.history.profile, trial)
        self.failed = self.failed or bool(trial.findings)
        missed, cause = trial.missing(case.goals)
        if missed:
            cause = self._run_session.redactor.clean(cause)
            self._journal.append(MissedRecord(history=identifier, rules=tuple(missed), cause=cause))
        self._check_health(trial)

    def _check_health(self, trial: TrialResult) -> None:
        inconclusive = trial.ending is TrialStatus.INCONCLUSIVE and SPENT not in trial.cause
        self._inconclusive_in_a_row = self._inconclusive_in_a_row + 1 if inconclusive else 0
        if self._inconclusive_in_a_row >= UNHEALTHY:
            # Of a history that ended with its first step, no order came into being.
            why = "no order could be made any more" if trial.steps == 1 else trial.cause
            raise TargetError(
                f"{self._run_session.target.name} is not healthy: {UNHEALTHY} histories in a row proved nothing "
                f"({why})."
            )

    async def play(
        self,
        case: Case,
        identifier: str,
        source: str,
        worker: Worker,
        *,
        last: bool = True,
        wait: Wait | None = None,
    ) -> TrialResult:
        """Run one history and record it.

        What is inconclusive counts only in its ``last`` attempt. ``wait`` is as in `run_trial`.
        """
        profile = case.history.profile
        self._journal.append(history_record(case, identifier, source))
        exchanges = self._run_session.exchanges(self._journal, identifier)
        driver = worker.driver(profile, self._run_session.order_id(identifier), exchanges)
        endings = iter(SEQUENTIAL_SUFFIXES)

        async def elsewhere(history: History) -> TrialResult:
            label = f"{case.label}: one after the other" if case.label else "one after the other"
            alone = Case(history, label, case.cell, (), generated=case.generated)
            return await self.play(alone, f"{identifier}{next(endings)}", source, worker, last=last)

        def note(
            step: int,
            do: str,
            observed: Observation,
            judgement: Judgement,
            expectation: Expectation,
            *,
            superseded: bool = False,
        ) -> None:
            exchanges.step = step + 1
            response = observation_in_words(observed)
            record = judgement.as_record(
                expectation, history=identifier, step=step, do=do, response=response, observed=observed
            )
            if superseded or (judgement.status is StepStatus.INCONCLUSIVE and not last):
                record = msgspec.structs.replace(record, superseded=True)
            self._journal.append(self._cleaned(record))

        return await run_trial(case.history, driver, self._run_session.contexts[profile], note, elsewhere, wait)

    async def run_unrecorded(self, history: History, identifier: str, worker: Worker) -> Findings:
        """Run a history without recording it; return what it broke itself."""
        await asyncio.sleep(0)
        return (await self._run_quietly(history, identifier, worker)).own_findings

    async def _run_quietly(self, history: History, identifier: str, worker: Worker) -> TrialResult:
        profile = history.profile
        driver = worker.driver(profile, self._run_session.order_id(identifier), _ignore)
        endings = iter(SEQUENTIAL_SUFFIXES)

        async def elsewhere(alone: History) -> TrialResult:
            return await self._run_quietly(alone, f"{identifier}{next(endings)}", worker)

        return await run_trial(history, driver, self._run_session.contexts[profile], _ignore, elsewhere)

    def _cleaned(self, record: JudgementRecord) -> JudgementRecord:
        return self._run_session.redactor.clean_record(record)


def plan_of(cases: Sequence[ScheduledCase]) -> PlanRecord:
    """Return the record that says that cases are about to be run."""
    return PlanRecord(histories=tuple(scheduled.identifier for scheduled in cases), digest=digest_of_cases(cases))


def history_record(case: Case, identifier: str, source: str) -> HistoryRecord:
    """Return the record that says that a history begins."""
    return HistoryRecord(
        id=identifier,
        profile=case.history.profile.value,
        source=source,
        label=case.label,
        cell=CellRecord(**case.cell),
        goals=tuple(case.goals),
        history=history_as_json(case.history),
    )


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


def _ignore(*_: object, **__: object) -> None:
    return
