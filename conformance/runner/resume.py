"""Resuming an interrupted run: which histories were under way, and where each one is taken up again.

A request that was under way when the run stopped was sent and not answered, and is judged as such: it proves nothing,
and its history is run again on a fresh order. What was judged before is not judged again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec import structs

from conformance.domain.expectation import LOST, Expectation, Observation
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.domain.steps import History, history_as_json, history_from_json, name_of
from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES, digest_of, ends_history
from conformance.evidence.journal import Evidence, Journal, JournalError, is_merchant_run
from conformance.evidence.record_parts import Record
from conformance.evidence.records import (
    CapabilitiesRecord,
    CounterexampleRecord,
    ExamplesRecord,
    HistoryRecord,
    JudgementRecord,
    PlanRecord,
    ResumedRecord,
    WholePlanRecord,
)
from conformance.evidence.recurrence import REPLAYED
from conformance.evidence.redaction import REMOVED
from conformance.judging.judge import FailureKey, Judgement, StepStatus
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.runner.campaign import Campaign, Observer, Phase
from conformance.runner.schedule import ScheduledCase, shared_example
from conformance.runner.settings import Settings, timestamp
from conformance.runner.shrinking import Failure, ProfileFailureKey
from conformance.targets.target import Target
from conformance.targets.transport import TargetError

CAUSE: Final = "the run was interrupted"
_OBSERVED: Final[Observation] = {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: CAUSE}
RESUMABLE: Final = ("interrupted", "environment")


def is_interruption(record: Record) -> bool:
    """Tell whether a record judges a request that the interruption cut off."""
    return isinstance(record, JudgementRecord) and record.observed == _OBSERVED


class InterruptedRun:
    """What is to be done of a run that stopped before its end."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._played = {record.id: record for record in evidence.of(HistoryRecord)}
        self._judged: dict[str, list[JudgementRecord]] = {name: [] for name in self._played}
        for record in evidence.of(JudgementRecord):
            self._judged[record.history].append(record)
        self._under_way = {name for name in self._played if not self._has_ended(name)}

    @property
    def planned(self) -> frozenset[str]:
        """The histories that stand in a plan already."""
        return frozenset(name for record in self._evidence.of(PlanRecord) for name in record.histories)

    @property
    def times(self) -> int:
        """How often the run was resumed before."""
        return sum(1 for _ in self._evidence.of(ResumedRecord))

    def next_attempt(self, name: str) -> str | None:
        """Return the suffix of a history's next attempt, or None where it needs none."""
        attempts = [letter for letter in ("", *RETRY_SUFFIXES) if name + letter in self._played]
        if not attempts:
            return ""
        last = name + attempts[-1]
        if not self._proved_nothing(last):
            return None
        return RETRY_SUFFIXES[len(attempts) - 1] if len(attempts) <= len(RETRY_SUFFIXES) else None

    def closings(self, contexts: dict[Profile, ModelContext], *, complete: bool) -> Iterator[JudgementRecord]:
        """Return judgements of the requests under way, in the order they were begun."""
        for name, record in self._played.items():
            if name in self._under_way:
                yield self._closing(name, record, contexts[Profile(record.profile)], complete=complete)

    def explained(self) -> frozenset[tuple[Profile, FailureKey]]:
        """Return the failures of which a counterexample was kept."""
        failures = set()
        for record in self._evidence.of(CounterexampleRecord):
            for judgement in self._judged[record.history]:
                for finding in judgement.findings:
                    if (finding.rule, finding.reason) == (record.rule, record.reason):
                        group = finding.rule, f"{finding.branch}: {finding.field}"
                        failures.add((Profile(record.profile), group))
        return frozenset(failures)

    def _has_ended(self, name: str) -> bool:
        judgements = self._judged[name]
        steps = self._played[name].step_count
        return len(judgements) >= steps or bool(judgements and ends_history(judgements[-1]))

    def _proved_nothing(self, name: str) -> bool:
        if name in self._under_way:
            return True
        aside = any(judgement.superseded for judgement in self._judged[name])
        alone = [self._judged[name + letter] for letter in SEQUENTIAL_SUFFIXES if name + letter in self._played]
        return aside and not any(judgement.status == "violates" for each in alone for judgement in each)

    def _closing(self, name: str, record: HistoryRecord, context: ModelContext, *, complete: bool) -> JudgementRecord:
        history, judgements = history_from_json(record.history), self._judged[name]
        index = len(judgements)
        step = history.all_steps[index]
        judgement = Judgement(StepStatus.INCONCLUSIVE, cause=f"no answer ({CAUSE})")
        expectation = Expectation(())
        tracker = _tracked(history, judgements, context, complete=complete)
        if tracker is not None:
            expectation = tracker.expectation(step)
            judgement = tracker.observe(step, _OBSERVED)
        closing = judgement.as_record(
            expectation, history=name, step=index, do=name_of(step), response=LOST, observed=_OBSERVED
        )
        again = self.next_attempt(name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES))
        superseded = record.source not in REPLAYED and again is not None
        return structs.replace(closing, superseded=superseded)


