"""``--operator``: a person at the terminal does what the target does not offer."""

from __future__ import annotations

import asyncio
import select
import sys
import time
from typing import Final, TextIO

from conformance.cli.arguments import Age, Run
from conformance.errors import UsageError
from conformance.targets.operator import DECLINED, DONE, LATE, Operator
from conformance.targets.target import Target

try:
    import termios
except ImportError:  # Windows has none.
    termios = None  # type: ignore[assignment]

SECONDS: Final = 300.0
"""How long a person is waited for."""


class Terminal:
    """A person at a terminal, who presses Enter when a request is done."""

    def __init__(self, seconds: float = SECONDS, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        self._seconds = seconds
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout

    async def ask(self, text: str) -> str:
        """Ask for something to be done, and wait for a line until the time is over."""
        line = await self._line(f"{text}\nPress Enter when it is done, or n and Enter if it cannot be")
        return self._reply(line, declined=not line or line.strip().lower().startswith("n"))

    async def confirm(self, text: str) -> str:
        """Ask whether something is so, and wait for a line until the time is over. Enter alone is no answer to it."""
        line = await self._line(f"{text}\nType yes and Enter if you saw it yourself, or Enter if not")
        return self._reply(line, declined=not line or line.strip().lower() not in ("y", "yes"))

    async def _line(self, text: str) -> str | None:
        """Ask, and return what is typed from then on; None where nothing is."""
        self._throw_away()
        self._write(f"\n{text} ({self._seconds:g} s): ")
        deadline = time.monotonic() + self._seconds
        while (remaining := deadline - time.monotonic()) > 0:
            # In short pieces, so that a signal is not kept waiting.
            if await asyncio.to_thread(self._has_line, min(remaining, 0.5)):
                return self._stdin.readline()
        return None

    def _reply(self, line: str | None, *, declined: bool) -> str:
        if line is None:
            self._write("too late.\n")
            return LATE
        reply = DECLINED if declined else DONE
        self._write(f"{reply}.\n")
        return reply

    def _throw_away(self) -> None:
        """Throw away what was typed before there was a question."""
        if termios is not None and self._stdin.isatty():
            termios.tcflush(self._stdin, termios.TCIFLUSH)

    def _has_line(self, seconds: float) -> bool:
        return bool(select.select([self._stdin], [], [], seconds)[0])

    def _write(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()


def add_operator(arguments: Age | Run, target: Target) -> None:
    """Let a person at the terminal help a target, where that is asked for.

    Raises:
        UsageError: nobody can be asked here, or nothing can be approved there.

    """
    if not arguments.operator:
        if arguments.operator_timeout is not None:
            raise UsageError("--operator-timeout says how long to wait for a person: add --operator.")
        return
    if not sys.stdin.isatty():
        raise UsageError("--operator asks at the terminal, and there is none: start it where somebody can answer.")
    if not target.over_http:
        raise UsageError(f"{target.name} is called without HTTP: nobody can approve there; leave --operator out.")
    target.operator = Operator(Terminal(float(arguments.operator_timeout or SECONDS)))
