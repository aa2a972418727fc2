"""A folder with Node's packages from which Chromium is driven; tests are skipped where one of the three is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECONDS = 600
QUIETLY = (
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
)


def done(command: list[str], folder: Path) -> str:
    """Run a command to its end and return what it printed."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    if ended.returncode:
        raise ChildProcessError(ended.stderr.strip() or ended.stdout.strip())
    return ended.stdout


def node_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """Return node, Chromium, and a folder from which pages can be looked at."""
    node, npm = shutil.which("node"), shutil.which("npm")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if node is None or npm is None or chromium is None:
        pytest.skip("node, npm and Chromium are needed to look at reports in a browser")
    folder = tmp_path_factory.mktemp("browser")
    for file in (*HERE.glob("*.mjs"), *HERE.glob("package*.json")):
        shutil.copy(file, folder)
    try:
        done([npm, "ci", *QUIETLY], folder)
    except (ChildProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm could not install what drives the browser: {str(error).splitlines()[0]}")
    return node, chromium, folder
