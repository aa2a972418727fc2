"""Exit codes and sentences for errors before or around a run."""

from __future__ import annotations

import os
from typing import Final

from conformance.ageing.planted_orders import PlantedOrdersError
from conformance.domain.steps import HistoryError
from conformance.domain.visible_text import visible
from conformance.errors import USAGE, CommandError, UsageError, shortened
from conformance.evidence.journal import JournalError
from conformance.rulebook import PageError, ReadingError
from conformance.targets.transport import TargetError, TargetUsageError
from conformance.verification.signing import SigningError

ENVIRONMENT: Final = 3
INCOMPLETE: Final = 4
HARNESS: Final = 5
INTERRUPTED: Final = 130


_CODES: Final = (
    (UsageError, USAGE),
    (TargetUsageError, USAGE),
    (TargetError, ENVIRONMENT),
    (ReadingError, USAGE),
    (PageError, USAGE),
    (HistoryError, USAGE),
    (JournalError, USAGE),
    (PlantedOrdersError, USAGE),
    (SigningError, USAGE),
    (KeyboardInterrupt, INTERRUPTED),
)


def code_of(error: BaseException) -> int:
    """Return the documented exit code of an exception."""
    if isinstance(error, CommandError):
        return error.code
    if _place_of(error):
        return USAGE
    return next((code for kind, code in _CODES if isinstance(error, kind)), HARNESS)


def _place_of(error: BaseException) -> str:
    """Return what is wrong with a file or folder that an operation failed for; empty for every other error.

    A name may be too long, and a folder may vanish while a command runs.
    """
    if not isinstance(error, OSError) or isinstance(error, BrokenPipeError):
        return ""
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)!r} cannot be used: {error.strerror}."
    return "The current folder is no longer there: change to another one." if not _has_folder() else ""


def _has_folder() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def sentence(error: BaseException) -> str:
    """Return an exception as one sentence on one line."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    # A message may quote what a target said, which must do nothing at a terminal.
    text = visible(" ".join((_place_of(error) or str(error)).split())) or type(error).__name__
    if code_of(error) == HARNESS and not isinstance(error, CommandError):
        text = f"The suite itself failed, which says nothing about the target: {type(error).__name__}: {text}"
    text = shortened(text)
    return text if text[-1] in ".!?" else f"{text}."
