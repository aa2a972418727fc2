"""A session: a target under a run's settings, reached and probed, and the opening of the run's journal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from conformance.domain.order import Profile
from conformance.evidence.journal import BufferedSink, RecordSink
from conformance.evidence.recorder import ExchangeRecorder
from conformance.evidence.records import CapabilitiesRecord, SmokeRecord
from conformance.evidence.redaction import Redactor
from conformance.model import ModelContext
from conformance.runner.expiry_probe import actions_needed, measure_expiry
from conformance.runner.settings import Settings, header
from conformance.targets.target import ProbeResult, Target
from conformance.targets.transport import TargetError


@dataclass
class RunSession:
    """A target under a run's settings, left when the session is exited.

    ``granted`` is what is possible although the target does not offer it: time that passes by itself. ``contexts`` and
    ``probes`` have the profiles that were probed, in the order in which they were; a probe's ``offered`` includes what
    was granted, and ``units`` where the target tells sales units apart.
    """

    target: Target
    settings: Settings
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    granted: frozenset[str] = frozenset()
    contexts: dict[Profile, ModelContext] = field(default_factory=dict)
    probes: dict[Profile, ProbeResult] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.target.close()

    async def open(self, journal: RecordSink) -> tuple[Profile, ...]:
        """Reach the target; return the profiles that are to be tested.

        Raises:
            TargetError: it cannot be reached or used.

        """
        settings = self.settings
        record = self.exchanges(journal, "")
        await self.target.open(settings.market, settings.naming, self.redactor.learn, record)
        return settings.tested(self.target)

    async def look(self, profile: Profile, journal: RecordSink) -> None:
        """Take one order through its life, and record what the target offers.

        Raises:
            TargetError: the target cannot be tested in this profile.

        """
        probe = await self._probe(profile, journal)
        context = self._context(probe)
        if probe.offered >= actions_needed(profile):
            context = replace(context, lapses_after=await self._lapses_after(profile, context, journal))
        self._learn(profile, probe, context)
        lapses_after = context.lapses_after
        journal.append(
            CapabilitiesRecord(
                profile=profile.value,
                offered=tuple(sorted(self.probes[profile].offered)),
                source=probe.source,
                lapses_after=None if lapses_after is None else int(lapses_after.total_seconds()),
            )
        )
        journal.append(SmokeRecord(profile=profile.value, ok=True, note=probe.note))

    async def probe_again(self, record: CapabilitiesRecord, journal: RecordSink) -> None:
        """Probe a profile again that was probed before the run was interrupted.

        Raises:
            TargetError: the target cannot be tested, or offers something else now.

        """
        profile = Profile(record.profile)
        probe = await self._probe(profile, journal)
        if tuple(sorted(probe.offered)) != record.offered:
            raise TargetError(
                f"{self.target.name} offers {', '.join(sorted(probe.offered)) or 'nothing'} in {profile.value} now, "
                f"and offered {', '.join(record.offered) or 'nothing'} when the run began: begin another run."
            )
        seconds = record.lapses_after
        lapses_after = None if seconds is None else timedelta(seconds=seconds)
        self._learn(profile, probe, replace(self._context(probe), lapses_after=lapses_after))

    async def _probe(self, profile: Profile, journal: RecordSink) -> ProbeResult:
        probe = await self.target.probe(profile, self.exchanges(journal, ""))
        return replace(probe, offered=probe.offered | {"units"}) if probe.distinguishes_units else probe

    def _learn(self, profile: Profile, probe: ProbeResult, context: ModelContext) -> None:
        self.probes[profile] = replace(probe, offered=probe.offered | self.granted)
        self.contexts[profile] = context

    def _context(self, probe: ProbeResult) -> ModelContext:
        return ModelContext(self.settings.market, self.settings.readings, probe.distinguishes_units)

    async def _lapses_after(self, profile: Profile, context: ModelContext, journal: RecordSink) -> timedelta | None:
        worker = self.target.worker()
        try:
            order_id = self.settings.naming.order_id(profile, "lapse")
            return await measure_expiry(profile, context, worker.driver(profile, order_id, self.exchanges(journal, "")))
        finally:
            await worker.close()

    def exchanges(self, journal: RecordSink, history: str) -> ExchangeRecorder:
        """Return the recorder of one history's exchanges."""
        return ExchangeRecorder(journal, self.redactor, history)

    def order_id(self, identifier: str) -> str:
        """Return the order id under which a history is run."""
        profile, _, number = identifier.partition("-")
        return self.settings.naming.order_id(Profile(profile), number)


async def start_journal(run_session: RunSession, journal: RecordSink, started: datetime) -> None:
    """Record what was asked for, how the target was reached, and what it offers.

    Raises:
        TargetError: the target cannot be tested. That it was tried is recorded all the same.

    """
    # The first record names the profiles that are tested, and the target may be who says which these are.
    target, settings = run_session.target, run_session.settings
    buffered = BufferedSink()
    try:
        await run_session.open(buffered)
    finally:
        journal.append(header(settings, target, settings.tested(target), started))
        buffered.pass_on(journal)
    for profile in settings.tested(target):
        await run_session.look(profile, journal)
