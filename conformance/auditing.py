"""What a run asks of its own evidence before it says that it came to its end."""

from __future__ import annotations

from conformance.journal import Evidence, JournalError
from conformance.obligations.evidence import check_shop, is_merchants
from conformance.rejudging import rejudge
from conformance.soundness import check
from conformance.verdict import OracleError


def audit(evidence: Evidence) -> None:
    """Check that everything planned was played, judged to its end, and judged by the rules.

    Raises:
        OracleError: it was not. Who wrote this down was the suite, and so it is at fault.

    """
    try:
        (check_shop if is_merchants(evidence.records[0]) else check)(evidence, complete=True)
        rejudge(evidence)
    except JournalError as error:
        raise OracleError(str(error)) from error
