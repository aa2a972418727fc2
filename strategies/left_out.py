"""What a test cannot test, and how that stays visible: nothing that was left out counts as passed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import NoReturn

from hypothesis import currently_in_test_context, event, reject

from conformance.errors import NotTestedError, NotTestedWarning


def leave_out(error: NotTestedError, warned: set[str], hint: str) -> NoReturn:
    """Leave a drawn history out: for each reason count an event and warn the first time, and reject the example.

    Args:
        error: why the history is not tested.
        warned: what was warned of before; what is warned of now is added.
        hint: what to do so that such histories are not drawn.

    Raises:
        NotTestedError: no Hypothesis test is running, so that there is nothing to reject.

    """
    if not currently_in_test_context():
        raise error
    warn_of(error.reasons, warned, hint, stacklevel=5)
    reject()


def warn_of(reasons: Iterable[str], warned: set[str], hint: str, *, stacklevel: int = 2) -> None:
    """For each reason count an event in the running Hypothesis test, and warn the first time."""
    for reason in reasons:
        event(f"not tested: {reason}")
        if reason not in warned:
            warned.add(reason)
            warnings.warn(NotTestedWarning(f"{reason} {hint}".rstrip()), stacklevel=stacklevel)
