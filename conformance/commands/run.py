"""``run``: tests a provider."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import conformance
from conformance.api import Asked
from conformance.campaign import Campaign
from conformance.commands.bundle import make
from conformance.commands.config import merged
from conformance.commands.ending import print_ending
from conformance.commands.errors import INTERRUPTED, USAGE, CommandError, UsageError, code_of, sentence
from conformance.commands.stopping import SIGNALS, stopper
from conformance.journal import JOURNAL_NAME, JournalError
from conformance.known import Known, read_known, stale, today
from conformance.progress import display
from conformance.result import Result
from conformance.verdict import RunVerdict
from reports import write_reports
from reports.text import in_one_line

DEFAULT_OUT: Final = "conformance-report"
SUITE: Final = Path(conformance.__file__).parent / "suite"


def main(arguments: argparse.Namespace) -> int:
    """Run a campaign, in this process or through pytest; return the exit code."""
    options = merged(arguments)
    known = read_known(Path(options["known"])) if "known" in options else ()
    holding = [f"{one.rule}={one.waiver}" for one in known if one.holds(today())]
    if holding:
        options["waive"] = [*options.get("waive", ()), *holding]
    asked = _asked(options)
    seat, settings = asked.prepare()
    directory = _directory(options.get("out"))
    processes = _processes(options.get("processes"))
    if processes is not None or arguments.select is not None:
        code = _through_pytest(asked, directory, processes, arguments.select)
        if (arguments.bundle or known) and (directory / JOURNAL_NAME).exists():
            return _after(write_reports(directory), directory, known, code, bundle=arguments.bundle)
        return code
    tested = "all profiles" if settings.profiles is None else ", ".join(settings.profiles)
    sys.stdout.write(f"Testing {seat.name}: {tested}; budget {settings.budget}, seed {settings.seed}\n")
    sys.stdout.flush()
    with stopper() as stopping:
        shown = display()
        try:
            campaign = Campaign(seat, settings, directory, shown)
            try:
                stopping.play(campaign.run())
            except KeyboardInterrupt:
                sys.stdout.write("Stopped at once.\n")
            shown.close()
            result = write_reports(directory)
        except JournalError:
            raise
        except Exception as error:
            return _failed(error, directory, debug=arguments.debug)
        finally:
            shown.close()
    print_ending(result, directory)
    code = _after(result, directory, known, result.exit_code, bundle=arguments.bundle)
    if result.verdict is RunVerdict.ENVIRONMENT:
        raise CommandError(_message(result), result.exit_code)
    return code


def _after(result: Result, directory: Path, known: Sequence[Known], code: int, *, bundle: bool) -> int:
    """Make a bundle, and look whether the file of known failures is still right; return the exit code."""
    if bundle:
        make(directory, result)
    complaints = list(stale(known, result, today()))
    sys.stdout.write("".join(f"Known failures: {in_one_line(one)}.\n" for one in complaints))
    return code or (USAGE if complaints else code)


def _failed(failure: Exception, directory: Path, *, debug: bool) -> int:
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


def _message(result: Result) -> str:
    finish = result.evidence.first("finish") or {}
    return str(finish.get("message") or "The target could not be tested to the end.")


def _asked(options: dict[str, Any]) -> Asked:
    names = {"profile": "profiles", "control-url": "control_url", "reading": "readings"}
    known = ("target", "profile", "control-url", "market", "reading", "budget", "histories", "seed", "concurrency")
    given = {names.get(name, name): options[name] for name in (*known, "waive") if name in options}
    return Asked(**given)


def _directory(out: str | None) -> Path:
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


def _processes(given: str | int | None) -> str | None:
    if given is None:
        return None
    text = str(given)
    if text != "auto" and not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"-n takes a number of processes or auto, not {text!r}.")
    return text


def _through_pytest(asked: Asked, directory: Path, processes: str | None, select: str | None) -> int:
    """Run the suite with a pytest that the folder it is started in does not configure."""
    command = [sys.executable, "-P", "-m", "pytest", "--rootdir", str(SUITE), "-c", str(SUITE / "pytest.ini")]
    command += ["-p", "no:cacheprovider", "-p", "no:schemathesis", "--import-mode=importlib"]
    command += ["--pyargs", "conformance.suite"]
    command += [f"--cancel-{name}={value}" for name, value in asked.options()]
    command += [f"--cancel-out={directory.resolve()}"]
    command += [] if processes is None else ["-n", processes]
    command += [] if select is None else ["-k", select]
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    }
    children: list[subprocess.Popen[bytes]] = []
    stops = 0

    def stop(*_: object) -> None:
        nonlocal stops
        stops += 1
        for child in children:
            child.send_signal(signal.SIGINT)

    # The handlers come first: a child of a process that ignores a signal would ignore it, too. In a session of its own
    # it gets a signal from us alone, and so only once.
    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        with subprocess.Popen(command, env=environment, start_new_session=True) as child:
            children.append(child)
            if stops:
                child.send_signal(signal.SIGINT)
            code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    # A run that was stopped says so itself, unless it was stopped before there was one.
    return INTERRUPTED if stops and (code < 0 or code == USAGE) else code
