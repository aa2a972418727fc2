"""The common part of all commands that judge a target.

It stops them on a signal, and prints how they ended.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import NoReturn

from conformance.cli.exit_codes import code_of, sentence
from conformance.cli.output import output
from conformance.cli.run_document import run_document
from conformance.cli.signals import Stopper, handle_signals
from conformance.cli.summary import print_ending, print_verdict
from conformance.errors import CommandError
from conformance.evidence.journal import JOURNAL_NAME, FormatError, JournalError
from conformance.evidence.records import FinishRecord
from conformance.judging.verdicts import RunVerdict
from conformance.reports import write_reports
from conformance.results.result import Result


def run_and_report(
    play: Callable[[Stopper], Result | None], directory: Path, *, debug: bool, ended: Callable[[], None] = lambda: None
) -> Result:
    """Run a campaign, write its reports, and print how it ended.

    Args:
        play: runs the campaign, writes the evidence and returns what it shows; None if that has to be read from the
            journal. However it ends, it must leave a readable journal.
        directory: where the evidence is.
        debug: whether a fault of the suite is raised as it is.
        ended: is called when nothing runs any more, whatever the reason.

    Raises:
        CommandError: the campaign failed; the reports that can be written are written.
        JournalError: its journal cannot be written.
        KeyboardInterrupt: the user stopped it before anything was recorded.

    """
    with handle_signals() as stopper:
        played: Result | None = None
        try:
            try:
                # Code under test may change the folder that paths begin in.
                with chdir("."):
                    played = play(stopper)
            except KeyboardInterrupt:
                output().say("Stopped at once.")
            ended()
            result = write_reports(directory, played)
        except FormatError:
            if stopper.asked:
                # Nothing had been recorded yet, so that there is nothing to report.
                raise KeyboardInterrupt from None
            raise
        except JournalError:
            raise
        except Exception as error:
            _failed(error, directory, debug=debug)
        finally:
            ended()
    print_ending(result, directory)
    return result


def conclude(result: Result, directory: Path, code: int | None = None) -> int:
    """Write the verdict and where the report is, after everything else; return the exit code.

    Args:
        result: what the run has shown.
        directory: where its evidence and reports are.
        code: the exit code, where it is not the result's.

    Raises:
        CommandError: the target could not be tested to the end; the message says why.

    """
    error = _environment_error(result)
    code = result.exit_code if code is None else code
    print_verdict(result, directory)
    output().answer_json({**run_document(result, directory, error), "exit_code": code})
    if error is not None:
        raise CommandError(error, result.exit_code)
    return code


def _environment_error(result: Result) -> str | None:
    if result.verdict is not RunVerdict.ENVIRONMENT:
        return None
    finish = result.evidence.last(FinishRecord)
    return (finish.message if finish is not None else "") or "The target could not be tested to the end."


def _failed(failure: Exception, directory: Path, *, debug: bool) -> NoReturn:
    """Write the reports that can be written of a failed run, and raise its error."""
    # The first failure is the one to report, even where its reports cannot be written either.
    try:
        result = write_reports(directory)
        print_ending(result, directory)
        print_verdict(result, directory)
    except Exception as error:
        failure.add_note(f"and no report could be written: {error}")
    if debug:
        raise failure
    message = sentence(failure).removesuffix(".")
    journal = directory / JOURNAL_NAME
    raise CommandError(f"{message}; the journal is {journal}, and --debug shows where it happened.", code_of(failure))
