"""Checks that a merchant's journal is consistent, and that its judgements follow from what was observed."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.evidence.consistency import NOT_ONE_RUN, PLANNED, digest_of, missing_profiles
from conformance.evidence.journal import DuplicateRecordError, Evidence, JournalError, unwritten
from conformance.evidence.record_parts import Record
from conformance.evidence.records import (
    CapabilitiesRecord,
    CounterexampleRecord,
    ExchangeRecord,
    FinishRecord,
    HistoryRecord,
    JudgementRecord,
    MerchantRecord,
    PlanRecord,
    RunRecord,
)
from conformance.obligations.judge import judge
from conformance.obligations.observation import trace_from_records
from conformance.rulebook import load_obligations


def check_merchant_run(evidence: Evidence, *, complete: bool) -> None:
    """Check that the evidence is that of one run; a ``complete`` one has everything that was planned.

    Raises:
        JournalError: The evidence is inconsistent; the message says in what.

    """
    for inconsistency in _inconsistencies(evidence, complete=complete):
        raise JournalError(f"{NOT_ONE_RUN}: {inconsistency}.")


def _inconsistencies(evidence: Evidence, *, complete: bool) -> Iterator[str]:
    yield from _second_beginnings(evidence)
    profiles = evidence.run.profiles
    probed = [record.profile for record in evidence.of(CapabilitiesRecord)]
    if len(probed) != len(set(probed)) or not set(probed) <= set(profiles):
        yield f"the integration was looked at for {', '.join(probed)}, and the run is of {', '.join(profiles)}"
    histories: dict[str, HistoryRecord] = {}
    violations: dict[str, set[str]] = {}
    for record in evidence.records:
        yield from _misplaced(record, histories, violations, probed)
    for record in evidence.of(CounterexampleRecord):
        yield from (
            f"the counterexample of {record.rule} is {name}, which does not violate it"
            for name in (record.history, record.first)
            if record.rule not in violations.get(name, ())
        )
    if complete:
        yield from missing_profiles(evidence.run, probed)
        yield from _unplanned(evidence, histories)


def _second_beginnings(evidence: Evidence) -> Iterator[str]:
    last_record = evidence.records[-1]
    for record in evidence.records[1:]:
        if isinstance(record, RunRecord) or (isinstance(record, FinishRecord) and record is not last_record):
            yield f"there is a second beginning or something after the end at record {record.n}"


def _misplaced(
    record: Record, histories: dict[str, HistoryRecord], violations: dict[str, set[str]], probed: list[str]
) -> Iterator[str]:
    """Return what is wrong with the place of a record: its history did not begin before it, or began twice."""
    if isinstance(record, HistoryRecord):
        if record.id in histories:
            raise DuplicateRecordError(f"{NOT_ONE_RUN}: {record.id} is there twice.")
        if record.profile not in probed or record.history.get("profile") != record.profile:
            yield f"{record.id} is of {record.profile}, of which the run knows nothing"
        histories[record.id] = record
        violations[record.id] = set()
    elif isinstance(record, ExchangeRecord) and not record.history:
        return  # before the first history, where no payment could be made
    elif isinstance(record, MerchantRecord):
        if record.history not in histories:
            yield f"record {record.n} is about {record.history}, which was not begun before it"
        elif isinstance(record, JudgementRecord):
            violations[record.history] |= {finding.rule for finding in record.findings}


def _unplanned(evidence: Evidence, histories: dict[str, HistoryRecord]) -> Iterator[str]:
    """Return where the histories that were run differ from those that were planned."""
    run_histories = {name: record for name, record in histories.items() if record.source in PLANNED}
    planned: list[str] = []
    for record in evidence.of(PlanRecord):
        names = record.histories
        planned += names
        if not set(names) <= set(run_histories):
            yield f"{', '.join(sorted(set(names) - set(run_histories))[:3])} was planned and not played"
        elif digest_of((name, run_histories[name].history) for name in names) != record.digest:
            yield "what was played is not what was planned"
    if sorted(planned) != sorted(run_histories):
        yield "something was planned twice, or played and not planned"


def recompute_merchant_findings(evidence: Evidence) -> None:
    """Judge every history of a merchant's run again.

    Raises:
        JournalError: A recorded judgement differs from the recomputed one, or a record lacks a part.

    """
    try:
        _recompute(evidence)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalError(f"The evidence is not complete: it cannot be judged again for {error!r}.") from None


def _recompute(evidence: Evidence) -> None:
    book = load_obligations()
    capabilities = {record.profile: record for record in evidence.of(CapabilitiesRecord)}
    records_of: dict[str, list[MerchantRecord]] = {}
    for record in evidence.records:
        if isinstance(record, MerchantRecord):
            records_of.setdefault(record.history, []).append(record)
    last = evidence.last(HistoryRecord)
    for record in evidence.of(HistoryRecord):
        history_records = records_of.get(record.id, [])
        stated = capabilities[record.profile]
        trace = trace_from_records(record.history, history_records, stated.offered, stated.declared)
        recorded = [unwritten(part) for part in history_records if isinstance(part, JudgementRecord)]
        expected = [result.as_record(trace, record.id) for result in judge(trace, book)]
        if record is last and evidence.ended != "complete":
            # It was under way. A history is judged when it is over: what is missing are its last judgements.
            expected = expected[: len(recorded)]
        if recorded != expected:
            raise JournalError(
                f"The evidence was not judged by its rules: what is said of {record.id} is not what was seen. "
                f"It was written by version {evidence.run.tool} of cancel-conformance."
            )
