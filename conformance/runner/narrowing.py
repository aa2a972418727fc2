"""Narrowing a failure: from which value of an age or an amount on it occurs, and up to which.

The same history is run with values between one that fails and one that does not, several at once where the target
allows it. A limit is believed only if the values on its failing side fail: an odd amount has no limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.domain.steps import History
from conformance.evidence.record_parts import BoundaryRecord
from conformance.strategies.provider.boundary import Quantity, is_ordinary, quantity_of

MOST_NARROWING: Final = 48
"""So many histories are run for the limits of one failure at most."""
PROBES: Final = 3
"""So many values between a limit and the failing one must fail too, and the two that are next to the limit."""

Fails = Callable[[Sequence[History]], Awaitable[Sequence[bool]]]
"""Runs histories, and returns which of them fail in the same way."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """The last value that fails, and the first that does not; neither, where the failure has no end."""

    failing: int | None = None
    passing: int | None = None


_OPEN: Final = _Edge()


@dataclass(slots=True)
class Narrower:
    """Finds the limits of failures.

    Attributes:
        fails: runs histories.
        batch: how many are run at once.
        most: how many may be run for one failure.

    """

    fails: Fails
    batch: int = 1
    most: int = MOST_NARROWING
    tried: int = field(default=0, init=False)

    async def boundary(self, history: History) -> BoundaryRecord | None:
        """Return the limits of a failure, or None where it has none that was found."""
        quantity = quantity_of(history)
        self.tried = 0
        if quantity is None:
            return None
        first = await self._edge(quantity, quantity.least)
        last = await self._edge(quantity, quantity.most) if first is not None else None
        if first is None or last is None or first is last is _OPEN or first.failing == last.failing:
            return None
        return BoundaryRecord(
            of=quantity.of, first=first.failing, before=first.passing, last=last.failing, after=last.passing
        )

    async def _edge(self, quantity: Quantity, bound: int) -> _Edge | None:
        """Return where the failure ends towards a bound, which may be nowhere; or None where that cannot be told."""
        failed = await self._fail(quantity, [bound]) if bound != quantity.value else [True]
        if failed != [False]:
            return _OPEN if failed else None
        failing, passing = quantity.value, bound
        for unit in quantity.units:
            while abs(failing - passing) > unit:
                values = _between(failing, passing, unit, self.batch)
                failed = await self._fail(quantity, values)
                if failed is None:
                    return None
                # The first value that passes, seen from the failing one, has the limit in front of it.
                count = failed.index(False) if False in failed else len(values)
                failing = values[count - 1] if count else failing
                passing = values[count] if count < len(values) else passing
        probes = _beside(failing, quantity.value)
        probes = [value for value in dict.fromkeys(probes) if is_ordinary(quantity, value)]
        sound = await self._fail(quantity, probes) == [True] * len(probes)
        return _Edge(failing, passing) if sound else None

    async def _fail(self, quantity: Quantity, values: Sequence[int]) -> list[bool] | None:
        """Return which values fail, or None where no more may be run."""
        if self.tried + len(values) > self.most:
            return None
        self.tried += len(values)
        return list(await self.fails([quantity.with_value(value) for value in values]))


def _between(start: int, end: int, unit: int, count: int) -> list[int]:
    """Return up to so many values between two others, evenly and in whole units, from the first to the second.

    >>> _between(178, 0, 1, 1), _between(0, 10, 1, 4)
    ([89], [2, 4, 6, 8])
    """
    step = 1 if end > start else -1
    distance = (abs(end - start) - 1) // unit
    count = min(count, distance)
    return [
        _whole(start + step * unit * (distance + 1) * number // (count + 1), unit, start, end)
        for number in range(1, count + 1)
    ]


def _beside(edge: int, inside: int) -> list[int]:
    """Return values that must fail if an edge is one: the next ones to it, and some on the way to one that fails."""
    step = 1 if inside > edge else -1
    nearest = [edge + step * distance for distance in (1, 2) if distance < abs(inside - edge)]
    return [*nearest, *_between(edge, inside, 1, PROBES)]


def _whole(value: int, unit: int, start: int, end: int) -> int:
    """Return a value in whole units, if that is still between the two."""
    whole = value // unit * unit
    return whole if min(start, end) < whole < max(start, end) else value
