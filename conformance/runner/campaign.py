"""A campaign: which histories are played against a target, in what order, and what becomes of those that fail.

The systematic set comes first, then histories that Hypothesis draws from the seed before the first one is played. All
of them are played by as many workers as the target takes; failures are grouped by rule and reason, and one of each
group is minimised. Everything is written into the journal as it happens, and the result is read back from there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from conformance.domain.steps import history_as_json, history_from_json
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import Evidence, Journal, RecordSink, read_journal
from conformance.results.audit import audit
from conformance.results.result import Result, result_of
from conformance.results.selfcheck import check_oracle
from conformance.runner.example_database import ExampleExchange
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.finish import recorded_ending
from conformance.runner.operator import Operator, needs_operator
from conformance.runner.request_budget import RequestBudget
from conformance.runner.resume import InterruptedRun
from conformance.runner.session import RunSession, ScheduledCase, shared_example, start_journal
from conformance.runner.settings import BUDGETS, Settings
from conformance.runner.shrinking import FailureShrinker, failures
from conformance.targets.target import Target
from conformance.targets.transport import TargetError

__all__ = ["BUDGETS", "Campaign", "Observer", "Settings"]


AT_A_TIME: Final = 4
"""So many histories for each worker are planned at a time where requests are counted."""


class Phase(Protocol):
    """Something that a run does after its histories, such as fuzzing."""

    @property
    def name(self) -> str:
        """What the phase is called while it runs."""

    def as_json(self) -> dict[str, Any]:
        """Return what a run needs to know to be resumed."""

    async def run(self, run_session: RunSession, ledger: RecordSink, before: Evidence | None) -> None:
        """Run the phase. What a run had done ``before`` it was interrupted is kept."""


class Campaign:
    """One run against one target, from the first request to the last record."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        observer: Observer | None = None,
        fuzz: Phase | None = None,
        *,
        resume: bool = False,
    ) -> None:
        """Take a place at the target, and open the journal.

        Args:
            target: the target.
            settings: what is asked for; of a run that is resumed, what was asked for.
            directory: where the evidence goes, or is.
            observer: is told how the run goes on.
            fuzz: from which description the HTTP layer is fuzzed afterwards, if it is.
            resume: the directory holds a run that was interrupted, and goes on from there.

        Raises:
            JournalError: the journal cannot be written, or there is none to go on with.

        """
        self._directory = directory
        self._observer = observer or Observer()
        self._fuzz = fuzz
        self._started = datetime.now(UTC)
        self._before: Evidence | None = None
        self._left: InterruptedRun | None = None
        if resume:
            self._journal, self._before, self._torn = Journal.continued(directory)
            self._left = InterruptedRun(self._before)
            settings = replace(settings, nonce=f"{settings.nonce}r{self._left.times + 1}")
        else:
            self._journal = Journal(directory)
        if fuzz is not None:
            settings = replace(settings, fuzz=fuzz.as_json())
        self._operator: Operator | None = getattr(target, "operator", None)
        if self._operator is not None:
            settings = replace(settings, operator=True)
            self._operator.hand = partial(self._journal.append, "hand")
        self._run_session = RunSession(target, settings)
        self._examples = ExampleExchange(settings.examples, "provider", settings.market.value)
        if settings.most_requests is not None:
            target.spend_at_most(settings.most_requests)

    def _by_hand(self, one: ScheduledCase) -> bool:
        return needs_operator(one.planned.history, self._run_session.by_hand(one.planned.history.profile))

    async def run(self) -> Result:
        """Play everything; return the result as it stands in the journal.

        Every ending leaves a readable journal. A target that cannot be tested ends the run as an environment error; any
        other exception as a fault of the harness.
        """
        async with recorded_ending(self._run_session, self._journal, self._started):
            check_oracle()
            await self._begin()
            try:
                await self._histories()
            finally:
                if self._examples.is_enabled:
                    self._examples.give_back(read_journal(self._directory), self._journal, self._observer)
            if self._fuzz is not None:
                # Last, because of what schemathesis does to Hypothesis while it draws.
                self._observer.note(self._fuzz.name)
                await self._fuzz.run(self._run_session, self._journal, self._before)
            audit(read_journal(self._directory))
        return result_of(read_journal(self._directory))

    async def _histories(self) -> None:
        """Play the histories, and make those smaller that fail."""
        await self._play(self._waiting())
        if self._operator is not None:
            self._operator.resting = True
        found = failures(read_journal(self._directory))
        if self._left is not None:
            kept = self._left.kept()
            found = {key: failure for key, failure in found.items() if key not in kept}
        if found:
            await FailureShrinker(
                self._run_session, self._journal, self._directory, self._observer, self._before
            ).shrink_all(found)

    async def _begin(self) -> None:
        if self._left is None or self._before is None:
            await start_journal(self._run_session, self._journal, self._started)
            return
        settings, journal = self._run_session.settings, self._journal
        at = self._started.isoformat(timespec="seconds").replace("+00:00", "Z")
        journal.append("resumed", at=at, nonce=settings.nonce, torn=self._torn)
        looked = {record["profile"]: record for record in self._before.of_kind("capabilities")}
        for profile in await self._run_session.open(journal):
            if profile.value in looked:
                await self._run_session.probe_again(looked[profile.value], journal)
            else:
                await self._run_session.look(profile, journal)
        if settings.shard is not None and self._before.first("whole") is None:
            count, digest = self._run_session.whole()
            journal.append("whole", histories=count, digest=digest)
        for closing in self._left.closings(self._run_session.contexts, complete=self._run_session.target.over_http):
            journal.append("judgement", **closing)

    def _waiting(self) -> list[ScheduledCase]:
        """Return the histories that are still to be played.

        Raises:
            TargetError: the plan is not the one that the run began with.

        """
        histories = [*self._shared(), *self._run_session.everything()]
        if self._left is None or self._before is None:
            return histories
        contents = {one.identifier: history_as_json(one.planned.history) for one in histories}
        for record in self._before.of_kind("plan"):
            names = record["histories"]
            if digest_of((name, contents.get(name, {})) for name in names) != record["digest"]:
                raise TargetError(
                    f"{self._run_session.target.name} does not lead to the same plan any more: begin another run."
                )
        attempts = [(one, self._left.next_attempt(one.identifier)) for one in histories]
        return [replace(one, attempt=attempt) for one, attempt in attempts if attempt is not None]

    def _shared(self) -> list[ScheduledCase]:
        """Return the examples that are tried first: of a run that is resumed, those that it began with."""
        before = self._before.first("examples") if self._before is not None else None
        if before is not None:
            return [shared_example(one["id"], history_from_json(one["history"])) for one in before["histories"]]
        found: list[tuple[ScheduledCase, dict[str, Any]]] = []
        left = 0
        for profile in self._run_session.contexts:
            examples, unplayable = self._run_session.examples(profile, self._examples.read(profile))
            found += examples
            left += unplayable
        named = ((one.identifier, data) for one, data in found)
        self._examples.record_tried(self._journal, self._observer, named, left)
        return [one for one, _ in found]

    async def _play(self, histories: list[ScheduledCase]) -> None:
        playing = CaseExecutor(self._run_session, self._journal, self._observer)
        planned = self._left.planned if self._left is not None else frozenset()
        by_hand = [one for one in histories if self._by_hand(one)]
        if by_hand:
            self._observer.note(f"A person is needed for {len(by_hand)} histories; they come first.")
            await playing.run_all(by_hand, planned, workers=1)
            histories = [one for one in histories if not self._by_hand(one)]
        self._observer.phase("histories", len(histories))
        most = self._run_session.settings.most_requests
        if most is None:
            await playing.run_all(histories, planned)
            return
        # What was begun by a run that was interrupted is brought to its end, whatever it takes.
        begun = [one for one in histories if one.identifier in planned]
        left = [one for one in histories if one.identifier not in planned]
        await playing.run_all(begun, planned)
        target, request_budget, done = self._run_session.target, RequestBudget(most), 0
        while done < len(left):
            sent = target.requests
            number = request_budget.affordable(left[done:], sent, AT_A_TIME * target.concurrency, failed=playing.failed)
            if not number:
                break
            await playing.run_all(left[done : done + number])
            request_budget.paid(left[done : done + number], target.requests - sent)
            done += number
        self._journal.append("budget", **request_budget.bought(target.requests, [*begun, *left[:done]], left[done:]))
