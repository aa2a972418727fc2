"""The command runs in a child that this process watches: nothing but a verdict decides the exit code.

An adapter or application that is called in the process of the suite can end that process (``os._exit``, a crash, a
signal). The parent then finds no verdict, and says so. It passes signals on, gives the child the terminal when that
reads from it, and leaves nothing running that the child started. A system without `os.fork` runs the command unwatched.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from conformance.cli.output import Output

ENVIRONMENT: Final = 3
INTERRUPTED: Final = 130
CLOSING_SECONDS: Final = 5.0
"""How long the child may take to end once it has its verdict, or was asked twice to stop."""
TICK_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.01
_FATAL: Final = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"})
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def run_watched(run: Callable[[], int]) -> int:
    """Run a command in a child process, and return its exit code, in the child as well as in this process.

    Both end with it. Where the child ends without a verdict, one sentence says how, and the code is 3; it is 130 where
    the child was asked to stop.
    """
    if not hasattr(os, "fork"):
        return run()
    # Memory that both share: code under test cannot close it by accident, as it can a pipe.
    verdict = mmap.mmap(-1, 1)
    passed_on = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGWINCH}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # nohup lets a run outlive its terminal.
        passed_on.remove(signal.SIGHUP)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {*passed_on, signal.SIGCHLD, signal.SIGALRM})
    watcher = os.getpid()
    _control_process(_PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child:
        return _Watcher(child, verdict, passed_on).watch()
    # A group of its own, or Ctrl+C would reach it twice: from the terminal and from its parent.
    os.setpgid(0, 0)
    _control_process(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != watcher:
        os._exit(INTERRUPTED)
    signal.pthread_sigmask(signal.SIG_SETMASK, former)
    code = run()
    verdict[0] = code + 1
    return code


def _control_process(option: int, value: int) -> None:
    """Set an attribute of this process that only Linux has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class _Watcher:
    """The parent: waits for signals and for the end of the child.

    Args:
        child: the child's process id.
        verdict: one byte that the child writes: its exit code and one, or 0 as long as there is none.
        passed_on: the signals that the child gets from here.

    """

    def __init__(self, child: int, verdict: mmap.mmap, passed_on: set[signal.Signals]) -> None:
        self._child = child
        self._verdict = verdict
        self._passed_on = passed_on
        self._stops = 0
        self._kill_at: float | None = None

    def watch(self) -> int:
        """Wait for the end of the child, and return the exit code."""
        with contextlib.suppress(OSError):  # The child may have done it, or ended.
            os.setpgid(self._child, self._child)
        signal.setitimer(signal.ITIMER_REAL, TICK_SECONDS, TICK_SECONDS)
        while (status := self._status()) is None:
            self._handle(signal.sigwait({*self._passed_on, signal.SIGCHLD, signal.SIGALRM}))
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._end_everything()
        return self._code(status)

    def _handle(self, number: int) -> None:
        if number == signal.SIGALRM:
            if self._verdict[0]:
                self._kill_at = self._kill_at or time.monotonic() + CLOSING_SECONDS
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._send(signal.SIGKILL)
        elif number == signal.SIGTSTP:
            self._stop_together()
        elif number != signal.SIGCHLD:
            self._send(number)
            self._count_stop(number)

    def _count_stop(self, number: int) -> None:
        """Kill a child that does not stop: some seconds after the second signal, and with the third."""
        self._stops += number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if self._stops > 2:
            self._send(signal.SIGKILL)
        elif self._stops == 2:
            self._kill_at = time.monotonic() + CLOSING_SECONDS

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)

    def _status(self) -> int | None:
        """Return how the child ended; None while it runs. Whatever else has ended is collected."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return 0
            if process == 0:
                return None
            if process != self._child:
                continue
            if not os.WIFSTOPPED(status):
                return status
            self._stopped(os.WSTOPSIG(status))

    def _stopped(self, number: int) -> None:
        """Give the terminal to a child that waits for it; stop with one that was stopped."""
        if number in (signal.SIGTTIN, signal.SIGTTOU) and _hand_terminal(os.getpgrp(), self._child):
            self._continue()
        elif number != signal.SIGSTOP:
            self._stop_together()

    def _stop_together(self) -> None:
        """Stop the child and this process, as Ctrl+Z asks, until this process is continued."""
        _hand_terminal(self._child, os.getpgrp())
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._continue()

    def _continue(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child, signal.SIGCONT)

    def _end_everything(self) -> None:
        """Kill what the child started and left, also in sessions of its own, and take the terminal back."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, signal.SIGKILL)
        until = time.monotonic() + CLOSING_SECONDS
        while self._has_children() and time.monotonic() < until:
            for orphan in _children():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(orphan, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        _hand_terminal(self._child, os.getpgrp())

    def _has_children(self) -> bool:
        """Collect the children that have ended, and return whether there are others."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            return True
        return False

    def _code(self, status: int) -> int:
        if self._verdict[0]:
            return self._verdict[0] - 1
        code = INTERRUPTED if self._stops else ENVIRONMENT
        words = sys.argv[1:]
        with contextlib.suppress(Exception), Output(words) as output:
            output.fail("Interrupted." if self._stops else no_verdict(os.waitstatus_to_exitcode(status)), code)
        return code


def no_verdict(code: int) -> str:
    """Return how a child ended that has no verdict, and what to do; ``code`` is negative for a signal."""
    if code < 0:
        name = signal.Signals(-code).name
        advice = "PYTHONFAULTHANDLER=1 shows where." if name in _FATAL else "The system may have run out of memory."
        return f"There is no verdict: the process of the run was killed by {name}. {advice}"
    return (
        f"There is no verdict: the process of the run ended with code {code}, as by os._exit, before its end. "
        "Remove that from the code that is tested."
    )


def _children() -> list[int]:
    """Return the processes whose parent is this one: on Linux also those that lost theirs."""
    own, children = str(os.getpid()), []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may contain anything.
            if entry.read_text(encoding="latin-1").rpartition(")")[2].split()[1] == own:
                children.append(int(entry.parent.name))
    return children


def _hand_terminal(front: int, group: int) -> bool:
    """Let a process group read from the terminal where another one of ours does; return whether one of ours did."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    # The call stops a process whose group is not the one in front, unless it blocks this signal.
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        is_ours = os.tcgetpgrp(terminal) == front
        if is_ours:
            os.tcsetpgrp(terminal, group)
    except OSError:
        return False
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
        os.close(terminal)
    return is_ours
