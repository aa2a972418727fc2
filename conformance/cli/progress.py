"""The progress of a run: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from conformance.cli.output import output, styled, write
from conformance.domain.order import Profile
from conformance.runner.executor import Observer
from conformance.runner.trial import TrialResult

LINES: Final = 10
"""The number of lines for each phase where there is no terminal."""
_TITLES: Final = {
    "histories": "Playing histories",
    "confirming": "Confirming failures",
    "minimising": "Shrinking failures",
}


class Display(Observer):
    """An observer of a run that is closed when the run is over."""

    def __init__(self) -> None:
        self.violated: dict[str, None] = {}

    def close(self) -> None:
        """Restore the terminal."""

    def _learn(self, trial: TrialResult) -> None:
        self.violated.update(dict.fromkeys(finding.rule for finding in trial.findings))

    def _so_far(self) -> str:
        return f"violated: {', '.join(self.violated)}" if self.violated else "nothing violated"


class ProgressLines(Display):
    """Prints a line for each phase, and one for about every tenth of it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._total = self._done = self._reported = 0
        self._since = time.monotonic()

    def phase(self, name: str, total: int) -> None:
        """Print the phase that begins."""
        self._total, self._done, self._reported = total, 0, 0
        self._since = time.monotonic()
        self._write(f"{_TITLES.get(name, name)}: {total}")

    def played(self, profile: Profile, trial: TrialResult) -> None:
        """Count a history, and print the count at every tenth of the phase."""
        self._learn(trial)
        self._done += 1
        tenth = self._done * LINES // max(1, self._total)
        if tenth > self._reported:
            self._reported = tenth
            rate = self._done / max(time.monotonic() - self._since, 1e-3)
            self._write(f"  {self._done} of {self._total}, {rate:.0f} per second, {self._so_far()}")

    def note(self, text: str) -> None:
        """Print a note."""
        self._write(" ".join(text.split()))

    def _write(self, line: str) -> None:
        write(self._stream, line + "\n")


class LiveDisplay(Display):
    """Updates one line: histories done, rate, time left, and violated rules."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[violated]}", markup=False),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._progress.start()

    def phase(self, name: str, total: int) -> None:
        """Begin a line for the phase."""
        self.close_phase()
        countable = total if name == "histories" else None
        title = _TITLES.get(name, name) + ("" if countable else f" ({total})")
        self._task = self._progress.add_task(title, total=countable, violated=self._so_far())

    def played(self, profile: Profile, trial: TrialResult) -> None:
        """Advance by one history."""
        self._learn(trial)
        if self._task is not None:
            self._progress.update(self._task, advance=1, violated=self._so_far())

    def note(self, text: str) -> None:
        """Print a line above the live one."""
        self._progress.console.print(output().printable(" ".join(text.split())), markup=False, highlight=False)

    def close_phase(self) -> None:
        """Remove the line of the phase."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def close(self) -> None:
        """Remove the display."""
        self._progress.stop()


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


def display(stream: TextIO | None = None) -> Display:
    """Return a display of a run's progress, on standard output by default.

    It is silent where the command is, and leaves a line for each phase where the command is verbose.
    """
    if output().quiet:
        return Display()
    out = stream or sys.stdout
    console = Console(file=styled(out))
    # The live line is drawn with letters that other encodings lack.
    can_draw = console.is_terminal and not console.is_dumb_terminal and console.encoding.startswith("utf")
    is_live = can_draw and not output().verbose
    return LiveDisplay(console) if is_live else ProgressLines(out)
