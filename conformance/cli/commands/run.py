"""The command ``run``: tests a provider."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import conformance
from conformance.api import RunOptions
from conformance.cli.arguments import Run
from conformance.cli.commands.bundle import make
from conformance.cli.commands.openapi import description_of
from conformance.cli.consent import require_consent
from conformance.cli.demonstration import chosen_target
from conformance.cli.exit_codes import ENVIRONMENT, INTERRUPTED
from conformance.cli.operator import add_operator
from conformance.cli.output import output, write
from conformance.cli.progress import Display, ProgressLines, display
from conformance.cli.run_and_report import conclude, run_and_report
from conformance.cli.run_directory import remove_reports, run_directory
from conformance.cli.signals import SIGNALS, Stopper
from conformance.cli.signed_run import begin_again, journal_of, sign_end, signer_of
from conformance.cli.supervision import no_verdict
from conformance.domain.order_naming import recorded_prefixes
from conformance.errors import USAGE, CommandError, UsageError
from conformance.evidence.journal import JOURNAL_NAME, check_unlocked, read_journal
from conformance.evidence.records import RunRecord
from conformance.fuzzing.fuzzer import SECONDS, FuzzPhase, Limits
from conformance.reports import write_reports
from conformance.reports.wording.sanitize import in_one_line
from conformance.results.result import Result
from conformance.results.waivers import Waiver, outdated, read_expected_failures, run_waivers, today, waiver_from_record
from conformance.rulebook import Readings, load
from conformance.runner.blocks import join_parts
from conformance.runner.campaign import Campaign
from conformance.runner.resume import ResumedCampaign, check_resumable
from conformance.targets.target import Target

SUITE: Final = Path(conformance.__file__).parent / "suite"
STDERR: Final = 2
RESUMABLE: Final = frozenset(
    {
        "resume",
        "concurrency",
        "openapi",
        "operator",
        "operator_timeout",
        "sign",
        "bundle",
        "yes",
        "debug",
        "quiet",
        "verbose",
        "format",
    }
)
"""The options that may stand beside ``--resume``."""


def main(arguments: Run) -> int:
    """Run a campaign, in this process or through pytest; return the exit code."""
    if arguments.resume is not None:
        return _resume(arguments, Path(arguments.resume))
    expected = read_expected_failures(Path(arguments.known)) if arguments.known is not None else ()
    run_options = _run_options(arguments, run_waivers(expected, today()))
    target, settings = run_options.prepare()
    processes = _processes(arguments.processes)
    through_pytest = processes is not None or arguments.select is not None
    if through_pytest:
        _check_processes(arguments)
    signer = signer_of(arguments.sign)
    fuzz = _fuzz(arguments, target)
    add_operator(arguments, target)
    # Nothing is refused any more: a run that is there already may be replaced.
    directory = run_directory(arguments.out, force=arguments.force)
    if through_pytest:
        code = _through_pytest(run_options, directory, processes, arguments.select)
        result = write_reports(directory) if (directory / JOURNAL_NAME).exists() else None
        if code <= 0 and (result is None or result.exit_code == INTERRUPTED):
            raise CommandError(no_verdict(code), ENVIRONMENT)
        if result is None:
            return code
        return _finish(result, directory, expected, code, bundle=arguments.bundle)
    settings = replace(settings, command=f"{settings.command}{_other_options(arguments)}")
    tested = "all profiles" if settings.profiles is None else ", ".join(settings.profiles)
    output().say(f"Testing {target.name}: {tested}; budget {settings.budget}, seed {settings.seed}")
    progress = _display(arguments)

    folder = directory.absolute()  # code under test may change the current one

    def campaign(stopper: Stopper) -> Result:
        journal = journal_of(folder, signer)
        return stopper.play(Campaign(target, settings, folder, progress, fuzz, journal).run())

    result = run_and_report(campaign, directory, debug=arguments.debug, ended=progress.close)
    sign_end(folder, result, signer)
    return _finish(result, directory, expected, result.exit_code, bundle=arguments.bundle)


def _finish(result: Result, directory: Path, expected: Sequence[Waiver], code: int, *, bundle: bool) -> int:
    """Write a bundle, and print expected failures that are out of date, and the verdict.

    Returns the exit code.
    """
    if bundle:
        make(directory, result)
    complaints = list(outdated(expected, result.rules, result.verdict, today()))
    output().say(*(f"Known failures: {in_one_line(complaint)}." for complaint in complaints))
    return conclude(result, directory, code or (USAGE if complaints else code))


def _resume(arguments: Run, directory: Path) -> int:
    """Continue an interrupted run; return the exit code."""
    for name in sorted(arguments.typed - RESUMABLE):
        option = {"processes": "-n", "select": "-k"}.get(name, f"--{name.replace('_', '-')}")
        raise UsageError(f"--resume runs what the run was asked for: leave {option} out.")
    check_unlocked(directory)
    signer = signer_of(arguments.sign)
    join_parts(directory)
    run = read_run(directory)
    recorded_openapi = None if run.fuzz is None or arguments.openapi is not None else run.fuzz.openapi
    names = (run.target.name, run.target.control, recorded_openapi)
    require_consent(directory / JOURNAL_NAME, names, yes=arguments.yes, remedy="begin another run with --target")
    target, settings = _recorded_options(run, arguments.concurrency).prepare()
    settings = replace(
        settings,
        readings=Readings.from_json(run.readings),
        waivers=tuple(map(waiver_from_record, run.waivers)),
        nonce=run.nonce,
        order_prefixes=recorded_prefixes(run.order_prefixes),
        command=run.command,
    )
    fuzz = _recorded_fuzz(run, target, arguments.openapi)
    if run.operator != arguments.operator:
        difference = "asked nobody: leave --operator out" if arguments.operator else "asked a person: add --operator"
        raise UsageError(f"--resume runs what the run was asked for, and it {difference}.")
    add_operator(arguments, target)
    remove_reports(directory)
    output().say(f"Resuming {directory}: {target.name}, {', '.join(run.profiles)}; seed {settings.seed}")
    progress = _display(arguments)

    folder = directory.absolute()  # code under test may change the current one

    def campaign(stopper: Stopper) -> Result:
        begin_again(folder)
        return stopper.play(ResumedCampaign(target, settings, folder, progress, fuzz).run())

    result = run_and_report(campaign, directory, debug=arguments.debug, ended=progress.close)
    sign_end(folder, result, signer)
    return _finish(result, directory, (), result.exit_code, bundle=arguments.bundle)


def _recorded_options(run: RunRecord, concurrency: int | None) -> RunOptions:
    """Return the options that a run began with, except readings and waivers."""
    shard = run.shard
    return RunOptions(
        target=run.target.name,
        profiles=run.profiles,
        control_url=None if run.target.kind == "embedded" else run.target.control,
        market=run.market,
        budget=run.budget,
        histories=run.histories,
        seed=run.seed,
        concurrency=concurrency,
        max_requests=run.most_requests,
        shard=None if shard is None else f"{shard.number}/{shard.of}",
        examples=run.examples,
    )


def _display(arguments: Run) -> Display:
    # A live display would overwrite what the operator types.
    return ProgressLines(sys.stdout) if arguments.operator and not arguments.quiet else display()


def read_run(directory: Path) -> RunRecord:
    """Return the first record of a run that can be resumed.

    Raises:
        JournalError: there is no such record, or the run cannot be resumed.

    """
    evidence = read_journal(directory)
    check_resumable(evidence, conformance.__version__, load().digest)
    return evidence.run


def _other_options(arguments: Run) -> str:
    """Return the options outside ``RunOptions``, as the command line has them."""
    options = (("openapi", "openapi"), ("max_time", "max-time"), ("operator_timeout", "operator-timeout"))
    values = ((option, getattr(arguments, name)) for name, option in options)
    words = [f" --{option} {shlex.quote(str(value))}" for option, value in values if value is not None]
    return "".join(words) + (" --operator" if arguments.operator else "")


def _fuzz(arguments: Run, target: Target) -> FuzzPhase | None:
    if arguments.openapi is None:
        if arguments.max_time is not None:
            raise UsageError("--max-time says how long to fuzz: name the description as --openapi.")
        return None
    if not target.over_http:
        raise UsageError(f"{target.name} is called without HTTP: there is nothing to fuzz; leave --openapi out.")
    description = description_of(arguments.openapi, target.name)
    return FuzzPhase(description, Limits(float(arguments.max_time or SECONDS)), arguments.openapi)


def _recorded_fuzz(run: RunRecord, target: Target, moved: str | None) -> FuzzPhase | None:
    """Return the fuzzing that a resumed run still has to do.

    ``moved`` is where its description is now, if it has moved.
    """
    recorded = run.fuzz
    if recorded is None:
        if moved is not None:
            raise UsageError("--resume runs what the run was asked for: leave --openapi out.")
        return None
    place = moved or recorded.openapi
    description = description_of(place, target.name)
    if description.digest != recorded.digest:
        raise UsageError(f"{place} is not the description that the run began with: name that one as --openapi.")
    return FuzzPhase(description, Limits(float(recorded.seconds)), recorded.openapi)


def _run_options(arguments: Run, waived: Sequence[str]) -> RunOptions:
    return RunOptions(
        target=chosen_target(arguments.target),
        profiles=arguments.profile or None,
        control_url=arguments.control_url,
        market=arguments.market,
        readings=arguments.reading,
        budget=arguments.budget,
        histories=arguments.histories,
        seed=arguments.seed,
        concurrency=arguments.concurrency,
        waive=(*arguments.waive, *waived),
        max_requests=arguments.max_requests,
        shard=arguments.shard,
        examples=arguments.examples,
    )


def _processes(text: str | None) -> str | None:
    if text is not None and text != "auto" and not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"-n takes a number of processes or auto, not {text!r}.")
    return text


def _check_processes(arguments: Run) -> None:
    """Refuse the options of a run in one process, where pytest is to play it."""
    if arguments.operator:
        raise UsageError("--operator asks one person at one terminal: leave -n and -k out.")
    if arguments.openapi is not None:
        raise UsageError("--openapi fuzzes in this process: leave -n and -k out, or use the command fuzz.")
    if arguments.max_requests is not None:
        raise UsageError("--max-requests is counted in one process: leave -n and -k out.")
    if arguments.sign is not None:
        raise UsageError(
            "--sign signs a run as it begins, in one process: leave -n and -k out, or sign a bundle of it."
        )
    if arguments.examples:
        raise UsageError("--examples are shared by one process: leave -n and -k out.")


def _through_pytest(options: RunOptions, directory: Path, processes: str | None, select: str | None) -> int:
    """Run the suite with pytest; return the exit code.

    The configuration of the current folder does not reach it.
    """
    command = [sys.executable, "-P", "-m", "pytest", "--rootdir", str(SUITE), "-c", str(SUITE / "pytest.ini")]
    command += ["-p", "no:cacheprovider", "-p", "no:schemathesis", "--import-mode=importlib"]
    command += ["--pyargs", "conformance.suite"]
    command += [f"--cancel-{name}={value}" for name, value in options.options()]
    command += [f"--cancel-out={directory.resolve()}"]
    command += [] if processes is None else ["-n", processes]
    command += [] if select is None else ["-k", select]
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    }
    where = _pytest_output()
    if where == subprocess.PIPE:
        command.append("--color=no")
        environment |= {"PYTHONIOENCODING": "utf-8"}
    children: list[subprocess.Popen[bytes]] = []
    stops = 0

    def stop(*_: object) -> None:
        nonlocal stops
        stops += 1
        for child in children:
            child.send_signal(signal.SIGINT)

    # The handlers come first, because a child inherits the signals that its parent ignores. The child has a session of
    # its own, so that it gets a signal from us alone, and only once.
    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        with subprocess.Popen(command, env=environment, start_new_session=True, stdout=where) as child:
            children.append(child)
            if stops:
                child.send_signal(signal.SIGINT)
            for line in child.stdout or ():
                write(sys.stdout, line.decode("utf-8", "replace"))
            code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    # A run that was stopped returns its own code, unless it was stopped before it began.
    return INTERRUPTED if stops and (code < 0 or code == USAGE) else code


def _pytest_output() -> int | None:
    """Return where pytest writes: nowhere if the command is quiet, at its terminal, or else through the command.

    A stream that is full or has no reader would change the exit code of pytest.
    """
    if output().quiet:
        return subprocess.DEVNULL
    if not sys.stdout.isatty():
        return subprocess.PIPE
    return STDERR if output().is_json else None
