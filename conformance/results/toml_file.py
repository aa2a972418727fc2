"""Reading a TOML file that a user wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from conformance.domain.toml import TomlError, parse_toml
from conformance.errors import UsageError

T = TypeVar("T", bound=msgspec.Struct)


def read_toml(path: Path, kind: type[T], *, quoted_dates: bool = False) -> T:
    """Return a TOML file as a value of ``kind``; see ``parse_toml``.

    Raises:
        UsageError: the file cannot be read, is not TOML, or is not what ``kind`` describes.

    """
    try:
        return parse_toml(path.read_text(encoding="utf-8"), kind, str(path), quoted_dates=quoted_dates)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not TOML: it is not UTF-8 text.") from None
    except TomlError as error:
        raise UsageError(str(error)) from None
