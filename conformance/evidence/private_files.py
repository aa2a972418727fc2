"""Folders and files that only the user can read: evidence is about a system under test, and may name its customers."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it. A folder that is there already stays as its owner made it.

    Raises:
        OSError: it cannot be made.

    """
    path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file anew: text in UTF-8, with its line ends as they are.

    Raises:
        OSError: it cannot be written.

    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, FILE_MODE)) as file:
        # A file of an earlier run may be open to others; one such as /dev/stdout has modes of its own.
        with suppress(OSError):
            path.chmod(FILE_MODE)
        file.write(data)
