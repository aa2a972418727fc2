"""A run in blocks of cases, each run and recorded on its own, and joined into one journal.

Every process of a run probes the target and comes to the same plan. Whoever runs a block records it in a part of its
own; at the end one process joins the parts into the journal, in the order of the plan, and shrinks what failed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, TypeVar

from conformance.domain.order import Profile
from conformance.evidence.journal import Journal, RecordSink, read_part
from conformance.evidence.record_parts import Record
from conformance.evidence.records import (
    AgreedRecord,
    CapabilitiesRecord,
    HistoryRecord,
    JudgementRecord,
    PlanRecord,
    SmokeRecord,
    StoppedRecord,
    history_id_of,
)
from conformance.evidence.recurrence import failure_groups
from conformance.results.audit import audit
from conformance.results.result import Result
from conformance.rulebook import RuleStatus, load
from conformance.runner.confirmation import confirm_failures
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.recorded_run import RecordedRun, RunEnd, run_end_after
from conformance.runner.schedule import Schedule, ScheduledCase, digest_of_cases
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import Settings
from conformance.runner.shrinking import FailureShrinker, failures
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.targets.target import Target

BLOCK: Final = 25
"""Cases in a block."""
PARTS: Final = "parts"
"""The folder that holds a run's parts until they are joined."""
_ONCE: Final = (CapabilitiesRecord, SmokeRecord)
"""What every process learns of the target, and the journal records once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Block:
    """Cases that follow each other in the plan; ``place`` is the block's own, from 1."""

    name: str
    place: int
    cases: tuple[ScheduledCase, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a history broke."""

    history: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What running a block showed. ``violations`` are those that no waiver covers."""

    histories: int
    inconclusive: int
    violations: tuple[Violation, ...]


class BlockJournal(Journal):
    """A part: the journal of one block, or of a process before its first block."""

    def __init__(self, directory: Path, name: str) -> None:
        super().__init__(directory / PARTS, f"{name}.jsonl", keep=False)
        self.played: list[Record] = []
        """The histories and the judgements."""

    def append(self, record: Record) -> None:
        """Write one record."""
        super().append(record)
        if isinstance(record, HistoryRecord | JudgementRecord):
            self.played.append(record)

    def violations(self) -> Iterator[Violation]:
        """Iterate over what was violated in more than one history."""
        for group in failure_groups(self.played).values():
            for sighting in group.sightings.values() if group.recurs else ():
                yield Violation(sighting.judgement.history, sighting.finding.rule, sighting.finding.reason)


class BlockRunner:
    """One process of a run.

    What it does at the target happens in one event loop, from opening to closing.
    """

    def __init__(self, target: Target, settings: Settings, directory: Path) -> None:
        self.run_session = RunSession(target, settings)
        self.schedule = Schedule(self.run_session)
        self.directory = directory
        self._loop = asyncio.Runner()
        self._blocks: list[Block] | None = None
        self._outcomes: dict[str, BlockOutcome] = {}

    def wait(self, task: Coroutine[Any, Any, T]) -> T:
        """Do something at the target; return when it is done."""
        return self._loop.run(task)

    def look(self, journal: RecordSink) -> None:
        """Reach the target and probe every profile.

        Raises:
            TargetError: the target cannot be tested.

        """

        async def looking() -> None:
            for profile in await self.run_session.open(journal):
                await self.run_session.look(profile, journal)

        self.wait(looking())

    def join_in(self, name: str) -> None:
        """Probe the target as one of several processes, and record the digest of the plan.

        Where that cannot be done there is no plan, and the reason is recorded for whoever ends the run.
        """
        part = BlockJournal(self.directory, f"0000-{name}")
        try:
            self.look(part)
            digest = digest_of_cases(scheduled for block in self.blocks() for scheduled in block.cases)
            part.append(AgreedRecord(digest=digest))
        except Exception as error:
            self._blocks = []
            self._record_stop(part, error)
        finally:
            part.close()

    def blocks(self) -> list[Block]:
        """Return the plan in blocks. The profiles take turns, as they do in a campaign."""
        if self._blocks is None:
            self._blocks = blocks_of(self.schedule, self.run_session.contexts)
        return self._blocks

    def play(self, block: Block) -> BlockOutcome:
        """Run a block and record it in its part, once however often it is asked for.

        Raises:
            TargetError: the target is not healthy.

        """
        if block.name not in self._outcomes:
            part = BlockJournal(self.directory, f"{block.place:04d}-{block.name}")
            counter = _InconclusiveCounter()
            try:
                self.wait(CaseExecutor(self.run_session, part, counter).run_all(block.cases))
                self.wait(confirm_failures(self.run_session, part, lambda: part.played, Observer()))
            except Exception as error:
                self._record_stop(part, error)
                raise
            finally:
                part.close()
            violations = tuple(violation for violation in part.violations() if self._counts(violation.rule))
            self._outcomes[block.name] = BlockOutcome(len(block.cases), counter.inconclusive, violations)
        return self._outcomes[block.name]

    def close(self) -> None:
        """Leave the target."""
        try:
            self.wait(self.run_session.target.close())
        finally:
            self._loop.close()

    def _counts(self, rule: str) -> bool:
        waived = {waiver.rule for waiver in self.run_session.settings.waivers}
        return rule not in waived and load().rule(rule).status is not RuleStatus.EXCLUDED

    def _record_stop(self, part: BlockJournal, error: Exception) -> None:
        end = run_end_after(error)
        part.append(StoppedRecord(ended=end.ended, message=self.run_session.redactor.clean(end.message)))


class BlockRun:
    """A run whose cases are run in blocks: its beginning and its end."""

    def __init__(self, runner: BlockRunner) -> None:
        self._runner = runner
        self._run = RecordedRun(Journal(runner.directory), runner.run_session.redactor.clean)
        self.observer = _Notes()

    def begin(self) -> None:
        """Reach the target, and open the journal with what it offers.

        Raises:
            TargetError: the target cannot be tested.

        """
        self._runner.wait(start_journal(self._runner.run_session, self._run.journal, self._run.started))
        self._runner.schedule.record_whole(self._run.journal)

    def end(self, end: RunEnd, write_reports: Callable[[Path], Result], reported: int = 0) -> Result:
        """Join the parts, shrink what failed, end the journal; return what is reported.

        ``write_reports`` reports the run whose journal is in a directory. ``reported`` is how many histories pytest
        reported: so many must be in the parts.
        """
        joined = self._join(reported)
        # Who could not go on says why; that the session was stopped for it says less.
        end = end if joined.complete else joined
        try:
            if end.complete:
                end = self._shrink()
            self._runner.close()
        finally:
            self._run.finish(end)
        result = write_reports(self._runner.directory)
        shutil.rmtree(self._runner.directory / PARTS, ignore_errors=True)
        return result

    def _join(self, reported: int) -> RunEnd:
        """Write the parts into the journal; return how their processes ended."""
        end = RunEnd()
        plans: set[str] = set()
        planned = 0
        for record in _part_records(self._runner.directory):
            if isinstance(record, StoppedRecord):
                end = RunEnd(record.ended, record.message)
            elif isinstance(record, AgreedRecord):
                plans.add(record.digest)
            elif not isinstance(record, _ONCE):
                planned += len(record.histories) if isinstance(record, PlanRecord) else 0
                self._run.journal.append(record)
        if len(plans) > 1 and end.complete:
            name = self._runner.run_session.target.name
            return RunEnd(
                "environment", f"{name} did not offer the same to every worker: what was played is no one run."
            )
        if planned < reported and end.complete:
            return RunEnd("harness", f"{reported} histories were played, and the evidence has {planned} of them.")
        return end

    def _shrink(self) -> RunEnd:
        runner = self._runner
        try:
            journal, run = self._run.journal, self._run
            confirming = confirm_failures(runner.run_session, journal, lambda: run.evidence.records, self.observer)
            steady = runner.wait(confirming)
            failed = {key: failure for key, failure in failures(run.evidence.records).items() if key in steady}
            if failed:
                shrinker = FailureShrinker(runner.run_session, journal, runner.directory, self.observer)
                runner.wait(shrinker.shrink_all(failed))
            audit(self._run.evidence)
        except (Exception, KeyboardInterrupt) as error:
            return run_end_after(error)
        return RunEnd()


class _InconclusiveCounter(Observer):
    def __init__(self) -> None:
        self.inconclusive = 0

    def played(self, profile: Profile, trial: TrialResult) -> None:
        """Count what was inconclusive."""
        self.inconclusive += trial.ending is TrialStatus.INCONCLUSIVE


class _Notes(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep the line for the summary."""
        self.notes.append(text)


def join_parts(directory: Path) -> None:
    """Write the parts of an interrupted run into its journal.

    One process can resume it then. What the journal has already is not written twice, should this itself have been
    interrupted.

    Raises:
        JournalError: there is no journal.

    """
    if not (directory / PARTS).is_dir():
        return
    journal, evidence, _ = Journal.continued(directory)
    recorded = {record.id for record in evidence.of(HistoryRecord)}
    planned = {name for record in evidence.of(PlanRecord) for name in record.histories}
    try:
        for record in _part_records(directory):
            history = history_id_of(record)
            if isinstance(record, PlanRecord):
                new = planned.isdisjoint(record.histories)
            else:
                new = bool(history) and history not in recorded
            if new:
                journal.append(record)
    finally:
        journal.close()
    shutil.rmtree(directory / PARTS, ignore_errors=True)


def blocks_of(schedule: Schedule, profiles: Iterable[Profile]) -> list[Block]:
    """Return the plan of these profiles in blocks. The profiles take turns, as they do in a campaign."""
    plans = [_cut(profile, schedule.of(profile)) for profile in profiles]
    turns = [block for turn in zip_longest(*plans) for block in turn if block is not None]
    return [Block(name, place, cases) for place, (name, cases) in enumerate(turns, 1)]


def _cut(profile: Profile, plan: list[ScheduledCase]) -> list[tuple[str, tuple[ScheduledCase, ...]]]:
    """Cut a plan into named blocks, the systematic cases apart from the generated."""
    blocks: list[tuple[str, tuple[ScheduledCase, ...]]] = []
    for source, generated in (("systematic", False), ("generated", True)):
        cases = [scheduled for scheduled in plan if scheduled.case.generated is generated]
        for number, start in enumerate(range(0, len(cases), BLOCK), 1):
            blocks.append((f"{profile.value}-{source}-{number:02d}", tuple(cases[start : start + BLOCK])))
    return blocks


def _part_records(directory: Path) -> Iterator[Record]:
    """Iterate over the records in a run's parts, as planned."""
    for path in sorted((directory / PARTS).glob("*.jsonl")):
        yield from read_part(path)
