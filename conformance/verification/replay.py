"""Rebuilding what a run says from its exchanges: the whole run once more, against its own recording, without a network.

How a target is reached and looked at, how steps become requests and answers observations, the model and the judge all
do their work again. Nothing that was recorded of what they found is taken for true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.domain.steps import history_from_json
from conformance.evidence.consistency import PLANNED, RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES
from conformance.evidence.journal import Evidence, JournalError, Record, is_merchant_run
from conformance.fuzzing.recheck import ON_TRUST, recheck
from conformance.results.audit import recompute_judgements
from conformance.results.partial_runs import AGE
from conformance.runner.executor import CaseExecutor
from conformance.runner.resume import InterruptedRun, is_interruption
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.strategies.provider.case import Case
from conformance.targets.transport import TargetError
from conformance.verification.recorded_target import RecordedSession
from conformance.verification.tape import LOOKS, ClosedError, CutOffError, PlaybackError, RemovedError, RunRecording

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
    """What came of it: what does not follow, what cannot be repeated and why, and how much was."""

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    histories: int = 0
    exchanges: int = 0
    judgements: int = 0
    fuzzed: int = 0
    """Requests of the fuzzer that were judged again."""


def replay_run(evidence: Evidence) -> ReplayReport:
    """Rebuild every judgement of a run from its exchanges, and compare.

    The evidence must be that of one run (``conformance.evidence.consistency``).
    """
    out = ReplayReport(
        histories=sum(1 for _ in evidence.of_kind("history")),
        exchanges=sum(1 for _ in evidence.of_kind("exchange")),
        judgements=sum(1 for _ in evidence.of_kind("judgement")),
    )
    run = evidence.records[0]
    _fuzzed(evidence, out)
    if is_merchant_run(run):
        out.unverified.append(BOOKS)
        _judge_again(evidence, out)
    elif not run["target"]["wire"]:
        out.unverified.append(WITHOUT_EXCHANGES)
        _judge_again(evidence, out)
    else:
        asyncio.run(_Rebuilding(evidence, out).everything())
        if run.get("focus") == AGE and out.histories:
            out.unverified.append(PLANTED)
            _judge_again(evidence, out)
    return out


def _judge_again(evidence: Evidence, out: ReplayReport) -> None:
    try:
        recompute_judgements(evidence)
    except JournalError as error:
        out.faults.append(str(error))


def _fuzzed(evidence: Evidence, out: ReplayReport) -> None:
    result = recheck(evidence)
    out.fuzzed = result.judged
    out.faults.extend(result.faults)
    if result.judged:
        out.unverified.append(ON_TRUST)
    if result.hidden:
        out.unverified.append(f"{result.hidden} fuzzed requests: {SECRET}")


class _Playing(CaseExecutor):
    """Plays what has no secrets any more."""

    def _cleaned(self, value: Any) -> Any:
        return value


class _Rebuilding:
    def __init__(self, evidence: Evidence, out: ReplayReport) -> None:
        self._evidence = evidence
        self._out = out
        self._complete = evidence.records[-1].get("ended") == "complete"
        self._recording = RunRecording(evidence)
        self._histories = {record["id"]: record for record in evidence.of_kind("history")}
        self._trials: dict[str, TrialResult] = {}
        self._said_missed: dict[str, list[Record]] = {}
        for record in evidence.of_kind("missed"):
            self._said_missed.setdefault(record["history"], []).append(record)

    async def everything(self) -> None:
        try:
            self._run_session = RecordedSession(self._recording)
        except _UNREADABLE as error:
            self._out.faults.append(f"the first record does not say how the run was made: {error!r}")
            return
        await self._look()
        if not self._run_session.opened:
            # Nothing could be played before the target was reached; what was, is without a beginning.
            if self._histories and not self._out.faults:
                self._out.faults.append("histories were played, and how the target was reached cannot be gone through")
            return
        self._playing = _Playing(self._run_session, self._recording)
        # Orders that were planted are not made here.
        planted = self._recording.run.get("focus") == AGE
        for name, record in self._histories.items():
            base = name.rstrip(RETRY_SUFFIXES)
            if record["source"] in PLANNED and name != base:
                continue
            if name[-1] not in SEQUENTIAL_SUFFIXES and not planted:
                await self._guarded(name, self._play_all(name, record))
        self._explained()

    async def _guarded(self, name: str, work: Coroutine[Any, Any, None], *, cut: bool = False) -> None:
        """Do a part of the work; note what does not follow, or cannot be repeated. It may have been ``cut`` off."""
        where = name or "what came before the first history"
        try:
            await work
        except PlaybackError as error:
            self._out.faults.append(str(error))
        except RemovedError:
            self._out.unverified.append(f"{where}: {SECRET}")
        except CutOffError:
            if self._complete and not cut:
                self._out.faults.append(f"{where} is not there to its end, and the run is said to be complete")
        except TargetError as error:
            if self._complete and not cut:
                self._out.faults.append(f"{where}: the run is complete, and its target could not be tested: {error}")
        except _UNREADABLE as error:
            self._out.faults.append(f"{where}: a record is not as it should be: {error!r}")

    async def _look(self) -> None:
        """Look at the target once more, as often as it was looked at: every process of a run does so."""
        looks = self._recording.all_looks
        first = 0
        for number, look in enumerate(looks):
            self._recording.look_at(look)
            # Who is interrupted while looking looks again when the run is resumed.
            followed = number + 1 < len(looks) and (looks[number + 1].again or self._recording.merged)
            while True:
                before, compared = len(self._out.faults), look.tape.told
                await self._guarded(LOOKS, self._look_once(), cut=followed)
                wrong = len(self._out.faults) > before
                if wrong and number and self._recording.merged:
                    # A shard does not say any more where it was interrupted.
                    (fault,) = self._out.faults[before:]
                    self._out.faults[before:] = []
                    self._out.unverified.append(f"how a shard looked at its target cannot be gone through: {fault}")
                if number == 0 and self._complete and not followed:
                    first = first or len(self._recording.learnt)
                if wrong or not look.tape.left or look.tape.told == compared:
                    break
        self._compare_learnt(first)

    async def _look_once(self) -> None:
        run = self._recording.run
        profiles = await self._run_session.open(self._recording)
        if [profile.value for profile in profiles] != run["profiles"]:
            raise PlaybackError(f"the run is said to be of {', '.join(run['profiles'])}, and the target offers others")
        for profile in profiles:
            await self._run_session.look(profile, self._recording)

    def _compare_learnt(self, first: int) -> None:
        """Hold what is said of the target against what was learnt. The first so many must be said."""
        learnt = self._recording.learnt
        recorded = [
            {name: value for name, value in record.items() if name not in ("n", "prev")}
            for record in self._evidence.records
            if record["kind"] in ("capabilities", "smoke")
        ]
        for record in recorded:
            if record not in learnt:
                alike = (
                    record_learnt
                    for record_learnt in learnt
                    if (record_learnt["kind"], record_learnt["profile"]) == (record["kind"], record["profile"])
                )
                self._out.faults.append(
                    f"what is said of the target in {record['profile']} is not what it showed: "
                    f"{record} has to be {next(alike, 'left out')}"
                )
        if any(record not in recorded for record in learnt[:first]):
            self._out.faults.append("there is not one record of what the target offers for each time that it was asked")

    async def _play_all(self, name: str, record: Record) -> None:
        """Play a history, and again where it proved nothing."""
        planned = record["source"] in PLANNED
        trial = TrialResult()
        last = name
        closed = False
        if self._run_session.operator is not None:
            self._run_session.operator.resting = not planned
        for attempt in ("", *RETRY_SUFFIXES) if planned else ("",):
            last = name + attempt
            if last not in self._histories:
                raise CutOffError
            trial, closed = await self._play(last, last_attempt=not planned or attempt == RETRY_SUFFIXES[-1])
            if trial.ending is not TrialStatus.INCONCLUSIVE:
                break
        if planned and not closed:
            self._missed(last, record, trial)

    async def _play(self, name: str, *, last_attempt: bool) -> tuple[TrialResult, bool]:
        """Play a history; return what it showed, and whether the run was interrupted meanwhile and resumed."""
        record = self._histories[name]
        history = history_from_json(record["history"])
        case = Case(history, record["label"], record["cell"], tuple(record["goals"]))
        worker = self._run_session.target.worker()
        family = [self._recording.tapes[each] for each in (name, *(name + letter for letter in SEQUENTIAL_SUFFIXES))
                  if each in self._recording.tapes]  # fmt: skip
        try:
            trial = await self._playing.play(case, name, record["source"], worker, last=last_attempt)
        except (ClosedError, CutOffError) as error:
            if not self._recording.tapes[name].closing:
                raise
            for tape in family:
                if tape.closing:
                    self._check_closing(tape.closing)
                else:
                    tape.check_empty()
            if isinstance(error, ClosedError) and error.would_be == "violates":
                self._out.unverified.append(
                    f"{name}: its last step is said to have been interrupted, and all that was asked was answered: "
                    "it would have been a violation"
                )
            return TrialResult(TrialStatus.INCONCLUSIVE), True
        for tape in family:
            tape.check_empty()
        self._trials[name] = trial
        return trial, False

    def _check_closing(self, closing: Record) -> None:
        """Hold the judgement of a request that was under way against what the resuming process had to say."""
        name, last = closing["history"], closing["n"]
        base = name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES)
        before = tuple(
            record
            for record in self._evidence.records[:last]
            if str(record.get("id") if record["kind"] == "history" else record.get("history", "")).rstrip(
                SEQUENTIAL_SUFFIXES
            ).rstrip(RETRY_SUFFIXES) == base
            and not (record["kind"] == "judgement" and is_interruption(record) and record["n"] >= self._group(last))
        )  # fmt: skip
        closings = InterruptedRun(Evidence(before)).closings(self._run_session.contexts, complete=True)
        expected = next((judgement for judgement in closings if judgement["history"] == name), None)
        recorded = {key: value for key, value in closing.items() if key not in ("n", "kind", "prev")}
        if recorded != expected:
            raise PlaybackError(
                f"record {last} is not what has to be said of {name}, which was interrupted: {expected}"
            )

    def _group(self, last: int) -> int:
        """Return the first of the closing records that stand together with one."""
        while last > 0 and is_interruption(self._evidence.records[last - 1]):
            last -= 1
        return last

    def _missed(self, name: str, record: Record, trial: TrialResult) -> None:
        recorded = self._said_missed.get(name, [])
        rules, cause = trial.missing(record["goals"])
        expected = [(rules, cause)] if rules else []
        if [(missed["rules"], missed["cause"]) for missed in recorded] == expected or not (self._complete or recorded):
            return
        if expected and not recorded and (self._recording.merged or self._evidence.first("resumed") is not None):
            self._out.unverified.append(f"{name}: what it missed is not said; the run may have been interrupted there")
            return
        raise PlaybackError(f"what {name} is said to have missed is not what it missed")

    def _explained(self) -> None:
        """Hold every counterexample against what its history broke."""
        for record in self._evidence.of_kind("counterexample"):
            trial = self._trials.get(record["history"])
            if trial is None:
                continue
            findings = [(finding.rule, finding.reason, finding.field) for finding in trial.own_findings]
            if (record["rule"], record["reason"], record["field"]) not in findings:
                self._out.faults.append(
                    f"the counterexample of {record['rule']} does not show what {record['history']} broke"
                )
