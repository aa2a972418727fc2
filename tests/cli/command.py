"""The command line as a user starts it: in a process and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIPPS_", "PYTEST_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", **more}


def started(folder, *words, module="conformance", **more):
    """Start a command, and leave it running."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(folder, *words, **more):
    """Run a command to its end; return exit code, output and errors."""
    with started(folder, *words, **more) as process:
        out, errors = process.communicate(timeout=120)
    return process.returncode, out, errors


def read_until(process, text, seconds=30):
    """Read a command's output up to the line that has a text, and return what was read."""
    lines = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        lines.append(line)
        if text in line or not line:
            break
    assert text in lines[-1], "".join(lines)
    return "".join(lines)
