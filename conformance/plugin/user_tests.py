"""``--cancel-report DIR``: the evidence and the reports of what a user's own tests play, under pytest-xdist too."""

from __future__ import annotations

import re
import secrets
import shlex
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.api.open_targets import close_kept_targets
from conformance.api.recording import Recording, start_recording, stop_recording
from conformance.api.session_report import SessionRun, write_session_reports
from conformance.evidence.journal import JournalError
from conformance.plugin.options import NAME
from conformance.reports.wording.headline import ending_note, headline
from conformance.runner.recorded_run import RunEnd
from conformance.runner.settings import PREFIX

MERCHANT: Final = "merchant"
"""The folder of the runs of the fixture ``cancel_conformance``."""
HARNESS: Final = 5
_HANDED: Final = "cancel_report"
"""What the controller hands to its workers."""


class UserTestsReport:
    """Records what one process of a session plays; the controller reports it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._is_worker = worker is not None
        self._runs: list[SessionRun] = []
        self._end = RunEnd()
        self._fault = ""
        if worker is None:
            self._directory = _free(config.invocation_params.dir / config.getoption("--cancel-report"))
            self._nonce = f"{PREFIX}-{secrets.token_hex(4)}"
            process, command = "", shlex.join(["pytest", *config.invocation_params.args])
        else:
            handed = worker[_HANDED]
            self._directory, self._nonce = Path(handed["directory"]), handed["nonce"]
            process, command = worker["workerid"], handed["command"]
        self._command = command
        start_recording(Recording(self._directory, self._nonce, process, command))

    def directory_of(self, test: str) -> Path:
        """Return the directory for the runs of the fixture in one test."""
        return self._directory / MERCHANT / re.sub(r"[^\w.-]+", "-", test).strip("-.")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand a worker of pytest-xdist what all of them must agree on."""
        handed = {"directory": str(self._directory), "nonce": self._nonce, "command": self._command}
        node.workerinput[_HANDED] = handed

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the session was interrupted, unless it stops after so many failures."""
        if not issubclass(excinfo.type, pytest.Session.Interrupted):
            self._end = RunEnd("interrupted", "stopped by the user")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note that a worker of pytest-xdist was lost, and with it what it was running."""
        if error:
            self._end = RunEnd("interrupted", f"the pytest worker {node.gateway.id} was lost: {error}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Leave the targets, and write the reports."""
        close_kept_targets()
        stop_recording()
        if self._is_worker:
            return
        try:
            self._runs = write_session_reports(self._directory, self._nonce, self._end)
        except (JournalError, OSError) as error:
            self._fault = f"The report could not be written: {error}"
            session.exitstatus = HARNESS

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what the reports say, and where they are."""
        if self._is_worker:
            return
        terminalreporter.section(NAME)
        for line in self._lines():
            terminalreporter.write_line(line)

    def _lines(self) -> list[str]:
        if self._fault:
            return [self._fault]
        lines = []
        for run in self._runs:
            lines += [f"{run.name}: {headline(run.result)}", ending_note(run.result)]
            lines.append(f"Report and evidence: {run.directory / 'report.html'}")
        pages = sorted((self._directory / MERCHANT).rglob("report.html"))
        lines += [f"Report and evidence: {page}" for page in pages]
        return [line for line in lines if line] or ["No test played a history: there is nothing to report."]


def _free(directory: Path) -> Path:
    """Return the directory, or a numbered one beside it: evidence is never overwritten."""
    place, number = directory, 1
    while place.exists() and not (place.is_dir() and not any(place.iterdir())):
        number += 1
        place = directory.with_name(f"{directory.name}-{number}")
    return place
