"""What a test cannot test, and how that stays visible: nothing that was left out counts as passed."""

from __future__ import annotations

import warnings
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
    for reason in error.reasons:
        event(f"not tested: {reason}")
        if reason not in warned:
            warned.add(reason)
            warnings.warn(NotTestedWarning(f"{reason} {hint}"), stacklevel=4)
    reject()
