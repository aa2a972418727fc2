"""A folder with Node's packages from which Chromium is driven; tests are skipped where one of the three is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ..sdk.npm import install, said

HERE = Path(__file__).parent
SECONDS = 600


def done(command: list[str], folder: Path) -> str:
    """Run a command to its end and return what it printed."""
    return said(command, folder, SECONDS, os.environ)


def node_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """Return node, Chromium, and a folder from which pages can be looked at."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is needed to look at reports in a browser")
    folder = install(HERE, tmp_path_factory.mktemp("browser"), "what drives the browser")
    return shutil.which("node") or "node", chromium, folder
