"""The grid of two requests at the same time: cells where both a cancel and a rival could win.

Which of the two comes first depends on the target and differs from run to run, so each race is run several times: as
separate histories with different amounts.
"""

from __future__ import annotations

from typing import Final

from conformance.domain.order import Profile
from conformance.strategies.provider import situations as at
from conformance.strategies.provider import tails as then
from conformance.strategies.provider.grid import Grid
from conformance.strategies.provider.money import AMOUNTS
from conformance.strategies.provider.situations import Situation
from conformance.strategies.provider.tails import Tail

RUNS: Final = 6
"""How often each race is run."""

Race = tuple[Situation, bool | None, Tail]

_UNCAPTURED: Final[tuple[Race, ...]] = (
    (at.RESERVED, None, then.CAPTURE_ALL),
    (at.RESERVED, None, then.SECOND),
    (at.INITIATED, None, then.APPROVE),
    (at.INITIATED, None, then.SECOND),
)
RACES: Final = {
    Profile.ECOM: (*_UNCAPTURED, (at.PARTLY, True, then.CAPTURE_ALL), (at.PARTLY, True, then.REFUND_ALL)),
    Profile.EPAYMENT: (*_UNCAPTURED, (at.PARTLY, None, then.CAPTURE_ALL), (at.PARTLY, None, then.REFUND_ALL)),
    Profile.RECURRING: (
        (at.INITIAL, None, then.CAPTURE_ALL),
        (at.INITIAL, None, then.SECOND),
        (at.DUE, None, then.RESERVE),
        (at.DIRECT_DUE, None, then.CHARGE),
        (at.INITIAL_PARTLY, None, then.CAPTURE_ALL),
        (at.INITIAL_PARTLY, None, then.REFUND_ALL),
    ),
}
"""The races of each API: a cancel against a capture, another cancel, an approval, a refund, or the charge run."""


def fill(grid: Grid) -> None:
    """Add every race, as often as it is run."""
    for amount in AMOUNTS[:RUNS]:
        for situation, flag, rival in RACES[grid.profile]:
            grid.add(situation, flag, amount=amount, rival=rival)
