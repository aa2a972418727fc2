"""The schedule of a run: which cases it runs, under which identifiers, and in what order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.domain.steps import History, HistoryError, Together, history_as_json, history_from_json
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import RecordSink
from conformance.evidence.records import WholePlanRecord
from conformance.runner.example_database import LABEL, StoredExamples
from conformance.runner.session import RunSession
from conformance.strategies.provider.bystanders import bystanders
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.manual_cases import needs_operator, with_few_manual_cases
from conformance.strategies.provider.plan import plan_cases
from conformance.strategies.provider.situations import needs, on_wire_only

RACES: Final = 6
"""How often a race is run before it is believed to be one that cannot be lost."""


@dataclass(frozen=True, slots=True)
class ScheduledCase:
    """A case and its identifier, which its place in the plan gives it.

    ``attempt`` is how the identifier of the first attempt ends that is still to be run.
    """

    identifier: str
    case: Case
    attempt: str = ""


@dataclass(slots=True)
class ScheduledExamples:
    """Shared examples to run, each as it is stored, and how many cannot be run."""

    cases: list[ScheduledCase] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)
    unusable: int = 0


class Schedule:
    """The cases of a session's profiles, those that tell the most first.

    The same seed gives the same ones.
    """

    def __init__(self, run_session: RunSession) -> None:
        self._run_session = run_session
        self._plans: dict[Profile, list[ScheduledCase]] = {}

    def of(self, profile: Profile) -> list[ScheduledCase]:
        """Return a profile's cases; of a run that is a shard, its share of them."""
        shard, plan = self._run_session.settings.shard, self._plan(profile)
        return plan if shard is None else plan[shard.number - 1 :: shard.of]

    def all(self) -> list[ScheduledCase]:
        """Return the cases of all profiles.

        They take turns, so that a run that is cut short has seen some of each.
        """
        plans = [self.of(profile) for profile in self._run_session.contexts]
        turns = max(map(len, plans), default=0)
        return [plan[turn] for turn in range(turns) for plan in plans if turn < len(plan)]

    def record_whole(self, journal: RecordSink) -> None:
        """Record the number and the digest of all shards' cases, in a run that is a shard."""
        if self._run_session.settings.shard is not None:
            cases = [case for profile in self._run_session.contexts for case in self._plan(profile)]
            journal.append(WholePlanRecord(histories=len(cases), digest=digest_of_cases(cases)))

    def examples(self, stored: Mapping[Profile, StoredExamples]) -> ScheduledExamples:
        """Return the shared examples to run, of what is stored for each profile.

        One whose requests race is there several times: a race need not be lost every time.
        """
        shard = self._run_session.settings.shard
        part = "" if shard is None else f"{shard.number}-"
        examples = ScheduledExamples(unusable=sum(example.unread for example in stored.values()))
        for profile, example in stored.items():
            names = (f"{profile.value}-e{part}{number:05d}" for number in count(1))
            for data in example.histories:
                history = self._usable(profile, data)
                if history is None:
                    examples.unusable += 1
                    continue
                for name in islice(names, tries_of(history)):
                    examples.cases.append(shared_example(name, history))
                    examples.stored.append(data)
        return examples

    def is_manual(self, scheduled: ScheduledCase) -> bool:
        """Tell whether an operator is needed for a case."""
        history = scheduled.case.history
        return needs_operator(history, self._run_session.probes[history.profile].manual)

    def _plan(self, profile: Profile) -> list[ScheduledCase]:
        if profile not in self._plans:
            run_session, probe = self._run_session, self._run_session.probes[profile]
            cases = plan_cases(
                profile,
                run_session.contexts[profile],
                probe.offered,
                wire=run_session.target.over_http,
                seed=run_session.settings.seed,
                count=run_session.settings.generated,
            )
            planned = with_few_manual_cases(cases, probe.manual)
            # Their orders have to be there before the others are cancelled.
            first = [] if probe.manual else list(bystanders(profile, probe.offered))
            numbered = [*enumerate(first, len(planned) + 1), *enumerate(planned, 1)]
            self._plans[profile] = [
                ScheduledCase(f"{profile.value}-{number:05d}", case)
                for number, case in numbered
                if probe.can_run(case.history)
            ]
        return self._plans[profile]

    def _usable(self, profile: Profile, data: dict[str, Any]) -> History | None:
        """Return a stored example's history, or None where it cannot be run here."""
        try:
            history = history_from_json(data)
        except HistoryError:
            return None
        probe, wire = self._run_session.probes[profile], self._run_session.target.over_http
        if history.profile is not profile or not probe.can_run(history) or not needs(history) <= probe.offered:
            return None
        return history if wire or not on_wire_only(history) else None


def shared_example(identifier: str, history: History) -> ScheduledCase:
    """Return a history that another run found, as a case to run."""
    return ScheduledCase(identifier, Case(history, LABEL, {}, (), shared=True))


def tries_of(history: History) -> int:
    """Return how often a history is run before it is believed that it does not fail."""
    return RACES if is_race(history) else 1


def is_race(history: History) -> bool:
    """Tell whether two requests of a history are sent together: a race need not be lost every time."""
    return any(isinstance(step, Together) for step in history.steps)


def digest_of_cases(cases: Iterable[ScheduledCase]) -> str:
    """Return the digest of the histories of cases, with their identifiers."""
    return digest_of((scheduled.identifier, history_as_json(scheduled.case.history)) for scheduled in cases)
