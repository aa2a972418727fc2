"""The command line at a real terminal, which is a pseudo-terminal of the test."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from contextlib import suppress

from .command import environment

LAUNCHER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes the terminal the one that Ctrl+C on it reaches, and becomes the command."""


def at_terminal(folder, *words, interrupt_at=None, typed=None, seconds=120, unset=("NO_COLOR", "CI"), **more):
    """Run a command whose streams are a terminal; return its exit code and everything that it wrote.

    ``interrupt_at`` is a text at which Ctrl+C is pressed; ``typed`` is a line that is typed at once.
    """
    mine, its = pty.openpty()
    chosen = environment(TERM="xterm-256color", COLUMNS="100")
    for name in unset:
        chosen.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, sys.executable, "-m", "conformance", *words],
        cwd=folder,
        env={**chosen, **more},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    if typed is not None:
        os.write(mine, f"{typed}\n".encode())
    written, deadline, pressed = b"", time.monotonic() + seconds, interrupt_at is None
    with suppress(OSError):  # Linux ends a terminal that nobody holds any more with an error.
        while time.monotonic() < deadline and (piece := os.read(mine, 65536)):
            written += piece
            if not pressed and interrupt_at.encode() in written:
                pressed = os.write(mine, b"\x03") == 1
    code = process.wait(timeout=30)
    os.close(mine)
    return code, written.decode("utf-8").replace("\r\n", "\n")
