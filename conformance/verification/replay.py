"""Replays a run against its own recorded exchanges and compares every record.

Everything is computed again: how the target is reached and probed, the requests of the steps, the observations of the
responses, the judgements. Nothing of what the run concluded is taken for true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.domain.steps import history_from_json
from conformance.evidence.consistency import PLANNED, RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES
from conformance.evidence.journal import Evidence, JournalError, is_merchant_run, record_as_json, unwritten
from conformance.evidence.records import (
    CapabilitiesRecord,
    CounterexampleRecord,
    ExchangeRecord,
    HistoryRecord,
    JudgementRecord,
    MissedRecord,
    ResumedRecord,
    SmokeRecord,
    cell_of,
    history_id_of,
)
from conformance.evidence.recurrence import CONFIRMATION
from conformance.fuzzing.recheck import ON_TRUST, recheck
from conformance.results.audit import recompute_judgements
from conformance.results.partial_runs import AGE
from conformance.runner.executor import CaseExecutor
from conformance.runner.resume import InterruptedRun, is_interruption
from conformance.runner.session import RunSession
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.strategies.provider.case import Case
from conformance.targets.transport import TargetError
from conformance.verification.recorded_target import RecordedSession
from conformance.verification.tape import (
    PROBE,
    ClosedError,
    CutOffError,
    PlaybackError,
    RecordedProbe,
    RemovedError,
    RunRecording,
)

_UNREADABLE: Final = (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError, IndexError)
SECRET: Final = "a secret stood where it mattered, and was not written down"
WITHOUT_EXCHANGES: Final = (
    "the target was called without HTTP, so there are no exchanges: the judgements follow from what is said to have "
    "been observed, and that it was observed is taken on trust"
)


PLANTED: Final = (
    "the orders were planted by earlier runs, whose requests are not in this journal: the judgements follow from what "
    "is said to have been observed, and that it was observed is taken on trust"
)
BOOKS: Final = (
    "a merchant was tested: the judgements follow from its requests, from what it said, and from the books that the "
    "provider kept beside it; those books, and which order a request was about, are taken as they were recorded"
)


@dataclass
class ReplayReport:
    """The result of a replay.

    Attributes:
        faults: what does not follow from the exchanges, a sentence each.
        unverified: what cannot be replayed, each with the reason.
        histories: how many histories the run has.
        exchanges: how many exchanges.
        judgements: how many judgements.
        fuzzed: how many fuzzed requests were judged again.
        session: the replayed session, which has what the target offers; None where it was not reached.

    """

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    histories: int = 0
    exchanges: int = 0
    judgements: int = 0
    fuzzed: int = 0
    session: RunSession | None = None


def replay_run(evidence: Evidence) -> ReplayReport:
    """Recompute every judgement of a run from its exchanges, and compare.

    The evidence must be of one run (see ``conformance.evidence.consistency``).
    """
    report = ReplayReport(
        histories=sum(1 for _ in evidence.of(HistoryRecord)),
        exchanges=sum(1 for _ in evidence.of(ExchangeRecord)),
        judgements=sum(1 for _ in evidence.of(JudgementRecord)),
    )
    run = evidence.run
    _recheck_fuzzed(evidence, report)
    if is_merchant_run(run):
        report.unverified.append(BOOKS)
        _recompute(evidence, report)
    elif not run.target.wire:
        report.unverified.append(WITHOUT_EXCHANGES)
        _recompute(evidence, report)
    else:
        asyncio.run(_Replay(evidence, report).run())
        _recompute(evidence, report)
        if run.focus == AGE and report.histories:
            report.unverified.append(PLANTED)
    return report


def _recompute(evidence: Evidence, report: ReplayReport) -> None:
    try:
        recompute_judgements(evidence)
    except JournalError as error:
        report.faults.append(str(error))


def _recheck_fuzzed(evidence: Evidence, report: ReplayReport) -> None:
    result = recheck(evidence)
    report.fuzzed = result.judged
    report.faults.extend(result.faults)
    if result.judged:
        report.unverified.append(ON_TRUST)
    if result.hidden:
        report.unverified.append(f"{result.hidden} fuzzed requests: {SECRET}")


class _ReplayExecutor(CaseExecutor):
    """Executes cases whose records have no secrets any more."""

    def _cleaned(self, record: JudgementRecord) -> JudgementRecord:
        return record


class _Replay:
    def __init__(self, evidence: Evidence, report: ReplayReport) -> None:
        self._evidence = evidence
        self._report = report
        self._complete = evidence.ended == "complete"
        self._recording = RunRecording(evidence)
        self._histories = {record.id: record for record in evidence.of(HistoryRecord)}
        self._trials: dict[str, TrialResult] = {}
        self._recorded_missed: dict[str, list[MissedRecord]] = {}
        for record in evidence.of(MissedRecord):
            self._recorded_missed.setdefault(record.history, []).append(record)

    async def run(self) -> None:
        try:
            self._run_session = RecordedSession(self._recording)
        except _UNREADABLE as error:
            self._report.faults.append(f"the first record does not say how the run was made: {error!r}")
            return
        await self._replay_probes()
        if not self._run_session.opened:
            # No history can be replayed before the target is reached.
            if self._histories and not self._report.faults:
                self._report.faults.append(
                    "histories were played, and how the target was reached cannot be gone through"
                )
            return
        self._report.session = self._run_session
        self._executor = _ReplayExecutor(self._run_session, self._recording)
        # Planted orders were created by other runs.
        planted = self._recording.run.focus == AGE
        for name, record in self._histories.items():
            base = name.rstrip(RETRY_SUFFIXES)
            if record.source in PLANNED and name != base:
                continue
            if name[-1] not in SEQUENTIAL_SUFFIXES and not planted:
                await self._guarded(name, self._replay_with_retries(name, record))
        self._compare_counterexamples()

    async def _guarded(self, name: str, work: Coroutine[Any, Any, None], *, cut: bool = False) -> None:
        """Do a part of the work; note what does not follow or cannot be replayed.

        It may have been ``cut`` off.
        """
        where = name or "what came before the first history"
        try:
            await work
        except PlaybackError as error:
            self._report.faults.append(str(error))
        except RemovedError:
            self._report.unverified.append(f"{where}: {SECRET}")
        except CutOffError:
            if self._complete and not cut:
                self._report.faults.append(f"{where} is not there to its end, and the run is said to be complete")
        except TargetError as error:
            if self._complete and not cut:
                self._report.faults.append(f"{where}: the run is complete, and its target could not be tested: {error}")
        except _UNREADABLE as error:
            self._report.faults.append(f"{where}: a record is not as it should be: {error!r}")

    async def _replay_probes(self) -> None:
        """Replay every probe of the target: each process of a run makes one."""
        probes = self._recording.probes
        first = 0
        for number, probe in enumerate(probes):
            # A probe that was interrupted is made again when the run is resumed.
            followed = number + 1 < len(probes) and (probes[number + 1].again or self._recording.merged)
            records = await self._replay_probe(probe, is_first=number == 0, followed=followed)
            if number == 0 and self._complete and not followed:
                first = records
        self._compare_probe_records(first)

    async def _replay_probe(self, probe: RecordedProbe, *, is_first: bool, followed: bool) -> int:
        """Replay a probe.

        Returns how many records there are about the target after its first repetition. Processes that began at the same
        time recorded their probes one after the other.
        """
        self._recording.replay_probe(probe)
        records = 0
        while True:
            faults, compared = len(self._report.faults), probe.exchanges.compared
            await self._guarded(PROBE, self._probe_once(), cut=followed)
            records = records or len(self._recording.probe_records)
            is_wrong = len(self._report.faults) > faults
            if is_wrong and not is_first and self._recording.merged:
                # A merged shard does not record where it was interrupted.
                (fault,) = self._report.faults[faults:]
                self._report.faults[faults:] = []
                self._report.unverified.append(f"how a shard looked at its target cannot be gone through: {fault}")
            if is_wrong or not probe.exchanges.has_more or probe.exchanges.compared == compared:
                return records

    async def _probe_once(self) -> None:
        run = self._recording.run
        profiles = await self._run_session.open(self._recording)
        if tuple(profile.value for profile in profiles) != run.profiles:
            raise PlaybackError(f"the run is said to be of {', '.join(run.profiles)}, and the target offers others")
        for profile in profiles:
            await self._run_session.look(profile, self._recording)

    def _compare_probe_records(self, first: int) -> None:
        """Compare the records about the target with the replay's.

        Of the replay's, the ``first`` so many must be recorded.
        """
        probe_records = self._recording.probe_records
        recorded = [
            unwritten(record)
            for record in self._evidence.records
            if isinstance(record, CapabilitiesRecord | SmokeRecord)
        ]
        for record in recorded:
            if record not in probe_records:
                alike = (
                    record_as_json(probe_record)
                    for probe_record in probe_records
                    if type(probe_record) is type(record) and probe_record.profile == record.profile
                )
                self._report.faults.append(
                    f"what is said of the target in {record.profile} is not what it showed: "
                    f"{record_as_json(record)} has to be {next(alike, 'left out')}"
                )
        if any(record not in recorded for record in probe_records[:first]):
            self._report.faults.append(
                "there is not one record of what the target offers for each time that it was asked"
            )

    async def _replay_with_retries(self, name: str, record: HistoryRecord) -> None:
        """Replay a history, and its retries."""
        planned = record.source in PLANNED
        trial = TrialResult()
        last = name
        closed = False
        operator = self._run_session.target.operator
        if operator is not None:
            operator.resting = not planned and record.source != CONFIRMATION
        for attempt in ("", *RETRY_SUFFIXES) if planned else ("",):
            last = name + attempt
            if last not in self._histories:
                raise CutOffError
            trial, closed = await self._replay_history(last, last_attempt=not planned or attempt == RETRY_SUFFIXES[-1])
            if trial.ending is not TrialStatus.INCONCLUSIVE:
                break
        if planned and not closed:
            self._compare_missed(last, record, trial)

    async def _replay_history(self, name: str, *, last_attempt: bool) -> tuple[TrialResult, bool]:
        """Replay a history.

        Returns its result, and whether the run was interrupted in it and resumed.
        """
        record = self._histories[name]
        history = history_from_json(record.history)
        case = Case(history, record.label, cell_of(record), record.goals)
        worker = self._run_session.target.worker()
        names = (name, *(name + letter for letter in SEQUENTIAL_SUFFIXES))
        family = [self._recording.by_history[member] for member in names if member in self._recording.by_history]
        try:
            trial = await self._executor.play(case, name, record.source, worker, last=last_attempt)
        except (ClosedError, CutOffError) as error:
            if not self._recording.by_history[name].closing:
                raise
            for exchanges in family:
                if exchanges.closing:
                    self._check_closing(exchanges.closing)
                else:
                    exchanges.check_empty()
            if isinstance(error, ClosedError) and error.would_be == "violates":
                self._report.unverified.append(
                    f"{name}: its last step is said to have been interrupted, and all that was asked was answered: "
                    "it would have been a violation"
                )
            return TrialResult(TrialStatus.INCONCLUSIVE), True
        for exchanges in family:
            exchanges.check_empty()
        self._trials[name] = trial
        return trial, False

    def _check_closing(self, closing: JudgementRecord) -> None:
        """Compare the judgement that ended an interrupted history with the right one."""
        name, last = closing.history, closing.n
        base = name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES)
        before = tuple(
            record
            for record in self._evidence.records[:last]
            if history_id_of(record).rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES) == base
            and not (is_interruption(record) and record.n >= self._group(last))
        )  # fmt: skip
        closings = InterruptedRun(Evidence(before)).closings(self._run_session.contexts, complete=True)
        expected = next((judgement for judgement in closings if judgement.history == name), None)
        if unwritten(closing) != expected:
            due = None if expected is None else record_as_json(expected)
            raise PlaybackError(f"record {last} is not what has to be said of {name}, which was interrupted: {due}")

    def _group(self, last: int) -> int:
        """Return the first number of consecutive records that end histories."""
        while last > 0 and is_interruption(self._evidence.records[last - 1]):
            last -= 1
        return last

    def _compare_missed(self, name: str, record: HistoryRecord, trial: TrialResult) -> None:
        recorded = self._recorded_missed.get(name, [])
        rules, cause = trial.missing(record.goals)
        expected = [(tuple(rules), cause)] if rules else []
        if [(missed.rules, missed.cause) for missed in recorded] == expected or not (self._complete or recorded):
            return
        if expected and not recorded and (self._recording.merged or self._evidence.first(ResumedRecord) is not None):
            self._report.unverified.append(
                f"{name}: what it missed is not said; the run may have been interrupted there"
            )
            return
        raise PlaybackError(f"what {name} is said to have missed is not what it missed")

    def _compare_counterexamples(self) -> None:
        """Compare every counterexample with the violations of its history."""
        for record in self._evidence.of(CounterexampleRecord):
            trial = self._trials.get(record.history)
            if trial is None:
                continue
            findings = [(finding.rule, finding.reason, finding.field) for finding in trial.own_findings]
            if (record.rule, record.reason, record.field) not in findings:
                self._report.faults.append(
                    f"the counterexample of {record.rule} does not show what {record.history} broke"
                )
