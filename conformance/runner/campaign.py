"""A campaign: which histories are played against a target, in what order, and what becomes of those that fail.

The systematic set comes first, then histories that Hypothesis draws from the seed before the first one is played. All
of them are played by as many workers as the target takes; failures are grouped by rule and reason, and one of each
group is shrunk. Everything is written into the journal as it happens, and the result is read back from there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from conformance.evidence.journal import Evidence, Journal, RecordSink
from conformance.evidence.record_parts import FuzzSettingsRecord
from conformance.evidence.recorder import record_manual_step
from conformance.results.result import Result
from conformance.runner.confirmation import confirm_failures
from conformance.runner.example_database import ExampleExchange
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.recorded_run import RecordedRun
from conformance.runner.request_budget import RequestBudget, longest_wait
from conformance.runner.schedule import Schedule, ScheduledCase
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import BUDGETS, Settings
from conformance.runner.shrinking import Failure, FailureShrinker, ProfileFailureKey, failures
from conformance.targets.target import Target

__all__ = ["BUDGETS", "Campaign", "Observer", "Settings"]


AT_A_TIME: Final = 4
"""So many histories for each worker are planned at a time where requests are counted."""


class Phase(Protocol):
    """Something that a run does after its histories, such as fuzzing."""

    @property
    def name(self) -> str:
        """What the phase is called while it runs."""

    def as_record(self) -> FuzzSettingsRecord:
        """Return what a run needs to know to be resumed."""

    async def run(self, run_session: RunSession, journal: RecordSink, before: Evidence | None) -> None:
        """Run the phase. What a run had done ``before`` it was interrupted is kept."""


class Campaign:
    """One run against one target, from the first request to the last record.

    ``before`` is what the run had recorded before it was interrupted, and ``planned`` the histories that stand in its
    plan already: of a run that begins, nothing.
    """

    before: Evidence | None = None
    planned: frozenset[str] = frozenset()

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        observer: Observer | None = None,
        fuzz: Phase | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Open the journal of a run, where it is not open already, and notify ``observer`` of its progress.

        Raises:
            JournalError: the journal cannot be written.

        """
        self._journal = journal or Journal(directory)
        self._directory = directory
        self._observer = observer or Observer()
        self._fuzz = fuzz
        if fuzz is not None:
            settings = replace(settings, fuzz=fuzz.as_record())
        self._operator = target.operator
        if self._operator is not None:
            settings = replace(settings, operator=True)
            self._operator.record = partial(record_manual_step, self._journal)
        if settings.most_requests is not None:
            target.spend_at_most(settings.most_requests)
        self._settings = settings
        self._target = target
        target.throttle.show = self._observer.note
        self._run_session = RunSession(target, settings)
        self._run = RecordedRun(self._journal, self._run_session.redactor.clean)
        self._schedule = Schedule(self._run_session)
        self._examples = ExampleExchange(settings.examples, "provider", settings.market.value)

    async def run(self) -> Result:
        """Run everything; return the result as the journal gives it.

        Every ending leaves a readable journal.
        """
        with self._run.recording():
            async with self._run_session:
                await self.start()
                try:
                    await self._run_histories()
                finally:
                    if self._examples.is_enabled:
                        self._examples.give_back(self._run.evidence, self._journal, self._observer)
                if self._fuzz is not None:
                    # Last, because of what schemathesis does to Hypothesis while it draws.
                    self._observer.note(self._fuzz.name)
                    await self._fuzz.run(self._run_session, self._journal, self.before)
        return self._run.result()

    async def start(self) -> None:
        """Reach the target, and record what it offers.

        Raises:
            TargetError: it cannot be tested.

        """
        await start_journal(self._run_session, self._journal, self._run.started)
        self._schedule.record_whole(self._journal)

    def cases(self) -> list[ScheduledCase]:
        """Return the cases to run: first the shared examples, then the plan."""
        return [*self.shared_examples(), *self._schedule.all()]

    def shared_examples(self) -> list[ScheduledCase]:
        """Return the examples that other runs found and that can be run here."""
        stored = {profile: self._examples.read(profile) for profile in self._run_session.contexts}
        examples = self._schedule.examples(stored)
        names = (scheduled.identifier for scheduled in examples.cases)
        named = zip(names, examples.stored, strict=True)
        self._examples.record_tried(self._journal, self._observer, named, examples.unusable)
        return examples.cases

    def failures(self) -> dict[ProfileFailureKey, Failure]:
        """Return the failures that are to be shrunk."""
        return failures(self._run.evidence.records)

    async def _run_histories(self) -> None:
        """Run the cases, and shrink what fails."""
        cases = self.cases()
        executor = CaseExecutor(self._run_session, self._journal, self._observer)
        manual = [scheduled for scheduled in cases if self._schedule.is_manual(scheduled)]
        if manual:
            self._observer.note(f"A person is needed for {len(manual)} histories; they come first.")
            await executor.run_all(manual, self.planned, workers=1)
            cases = [scheduled for scheduled in cases if not self._schedule.is_manual(scheduled)]
        self._observer.phase("histories", len(cases))
        if self._settings.most_requests is None:
            if not self._target.private:
                # While they wait, the others run.
                cases.sort(key=lambda scheduled: -longest_wait(scheduled.case.history))
            await executor.run_all(cases, self.planned)
        else:
            await self._run_within_budget(executor, cases, self._settings.most_requests)
        steady = await confirm_failures(
            self._run_session, self._journal, lambda: self._run.evidence.records, self._observer
        )
        if self._operator is not None:
            # A failure is not made smaller with a person's help.
            self._operator.resting = True
        failed = {key: failure for key, failure in self.failures().items() if key in steady}
        if failed:
            shrinker = FailureShrinker(self._run_session, self._journal, self._directory, self._observer, self.before)
            await shrinker.shrink_all(failed)

    async def _run_within_budget(self, executor: CaseExecutor, cases: list[ScheduledCase], most: int) -> None:
        """Run as many cases as ``most`` requests buy, and record how many that were."""
        # What was begun by a run that was interrupted is brought to its end, whatever it takes.
        begun = [scheduled for scheduled in cases if scheduled.identifier in self.planned]
        waiting = [scheduled for scheduled in cases if scheduled.identifier not in self.planned]
        await executor.run_all(begun, self.planned)
        target, budget, done = self._target, RequestBudget(most), 0
        while done < len(waiting):
            sent = target.requests
            number = budget.affordable(waiting[done:], sent, AT_A_TIME * target.throttle.limit, failed=executor.failed)
            if not number:
                break
            batch = waiting[done : done + number]
            await executor.run_all(batch)
            budget.paid(batch, target.requests - sent)
            done += number
        self._journal.append(budget.bought(target.requests, [*begun, *waiting[:done]], waiting[done:]))
