"""Judging again what was judged: every judgement of a run must follow from what it says was observed.

The step comes from the history, the world from the run's own records, the expectation from the model. What was observed
is taken as it was recorded; that it is what the exchanges say is another question.
"""

from __future__ import annotations

from typing import Any

from conformance.domain.expectation import Observation
from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, Initiate, Together, history_from_json
from conformance.evidence.consistency import check_consistency
from conformance.evidence.journal import Evidence, JournalError, Record, is_merchant_run
from conformance.evidence.redaction import REMOVED
from conformance.judging.ambiguity import assess
from conformance.judging.http_layer import judge_request
from conformance.judging.judge import OracleError, StepStatus
from conformance.model import ModelContext, PossibleOrders, advance, expect, initial_expectation
from conformance.results.merchant_audit import check_merchant_run, recompute_merchant_findings
from conformance.rulebook import Readings

_FREE = ("n", "kind", "prev", "history", "step", "do", "seen", "observed", "superseded")
"""What a judgement's record has beside the judgement."""


def recompute_judgements(evidence: Evidence) -> None:
    """Judge every step of a run again; of a merchant's run, every history.

    Raises:
        JournalError: a judgement does not follow from what was observed, or a record lacks a part.

    """
    if is_merchant_run(evidence.records[0]):
        recompute_merchant_findings(evidence)
        return
    try:
        _rejudge_all(evidence)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalError(f"The evidence is not complete: it cannot be judged again for {error!r}.") from None


def _rejudge_all(evidence: Evidence) -> None:
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
        _rejudge_request(record)
    for record in evidence.of_kind("history"):
        context = contexts[record["profile"]]
        _rejudge_one(history_from_json(record["history"]), judged.get(record["id"], []), context, run)


def _rejudge_request(record: Record) -> None:
    if any(REMOVED in str(value) for value in record["facts"].values()):
        return
    said = {name: record[name] for name in ("status", "examples", "records", "cause", "findings") if name in record}
    judged = judge_request(Profile(record["profile"]), record["facts"]).as_json()
    if said != judged:
        raise JournalError(
            f"The evidence was not judged by its rules: request {record['id']} of the fuzzer is said to be "
            f"{record['status']!r}, and the facts say {judged['status']!r}."
        )


def _rejudge_one(history: History, judgements: list[Record], context: ModelContext, run: Record) -> None:
    possible: PossibleOrders = ()
    doubtful = False
    complete = bool(run["target"]["wire"])
    for step, record in zip(history.all_steps, judgements, strict=False):
        observed: Observation = record["observed"]
        if any(REMOVED in str(value) for value in observed.values()):
            # A secret stood where the judgement looked: nobody can repeat it, and the rest of the history hangs on it.
            return
        if isinstance(step, Initiate):
            expectation = initial_expectation(Profile(history.profile), step, context)
        else:
            expectation = expect(possible, step, context)
        assessment = assess(step, expectation, observed, possible, context, complete=complete, doubtful=doubtful)
        judgement, doubtful = assessment.judgement, assessment.doubtful
        if isinstance(step, Together) and record.get("superseded") and judgement.status is StepStatus.VIOLATES:
            # Found as well without a race, in the histories that were played instead: there it is counted.
            return
        if _plain(record) != judgement.as_json(expectation):
            raise JournalError(
                f"The evidence was not judged by its rules: step {record['step']} of {record['history']} is said to be "
                f"{record['status']!r}, and what was observed says {judgement.status.value!r}. "
                f"It was written by version {run['tool']} of cancel-conformance."
            )
        possible = advance(step, possible, assessment.left, observed)


def _plain(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _FREE}


def audit(evidence: Evidence) -> None:
    """Check that everything planned was played, judged to its end, and judged by the rules.

    Raises:
        OracleError: it was not. Who wrote this down was the suite, and so it is at fault.

    """
    try:
        (check_merchant_run if is_merchant_run(evidence.records[0]) else check_consistency)(evidence, complete=True)
        recompute_judgements(evidence)
    except JournalError as error:
        raise OracleError(str(error)) from error
