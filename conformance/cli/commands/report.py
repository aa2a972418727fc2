"""``report``: the reports of a run again, from its journal, whether or not it came to its end."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.cli.summary import print_ending
from conformance.evidence.counterexamples import FOLDER, check_recorded, told_by
from conformance.evidence.journal import is_merchants, read_journal
from conformance.reports import write_reports
from conformance.results.audit import rejudge
from conformance.results.merchant_counterexamples import told_by_shop
from conformance.results.result import result_of


def main(arguments: argparse.Namespace) -> int:
    """Judge everything again, and write the reports; return the exit code of the run."""
    directory = Path(arguments.directory)
    evidence = read_journal(directory)
    result_of(evidence)
    rejudge(evidence)
    told = told_by_shop if is_merchants(evidence.records[0]) else told_by
    for path in sorted((directory / FOLDER).glob("*.json")):
        check_recorded(directory, path, evidence, told)
    # It is read once more from the file, and is not to be there twice.
    del evidence
    result = write_reports(directory)
    print_ending(result, directory)
    return result.exit_code
