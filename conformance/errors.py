"""Exceptions that a user can cause, and nothing else."""

from __future__ import annotations

from typing import Final

USAGE: Final = 2


class UsageError(ValueError):
    """What was asked for makes no sense. The message says what, and what would."""


class CommandError(Exception):
    """A command cannot go on: the message says why, ``code`` is what it exits with."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def missing_extra(package: str, extra: str, use: str) -> str:
    """Return the sentence about a package that only an extra installs. ``use`` says in a clause what it is for."""
    return (
        f"The package {package} is not installed, and {use}: "
        f'pip install "cancel-conformance[{extra}]" (in a clone: pip install -r constraints-extras.txt).'
    )
