"""A process of the merchant's command: its output is bounded as it is read, and whatever it starts ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Final

from conformance.merchant.integration.base import LARGEST_OUTPUT, LONGEST_CRASH, ActionResult
from conformance.targets.crash import cut_between_words
from conformance.targets.transport import TargetError

MARK: Final = "CANCEL_PROCESS"
"""The environment variable by which a process is recognised as one that a command has started."""
LARGEST_PRINTED: Final = 20 * LARGEST_OUTPUT
"""Bytes after which a command is stopped."""
LARGEST_ERRORS: Final = 64_000
"""Bytes that are kept of what a command prints to its standard error, from the end."""
MOST_ERROR_LINES: Final = 20
"""Of what a failing command prints to its standard error, the last so many lines are kept."""
_PIECE: Final = 65_536
_KILL_SECONDS: Final = 2.0
"""How long what a command has started may take to end once it is killed."""
_PAUSE_SECONDS: Final = 0.01


class BoundedOutput:
    """Reads what a process prints in a thread, to the end, and keeps a part of it.

    Args:
        pipe: where the process prints to.
        limit: the bytes that are kept.
        last: whether the last bytes are kept; otherwise the first.

    """

    def __init__(self, pipe: IO[bytes], limit: int, *, last: bool = False) -> None:
        self._pipe = pipe
        self._limit = limit
        self._last = last
        self._lock = threading.Lock()
        self._content = b""
        self._size = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def is_too_large(self) -> bool:
        """Whether more was printed than a command may print."""
        return self._size > LARGEST_PRINTED

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while piece := os.read(self._pipe.fileno(), _PIECE):
                with self._lock:
                    self._size += len(piece)
                    if self._last:
                        self._content = (self._content + piece)[-self._limit :]
                    else:
                        self._content += piece[: self._limit - len(self._content)]

    def content(self) -> bytes:
        """Return the part that is kept so far."""
        with self._lock:
            return self._content

    def forget(self) -> None:
        """Begin anew: what was printed until now does not count."""
        with self._lock:
            self._content, self._size = b"", 0

    def close(self) -> None:
        """Wait for the rest of what an ended process has printed, and close the pipe."""
        self._thread.join(_KILL_SECONDS)
        # Where a process cannot be found by its mark, it may still hold the other end; closing would wait for the read.
        if not self._thread.is_alive():
            self._pipe.close()


class ChildProcess:
    """A process in a session of its own, and all that it starts. It has to be ended.

    Args:
        command: the command and its arguments.
        environment: the process's environment.
        name: the integration's name, for messages.
        stdin: what the process reads; `subprocess.PIPE` for a pipe.

    Raises:
        TargetError: The command cannot be started.

    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], name: str, stdin: int | IO[bytes]
    ) -> None:
        self._mark = uuid.uuid4().hex
        try:
            self.process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**environment, MARK: self._mark},
                start_new_session=True,
            )
        except OSError as error:
            raise TargetError(f"{name} cannot be started: {error.strerror}.") from None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdout = self.process.stdout
        self.errors = BoundedOutput(self.process.stderr, LARGEST_ERRORS, last=True)

    def failure(self, code: int | None) -> ActionResult:
        """Return how an action ended with which the process did: with a code, and what it printed as errors.

        The code is None where the process did not end, and only closed its standard output.
        """
        lines = self.errors.content().decode("utf-8", "replace").strip().splitlines()[-MOST_ERROR_LINES:]
        last = f": {cut_between_words(lines[-1], 200)}" if lines else ""
        crash = "\n".join(cut_between_words(line, LONGEST_CRASH) for line in lines)
        how = "closed its standard output" if code is None else f"exited with {code}"
        return ActionResult("raised", None, f"{how}{last}", crash)

    def end(self) -> None:
        """Kill the process and everything that it started, also what has left its session, and read what it printed."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        _kill_marked(f"{MARK}={self._mark}".encode())
        self.errors.close()


def _kill_marked(mark: bytes) -> None:
    """Kill the processes whose environment has the mark, until there are none: one may be starting another."""
    until = time.monotonic() + _KILL_SECONDS
    while (marked := list(_marked(mark))) and time.monotonic() < until:
        for process in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


def _marked(mark: bytes) -> Iterator[int]:
    """Return the processes whose environment has the mark, where a system shows it (Linux)."""
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as environment:
                if mark in environment.read().split(b"\0"):
                    yield int(name)
