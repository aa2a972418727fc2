"""The audit of a run: every judgement is recomputed, and must follow from what its record says was observed.

The step comes from the history, the context from the run's own records, the expectation from the model. What was
observed is taken as it was recorded; whether the exchanges say so is for `verification.replay`.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.domain.expectation import Observation
from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, Together, history_from_json
from conformance.evidence.consistency import check_consistency
from conformance.evidence.journal import Evidence, JournalError, Record, is_merchant_run
from conformance.evidence.redaction import REMOVED
from conformance.judging.http_layer import judge_request
from conformance.judging.judge import OracleError, StepStatus
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.results.merchant_audit import check_merchant_run, recompute_merchant_findings
from conformance.rulebook import Readings

_BESIDE_THE_JUDGEMENT: Final = ("n", "kind", "prev", "history", "step", "do", "seen", "observed", "superseded")
"""What a judgement's record has beside the judgement."""
_VERDICT: Final = ("status", "examples", "records", "cause", "findings")
"""What a fuzzed request's record has of its verdict."""


def recompute_judgements(evidence: Evidence) -> None:
    """Recompute the judgement of every step; in a merchant's run, of every history.

    Raises:
        JournalError: a judgement does not follow from what was observed, or a record lacks a part.

    """
    if is_merchant_run(evidence.records[0]):
        recompute_merchant_findings(evidence)
        return
    try:
        _recompute_all(evidence)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalError(f"The evidence is not complete: it cannot be judged again for {error!r}.") from None


def _recompute_all(evidence: Evidence) -> None:
    run = evidence.records[0]
    market, readings = Market(run["market"]), Readings.from_json(run["readings"])
    contexts = {
        record["profile"]: ModelContext(market, readings, "units" in record["offered"])
        for record in evidence.of_kind("capabilities")
    }
    judged: dict[str, list[Record]] = {}
    for record in evidence.of_kind("judgement"):
        judged.setdefault(record["history"], []).append(record)
    for record in evidence.of_kind("fuzzed"):
        _recompute_request(record)
    for record in evidence.of_kind("history"):
        context = contexts[record["profile"]]
        _recompute_history(history_from_json(record["history"]), judged.get(record["id"], []), context, run)


def _recompute_request(record: Record) -> None:
    if _is_redacted(record["facts"]):
        return
    recorded = {name: record[name] for name in _VERDICT if name in record}
    judged = judge_request(Profile(record["profile"]), record["facts"]).as_json()
    if recorded != judged:
        raise JournalError(
            f"The evidence was not judged by its rules: request {record['id']} of the fuzzer is said to be "
            f"{record['status']!r}, and the facts say {judged['status']!r}."
        )


def _recompute_history(history: History, judgements: list[Record], context: ModelContext, run: Record) -> None:
    tracker = Tracker(history.profile, context, complete=bool(run["target"]["wire"]))
    for step, record in zip(history.all_steps, judgements, strict=False):
        observation: Observation = record["observed"]
        if _is_redacted(observation):
            # Nobody can repeat this judgement, and the rest of the history depends on it.
            return
        expectation = tracker.expectation(step)
        judgement = tracker.observe(step, observation)
        if isinstance(step, Together) and record.get("superseded") and judgement.status is StepStatus.VIOLATES:
            # The same was found without a race, in the histories that were run instead: there it is counted.
            return
        if _recorded_judgement(record) != judgement.as_json(expectation):
            raise JournalError(
                f"The evidence was not judged by its rules: step {record['step']} of {record['history']} is said to be "
                f"{record['status']!r}, and what was observed says {judgement.status.value!r}. "
                f"It was written by version {run['tool']} of cancel-conformance."
            )


def _is_redacted(fields: Observation) -> bool:
    """Tell whether a secret was removed from where a judgement looked."""
    return any(REMOVED in str(value) for value in fields.values())


def _recorded_judgement(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _BESIDE_THE_JUDGEMENT}


def audit(evidence: Evidence) -> None:
    """Check that everything planned was run, and judged to its end by the rules.

    Raises:
        OracleError: it was not. The suite itself wrote this evidence, so the suite is at fault.

    """
    try:
        (check_merchant_run if is_merchant_run(evidence.records[0]) else check_consistency)(evidence, complete=True)
        recompute_judgements(evidence)
    except JournalError as error:
        raise OracleError(str(error)) from error
