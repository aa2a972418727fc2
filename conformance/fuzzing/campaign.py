"""A run that only fuzzes, from the first request to the last record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from conformance.evidence.journal import Journal, read_journal
from conformance.fuzzing.fuzzer import Fuzzer, Limits, Watch
from conformance.fuzzing.openapi import Description
from conformance.results.audit import audit
from conformance.results.partial_runs import FUZZ
from conformance.results.result import Result, result_of
from conformance.results.selfcheck import check_oracle
from conformance.runner.finish import recorded_ending
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import Settings
from conformance.targets.target import Target


class FuzzCampaign:
    """Fuzzes a target.

    It fuzzes the APIs in ``settings``, or those of the description if there are none.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        description: Description,
        limits: Limits,
        watch: Watch | None = None,
    ) -> None:
        profiles = settings.profiles or description.profiles
        self._run_session = RunSession(target, replace(settings, profiles=profiles, focus=FUZZ))
        self._description = description
        self._limits = limits
        self._watch = watch
        self._directory = directory
        self._journal = Journal(directory)
        self._started = datetime.now(UTC)

    async def run(self) -> Result:
        """Fuzz; return the result as the journal has it.

        Every ending leaves a readable journal.
        """
        async with recorded_ending(self._run_session, self._journal, self._started):
            check_oracle()
            await start_journal(self._run_session, self._journal, self._started)
            await Fuzzer(self._run_session, self._journal, self._description, self._limits, self._watch).run()
            audit(read_journal(self._directory))
        return result_of(read_journal(self._directory))
