"""Counterexamples of a merchant's obligations as files: the shrunk history, and what is needed to run it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.domain.steps import HistoryError
from conformance.domain.visible_text import visible_json
from conformance.evidence.counterexamples import COUNTEREXAMPLE_VERSION, RecordedFailure, counterexample_content
from conformance.evidence.journal import MERCHANT_PARTY
from conformance.evidence.private_files import make_private_folder, write_private
from conformance.inputs.documents import parse_json
from conformance.inputs.files import InputError, read_bytes
from conformance.obligations.history import MerchantHistory, merchant_history_as_json, merchant_history_from_json
from conformance.rulebook import load_obligations


@dataclass(frozen=True, slots=True)
class MerchantCounterexample:
    """A history that breaks an obligation, and the settings that it was run with.

    Attributes:
        rule: The id of the obligation.
        reason: How it was broken.
        history: The shrunk history.
        market: The sales unit's country.
        seed: The seed of the run.
        integration: What was tested, as ``--integration`` names it.

    """

    rule: str
    reason: str
    history: MerchantHistory
    market: str
    seed: int
    integration: str


def write_merchant_counterexample(path: Path, example: MerchantCounterexample) -> None:
    """Write a counterexample as a JSON file, with its directory where that is missing."""
    make_private_folder(path.parent)
    run_directory = path.parent.parent
    content = {
        "version": COUNTEREXAMPLE_VERSION,
        "party": MERCHANT_PARTY,
        "rule": example.rule,
        "profile": example.history.profile.value,
        "reason": example.reason,
        "statement": load_obligations().rule(example.rule).statement,
        "market": example.market,
        "seed": example.seed,
        "target": example.integration,
        "history": merchant_history_as_json(example.history),
        "replay": f"cancel-conformance replay {run_directory.name} {path.name} --target {example.integration}",
    }
    write_private(path, visible_json(content))


def is_merchant_counterexample(path: Path) -> bool:
    """Return whether a file is a counterexample of a merchant's obligations."""
    try:
        data = parse_json(read_bytes(path), str(path))
    except InputError:
        return False
    return isinstance(data, dict) and data.get("party") == MERCHANT_PARTY


def merchant_counterexample_of(path: Path) -> RecordedFailure:
    """Return the rule, the API and the history of a counterexample's file.

    Raises:
        HistoryError: The file cannot be read, or is not a counterexample of this version.

    """
    example = read_merchant_counterexample(path)
    return example.rule, example.history.profile.value, merchant_history_as_json(example.history)


def read_merchant_counterexample(path: Path) -> MerchantCounterexample:
    """Return the counterexample of a file.

    Raises:
        HistoryError: The file cannot be read, or is not a counterexample of this version.

    """
    data = counterexample_content(path)
    try:
        history = merchant_history_from_json(data["history"])
        rule, reason, integration = str(data["rule"]), str(data["reason"]), str(data["target"])
        load_obligations().rule(rule)
        return MerchantCounterexample(rule, reason, history, str(data["market"]), int(data["seed"]), integration)
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryError(f"{path} is not a complete counterexample: {error}") from None
