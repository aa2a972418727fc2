"""Confirming failures: a history that violates a rule is played again on a fresh order before anybody is accused.

One history of each failure is played again, once where that proves something. Two requests that race need not be lost
every time: such a history is played again several times. An order that only stood by is played again beside cancels of
other orders. What does not recur is inconclusive: see `recurrence`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, history_from_json, name_of
from conformance.evidence.consistency import PLANNED
from conformance.evidence.journal import RecordSink
from conformance.evidence.record_parts import Record
from conformance.evidence.records import HistoryRecord, JudgementRecord
from conformance.evidence.recurrence import CONFIRMATION, failure_groups
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.schedule import is_race
from conformance.runner.session import RunSession
from conformance.runner.shrinking import Failure, ProfileFailureKey, failures
from conformance.runner.trial import TrialStatus
from conformance.strategies.provider.case import Case
from conformance.targets.target import Worker

SUFFIXES: Final = "rstuvw"
"""How the identifiers end of histories that play a failing one again, in turn."""
ATTEMPTS: Final = 3
"""So often a history is played again at most, until that proves something."""
BESIDE: Final = 40
"""So many other orders are cancelled at most while one stands by."""
_CANCEL: Final = name_of(Cancel())
Recorded = Callable[[], Iterable[Record]]
"""Returns what was recorded so far."""


async def confirm_failures(
    run_session: RunSession, journal: RecordSink, recorded: Recorded, observer: Observer
) -> list[ProfileFailureKey]:
    """Play one history of each failure again, and record that; return the failures that occur each time.

    Raises:
        TargetError: the target is not healthy.

    """
    records = list(recorded())
    failed = failures(records)
    if not failed:
        return []
    observer.phase("confirming", len(failed))
    worker = run_session.target.worker()
    confirmer = _Confirmer(CaseExecutor(run_session, journal), worker, records)
    try:
        for failure in failed.values():
            await confirmer.play_again(failure)
    finally:
        await worker.close()
    groups = failure_groups(recorded())
    steady = []
    for key in failed:
        group = groups[key[0].value, *key[1]]
        if not group.recurs:
            observer.note(f"{key[1][0]}: {group.both_observations}")
        elif not group.is_intermittent:
            steady.append(key)
    return steady


class _Confirmer:
    def __init__(self, executor: CaseExecutor, worker: Worker, records: Sequence[Record]) -> None:
        self._executor = executor
        self._worker = worker
        judged = [record for record in records if isinstance(record, JudgementRecord)]
        proves_nothing = {judgement.history for judgement in judged if judgement.status == "inconclusive"}
        self._proves = {judgement.history for judgement in judged} - proves_nothing
        self._histories = {record.id: record for record in records if isinstance(record, HistoryRecord)}
        self._played = set(self._histories)

    async def play_again(self, failure: Failure) -> None:
        """Play a failing history again, unless that was done for another of its failures, or before an interruption."""
        case = Case(failure.history, f"{failure.identifier} again, on a fresh order", {}, ())
        race = is_race(failure.history)
        for suffix in SUFFIXES if race else SUFFIXES[:ATTEMPTS]:
            name = f"{failure.identifier}{suffix}"
            if name not in self._played:
                self._played.add(name)
                wait = partial(self._cancel_others, name, failure.history.profile)
                trial = await self._executor.play(case, name, CONFIRMATION, self._worker, wait=wait)
                if trial.ending is not TrialStatus.INCONCLUSIVE:
                    self._proves.add(name)
                if trial.findings:
                    return
            if name in self._proves and not race:
                return

    async def _cancel_others(self, name: str, profile: Profile) -> None:
        """Cancel other orders as the run did, while one stands by: these histories are no evidence by themselves."""
        records = [
            record
            for record in self._histories.values()
            if record.source in PLANNED and record.profile == profile and _CANCEL in record.step_names
        ]
        for number, record in enumerate(records[:: len(records) // BESIDE + 1], 1):
            await self._executor.run_unrecorded(history_from_json(record.history), f"{name}{number}", self._worker)
