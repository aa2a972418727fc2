"""Draws different values from a seed: the same seed draws the same values, whatever else is imported.

Hypothesis draws with a backend of ours, its documented way to decide how choices are made (``PrimitiveProvider`` in its
reference). Its own one draws a number now and then that it found in the source of the local modules, so that the
values of a seed would depend on how the suite was started; and it repeats parts of what it drew before, so that a fifth
of a plan were duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextvars import ContextVar
from random import Random
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

BACKEND: Final = "cancel-conformance"
"""The name under which Hypothesis knows the backend."""
ROUNDS: Final = 8
"""How often Hypothesis is asked for the values that are still missing."""
SPARE: Final = 1
"""How many values more than the missing ones it is asked for: its first draw of a round is the simplest value."""
LONGEST: Final = 8
"""How much longer than it must be a text is at most."""
UNIFORM: Final = 4096
"""In a range of at most so many numbers each is equally likely; in a larger one, each magnitude is."""

_random: ContextVar[Random] = ContextVar("_random")


class SeededChoices(PrimitiveProvider):
    """Makes every choice from a seed: without memory, without constants, and evenly over magnitudes."""

    def __init__(self, conjecturedata: Any, /) -> None:
        super().__init__(conjecturedata)
        self._random = _random.get(Random(0))

    def draw_boolean(self, p: float = 0.5) -> bool:
        """Draw true with a probability."""
        return self._random.random() < p

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        """Draw a whole number: any of a small range, any magnitude of a large one."""
        low = -(2**64) if min_value is None else min_value
        high = max(low, 0) + 2**64 if max_value is None else max_value
        size = high - low
        if size < UNIFORM:
            return self._random.randint(low, high)
        if low > 0:
            magnitude = self._random.randint(low.bit_length(), high.bit_length())
            return self._random.randint(max(low, 1 << (magnitude - 1)), min(high, (1 << magnitude) - 1))
        # So far from the bound that is nearer to zero.
        distance = self._random.randint(0, 2 ** self._random.randint(1, size.bit_length()) - 1)
        while distance > size:
            distance //= 2
        return high - distance if abs(high) < abs(low) else low + distance

    def draw_float(self, *, min_value: float = -1e300, max_value: float = 1e300, **_: Any) -> float:
        """Draw a fraction between two bounds."""
        return self._random.uniform(max(min_value, -1e300), min(max_value, 1e300))

    def draw_string(self, intervals: Any, *, min_size: int = 0, max_size: int = LONGEST) -> str:
        """Draw a text of some of the permitted characters."""
        size = self._size(min_size, max_size)
        return "".join(chr(intervals[self._random.randrange(len(intervals))]) for _ in range(size))

    def draw_bytes(self, min_size: int = 0, max_size: int = LONGEST) -> bytes:
        """Draw some bytes."""
        return self._random.randbytes(self._size(min_size, max_size))

    def _size(self, least: int, most: int) -> int:
        return self._random.randint(least, min(most, least + LONGEST))


AVAILABLE_PROVIDERS.setdefault(BACKEND, SeededChoices)


def draw_different(
    strategy: SearchStrategy[T], seed_: int, count: int, *, key: Callable[[T], Hashable], playable: Callable[[T], bool]
) -> list[T]:
    """Return up to ``count`` different values; the same seed returns the same ones.

    A value may come again all the same, so the missing ones are drawn until several rounds have brought too few.

    Args:
        strategy: what to draw from.
        seed_: decides the values.
        count: how many values to return at most.
        key: values with equal keys count as the same value.
        playable: whether a value counts at all.

    """
    values: dict[Hashable, T] = {}

    def collect(value: T) -> None:
        if len(values) < count and playable(value):
            values.setdefault(key(value), value)

    token = _random.set(Random(seed_))
    try:
        for _ in range(ROUNDS):
            missing = count - len(values)
            if missing <= 0:
                break
            _draw(strategy, missing, collect)
    finally:
        _random.reset(token)
    return list(values.values())


def _draw(strategy: SearchStrategy[T], count: int, collect: Callable[[T], None]) -> None:
    @settings(
        max_examples=count + SPARE,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        backend=BACKEND,
    )
    @given(strategy)
    def each(value: T) -> None:
        collect(value)

    each()
