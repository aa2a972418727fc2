"""Playing a merchant's counterexample again, and telling what happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.evidence.record_parts import Record
from conformance.evidence.records import MerchantRecord
from conformance.merchant.harness import MerchantHarness
from conformance.obligations.history import QUIET
from conformance.reports.wording.merchant import AT_REST, exchange_in_words, merchant_step_in_words
from conformance.reports.wording.sanitize import in_one_line
from conformance.results.merchant_counterexamples import read_merchant_counterexample
from conformance.rulebook import load_obligations

LONGEST: Final = 400


class ReplayedFailure:
    """A ledger that keeps what is written into it, to tell it step by step."""

    def __init__(self) -> None:
        self.count = 0
        self.records: list[Record] = []

    def append(self, record: Record) -> None:
        """Keep a record."""
        self.records.append(record)
        self.count += 1

    def at_step(self, step: int) -> Iterator[MerchantRecord]:
        """Iterate over the records of one step."""
        return (record for record in self.records if isinstance(record, MerchantRecord) and record.step == step)


def replay_merchant(path: Path, integration: str | None) -> int:
    """Play a counterexample once and print what happens; return 1 where it breaks an obligation, 0 where it does not.

    Raises:
        HistoryError: the file is no counterexample of this version.
        TargetError: the integration cannot be tested.

    """
    example = read_merchant_counterexample(path)
    stand = MerchantHarness(integration or example.integration, market=example.market, seed=example.seed)
    title = load_obligations().rule(example.rule).title
    _say(f"Playing {path} against {stand.integration.name}: {example.rule}, “{title}”")
    _say(f"It was violated because {in_one_line(example.reason, LONGEST)}")
    told = ReplayedFailure()
    try:
        trial = stand.run(example.history, f"{example.history.profile.value}-replay", told)
    finally:
        stand.close()
    names = [*(merchant_step_in_words(step, example.history, stand.currency) for step in example.history.steps), QUIET]
    for number, words in enumerate(names):
        _say("", f"{number + 1}. {words if words != QUIET else AT_REST}")
        for record in told.at_step(number):
            _say(*(f"   {line}" for line in exchange_in_words(record)))
        for judged in trial.results:
            if judged.finding.broken and judged.finding.step == number:
                _say(f"   violated: {judged.rule}: {in_one_line(judged.finding.reason, LONGEST)}")
    _say("")
    if not trial.broken:
        _say(f"Conforms: {example.rule} is not violated by this history any more.")
        return 0
    again = "" if example.rule in trial.broken else f", but not {example.rule}"
    _say(f"Violated: {', '.join(trial.broken)}{again}.")
    return 1


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
