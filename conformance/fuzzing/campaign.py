"""A run that fuzzes and does nothing else, from the first request to the last record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from conformance.evidence.journal import Journal, read_journal
from conformance.fuzzing.fuzzer import Fuzzing, Limits, Watch
from conformance.fuzzing.openapi import Description
from conformance.results.audit import audit
from conformance.results.partial_runs import FUZZ
from conformance.results.result import Result, result_of
from conformance.results.selfcheck import check_oracle
from conformance.runner.finish import ending
from conformance.runner.session import Sitting, begin
from conformance.runner.settings import Settings
from conformance.targets.target import Seat


class FuzzCampaign:
    """Fuzzes one target. ``settings`` names the profiles; without them, those of the description are taken."""

    def __init__(
        self,
        seat: Seat,
        settings: Settings,
        directory: Path,
        description: Description,
        limits: Limits,
        watch: Watch | None = None,
    ) -> None:
        profiles = settings.profiles or description.profiles
        self._sitting = Sitting(seat, replace(settings, profiles=profiles, focus=FUZZ))
        self._description = description
        self._limits = limits
        self._watch = watch
        self._directory = directory
        self._journal = Journal(directory)
        self._started = datetime.now(UTC)

    async def run(self) -> Result:
        """Fuzz; return the result as it stands in the journal. Every ending leaves a readable journal."""
        async with ending(self._sitting, self._journal, self._started):
            check_oracle()
            await begin(self._sitting, self._journal, self._started)
            await Fuzzing(self._sitting, self._journal, self._description, self._limits, self._watch).play()
            audit(read_journal(self._directory))
        return result_of(read_journal(self._directory))
