"""The command ``diff``: compares two runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from conformance.cli.arguments import Diff
from conformance.cli.output import output
from conformance.errors import UsageError
from conformance.evidence.journal import read_journal
from conformance.evidence.private_files import write_private
from conformance.reports.diff.compare import diff
from conformance.reports.diff.render import diff_html, diff_json, diff_text
from conformance.results.result import Result, result_of
from conformance.results.waivers import outdated, read_expected_failures, today
from conformance.verification.bundle import unpack

WORSE: Final = 1


def main(arguments: Diff) -> int:
    """Compare two runs; return 1 where something is worse, and 0 otherwise.

    A file of known failures that is out of date counts as worse, too.
    """
    expected = () if arguments.known is None else read_expected_failures(Path(arguments.known))
    comparison = diff(read(Path(arguments.first)), read(Path(arguments.second)))
    day = today()
    complaints = list(outdated(expected, comparison.after.rules, comparison.after.verdict, day))
    excused = {waiver.rule for waiver in expected if waiver.holds(day)}
    worse = [change for change in comparison.worse if change.rule not in excused]
    code = WORSE if worse or complaints else 0
    match arguments.format:
        case "json":
            text = diff_json(comparison, complaints, code)
        case "html":
            text = diff_html(comparison, complaints)
        case _:
            text = diff_text(comparison, complaints)
    if arguments.to is None:
        output().answer(text)
        return code
    path = Path(arguments.to)
    try:
        write_private(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return code


def read(path: Path) -> Result:
    """Return the result of a run from its directory or its bundle.

    Raises:
        JournalError: the path is neither, or its evidence is not that of one run.

    """
    if not path.is_file():
        return result_of(read_journal(path))
    with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as folder:
        unpack(path, Path(folder))
        return result_of(read_journal(Path(folder)))
