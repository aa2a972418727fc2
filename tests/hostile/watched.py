"""A command in a process that is watched: Python itself says whom it connects to, and what it opens for writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..cli.command import environment

HOOK = """
import json, os, sys
log = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND)
reached = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
changed = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

def note(kind, *words):
    os.write(log, (json.dumps([kind, *map(str, words)]) + "\\n").encode())

def hear(event, arguments):
    if event in reached:
        place = arguments[1] if event in reached[:3] else arguments[:2]
        note("reached", *(place if isinstance(place, tuple) else (place,)))
    elif event == "open" and isinstance(arguments[0], (str, bytes)) and (arguments[2] or 0) & writing:
        note("wrote", os.path.abspath(os.fsdecode(arguments[0])))
    elif event in changed and isinstance(arguments[0], (str, bytes)):
        note("wrote", os.path.abspath(os.fsdecode(arguments[0])))
    elif event == "subprocess.Popen":
        note("started", arguments[0])

sys.addaudithook(hear)
"""


@dataclass(frozen=True)
class Watched:
    """How a command ended, and what it did.

    Attributes:
        code: its exit code.
        output: what it wrote.
        reached: the addresses that it connected to or looked up, each as host and port.
        wrote: the files and folders that it opened for writing, made or removed.
        started: the programs that it started.

    """

    code: int
    output: str
    reached: frozenset[tuple[str, str]]
    wrote: frozenset[Path]
    started: frozenset[str]


def watched(folder: Path, *words: str, **more: str) -> Watched:
    """Run a command in a folder, and watch it and its children."""
    hooks, log = folder / ".hooks", folder / ".watched"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    log.write_text("", encoding="utf-8")
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    own = environment(
        WATCHED=str(log), HOME=str(folder / "home"), TMPDIR=str(folder / "tmp"), PYTHONDONTWRITEBYTECODE="1", **more
    )
    own["PYTHONPATH"] = f"{hooks}{os.pathsep}{own['PYTHONPATH']}"
    command = [sys.executable, "-m", "conformance", *words]
    ended = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=300, check=False)
    notes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Watched(
        ended.returncode,
        ended.stdout + ended.stderr,
        frozenset((note[1], note[2] if len(note) > 2 else "") for note in notes if note[0] == "reached"),
        frozenset(Path(note[1]) for note in notes if note[0] == "wrote"),
        frozenset(note[1] for note in notes if note[0] == "started"),
    )
