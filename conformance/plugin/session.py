"""A test session that is a run: a run's histories become test items.

Under pytest-xdist the workers play, and the controller opens the journal and closes it.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.plugin.options import NAME

if TYPE_CHECKING:
    from conformance.api import RunOptions
    from conformance.evidence.records import Ending
    from conformance.results.result import Result
    from conformance.runner.blocks import Block, BlockRun, BlockRunner
    from conformance.runner.recorded_run import RunEnd

OUT: Final = "conformance-report"
USAGE: Final = 2
ENVIRONMENT: Final = 3
INCOMPLETE: Final = 4
HARNESS: Final = 5
SHOWN: Final = 10
"""So many violations of one block are named."""
_HANDED: Final = "cancel_handed"
"""What the controller hands to its workers."""
_BLOCK: Final = "cancel-block"
"""The property by which a report is known to be one of a block's."""


class ConformanceSession:
    """A test session that is a run, or one worker's share of it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._options: RunOptions | None = None
        self._runner: BlockRunner | None = None
        self._run: BlockRun | None = None
        self._result: Result | None = None
        self._end: RunEnd | None = None
        self._others_failed = False
        self._reported: dict[str, int] = {}
        self._fault = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Reach the target. Without one, there is nothing to collect."""
        runner = self._prepared()
        if self._config.option.collectonly:
            self._look_only(runner)
        elif self._worker is None:
            self._begin(runner)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Probe the target, as each worker of pytest-xdist does."""
        if self._worker is not None and self._runner is not None:
            self._runner.join_in(self._worker["workerid"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand a worker of pytest-xdist what all of them must agree on."""
        if self._runner is not None:
            nonce = self._runner.run_session.settings.nonce
            node.workerinput[_HANDED] = {"nonce": nonce, "out": str(self._runner.directory)}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one item of every block."""
        if "cancel_block" in metafunc.fixturenames:
            blocks = self._runner.blocks() if self._runner is not None else []
            plays = [pytest.param(partial(self._play, block), id=block.name) for block in blocks]
            metafunc.parametrize("cancel_block", plays, indirect=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what was run, and remember whether somebody else's test failed."""
        properties = dict(report.user_properties)
        if _BLOCK in properties:
            self._reported[str(properties[_BLOCK])] = int(str(properties["histories"]))
        self._others_failed = self._others_failed or (report.failed and _BLOCK not in properties)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the session was interrupted, unless it stops after so many failures."""
        if not issubclass(excinfo.type, pytest.Session.Interrupted):
            self._stop("interrupted", "stopped by the user")

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that pytest or a plugin failed."""
        self._stop("harness", f"{excinfo.typename}: {excinfo.value}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note that a worker of pytest-xdist was lost, and with it what it was running."""
        if error:
            self._stop("interrupted", f"the pytest worker {node.gateway.id} was lost: {error}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Make one run of the parts, and the run's verdict the session's exit status."""
        from conformance.reports import write_reports  # noqa: PLC0415
        from conformance.runner.recorded_run import RunEnd  # noqa: PLC0415

        if self._run is None or self._result is not None:
            if self._runner is not None:
                self._runner.close()
            return
        try:
            self._result = self._run.end(self._end or RunEnd(), write_reports, sum(self._reported.values()))
        except Exception as error:
            self._fault = f"The run could not be brought to its end: {self._clean(str(error))}"
            session.exitstatus = HARNESS
            return
        code = self._result.exit_code
        if not (self._others_failed and code in (0, INCOMPLETE)):
            session.exitstatus = code

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict."""
        if self._result is None and not self._fault:
            return
        terminalreporter.section(NAME)
        for line in [self._fault] if self._result is None else self._summary(self._result):
            terminalreporter.write_line(line)

    def _summary(self, result: Result) -> list[str]:
        from conformance.reports.wording.headline import counts, ending_note, headline  # noqa: PLC0415

        runner, run = self._runner, self._run
        verdicts = ", ".join(
            f"{number} {verdict.value.lower()}" for verdict, number in counts(result.rules).items() if number
        )
        lines = [headline(result), ending_note(result), f"Rules: {verdicts}." if verdicts else ""]
        lines += run.observer.notes if run is not None else []
        if runner is not None:
            lines.append(f"Report and evidence: {runner.directory / 'report.html'}")
        return [line for line in lines if line]

    def _prepared(self) -> BlockRunner:
        try:
            self._options = options = _options(self._config)
            from conformance.api import UsageError  # noqa: PLC0415
            from conformance.rulebook import ReadingError  # noqa: PLC0415
            from conformance.runner.blocks import BlockRunner  # noqa: PLC0415
            from conformance.targets.transport import TargetUsageError  # noqa: PLC0415
        except ImportError as error:
            pytest.exit(f"{NAME}: {error}", USAGE)
        out = Path(self._config.getoption("--cancel-out") or OUT)
        out = self._config.invocation_params.dir / out
        try:
            target, settings = options.prepare()
        except (UsageError, ReadingError, TargetUsageError, ValueError) as error:
            pytest.exit(f"{NAME}: {error}", USAGE)
        if self._worker is not None:
            # Orders of different workers must not have the same name where they meet.
            handed = self._worker[_HANDED]
            own = "" if target.private else f"-{self._worker['workerid']}"
            settings, out = replace(settings, nonce=handed["nonce"] + own), Path(handed["out"])
        self._runner = BlockRunner(target, settings, out)
        return self._runner

    def _look_only(self, runner: BlockRunner) -> None:
        from conformance.evidence.journal import BufferedSink  # noqa: PLC0415
        from conformance.targets.transport import TargetError  # noqa: PLC0415

        try:
            runner.look(BufferedSink())
        except TargetError as error:
            pytest.exit(f"{NAME}: {self._clean(str(error))}", ENVIRONMENT)

    def _begin(self, runner: BlockRunner) -> None:
        from conformance.evidence.journal import JournalError  # noqa: PLC0415
        from conformance.reports import write_reports  # noqa: PLC0415
        from conformance.runner.blocks import BlockRun  # noqa: PLC0415
        from conformance.runner.recorded_run import run_end_after  # noqa: PLC0415

        try:
            run = BlockRun(runner)
        except JournalError as error:
            pytest.exit(f"{NAME}: {error}", USAGE)
        try:
            run.begin()
        except (Exception, KeyboardInterrupt) as error:
            end = run_end_after(error)
            self._result = run.end(end, write_reports)
            message = self._clean(end.message)
            self._runner = None
            pytest.exit(f"{NAME}: {message}", self._result.exit_code)
        self._run = run

    def _play(self, block: Block, item: pytest.Item) -> None:
        assert self._runner is not None
        try:
            outcome = self._runner.play(block)
        except Exception as error:
            item.session.shouldstop = f"{NAME}: {self._clean(str(error))}"
            pytest.fail(self._clean(str(error)), pytrace=False)
        properties = {_BLOCK: block.name, "histories": outcome.histories, "inconclusive": outcome.inconclusive}
        item.user_properties.extend((name, str(value)) for name, value in properties.items())
        if outcome.violations:
            first: dict[tuple[str, str], str] = {}
            for violation in outcome.violations:
                first.setdefault((violation.rule, violation.reason), violation.history)
            lines = [f"{rule} is violated: {reason} ({history})" for (rule, reason), history in first.items()]
            more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
            pytest.fail("\n".join([*lines[:SHOWN], *more, *self._replay(block)]), pytrace=False)

    def _clean(self, text: str) -> str:
        """Return a text without secrets, and with what a target may have put into it made harmless."""
        from conformance.domain.visible_text import visible  # noqa: PLC0415

        return visible(text if self._runner is None else self._runner.run_session.redactor.clean(text))

    def _replay(self, block: Block) -> list[str]:
        assert self._runner is not None
        assert self._options is not None
        from conformance.evidence.counterexamples import FOLDER  # noqa: PLC0415

        words = [word for name, value in self._options.options() for word in (f"--cancel-{name}", value)]
        line = shlex.join(
            ["pytest", "--pyargs", "conformance.suite", *words, "-k", block.name, "--cancel-out", "replay"]
        )
        folder = self._runner.directory / FOLDER
        return [f"Play this block again: {line}", f"When the run has ended, the smallest failures are in {folder}."]

    def _stop(self, how: Ending, message: str) -> None:
        from conformance.runner.recorded_run import RunEnd  # noqa: PLC0415

        self._end = self._end or RunEnd(how, message)


def _options(config: pytest.Config) -> RunOptions:
    from conformance.api import RunOptions  # noqa: PLC0415

    option = config.getoption
    return RunOptions(
        target=option("--cancel-target"),
        profiles=option("--cancel-profile"),
        control_url=option("--cancel-control-url"),
        market=option("--cancel-market"),
        readings=option("--cancel-reading"),
        budget=option("--cancel-budget"),
        histories=_whole(config, "histories"),
        seed=_whole(config, "seed") or 0,
        concurrency=_whole(config, "concurrency"),
        waive=option("--cancel-waive"),
        shard=option("--cancel-shard"),
    )


def _whole(config: pytest.Config, name: str) -> int | None:
    text = config.getoption(f"--cancel-{name}")
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    return pytest.exit(f"{NAME}: --cancel-{name} is {text!r}, and must be a whole number.", USAGE)
