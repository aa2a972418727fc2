"""Packages of npm, installed into a folder of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

INSTALL_SECONDS = 120
STORY_SECONDS = 30
OLDEST_NODE = 20
QUIETLY = (
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
)


def said(command: list[str], folder: Path, seconds: int, environment: Mapping[str, str]) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise ChildProcessError(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def install(here: Path, folder: Path, what: str = "the published client") -> Path:
    """Copy what is in a folder and install what its lock names; skip the tests where that cannot be done."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"node and npm are needed for {what}")
    version = said([node, "--version"], folder, STORY_SECONDS, os.environ).strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {OLDEST_NODE} or later is needed for {what}; this is {version}")
    for file in (*here.glob("*.mjs"), *here.glob("package*.json")):
        shutil.copy(file, folder)
    try:
        said([npm, "ci", *QUIETLY], folder, INSTALL_SECONDS, os.environ)
    except (ChildProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm could not install {what}: {str(error).splitlines()[0]}")
    return folder
