"""A command of the merchant that runs on from action to action: it reads a line of JSON and answers with one."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Final, NoReturn

from conformance.merchant.integration.base import (
    ACTIONS_WITH_OUTPUT,
    LARGEST_OUTPUT,
    LONGEST_CRASH,
    TOO_MUCH,
    ActionResult,
)
from conformance.targets.crash import cut_between_words
from conformance.targets.transport import TargetError

SERVE: Final = "serve"
"""The argument with which a command is started that answers line by line."""
LARGEST_PRINTED: Final = 20 * LARGEST_OUTPUT
"""Bytes after which a command is stopped."""
MOST_ERROR_LINES: Final = 20
"""Of what a failing command prints to its standard error, the last so many lines are kept."""
POLL_SECONDS: Final = 0.05
"""Seconds between two looks at how much a command has printed."""
_GRACE_SECONDS: Final = 2.0
"""How long a process may take to end after its standard input was closed."""
_MOST_WAITING: Final = 8
"""Lines that are read ahead of what was asked for."""


class KeptProcess:
    """One process of the command, from its start to its end. It has to be stopped.

    Args:
        command: the command and its arguments, without the last one.
        environment: the process's environment.
        name: the integration's name, for messages.

    Raises:
        TargetError: The command cannot be started.

    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], name: str) -> None:
        self._name = name
        # Appending lets the file be emptied while the process has it open.
        self._errors = tempfile.TemporaryFile("a+b")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [*command, SERVE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise TargetError(f"{name} cannot be started: {error.strerror}.") from None
        self._lines: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def _read_lines(self) -> None:
        output = self._process.stdout
        assert output is not None
        line = b"first"
        while line and not self._stopping.is_set():
            try:
                line = output.readline(LARGEST_OUTPUT + 1)
            except (OSError, ValueError):
                line = b""
            while not self._stopping.is_set():
                with contextlib.suppress(queue.Full):
                    self._lines.put(line, timeout=POLL_SECONDS)
                    break

    def ask(self, action: str, content: Mapping[str, Any], seconds: float) -> ActionResult:
        """Write an action, and return what the process answers; a process that does not answer is stopped.

        Raises:
            TargetError: It answers with something other than the protocol's JSON.

        """
        if not self._lines.empty():
            self._refuse(self._lines.get(), "without being asked")
        pipe = self._process.stdin
        assert pipe is not None
        self._errors.truncate(0)
        try:
            pipe.write(json.dumps({"action": action, **content}).encode() + b"\n")
            pipe.flush()
        except (OSError, ValueError):
            return self._ended()
        line = self._next_line(seconds)
        if isinstance(line, ActionResult):
            self.stop(grace=0)
            return line
        return self._answer(action, line) if line else self._ended()

    def _next_line(self, seconds: float) -> bytes | ActionResult:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=POLL_SECONDS)
                return ActionResult("raised", None, f"printed {TOO_MUCH}") if len(line) > LARGEST_OUTPUT else line
            if os.fstat(self._errors.fileno()).st_size > LARGEST_PRINTED:
                return ActionResult("raised", None, f"printed {TOO_MUCH}")
        return ActionResult("hung", None, f"it did not answer within {seconds:.0f} seconds")

    def _answer(self, action: str, line: bytes) -> ActionResult:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            self._refuse(line, f"as the answer to {action}")
        if not answer["ok"]:
            text = str(answer.get("error") or "")
            message = f"failed: {cut_between_words(text, 200)}" if text.strip() else "failed"
            return ActionResult("raised", None, message, cut_between_words(text, LONGEST_CRASH).strip())
        return ActionResult("returned", answer.get("value") if action in ACTIONS_WITH_OUTPUT else None)

    def _refuse(self, line: bytes, when: str) -> NoReturn:
        """Stop the process, and say what it printed."""
        self.stop(grace=0)
        shown = line[:80].decode("utf-8", "replace").rstrip("\n")
        raise TargetError(
            f"The adapter is at fault: '{self._name[5:]} {SERVE}' printed {shown!r} {when}: its standard output is for "
            'lines such as {"ok": true, "value": …}; logs belong into its standard error.'
        )

    def _ended(self) -> ActionResult:
        """Return how an action ended during which the process did."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        code = self._process.poll()
        ending = failure_of(0 if code is None else code, self._errors)
        self.stop(grace=0)
        return ending

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """End the process and everything that it started: its input is closed, and after ``grace`` it is killed."""
        if self._stopping.is_set():
            return
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError, ValueError):
            pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._stopping.set()
        kill_group(self._process)
        self._reader.join(_GRACE_SECONDS)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()
        self._errors.close()


def ask_each(
    processes: Sequence[KeptProcess], action: str, content: Mapping[str, Any], seconds: float
) -> list[ActionResult]:
    """Return what several processes answer that are asked for the same action at the same time."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(lambda process: process.ask(action, content, seconds), processes))


def failure_of(code: int, errors: IO[bytes]) -> ActionResult:
    """Return how an action ended whose process did: with a code, and what it printed to its standard error."""
    errors.seek(0)
    printed = errors.read(LARGEST_OUTPUT).decode("utf-8", "replace").strip()
    lines = printed.splitlines()[-MOST_ERROR_LINES:]
    last = f": {cut_between_words(lines[-1], 200)}" if lines else ""
    crash = "\n".join(cut_between_words(line, LONGEST_CRASH) for line in lines)
    return ActionResult("raised", None, f"exited with {code}{last}", crash)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything that it started in its session."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
