"""The grid of two requests at the same time: cells where both a cancel and a rival could win.

Which of the two comes first depends on the target and differs from run to run, so each race is run several times: as
separate histories with different amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.strategies.provider.grid import Grid
from conformance.strategies.provider.money import AMOUNTS
from conformance.strategies.provider.situations import Situation
from conformance.strategies.provider.tails import Tail

RUNS: Final = 6
"""How often each race is run."""

Race = tuple[Situation, bool | None, Tail]


def fill(grid: Grid, races: Sequence[Race]) -> None:
    """Add every race, as often as it is run."""
    for amount in AMOUNTS[:RUNS]:
        for situation, flag, rival in races:
            grid.add(situation, flag, amount=amount, rival=rival)
