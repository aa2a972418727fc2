"""Regular files of a bounded size.

A path may lead to a pipe that nobody writes to, to a device without an end, or to a file that fills the memory. What it
leads to is checked before it is opened, again after that, and no more is read than is allowed.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from conformance.errors import UsageError

SMALL: Final = 1_000_000
"""Bytes of a file that people write or read as a whole: options, waivers, keys, a ledger, a counterexample, a page."""
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class InputError(UsageError):
    """An input cannot be used. The message is one sentence that names it and says why."""


class UnreadableError(InputError):
    """A file cannot be opened or read."""


def open_input(path: Path, largest: int) -> BinaryIO:
    """Open a regular file of at most ``largest`` bytes; a symbolic link to one is followed.

    Raises:
        UnreadableError: it cannot be opened, or is no regular file.
        InputError: it is larger.

    """
    try:
        # A device may do something as soon as it is opened, and a pipe may be put there between the two checks.
        _check_kind(path, path.stat().st_mode)
        descriptor = os.open(path, _FLAGS)
        file = os.fdopen(descriptor, "rb")
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from None
    except InputError:
        raise
    except ValueError:
        raise UnreadableError(f"{str(path)!r} cannot be read: no file has such a name.") from None
    try:
        state = os.fstat(descriptor)
        _check_kind(path, state.st_mode)
        check_size(state.st_size, largest, str(path))
    except InputError:
        file.close()
        raise
    return file


def read_bytes(path: Path, largest: int = SMALL) -> bytes:
    """Return the content of a regular file.

    Raises:
        UnreadableError: it cannot be opened or read, or is no regular file.
        InputError: it has more than ``largest`` bytes.

    """
    with open_input(path, largest) as file:
        try:
            data = file.read(largest + 1)
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from None
    check_size(len(data), largest, str(path))
    return data


def read_text(path: Path, kind: str, largest: int = SMALL, encoding: str = "utf-8") -> str:
    """Return the text of a regular file; ``kind`` names what it should be, such as ``TOML``.

    Raises:
        UnreadableError: it cannot be opened or read, or is no regular file.
        InputError: it has more than ``largest`` bytes, or is no text in UTF-8.

    """
    try:
        return read_bytes(path, largest).decode(encoding)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not {kind}: it is not UTF-8 text.") from None


def check_size(size: int, largest: int, name: str) -> None:
    """Check the size of an input in bytes.

    Raises:
        InputError: it is more than ``largest``.

    """
    if size > largest:
        raise InputError(f"{name} is larger than {megabytes(largest)}, the most that is read of such an input.")


def megabytes(size: int) -> str:
    """Return a limit in words.

    >>> megabytes(10_000_000), megabytes(100_000)
    ('10 MB', '0.1 MB')
    """
    return f"{size / 1_000_000:g} MB"


def _check_kind(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "no regular file")
    raise UnreadableError(f"{path} cannot be read: it is {kind}. Name a file.")
