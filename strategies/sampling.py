"""Draws different values from a seed: the same seed draws the same values, whatever else is imported.

Hypothesis sometimes draws a number that it found in the source of the local modules. Which modules these are depends on
how the suite was started and on the working directory, so that the histories of a seed would depend on them too. No
setting of Hypothesis turns this off, so it is done to names of its inside: ``LocalConstants`` says what happens where
a version has other names.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

CHANGED: Final = (
    f"Hypothesis {hypothesis.__version__} is not a version that this suite knows: the histories of a seed may depend "
    "on the modules that are loaded. Install the locked version to repeat a run elsewhere."
)

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


@dataclass(frozen=True, slots=True)
class LocalConstants:
    """Where Hypothesis keeps the constants of local modules.

    Attributes:
        module: the module that asks for them.
        cached: what it has made of them so far.
        none: a collection of constants that has none.

    """

    module: Any
    cached: Any
    none: Any

    @classmethod
    def of_hypothesis(cls) -> LocalConstants:
        """Return the place in the installed version.

        Raises:
            AttributeError: this version has other names.
            ImportError: this version has other modules.

        """
        module: Any = importlib.import_module("hypothesis.internal.conjecture.providers")
        constants: Any = importlib.import_module("hypothesis.internal.constants_ast")
        if not callable(module._get_local_constants):
            raise AttributeError("_get_local_constants is no function")
        return cls(module, module.CONSTANTS_CACHE.cache, constants.Constants())


@contextmanager
def without_local_constants() -> Iterator[None]:
    """Make Hypothesis draw without the constants of local modules inside the block.

    Where its version has no such names, it draws with them, and a warning says so.
    """
    try:
        place = LocalConstants.of_hypothesis()
    except (AttributeError, ImportError):
        warnings.warn(CHANGED, RuntimeWarning, stacklevel=1)
        yield
        return
    original = place.module._get_local_constants
    place.cached.clear()
    place.module._get_local_constants = lambda: place.none
    try:
        yield
    finally:
        place.module._get_local_constants = original
        place.cached.clear()
