"""A run's journal from its opening to its last record: what all kinds of run have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from conformance.evidence.journal import Evidence, Journal
from conformance.evidence.records import Ending, FinishRecord
from conformance.results.audit import audit
from conformance.results.result import Result, result_of
from conformance.results.selfcheck import check_oracle
from conformance.targets.transport import TargetError


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, in the words of the journal's last record."""

    ended: Ending = "complete"
    message: str = ""
    crash: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything was run."""
        return self.ended == "complete"


def run_end_after(error: BaseException) -> RunEnd:
    """Return how a run ends that was stopped by an exception."""
    if isinstance(error, TargetError):
        return RunEnd("environment", str(error), error.crash)
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        return RunEnd("interrupted", "stopped by the user")
    return RunEnd("harness", f"{type(error).__name__}: {error}")


class RecordedRun:
    """One run and its journal.

    ``clean`` takes the secrets out of the last record.
    """

    def __init__(self, journal: Journal, clean: Callable[[str], str] = str) -> None:
        self.journal = journal
        self.started = datetime.now(UTC)
        self._began = time.monotonic()
        self._clean = clean

    def date_back(self, started: datetime) -> None:
        """Let the run have begun earlier, in another process."""
        self._began -= (self.started - started).total_seconds()
        self.started = started

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """Check the oracle, record a run, audit its evidence, and end the journal.

        Every ending leaves a readable journal. A target that cannot be tested ends the run as an environment error, and
        a user who stops it as an interrupted one: neither is raised. Any other exception is a fault of the suite, and
        is raised.
        """
        try:
            check_oracle()
            yield self.journal
            audit(self.evidence)
        except BaseException as error:
            end = run_end_after(error)
            self.finish(end)
            if end.ended == "harness":
                raise
        else:
            self.finish(RunEnd())

    def finish(self, end: RunEnd) -> None:
        """Write the last record, and close the journal.

        A run that did not come to its first record has none: nothing says what it was about.
        """
        if not self.journal.count:
            self.journal.close()
            return
        seconds = round(time.monotonic() - self._began, 3)
        self.journal.append(
            FinishRecord(
                ended=end.ended, message=self._clean(end.message), seconds=seconds, crash=self._clean(end.crash)
            )
        )
        self.journal.close()

    @property
    def evidence(self) -> Evidence:
        """What stands in the journal now."""
        return self.journal.evidence()

    def result(self) -> Result:
        """Return the run's result, as its journal gives it."""
        return result_of(self.evidence)
