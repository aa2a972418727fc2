"""The folder of one page: a copy of the clone, in which the page's commands run one after the other."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
SANDBOX = "https://apitest.vipps.no"
SERVER_SECONDS = 60
SECONDS = 300
"""How long a block may take. The longest installs the project and makes a standard run."""
BEFORE = 'cd "$PAGE_CWD"; source "$PAGE_STATE"; set -e'
AFTER = 'export -p > "$PAGE_STATE"; pwd > "$PAGE_CWD_FILE"'


class Folder:
    """Runs commands. Variables that are exported and the working folder last from block to block."""

    def __init__(self) -> None:
        self._above = Path(tempfile.mkdtemp(prefix="page-"))
        self.path = self._above / "clone"
        for name in subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
        ).split("\0"):
            if name and (ROOT / name).exists():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.path / name, follow_symlinks=False)
        self._state = self._above / "state"
        self._state.touch()
        self._cwd = self._above / "cwd"
        self._cwd.write_text(str(self.path), encoding="utf-8")
        self._servers: list[subprocess.Popen[str]] = []
        self._locks: list[IO[str]] = []
        self._sandbox = ""
        self._back = Path.cwd()
        os.chdir(self.path)

    def write(self, name: str, text: str) -> None:
        """Write a file that the page shows."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text, encoding="utf-8")

    def run(self, source: str, code: int) -> str:
        """Run commands to their end and return what they print.

        Raises:
            AssertionError: they end with another code, or not in time.

        """
        process = self._start(f"{BEFORE}\n{self._local(source)}\n{AFTER}")
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            stop(process)
            raise AssertionError(f"not at its end after {SECONDS} s:\n{source}") from None
        assert process.returncode == code, f"ends with {process.returncode}, and not {code}:\n{source}\n{printed}"
        return printed

    def serve(self, source: str, port: int) -> None:
        """Start a server, and wait until it listens on its port."""
        self._reserve(port)
        process = self._start(f'cd "$(cat "$PAGE_CWD_FILE")"\n{self._local(source)}', quiet=True)
        self._servers.append(process)
        deadline = time.monotonic() + SERVER_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"nothing listens on port {port}:\n{source}")

    def close(self) -> None:
        """Stop the servers and remove the folder."""
        os.chdir(self._back)
        for process in self._servers:
            stop(process)
        for lock in self._locks:
            lock.close()
        shutil.rmtree(self._above, ignore_errors=True)

    def _start(self, script: str, *, quiet: bool = False) -> subprocess.Popen[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "VIPPS_", "CI"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "NO_COLOR": "1",
            "COLUMNS": "120",
            "PAGE_STATE": str(self._state),
            "PAGE_CWD": self._cwd.read_text(encoding="utf-8").strip(),
            "PAGE_CWD_FILE": str(self._cwd),
        }
        return subprocess.Popen(
            ["bash", "-c", script], cwd=self.path, env=environment, start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if quiet else subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def _local(self, source: str) -> str:
        """Point what a page sends to the test environment at the simulator, which needs no credentials."""
        source = re.sub(r"\bVIPPS_\w+=\.\.\.[ \t]*", "", source)
        source = re.sub(r"^export[ \t]*$", "", source, flags=re.MULTILINE)
        if SANDBOX in source and not self._sandbox:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            self.serve(f"exec cancel-conformance sandbox --port {port}", port)
            self._sandbox = f"http://127.0.0.1:{port}"
        return source.replace(SANDBOX, self._sandbox)

    def _reserve(self, port: int) -> None:
        """Wait until no other page uses the port: pages run side by side."""
        lock = (Path(tempfile.gettempdir()) / f"page-port-{port}").open("w", encoding="utf-8")
        fcntl.flock(lock, fcntl.LOCK_EX)
        self._locks.append(lock)


def stop(process: subprocess.Popen[str]) -> None:
    """End a process and everything that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
