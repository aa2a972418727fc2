"""Where a failure begins and ends, in words."""

from __future__ import annotations

from datetime import timedelta

from conformance.domain.order import Market
from conformance.evidence.record_parts import BoundaryRecord
from conformance.evidence.records import CounterexampleRecord
from conformance.judging.verdicts import RuleResult
from conformance.reports.wording.provider import amount, duration
from conformance.results.result import Result


def boundary_in_words(boundary: BoundaryRecord, currency: str) -> str:
    """Return from where on and up to where a failure occurs.

    >>> boundary_in_words(BoundaryRecord(of="age", first=90 * 86_400, before=90 * 86_400 - 3_600), "NOK")
    'It occurs from an age of 90 days on, and not at 89 days 23 hours.'
    """

    def words(value: int) -> str:
        return duration(timedelta(seconds=value)) if boundary.of == "age" else amount(value, currency)

    quantity = "age" if boundary.of == "age" else "amount"
    ends = []
    if boundary.first is not None and boundary.before is not None:
        ends.append(f"from an {quantity} of {words(boundary.first)} on, and not at {words(boundary.before)}")
    if boundary.last is not None and boundary.after is not None:
        upto = words(boundary.last) if ends else f"an {quantity} of {words(boundary.last)}"
        ends.append(f"up to {upto}, and not at {words(boundary.after)}")
    return f"It occurs {'; '.join(ends)}." if ends else ""


def boundary_of(result: Result, rule: RuleResult) -> str:
    """Return the same of a violated rule's counterexample; nothing where no limit was found."""
    for record in result.evidence.of(CounterexampleRecord):
        if record.file == rule.counterexample and record.boundary is not None:
            return boundary_in_words(record.boundary, Market(result.run.market).currency)
    return ""
