"""The common part of all commands that judge a target.

It decides where they write, stops them on a signal, and prints how they ended.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from conformance.cli.exit_codes import code_of, sentence
from conformance.cli.options import DEFAULT_OUT
from conformance.cli.signals import Stopper, handle_signals
from conformance.cli.summary import print_ending
from conformance.errors import CommandError, UsageError
from conformance.evidence.journal import JOURNAL_NAME, JournalError
from conformance.evidence.records import FinishRecord
from conformance.judging.verdicts import RunVerdict
from conformance.reports import write_reports
from conformance.results.result import Result


def run_and_report(
    play: Callable[[Stopper], object], directory: Path, *, debug: bool, ended: Callable[[], None] = lambda: None
) -> Result:
    """Run a campaign, write its reports, and print how it ended.

    Args:
        play: runs the campaign and writes the evidence. However it ends, it must leave a readable journal.
        directory: where the evidence is.
        debug: whether a fault of the suite is raised as it is.
        ended: is called when nothing runs any more, whatever the reason.

    Raises:
        CommandError: the campaign failed; the reports that can be written are written.
        JournalError: its journal cannot be written.

    """
    with handle_signals() as stopper:
        try:
            try:
                play(stopper)
            except KeyboardInterrupt:
                sys.stdout.write("Stopped at once.\n")
            ended()
            result = write_reports(directory)
        except JournalError:
            raise
        except Exception as error:
            _failed(error, directory, debug=debug)
        finally:
            ended()
    print_ending(result, directory)
    return result


def write_results(result: Result) -> int:
    """Return the exit code of a result.

    Raises:
        CommandError: the target could not be tested to the end; the message says why.

    """
    if result.verdict is RunVerdict.ENVIRONMENT:
        finish = result.evidence.last(FinishRecord)
        message = finish.message if finish is not None else ""
        raise CommandError(message or "The target could not be tested to the end.", result.exit_code)
    return result.exit_code


def _failed(failure: Exception, directory: Path, *, debug: bool) -> NoReturn:
    """Write the reports that can be written of a failed run, and raise its error."""
    # The first failure is the one to report, even where its reports cannot be written either.
    try:
        print_ending(write_reports(directory), directory)
    except Exception as error:
        failure.add_note(f"and no report could be written: {error}")
    if debug:
        raise failure
    message = sentence(failure).removesuffix(".")
    journal = directory / JOURNAL_NAME
    raise CommandError(f"{message}; the journal is {journal}, and --debug shows where it happened.", code_of(failure))


def fresh_directory(out: str | None) -> Path:
    """Return a directory without evidence: ``out``, or one with the default name.

    Raises:
        UsageError: ``out`` already holds evidence, or is empty.

    """
    if out is not None:
        if not out:
            raise UsageError("--out names no directory.")
        directory = Path(out)
        if (directory / JOURNAL_NAME).exists():
            raise UsageError(f"{directory} already holds the evidence of a run: name another --out directory.")
        return directory
    number, directory = 1, Path(DEFAULT_OUT)
    while (directory / JOURNAL_NAME).exists():
        number += 1
        directory = Path(f"{DEFAULT_OUT}-{number}")
    if number > 1:
        sys.stdout.write(f"{DEFAULT_OUT} already holds the evidence of a run: writing to {directory}\n")
    return directory
