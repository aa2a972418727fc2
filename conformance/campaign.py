"""A campaign: which histories are played against a target, in what order, and what becomes of those that fail.

The systematic set comes first, then histories that Hypothesis draws from the seed before the first one is played. All
of them are played by as many workers as the target takes; failures are grouped by rule and reason, and one of each
group is minimised. Everything is written into the journal as it happens, and the result is read back from there.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from conformance.auditing import audit
from conformance.failures import Reduction, failures
from conformance.fuzzing.playing import Fuzz, Fuzzing
from conformance.journal import Journal, read_journal
from conformance.operating import Operator, needs_a_hand
from conformance.playing import Observer, Playing
from conformance.result import Result, result_of
from conformance.selfcheck import check_oracle
from conformance.settings import BUDGETS, Settings
from conformance.sitting import Numbered, Sitting, begin
from conformance.targets.base import TargetError
from conformance.targets.seat import Seat

__all__ = ["BUDGETS", "Campaign", "Observer", "Settings"]


class Campaign:
    """One run against one target, from the first request to the last record."""

    def __init__(
        self,
        seat: Seat,
        settings: Settings,
        directory: Path,
        observer: Observer | None = None,
        fuzz: Fuzz | None = None,
    ) -> None:
        self._sitting = Sitting(seat, settings)
        self._directory = directory
        self._observer = observer or Observer()
        self._fuzz = fuzz
        self._journal = Journal(directory)
        self._operator: Operator | None = getattr(seat, "operator", None)
        if self._operator is not None:
            self._operator.hand = partial(self._journal.append, "hand")
        self._started = datetime.now(UTC)

    def _by_hand(self, one: Numbered) -> bool:
        return needs_a_hand(one.planned.history, self._sitting.by_hand(one.planned.history.profile))

    async def run(self) -> Result:
        """Play everything; return the result as it stands in the journal.

        Every ending leaves a readable journal. A target that cannot be tested ends the run as an environment error; any
        other exception as a fault of the harness.
        """
        ended, message = "harness", ""
        try:
            check_oracle()
            await begin(self._sitting, self._journal, self._started)
            histories = self._sitting.everything()
            playing = Playing(self._sitting, self._journal, self._observer)
            by_hand = [one for one in histories if self._by_hand(one)]
            if by_hand:
                self._observer.note(f"A person is needed for {len(by_hand)} histories; they come first.")
                await playing.play_all(by_hand, workers=1)
            histories = [one for one in histories if not self._by_hand(one)]
            self._observer.phase("histories", len(histories))
            await playing.play_all(histories)
            if self._operator is not None:
                self._operator.resting = True
            found = failures(read_journal(self._directory))
            if found:
                await Reduction(self._sitting, self._journal, self._directory, self._observer).keep_smallest(found)
            if self._fuzz is not None:
                # Last, because of what schemathesis does to Hypothesis while it draws.
                self._observer.note(f"Fuzzing from {self._fuzz.description.name}")
                await Fuzzing(self._sitting, self._journal, self._fuzz.description, self._fuzz.limits).play()
            audit(read_journal(self._directory))
            ended = "complete"
        except TargetError as error:
            ended, message = "environment", str(error)
        except (asyncio.CancelledError, KeyboardInterrupt):
            ended, message = "interrupted", "stopped by the user"
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise
        finally:
            await self._sitting.seat.close()
            seconds = round((datetime.now(UTC) - self._started).total_seconds(), 3)
            message = self._sitting.redactor.clean(message)
            self._journal.append("finish", ended=ended, message=message, seconds=seconds)
            self._journal.close()
        return result_of(read_journal(self._directory))
