"""A sitting: a target that was reached and looked at, and the histories that are planned for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.domain.steps import History, HistoryError, Together, history_as_json, history_from_json, name_of
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import BufferedSink, Record, RecordSink
from conformance.evidence.recorder import ExchangeRecorder
from conformance.evidence.redaction import Redactor
from conformance.model import ModelContext
from conformance.runner.example_database import LABEL, StoredExamples
from conformance.runner.expiry_probe import ACTIONS_NEEDED, measure_expiry
from conformance.runner.operator import limited_cases, needs_operator
from conformance.runner.settings import Settings, header
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.plan import plan_cases
from conformance.strategies.provider.situations import needs, on_wire_only
from conformance.targets.target import ProbeResult, Target
from conformance.targets.transport import TargetError

RACES: Final = 6
"""How often a race is run before it is believed to be one that cannot be lost."""


@dataclass(frozen=True, slots=True)
class ScheduledCase:
    """A planned history and its identifier, which its place in the plan gives it.

    ``attempt`` is how the identifier of the first attempt ends that is still to be played.
    """

    identifier: str
    planned: Case
    attempt: str = ""


@dataclass
class RunSession:
    """A target under a run's settings. What it offers is known of each profile that was looked at."""

    target: Target
    settings: Settings
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    granted: frozenset[str] = frozenset()
    """What is possible although the target does not offer it: time that passes by itself."""
    contexts: dict[Profile, ModelContext] = field(default_factory=dict)
    _offered: dict[Profile, frozenset[str]] = field(default_factory=dict)
    _unplayable: dict[Profile, frozenset[str]] = field(default_factory=dict)
    _plans: dict[Profile, list[ScheduledCase]] = field(default_factory=dict)

    async def open(self, ledger: RecordSink) -> tuple[Profile, ...]:
        """Reach the target; return the profiles that are to be tested.

        Raises:
            TargetError: it cannot be reached or used.

        """
        settings = self.settings
        record = self.exchanges(ledger, "")
        await self.target.open(settings.market, settings.nonce, self.redactor.learn, record)
        return settings.tested(self.target)

    async def look(self, profile: Profile, ledger: RecordSink) -> None:
        """Take one order through its life, and write down what was learnt.

        Raises:
            TargetError: the target cannot be tested in this profile.

        """
        probe = await self.target.probe(profile, self.exchanges(ledger, ""))
        offered = probe.offered | ({"units"} if probe.distinguishes_units else set())
        self._offered[profile] = offered | self.granted
        self._unplayable[profile] = probe.unplayable
        context = self._context(probe)
        if (profile is Profile.RECURRING and "age" in offered) or offered >= ACTIONS_NEEDED:
            context = replace(context, lapses_after=await self._lapses_after(profile, context, ledger))
        self.contexts[profile] = context
        ledger.append(
            "capabilities",
            profile=profile.value,
            offered=sorted(offered | self.granted),
            source=probe.source,
            lapses_after=context.lapses_after and int(context.lapses_after.total_seconds()),
        )
        ledger.append("smoke", profile=profile.value, ok=True, note=probe.note)

    async def probe_again(self, record: Record, ledger: RecordSink) -> None:
        """Look at a profile that was looked at before the run was interrupted.

        Raises:
            TargetError: the target cannot be tested, or offers something else now.

        """
        profile = Profile(record["profile"])
        probe = await self.target.probe(profile, self.exchanges(ledger, ""))
        offered = probe.offered | ({"units"} if probe.distinguishes_units else set())
        if sorted(offered) != record["offered"]:
            raise TargetError(
                f"{self.target.name} offers {', '.join(sorted(offered)) or 'nothing'} in {profile.value} now, "
                f"and offered {', '.join(record['offered']) or 'nothing'} when the run began: begin another run."
            )
        self._offered[profile] = offered
        self._unplayable[profile] = probe.unplayable
        seconds = record["lapses_after"]
        lapses = None if seconds is None else timedelta(seconds=seconds)
        self.contexts[profile] = replace(self._context(probe), lapses_after=lapses)

    def _context(self, probe: ProbeResult) -> ModelContext:
        return ModelContext(self.settings.market, self.settings.readings, probe.distinguishes_units)

    async def _lapses_after(self, profile: Profile, context: ModelContext, ledger: RecordSink) -> timedelta | None:
        worker = self.target.worker()
        try:
            order_id = f"{self.settings.nonce}-{profile.value[0]}lapse"
            return await measure_expiry(profile, context, worker.driver(profile, order_id, self.exchanges(ledger, "")))
        finally:
            await worker.close()

    def exchanges(self, ledger: RecordSink, history: str) -> ExchangeRecorder:
        """Return the writer of one history's exchanges."""
        return ExchangeRecorder(ledger, self.redactor, history)

    def plan(self, profile: Profile) -> list[ScheduledCase]:
        """Return a profile's histories, in the order in which they tell the most. The same seed gives the same ones."""
        shard, plan = self.settings.shard, self._plan_of(profile)
        return plan if shard is None else plan[shard.number - 1 :: shard.of]

    def _plan_of(self, profile: Profile) -> list[ScheduledCase]:
        if profile not in self._plans:
            settings = self.settings
            histories = plan_cases(
                profile,
                self.contexts[profile],
                self._offered[profile],
                wire=self.target.over_http,
                seed=settings.seed,
                count=settings.generated,
            )
            cannot = self._unplayable[profile]
            mine = self.by_hand(profile)
            if mine:
                chosen = limited_cases(histories, mine)
                # A person waits for nobody: what they are needed for comes first.
                histories = [*chosen, *(one for one in histories if not needs_operator(one.history, mine))]
            self._plans[profile] = [
                ScheduledCase(f"{profile.value}-{number:05d}", one)
                for number, one in enumerate(histories, 1)
                if cannot.isdisjoint(map(name_of, one.history.steps))
            ]
        return self._plans[profile]

    def whole(self) -> tuple[int, str]:
        """Return how many histories the plan has, whatever the shard, and their digest."""
        histories = [one for profile in self.contexts for one in self._plan_of(profile)]
        return len(histories), digest_of((one.identifier, history_as_json(one.planned.history)) for one in histories)

    def examples(
        self, profile: Profile, stored: StoredExamples
    ) -> tuple[list[tuple[ScheduledCase, dict[str, Any]]], int]:
        """Return the shared examples that can be run here, each as it is stored, and the number of those that cannot.

        One whose requests race is there several times: a race need not be lost every time.
        """
        histories: list[tuple[History, dict[str, Any]]] = []
        left = stored.unread
        for data in stored.histories:
            try:
                history = history_from_json(data)
            except HistoryError:
                left += 1
                continue
            if history.profile is not profile or not self._plays(history):
                left += 1
                continue
            histories += [(history, data)] * (RACES if any(isinstance(step, Together) for step in history.steps) else 1)
        shard = self.settings.shard
        part = "" if shard is None else f"{shard.number}-"
        names = (f"{profile.value}-e{part}{number:05d}" for number in count(1))
        named = zip(names, histories, strict=False)
        return [(shared_example(name, one), data) for name, (one, data) in named], left

    def _plays(self, history: History) -> bool:
        profile = history.profile
        steps = self._unplayable[profile].isdisjoint(map(name_of, history.steps))
        return (
            steps and needs(history) <= self._offered[profile] and (self.target.over_http or not on_wire_only(history))
        )

    def by_hand(self, profile: Profile) -> frozenset[str]:
        """Return the actions for which a person is asked."""
        mine: Mapping[Profile, frozenset[str]] = getattr(self.target, "by_hand", {})
        return mine.get(profile, frozenset())

    def everything(self) -> list[ScheduledCase]:
        """Return all plans as one. The profiles take turns, so that a run that is cut short has seen some of each."""
        plans = [self.plan(profile) for profile in self.contexts]
        turns = max(map(len, plans), default=0)
        return [plan[turn] for turn in range(turns) for plan in plans if turn < len(plan)]

    def order_id(self, identifier: str) -> str:
        """Return the order id under which a history is played."""
        profile, _, number = identifier.partition("-")
        return f"{self.settings.nonce}-{profile[0]}{number}"


def shared_example(identifier: str, history: History) -> ScheduledCase:
    """Return a history that another run found, as one to play."""
    return ScheduledCase(identifier, Case(history, LABEL, {}, (), shared=True))


async def start_journal(run_session: RunSession, ledger: RecordSink, started: datetime) -> None:
    """Open a run's journal: what was asked for, how the target was reached, what it offers.

    Raises:
        TargetError: the target cannot be tested. That it was tried is written down all the same.

    """
    # The first record names the profiles that are tested, and the target may be who says which these are.
    target, settings = run_session.target, run_session.settings
    held = BufferedSink()
    try:
        await run_session.open(held)
    finally:
        ledger.append("run", **header(settings, target, settings.tested(target), started))
        held.pass_on(ledger)
    for profile in settings.tested(target):
        await run_session.look(profile, ledger)
    if settings.shard is not None:
        histories, digest = run_session.whole()
        ledger.append("whole", histories=histories, digest=digest)
