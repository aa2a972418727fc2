"""What goes wrong before or around a run, as an exit code and one sentence."""

from __future__ import annotations

from typing import Final

from conformance.ageing.ledger import LedgerError
from conformance.commands.neighbours import ShadowedError
from conformance.examples import PlaceError
from conformance.journal import JournalError
from conformance.rulebook import PageError, ReadingError
from conformance.signing import SigningError
from conformance.steps import HistoryError
from conformance.targets.base import TargetError, TargetUsageError

USAGE: Final = 2
ENVIRONMENT: Final = 3
INCOMPLETE: Final = 4
HARNESS: Final = 5
INTERRUPTED: Final = 130


class UsageError(ValueError):
    """What was asked for makes no sense. The message says what, and what would."""


class CommandError(Exception):
    """A command cannot go on: the message says why, ``code`` is what it exits with."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


_CODES: Final = (
    (UsageError, USAGE),
    (TargetUsageError, USAGE),
    (TargetError, ENVIRONMENT),
    (ReadingError, USAGE),
    (PageError, USAGE),
    (HistoryError, USAGE),
    (JournalError, USAGE),
    (PlaceError, USAGE),
    (LedgerError, USAGE),
    (ShadowedError, USAGE),
    (SigningError, USAGE),
    (KeyboardInterrupt, INTERRUPTED),
)


def code_of(error: BaseException) -> int:
    """Return the documented exit code of an exception."""
    if isinstance(error, CommandError):
        return error.code
    return next((code for kind, code in _CODES if isinstance(error, kind)), HARNESS)


def sentence(error: BaseException) -> str:
    """Return an exception as one sentence in one line."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    text = " ".join(str(error).split()) or type(error).__name__
    if code_of(error) == HARNESS and not isinstance(error, CommandError):
        text = f"The suite itself failed, which says nothing about the target: {type(error).__name__}: {text}"
    return text if text[-1] in ".!?" else f"{text}."
