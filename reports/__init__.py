"""Reports: a run's evidence as a page, JSON, JUnit, SARIF, a summary and a badge.

Each is a function of the journal alone: written again months later, it is the same.
"""

from __future__ import annotations

import os
from pathlib import Path

from conformance.domain.steps import HistoryError
from conformance.domain.visible_text import visible
from conformance.evidence.journal import JournalError, read_journal
from conformance.evidence.private_files import write_private
from conformance.reports.agreement import check_agreement
from conformance.reports.formats.badge import badge_text
from conformance.reports.formats.json_report import json_text
from conformance.reports.formats.junit import junit_text
from conformance.reports.formats.markdown import summary_text
from conformance.reports.formats.sarif import sarif_text
from conformance.reports.html.render import html_text
from conformance.results.result import Result, result_of

__all__ = ["report_texts", "write_reports"]


def report_texts(result: Result) -> dict[str, str]:
    """Return the reports of a result, by file name.

    Raises:
        JournalError: a record lacks a part that a report shows.
        OracleError: a report does not say what the result does.

    """
    try:
        texts = {
            "report.json": json_text(result),
            "junit.xml": junit_text(result),
            "summary.md": summary_text(result),
            "report.html": html_text(result),
            "results.sarif": sarif_text(result),
            "badge.svg": badge_text(result),
        }
    except (KeyError, HistoryError) as error:
        raise JournalError(f"The evidence is not complete: {error}.") from None
    check_agreement(result, texts)
    # Whoever wrote a text, and in whatever format it is shown: it hides nothing and turns nothing round.
    return {name: visible(text) for name, text in texts.items()}


def write_reports(directory: Path, result: Result | None = None) -> Result:
    """Write the reports of a run next to its journal, and return the result.

    ``result`` is what the journal says, where this process wrote it and knows; left out, the journal is read.

    Raises:
        JournalError: the journal cannot be read or is not of this version, or a report cannot be written.
        OracleError: a report would not say what the journal does. Nothing is written then.

    """
    result = result or result_of(read_journal(directory))
    texts = report_texts(result)
    for name, text in texts.items():
        path, unfinished = directory / name, directory / f".{name}.unfinished"
        try:
            # Whoever is killed here leaves no half of a report.
            write_private(unfinished, text)
            os.replace(unfinished, path)
        except OSError as error:
            raise JournalError(f"{path} cannot be written: {error.strerror}.") from None
    return result
