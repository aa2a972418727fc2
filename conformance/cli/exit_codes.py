"""Exit codes and sentences for errors before or around a run."""

from __future__ import annotations

from typing import Final

from conformance.ageing.planted_orders import PlantedOrdersError
from conformance.domain.steps import HistoryError
from conformance.domain.visible_text import visible
from conformance.errors import USAGE, CommandError, UsageError
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
    return next((code for kind, code in _CODES if isinstance(error, kind)), HARNESS)


def sentence(error: BaseException) -> str:
    """Return an exception as one sentence on one line."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    # A message may quote what a target said, which must do nothing at a terminal.
    text = visible(" ".join(str(error).split())) or type(error).__name__
    if code_of(error) == HARNESS and not isinstance(error, CommandError):
        text = f"The suite itself failed, which says nothing about the target: {type(error).__name__}: {text}"
    return text if text[-1] in ".!?" else f"{text}."
