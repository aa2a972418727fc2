"""The options of a run from a TOML file and from the command line, which wins."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from msgspec.structs import fields

from conformance.domain.toml import Count
from conformance.results.toml_file import read_toml
from conformance.results.waivers import Waiver

Value = Annotated[str, Meta(min_length=1, description="a non-empty text")]
"""What an option is given. As on the command line, a path may begin or end with a space."""
Words = Value | tuple[Value, ...]
"""A text, or several, for an option that may be repeated."""
Waivers = Value | tuple[Value | Waiver, ...]
Processes = Annotated[Count | Value, Meta(description="a whole number or 'auto'")]


class _Options(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a file can choose for every command that has ``--config``."""

    profile: Words | None = None
    market: Value | None = None
    budget: Value | None = None
    histories: Count | None = None
    seed: Count | None = None
    waive: Waivers | None = None
    examples: Words | None = None
    out: Value | None = None


class ProviderOptions(_Options, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a file can choose for ``run``."""

    target: Value | None = None
    control_url: Value | None = None
    reading: Words | None = None
    concurrency: Count | None = None
    max_requests: Count | None = None
    shard: Value | None = None
    known: Value | None = None
    processes: Processes | None = None


class MerchantOptions(_Options, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a file can choose for ``merchant``."""

    integration: Value | None = None
    port: Count | None = None
    strict: bool | None = None


_REPEATABLE: Final = frozenset({"profile", "reading", "waive", "examples"})


def names_of(kind: type[_Options]) -> tuple[str, ...]:
    """Return the names of the options, as a file and the command line spell them."""
    return tuple(field.encode_name for field in fields(kind))


def merged_options(arguments: argparse.Namespace, kind: type[_Options] = ProviderOptions) -> dict[str, Any]:
    """Return the options that the file or the command line chose, by name.

    Raises:
        UsageError: the file cannot be read, is not TOML, or has a name or a value that no option has.

    """
    options = {} if arguments.config is None else _read(Path(arguments.config), kind)
    for name in names_of(kind):
        value = getattr(arguments, name.replace("-", "_"))
        if value is not None:
            options[name] = value
    return options


def _read(path: Path, kind: type[_Options]) -> dict[str, Any]:
    file = read_toml(path, kind, quoted_dates=True)
    values = {field.encode_name: getattr(file, field.name) for field in fields(kind)}
    return {
        name: _texts(value) if name in _REPEATABLE else value for name, value in values.items() if value is not None
    }


def _texts(value: str | tuple[str | Waiver, ...]) -> list[str]:
    entries = (value,) if isinstance(value, str) else value
    return [entry.as_text() if isinstance(entry, Waiver) else entry for entry in entries]