def _tracked(
    history: History, judgements: list[JudgementRecord], context: ModelContext, *, complete: bool
) -> Tracker | None:
    """Return a tracker after the last step that was judged, or None where a secret hides what was observed."""
    tracker = Tracker(history.profile, context, complete=complete)
    for step, record in zip(history.all_steps, judgements, strict=False):
        observation: Observation = record.observed
        if any(REMOVED in str(value) for value in observation.values()):
            return None
        tracker.observe(step, observation)
    return tracker


class ResumedCampaign(Campaign):
    """A run that was interrupted, from where it stopped to its last record."""

    before: Evidence

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        observer: Observer | None = None,
        fuzz: Phase | None = None,
    ) -> None:
        """Open the journal in ``directory``; ``settings`` are the interrupted run's.

        Raises:
            JournalError: the journal cannot be written, or there is none to go on with.

        """
        journal, self.before, self._torn = Journal.continued(directory)
        self._interrupted = InterruptedRun(self.before)
        self.planned = self._interrupted.planned
        settings = replace(settings, nonce=f"{settings.nonce}r{self._interrupted.times + 1}")
        super().__init__(target, settings, directory, observer, fuzz, journal)

    async def start(self) -> None:
        """Reach the target again, and judge the requests that were under way.

        Raises:
            TargetError: it cannot be tested, or offers something else than it did.

        """
        run_session, journal = self._run_session, self._journal
        at = timestamp(self._run.started)
        journal.append(ResumedRecord(at=at, nonce=run_session.settings.nonce, torn=self._torn))
        probed = {record.profile: record for record in self.before.of(CapabilitiesRecord)}
        for profile in await run_session.open(journal):
            if profile.value in probed:
                await run_session.probe_again(probed[profile.value], journal)
            else:
                await run_session.look(profile, journal)
        if self.before.first(WholePlanRecord) is None:
            self._schedule.record_whole(journal)
        for closing in self._interrupted.closings(run_session.contexts, complete=self._target.over_http):
            journal.append(closing)

    def cases(self) -> list[ScheduledCase]:
        """Return the cases that are still to be run.

        Raises:
            TargetError: the plan is not the one that the run began with.

        """
        cases = super().cases()
        histories = {scheduled.identifier: history_as_json(scheduled.case.history) for scheduled in cases}
        for plan in self.before.of(PlanRecord):
            if digest_of((name, histories.get(name, {})) for name in plan.histories) != plan.digest:
                raise TargetError(f"{self._target.name} does not lead to the same plan any more: begin another run.")
        attempts = [(scheduled, self._interrupted.next_attempt(scheduled.identifier)) for scheduled in cases]
        return [replace(scheduled, attempt=attempt) for scheduled, attempt in attempts if attempt is not None]

    def shared_examples(self) -> list[ScheduledCase]:
        """Return the examples that the run began with, or else those that are shared now."""
        record = self.before.first(ExamplesRecord)
        if record is None:
            return super().shared_examples()
        return [shared_example(example.id, history_from_json(example.history)) for example in record.histories]

    def failures(self) -> dict[ProfileFailureKey, Failure]:
        """Return the failures of which no counterexample was kept."""
        explained = self._interrupted.explained()
        return {key: failure for key, failure in super().failures().items() if key not in explained}


def check_resumable(evidence: Evidence, tool: str, rulebook: str) -> None:
    """Check that a run can be taken up again.

    Raises:
        JournalError: it came to its end, or was made by another version, or is not a run of one's own.

    """
    run, finish = evidence.run, evidence.finish
    if finish is not None and finish.ended == "complete":
        raise JournalError("The run came to its end: there is nothing to resume.")
    if finish is not None and finish.ended not in RESUMABLE:
        raise JournalError("The run ended for a fault of the suite itself: it cannot be resumed; begin another one.")
    if is_merchant_run(run):
        raise JournalError(
            "A merchant's run is not resumed, because nobody knows what the integration did while it was stopped: "
            "begin another one."
        )
    if run.focus:
        raise JournalError(
            f"A run of the command {run.focus} is not resumed, because what it sends depends on the responses "
            "before that: begin another one."
        )
    if run.merged is not None:
        raise JournalError("The evidence was merged from shards: resume the shard that was interrupted.")
    if (run.tool, run.rulebook) != (tool, rulebook):
        raise JournalError(
            f"The run was begun by version {run.tool} of cancel-conformance and its rulebook: resume it with that."
        )
