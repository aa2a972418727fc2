"""Draws different values from a seed: the same seed draws the same values, whatever else is imported.

Hypothesis sometimes draws a number that it found in the source of the local modules. Which modules these are depends on
how the suite was started and on the working directory, so that the histories of a seed would depend on them too.
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
"""How often Hypothesis is asked for the values that are still missing."""
SPARE: Final = 10
"""How many values more than the missing ones it is asked for: its first draws are the same in every round."""


def draw_different(
    strategy: SearchStrategy[T], seed_: int, count: int, *, key: Callable[[T], Hashable], playable: Callable[[T], bool]
) -> list[T]:
    """Return up to ``count`` different values; the same seed returns the same ones.

    Hypothesis repeats itself sometimes, so the missing values are drawn again, from seeds derived from the first.

    Args:
        strategy: what to draw from.
        seed_: decides the values.
        count: how many values to return at most.
        key: values with equal keys count as the same value.
        playable: whether a value counts at all.

    """
    values: dict[Hashable, T] = {}
    for round_ in range(ROUNDS):
        missing = count - len(values)
        if missing <= 0:
            break

        @seed(seed_ * ROUNDS + round_)
        @settings(
            max_examples=missing + SPARE,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def collect(value: T) -> None:
            if len(values) < count and playable(value):
                values.setdefault(key(value), value)

        with without_local_constants():
            collect()
    return list(values.values())


@contextmanager
def without_local_constants() -> Iterator[None]:
    """Make Hypothesis draw without the constants of local modules inside the block."""
    original = getattr(providers, "_get_local_constants", None)
    if original is None:
        # A version of Hypothesis other than the locked one, without this function.
        yield
        return
    no_constants = Constants()
    providers.CONSTANTS_CACHE.cache.clear()
    providers._get_local_constants = lambda: no_constants
    try:
        yield
    finally:
        providers._get_local_constants = original
        providers.CONSTANTS_CACHE.cache.clear()
