"""The command ``replay``: runs one counterexample again, step by step.

As JSON it has ``rule`` and ``counterexample`` (the file), ``violated`` (the rules that the history breaks now) and
``exit_code``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.api import RunOptions
from conformance.cli.arguments import Replay
from conformance.cli.commands.merchant_replay import print_replay, replay_merchant
from conformance.cli.consent import require_consent
from conformance.cli.exit_codes import ENVIRONMENT
from conformance.cli.output import output
from conformance.cli.signals import handle_signals
from conformance.errors import CommandError, UsageError
from conformance.evidence.counterexamples import FOLDER, Counterexample, check_recorded, read_counterexample
from conformance.evidence.journal import JOURNAL_NAME, BufferedSink, JournalError, read_journal
from conformance.evidence.record_parts import Record
from conformance.evidence.records import ExchangeRecord, JudgementRecord
from conformance.reports.wording.provider import step_in_words
from conformance.reports.wording.sanitize import in_one_line
from conformance.results.merchant_counterexamples import is_merchant_counterexample
from conformance.rulebook import load
from conformance.runner.executor import CaseExecutor
from conformance.runner.session import RunSession
from conformance.runner.settings import Settings
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.strategies.provider.case import Case
from conformance.targets.target import Target

LONGEST: Final = 400


def main(arguments: Replay) -> int:
    """Run the history once and print what happens.

    Returns 1 where it violates a rule, and 0 where it conforms.
    """
    directory = Path(arguments.directory)
    path = find(directory, arguments.counterexample)
    if is_merchant_counterexample(path):
        return replay_merchant(path, arguments)
    counterexample = read_counterexample(path)
    if path.parent == directory / FOLDER and (directory / JOURNAL_NAME).is_file():
        check_recorded(directory, path, read_journal(directory))
    target_name, control = arguments.target or counterexample.target, arguments.control_url
    if control is None and target_name == counterexample.target:
        control = _control_of(directory)
    # What the command line names is the user's choice; what files name is not.
    named = (
        None if "target" in arguments.typed else target_name,
        None if "control_url" in arguments.typed else control,
    )
    require_consent(path, named, yes=arguments.yes, remedy="name what to test with --target and --control-url")
    target, settings = RunOptions(
        target_name, [counterexample.profile.value], control, seed=counterexample.seed
    ).prepare()
    settings = replace(settings, market=counterexample.market, readings=counterexample.readings)
    _say(f"Playing {path} against {target.name}: {counterexample.rule}, “{load().rule(counterexample.rule).title}”")
    _say(f"It was violated because {in_one_line(counterexample.reason, LONGEST)}")
    with handle_signals() as stopper:
        trial = stopper.play(play(counterexample, target, settings))
    return _verdict(counterexample, path, trial)


def find(directory: Path, name: str | None) -> Path:
    """Return the file of a counterexample.

    ``name`` is a path, the name of a file of the run, or the id of a rule.

    Raises:
        UsageError: there is no such counterexample, or none is named.

    """
    folder = directory / FOLDER
    known = sorted(folder.glob("*.json"))
    existing = _listed(folder, known)
    if name is None:
        raise UsageError(f"A rule or a file is missing: {existing}.")
    for path in (folder / name, folder / f"{name}.json", directory / name, Path(name)):
        if path.is_file():
            return path
    for path in known:
        _, _, rest = path.stem.partition("-")
        if rest.rpartition("-")[0].lower() == name.lower():
            return path
    raise UsageError(f"{name!r} is no counterexample: {existing}.")


def _listed(folder: Path, known: list[Path]) -> str:
    if known:
        return f"{folder} has {', '.join(path.name for path in known)}"
    has_run = (folder.parent / JOURNAL_NAME).is_file()
    return f"the run in {folder.parent} has none" if has_run else f"{folder.parent} is not the --out directory of a run"


def _control_of(directory: Path) -> str | None:
    # The embedded provider has a test control of its own, which takes no URL.
    try:
        target = read_journal(directory).run.target
    except JournalError:
        return None
    return None if target.kind == "embedded" else target.control


class PrintingSink(BufferedSink):
    """A record sink that prints a history, one step at a time."""

    def __init__(self, counterexample: Counterexample) -> None:
        super().__init__()
        self._counterexample = counterexample
        self._lines: list[str] = []

    def append(self, record: Record) -> None:
        """Print a step when its judgement arrives, with the exchanges before it."""
        if isinstance(record, ExchangeRecord):
            self._lines.append(_exchange(record))
        elif isinstance(record, JudgementRecord):
            step = self._counterexample.history.all_steps[record.step]
            words = step_in_words(step, self._counterexample.profile, self._counterexample.market.currency)
            _say("", f"{record.step + 1}. {words}", *self._lines, *_judged(record))
            self._lines.clear()


def _exchange(record: ExchangeRecord) -> str:
    request, response = record.request, record.response
    answer = f"no answer ({record.lost})" if response is None else str(response.status)
    body = "" if response is None or record.purpose != "act" else _body(response.body)
    line = in_one_line(f"{request.method} {request.path}", LONGEST)
    return f"   {record.purpose:<8} {line} -> {in_one_line(answer)}{body}"


def _body(stored: object) -> str:
    return f"\n            {in_one_line(stored, LONGEST)}" if isinstance(stored, str) and stored else ""


def _judged(record: JudgementRecord) -> Iterator[str]:
    branches = ", or ".join(record.branches)
    yield f"   observed {in_one_line(record.seen)}"
    for finding in record.findings:
        yield f"   expected {in_one_line(finding.branch)} ({finding.rule})"
        yield f"            {in_one_line(finding.reason, LONGEST)}"
    if branches:
        yield f"   expected {in_one_line(branches)}"
    cause = f": {in_one_line(record.cause, LONGEST)}" if record.cause else ""
    yield f"   {record.status}{cause}"


async def play(counterexample: Counterexample, target: Target, settings: Settings) -> TrialResult:
    """Run a counterexample's history once, and print every step.

    Raises:
        TargetError: the target cannot be tested.

    """
    async with RunSession(target, settings) as run_session:
        quiet = BufferedSink()
        await run_session.open(quiet)
        await run_session.look(counterexample.profile, quiet)
        executor = CaseExecutor(run_session, PrintingSink(counterexample))
        worker = target.worker()
        try:
            case = Case(counterexample.history, "counterexample", {}, (counterexample.rule,))
            return await executor.play(case, f"{counterexample.profile.value}-00001", "replay", worker)
        finally:
            await worker.close()


def _verdict(counterexample: Counterexample, path: Path, trial: TrialResult) -> int:
    broken = list(dict.fromkeys(finding.rule for finding in trial.findings))
    if trial.ending not in (TrialStatus.VIOLATES, TrialStatus.CONFORMS):
        raise CommandError(f"The history proved nothing: {trial.cause}.", ENVIRONMENT)
    return print_replay(counterexample.rule, path, broken if trial.ending is TrialStatus.VIOLATES else [])


def _say(*lines: str) -> None:
    output().say(*lines)
