"""Drawing different values from a seed. The same seed draws the same ones, whatever else the process has imported.

Hypothesis now and then draws a number that it found in the source of the modules at hand. Which modules these are
depends on how the suite was started and on what lies in the folder, and so would the histories.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

ROUNDS: Final = 8
"""How often Hypothesis is asked for what is still missing."""
SPARE: Final = 10
"""How many more it is asked for each time: its first draws are the same every time."""


def draw_different(
    strategy: SearchStrategy[T], seed_: int, count: int, *, key: Callable[[T], Hashable], playable: Callable[[T], bool]
) -> list[T]:
    """Draw so many different values; the same seed gives the same ones. There may be fewer.

    Hypothesis repeats itself sometimes, so what is still missing is drawn again, from seeds that follow from the first.
    Values are different if their ``key`` is; those that are not ``playable`` do not count.
    """
    found: dict[Hashable, T] = {}
    for again in range(ROUNDS):
        missing = count - len(found)
        if missing <= 0:
            break

        @seed(seed_ * ROUNDS + again)
        @settings(
            max_examples=missing + SPARE,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def collect(value: T) -> None:
            if len(found) < count and playable(value):
                found.setdefault(key(value), value)

        with whatever_is_imported():
            collect()
    return list(found.values())


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
