"""The audit of a run: every judgement is recomputed, and must follow from what its record says was observed.

The step comes from the history, the context from the run's own records, the expectation from the model. What was
observed is taken as it was recorded; whether the exchanges say so is for `verification.replay`.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs

from conformance.domain.expectation import Expectation, Observation
from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, Together, history_from_json
from conformance.evidence.consistency import check_consistency
from conformance.evidence.journal import Evidence, JournalError, is_merchant_run, unwritten
from conformance.evidence.records import CapabilitiesRecord, FuzzedRecord, HistoryRecord, JudgementRecord, RunRecord
from conformance.evidence.redaction import REMOVED
from conformance.judging.http_layer import judge_request
from conformance.judging.judge import Judgement, OracleError, StepStatus
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.results.merchant_audit import check_merchant_run, recompute_merchant_findings
from conformance.rulebook import Readings


def recompute_judgements(evidence: Evidence) -> None:
    """Recompute the judgement of every step; in a merchant's run, of every history.

    Raises:
        JournalError: a judgement does not follow from what was observed, or a record lacks a part.

    """
    if is_merchant_run(evidence.run):
        recompute_merchant_findings(evidence)
        return
    try:
        _recompute_all(evidence)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalError(f"The evidence is not complete: it cannot be judged again for {error!r}.") from None


def contexts_of(evidence: Evidence) -> dict[str, ModelContext]:
    """Return what the model depended on in a run, by API."""
    market, readings = Market(evidence.run.market), Readings.from_json(evidence.run.readings)
    return {
        record.profile: ModelContext(
            market,
            readings,
            "units" in record.offered,
            None if record.lapses_after is None else timedelta(seconds=record.lapses_after),
        )
        for record in evidence.of(CapabilitiesRecord)
    }


def _recompute_all(evidence: Evidence) -> None:
    run, contexts = evidence.run, contexts_of(evidence)
    judged: dict[str, list[JudgementRecord]] = {}
    for record in evidence.of(JudgementRecord):
        judged.setdefault(record.history, []).append(record)
    for request in evidence.of(FuzzedRecord):
        _recompute_request(request)
    for history in evidence.of(HistoryRecord):
        context = contexts[history.profile]
        _recompute_history(history_from_json(history.history), judged.get(history.id, []), context, run)


def _recompute_request(record: FuzzedRecord) -> None:
    if _is_redacted(record.facts):
        return
    verdict = judge_request(Profile(record.profile), record.facts)
    if verdict.judged(record) != record:
        raise JournalError(
            f"The evidence was not judged by its rules: request {record.id} of the fuzzer is said to be "
            f"{record.status!r}, and the facts say {verdict.status.value!r}."
        )


def _recompute_history(
    history: History, judgements: list[JudgementRecord], context: ModelContext, run: RunRecord
) -> None:
    tracker = Tracker(history.profile, context, complete=run.target.wire)
    for step, record in zip(history.all_steps, judgements, strict=False):
        observation: Observation = record.observed
        if _is_redacted(observation):
            # Nobody can repeat this judgement, and the rest of the history depends on it.
            return
        expectation = tracker.expectation(step)
        judgement = tracker.observe(step, observation)
        if isinstance(step, Together) and record.superseded and judgement.status is StepStatus.VIOLATES:
            # The same was found without a race, in the histories that were run instead: there it is counted.
            return
        if not _is_recorded(judgement, expectation, record):
            raise JournalError(
                f"The evidence was not judged by its rules: step {record.step} of {record.history} is said to be "
                f"{record.status!r}, and what was observed says {judgement.status.value!r}. "
                f"It was written by version {run.tool} of cancel-conformance."
            )


def _is_redacted(fields: Observation) -> bool:
    """Tell whether a secret was removed from where a judgement looked."""
    return any(REMOVED in str(value) for value in fields.values())


def _is_recorded(judgement: Judgement, expectation: Expectation, record: JudgementRecord) -> bool:
    """Tell whether a record says what a judgement of the same observation does."""
    expected = judgement.as_record(
        expectation,
        history=record.history,
        step=record.step,
        do=record.do,
        response=record.seen,
        observed=record.observed,
    )
    return structs.replace(unwritten(record), superseded=False) == expected


def audit(evidence: Evidence) -> None:
    """Check that everything planned was run, and judged to its end by the rules.

    Raises:
        OracleError: it was not. The suite itself wrote this evidence, so the suite is at fault.

    """
    try:
        (check_merchant_run if is_merchant_run(evidence.run) else check_consistency)(evidence, complete=True)
        recompute_judgements(evidence)
    except JournalError as error:
        raise OracleError(str(error)) from error
