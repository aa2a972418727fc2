"""The command ``report``: writes the reports of a run from its journal.

The run may be unfinished.
"""

from __future__ import annotations

from pathlib import Path

from conformance.cli.arguments import Report
from conformance.cli.exit_codes import INTERRUPTED
from conformance.cli.run_and_report import conclude
from conformance.cli.summary import print_ending
from conformance.errors import CommandError
from conformance.evidence.counterexamples import FOLDER, check_recorded, recorded_failure_of
from conformance.evidence.journal import EmptyJournalError, is_merchant_run, read_journal
from conformance.reports import write_reports
from conformance.results.audit import recompute_judgements
from conformance.results.merchant_counterexamples import merchant_counterexample_of
from conformance.results.result import result_of


def main(arguments: Report) -> int:
    """Recompute every judgement and write the reports; return the run's exit code.

    Raises:
        CommandError: the run was stopped before its first record was written.

    """
    directory = Path(arguments.directory)
    try:
        evidence = read_journal(directory)
    except EmptyJournalError as error:
        raise CommandError(str(error), INTERRUPTED) from None
    result_of(evidence)
    recompute_judgements(evidence)
    failure_of = merchant_counterexample_of if is_merchant_run(evidence.run) else recorded_failure_of
    for path in sorted((directory / FOLDER).glob("*.json")):
        check_recorded(directory, path, evidence, failure_of)
    # The reports read the evidence again; two copies would need twice the memory.
    del evidence
    result = write_reports(directory)
    print_ending(result, directory)
    return conclude(result, directory)
