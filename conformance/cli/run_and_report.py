"""What every command that judges a target has in common: where it writes, how it is stopped, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from conformance.cli.exit_codes import code_of, sentence
from conformance.cli.signals import Stopper, stopper
from conformance.cli.summary import print_ending
from conformance.errors import CommandError, UsageError
from conformance.evidence.journal import JOURNAL_NAME, JournalError
from conformance.evidence.records import FinishRecord
from conformance.judging.verdicts import RunVerdict
from conformance.reports import write_reports
from conformance.results.result import Result

DEFAULT_OUT: Final = "conformance-report"


def run_and_report(
    play: Callable[[Stopper], object], directory: Path, *, debug: bool, ended: Callable[[], None] = lambda: None
) -> Result:
    """Play a campaign, write its reports, and print how it ended.

    Args:
        play: plays everything, and writes the evidence. Every ending must leave a readable journal.
        directory: where that is.
        debug: whether a fault of the suite is shown as it is.
        ended: is called when nothing is played any more, whatever the reason.

    Raises:
        CommandError: it failed; what reports can be written are written.
        JournalError: its journal cannot be written.

    """
    with stopper() as stopping:
        try:
            try:
                play(stopping)
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
    """Return the exit code.

    Raises:
        CommandError: the target could not be tested to the end; the message says why.

    """
    if result.verdict is RunVerdict.ENVIRONMENT:
        finish = result.evidence.last(FinishRecord)
        message = finish.message if finish is not None else ""
        raise CommandError(message or "The target could not be tested to the end.", result.exit_code)
    return result.exit_code


def _failed(failure: Exception, directory: Path, *, debug: bool) -> NoReturn:
    """Write what reports can be written of a run that failed, and raise what is to be told."""
    # The first trouble is the one to tell, not that its report could not be written either.
    try:
        print_ending(write_reports(directory), directory)
    except Exception as error:
        failure.add_note(f"and no report could be written: {error}")
    if debug:
        raise failure
    said = sentence(failure).removesuffix(".")
    where = directory / JOURNAL_NAME
    raise CommandError(f"{said}; the journal is {where}, and --debug shows where it happened.", code_of(failure))


def fresh_directory(out: str | None) -> Path:
    """Return a directory that holds no evidence yet: the one that is named, or one of the default's name."""
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
