"""A run that only fuzzes, from the first request to the last record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.evidence.journal import Journal
from conformance.fuzzing.fuzzer import Fuzzer, Limits, Watch
from conformance.fuzzing.openapi import Description
from conformance.results.partial_runs import FUZZ
from conformance.results.result import Result
from conformance.runner.recorded_run import RecordedRun
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import Settings
from conformance.targets.target import Target


class FuzzCampaign:
    """A run that fuzzes one target.

    ``settings`` names the profiles; without them, those of the description are taken. ``journal`` is where the evidence
    goes, where it is open already.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        description: Description,
        limits: Limits,
        watch: Watch | None = None,
        journal: Journal | None = None,
    ) -> None:
        profiles = settings.profiles or description.profiles
        self._run_session = RunSession(target, replace(settings, profiles=profiles, focus=FUZZ))
        self._description = description
        self._limits = limits
        self._watch = watch
        self._run = RecordedRun(journal or Journal(directory), self._run_session.redactor.clean)

    async def run(self) -> Result:
        """Fuzz; return the result as the journal gives it."""
        with self._run.recording() as journal:
            async with self._run_session:
                await start_journal(self._run_session, journal, self._run.started)
                await Fuzzer(self._run_session, journal, self._description, self._limits, self._watch).run()
        return self._run.result()
