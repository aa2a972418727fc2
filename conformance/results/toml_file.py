"""Reading a TOML file that a user wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from conformance.domain.toml import TomlError, as_struct, load_table
from conformance.errors import UsageError
from conformance.inputs.files import read_text

T = TypeVar("T", bound=msgspec.Struct)


def read_toml(path: Path, kind: type[T]) -> T:
    """Return a TOML file as a value of ``kind``; see ``parse_toml``.

    Raises:
        UsageError: the file cannot be read, is not TOML, or is not what ``kind`` describes.

    """
    return struct_from(read_table(path), kind, str(path))


def read_table(path: Path) -> dict[str, Any]:
    """Return a TOML file as a table.

    Raises:
        UsageError: the file cannot be read, or is not TOML.

    """
    try:
        return load_table(read_text(path, "TOML"), str(path))
    except TomlError as error:
        raise UsageError(str(error)) from None


def struct_from(table: dict[str, Any], kind: type[T], name: str, *, quoted_dates: bool = False) -> T:
    """Return a table of a file as a value of ``kind``; ``name`` is what an error calls it.

    Raises:
        UsageError: it is not what ``kind`` describes.

    """
    try:
        return as_struct(table, kind, name, quoted_dates=quoted_dates)
    except TomlError as error:
        raise UsageError(str(error)) from None
