"""A command of the merchant that runs on from action to action: it reads a line of JSON and answers with one."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NoReturn

from conformance.merchant.integration.base import (
    ACTIONS_WITH_OUTPUT,
    LARGEST_OUTPUT,
    LONGEST_CRASH,
    TOO_MUCH,
    ActionResult,
)
from conformance.merchant.integration.child_process import ChildProcess
from conformance.targets.crash import cut_between_words
from conformance.targets.transport import TargetError

SERVE: Final = "serve"
"""The argument with which a command is started that answers line by line."""
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
        self._child = ChildProcess([*command, SERVE], environment, name, subprocess.PIPE)
        self._process = self._child.process
        self._lines: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def _read_lines(self) -> None:
        line = b"first"
        while line and not self._stopping.is_set():
            try:
                line = self._child.stdout.readline(LARGEST_OUTPUT + 1)
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
        self._child.errors.forget()
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
            if self._child.errors.is_too_large:
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
        self.stop(grace=0)
        return self._child.failure(code)

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
        self._child.end()
        self._reader.join(_GRACE_SECONDS)
        if not self._reader.is_alive():
            self._child.stdout.close()


def ask_each(
    processes: Sequence[KeptProcess], action: str, content: Mapping[str, Any], seconds: float
) -> list[ActionResult]:
    """Return what several processes answer that are asked for the same action at the same time."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(lambda process: process.ask(action, content, seconds), processes))
