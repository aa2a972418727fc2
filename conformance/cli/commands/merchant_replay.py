"""The replay of a merchant's counterexample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from conformance.cli.arguments import Replay
from conformance.cli.consent import require_consent
from conformance.cli.output import output
from conformance.domain.order import Profile
from conformance.evidence.journal import JournalError, read_journal
from conformance.evidence.record_parts import Record
from conformance.evidence.records import BooksRecord, CapabilitiesRecord, MerchantRecord
from conformance.merchant.harness import MerchantHarness
from conformance.reports.wording.merchant import AT_REST, exchange_in_words, merchant_step_in_words
from conformance.reports.wording.sanitize import in_one_line
from conformance.results.merchant_counterexamples import read_merchant_counterexample
from conformance.rulebook import load_obligations

LONGEST: Final = 400


class HistoryRecords:
    """The records of one history, to be printed step by step."""

    def __init__(self) -> None:
        self.count = 0
        self.records: list[Record] = []

    def append(self, record: Record) -> None:
        """Add a record."""
        self.records.append(record)
        self.count += 1

    def at_step(self, step: int) -> Iterator[MerchantRecord]:
        """Iterate over the records of one step."""
        return (record for record in self.records if isinstance(record, MerchantRecord) and record.step == step)


def replay_merchant(path: Path, arguments: Replay) -> int:
    """Run a counterexample once and print what happens.

    Returns 1 where it violates an obligation, and 0 where it violates none.

    Raises:
        HistoryError: the file is no counterexample of this version.
        UsageError: the user does not agree that what the file names is run.
        TargetError: the integration cannot be tested.

    """
    counterexample = read_merchant_counterexample(path)
    integration = arguments.target or counterexample.integration
    named = None if "target" in arguments.typed else integration
    require_consent(path, (named,), yes=arguments.yes, remedy="name what to test with --target")
    harness = MerchantHarness(
        integration,
        market=counterexample.market,
        seed=counterexample.seed,
        declare=_declared_in(path, counterexample.history.profile) if integration == counterexample.integration else {},
    )
    title = load_obligations().rule(counterexample.rule).title
    _say(f"Playing {path} against {harness.integration.name}: {counterexample.rule}, “{title}”")
    _say(f"It was violated because {in_one_line(counterexample.reason, LONGEST)}")
    records = HistoryRecords()
    try:
        trial = harness.run(counterexample.history, f"{counterexample.history.profile.value}-replay", records)
    finally:
        harness.close()
    history, currency = counterexample.history, harness.currency
    sentences = [*(merchant_step_in_words(step, history, currency) for step in history.steps), AT_REST]
    for number, sentence in enumerate(sentences):
        _say("", f"{number + 1}. {sentence}")
        _say(*(f"   {line}" for line in _step_in_words(records.at_step(number))))
        for judged in trial.results:
            if judged.counts and judged.finding.step == number:
                _say(f"   violated: {judged.rule}: {in_one_line(judged.finding.reason, LONGEST)}")
    return print_replay(counterexample.rule, path, list(trial.broken))


def _declared_in(path: Path, profile: Profile) -> dict[str, Any]:
    """Return the ways of the shop that were declared in the run that a counterexample is from, if that is there."""
    try:
        evidence = read_journal(path.parents[1])
    except (JournalError, IndexError):
        return {}
    records = evidence.of(CapabilitiesRecord)
    return next((dict(record.declared) for record in records if record.profile == profile), {})


def _step_in_words(records: Iterable[MerchantRecord]) -> Iterator[str]:
    """Yield a step's records as lines, and the books only where they changed in it."""
    books: list[str] = []
    for record in records:
        lines = list(exchange_in_words(record))
        if isinstance(record, BooksRecord):
            lines, books = [] if lines == books else lines, lines
        yield from lines


def print_replay(rule: str, path: Path, broken: list[str]) -> int:
    """Print whether a counterexample still breaks its rule, which file it is, and what it breaks; return the code."""
    code = 1 if broken else 0
    _say("")
    if broken:
        note = "" if rule in broken else f", but not {rule}"
        output().conclude(f"Violated: {', '.join(broken)}{note}.", "bad")
    else:
        output().conclude(f"Conforms: {rule} is not violated by this history any more.", "good")
    output().answer_json({"rule": rule, "counterexample": str(path), "violated": broken, "exit_code": code})
    return code


def _say(*lines: str) -> None:
    output().say(*lines)
