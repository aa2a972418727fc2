"""The options of a run from a TOML file and from the command line, which wins."""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from conformance.errors import UsageError

TEXTS: Final = ("target", "control-url", "market", "budget", "out", "shard", "known")
NUMBERS: Final = ("histories", "seed", "concurrency", "max-requests")
LISTS: Final = ("profile", "reading", "waive", "examples")


@dataclass(frozen=True, slots=True)
class KnownOptions:
    """The options that a file can choose for a command, by what they are."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    lists: tuple[str, ...]
    others: tuple[str, ...] = ()
    """``processes``, and what is true or false."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.texts, *self.numbers, *self.lists, *self.others)


RUN: Final = KnownOptions(TEXTS, NUMBERS, LISTS, ("processes",))
MERCHANT: Final = KnownOptions(
    ("integration", "market", "budget", "out"),
    ("histories", "seed", "port"),
    ("profile", "waive", "examples"),
    ("strict",),
)
NAMES: Final = RUN.names


def merged(arguments: argparse.Namespace, known: KnownOptions = RUN) -> dict[str, Any]:
    """Return what was chosen, by option name; what nobody chose is left out.

    Raises:
        UsageError: the file cannot be read, is not TOML, or has a name or a value that no option has.

    """
    options = read(Path(arguments.config), known) if arguments.config is not None else {}
    for name in known.names:
        value = getattr(arguments, name.replace("-", "_"))
        if value is not None:
            options[name] = value
    return options


def read(path: Path, known: KnownOptions = RUN) -> dict[str, Any]:
    """Read the options that a file chooses."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from None
    return {name: _checked(path, name, value, known) for name, value in data.items()}


def _checked(path: Path, name: str, value: object, known: KnownOptions) -> Any:
    if name in known.texts:
        if isinstance(value, str):
            return value
        raise UsageError(f"{path}: {name} must be a text.")
    if name in known.numbers:
        if _is_number(value):
            return value
        raise UsageError(f"{path}: {name} must be a whole number, 0 or more.")
    if name == "waive" and not isinstance(value, str):
        value = [_waiver(path, one) for one in value] if isinstance(value, list) else value
    if name in known.lists:
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(one, str) for one in texts):
            return texts
        raise UsageError(f"{path}: {name} must be a text or a list of texts.")
    if name == "strict" and name in known.others:
        if isinstance(value, bool):
            return value
        raise UsageError(f"{path}: strict must be true or false.")
    if name == "processes" and name in known.others:
        if isinstance(value, str) or _is_number(value):
            return value
        raise UsageError(f"{path}: processes must be a whole number or 'auto'.")
    raise UsageError(f"{path}: there is no option {name!r}: the ones to choose from are {', '.join(known.names)}.")


def _waiver(path: Path, value: object) -> object:
    """Return a waiver that is a table as the command line has it; what is none is left to be complained of."""
    if not isinstance(value, dict):
        return value
    rule, reason, until = value.get("rule"), value.get("reason"), value.get("until")
    named = isinstance(rule, str) and isinstance(reason, str) and set(value) <= {"rule", "reason", "until"}
    if isinstance(until, datetime) or not (named and (until is None or isinstance(until, str | date))):
        raise UsageError(f"{path}: a waiver is a text, or a table with rule, reason and, if it ends, until (a date).")
    return f"{rule}{'' if until is None else f'@{until}'}={reason}"


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
