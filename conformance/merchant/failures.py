"""The histories that broke an obligation: the plainest of each, shrunk and kept as a counterexample."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.counterexamples import FOLDER
from conformance.evidence.journal import RecordSink
from conformance.evidence.records import CounterexampleRecord
from conformance.merchant.harness import CountingSink, MerchantHarness, MerchantTrialResult
from conformance.merchant.shrinking import Failure, shrink_history
from conformance.obligations.history import MerchantHistory
from conformance.obligations.loss import loss_of
from conformance.results.merchant_counterexamples import MerchantCounterexample, write_merchant_counterexample

MOST_TRIED: Final = 150
"""Candidates that are tried to shrink one of the plainest failures in this process."""
FEWER_TRIED: Final = 40
"""Candidates for the others, which are likely to have the same cause, and where each takes real time."""
PLAINEST: Final = 3
"""How many failures are shrunk with all patience."""
SHRINKING_SECONDS: Final = 60.0
"""After so long, failures are no longer shrunk."""
ENDLESS: Final = "MC-1"


class MerchantFailures:
    """The failures of a run.

    Args:
        harness: the integration, and what it is run with.
        directory: where the evidence goes.
        journal: takes the records.
        run: runs and records a history under an identifier.

    """

    def __init__(
        self,
        harness: MerchantHarness,
        directory: Path,
        journal: RecordSink,
        run: Callable[[str, MerchantHistory], MerchantTrialResult],
    ) -> None:
        self._harness = harness
        self._directory = directory
        self._journal = journal
        self._run = run
        self._failures: dict[tuple[Profile, str], Failure] = {}
        self._shrunk = 0

    def __len__(self) -> int:
        """Return how many obligations were broken, each API for itself."""
        return len(self._failures)

    def note(self, identifier: str, history: MerchantHistory, trial: MerchantTrialResult) -> None:
        """Keep a history for each obligation that it broke, unless a plainer one is kept already."""
        for rule in trial.broken:
            key = history.profile, rule
            failure = Failure(identifier, history, loss_of(trial.trace) is not None)
            if key not in self._failures or failure.plainness < self._failures[key].plainness:
                self._failures[key] = failure

    def shrink(self, market: str, seed: int) -> Iterator[str]:
        """Shrink and keep every failure, the plainest first; yield what a user should know of it."""
        until = time.monotonic() + SHRINKING_SECONDS
        by_plainness = sorted(self._failures.items(), key=lambda item: item[1].plainness)
        for place, ((_, rule), failure) in enumerate(by_plainness):
            patient = place < PLAINEST and self._harness.integration.virtual and rule != ENDLESS
            most = (MOST_TRIED if patient else FEWER_TRIED) if time.monotonic() < until else 0
            smallest, tried = shrink_history(failure.history, partial(self._breaks, rule, failure.loses_money), most)
            recorded = self._run_again(rule, smallest, failure.history)
            if recorded is None:
                yield f"{rule} failed once and could not be made to fail again"
                continue
            identifier, history, reason = recorded
            file = f"{FOLDER}/{history.profile.value}-{rule}-1.json"
            name = self._harness.integration.name
            example = MerchantCounterexample(rule, reason, history, market, seed, name)
            write_merchant_counterexample(self._directory / file, example)
            self._journal.append(
                CounterexampleRecord(
                    rule=rule,
                    profile=history.profile.value,
                    reason=reason,
                    field=rule,
                    file=file,
                    history=identifier,
                    first=failure.identifier,
                    steps=len(history.steps),
                    tried=tried,
                )
            )

    def _breaks(self, rule: str, loses_money: bool, history: MerchantHistory) -> bool:
        """Run a history, and return whether it breaks a rule, with money at stake where that is to be kept."""
        trial = self._harness.run(history, self._identifier(history.profile), CountingSink())
        return rule in trial.broken and not (loses_money and loss_of(trial.trace) is None)

    def _run_again(self, rule: str, *histories: MerchantHistory) -> tuple[str, MerchantHistory, str] | None:
        """Run histories until one breaks a rule, and return it with its identifier and the reason.

        What is shown was recorded.
        """
        for history in histories:
            identifier = self._identifier(history.profile)
            trial = self._run(identifier, history)
            if rule in trial.broken:
                return identifier, history, trial.broken[rule]
        return None

    def _identifier(self, profile: Profile) -> str:
        self._shrunk += 1
        return f"{profile.value}-s{self._shrunk:05d}"
