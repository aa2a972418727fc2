"""The same seed draws the same histories, whatever else the process has imported.

Hypothesis now and then draws a number that it found in the source of the modules at hand. Which modules these are
depends on how the suite was started and on what lies in the folder, and so would the histories.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


@contextmanager
def whatever_is_imported() -> Iterator[None]:
    """Let Hypothesis draw without the constants of local modules for a while."""
    found = getattr(providers, "_get_local_constants", None)
    if found is None:
        # Another Hypothesis than the one that was locked: it draws as it does.
        yield
        return
    nothing = Constants()
    providers.CONSTANTS_CACHE.cache.clear()
    providers._get_local_constants = lambda: nothing
    try:
        yield
    finally:
        providers._get_local_constants = found
        providers.CONSTANTS_CACHE.cache.clear()
