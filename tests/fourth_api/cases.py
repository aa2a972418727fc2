"""The situations of the made-up API, and the cells of its grid."""

from __future__ import annotations

from conformance.domain.steps import Addressee, Cancel, Defect
from conformance.strategies.provider import tails as then
from conformance.strategies.provider.api_cases import ApiCases
from conformance.strategies.provider.grid import Grid, right_before_cancel
from conformance.strategies.provider.situations import Situation

from .row import HOLD

HELD = Situation("held")
RELEASED = Situation("released", close=(Cancel(),))


def fill(grid: Grid, *, wire: bool) -> None:
    for tail in (then.NOTHING_MORE, then.SECOND, then.THIRD, then.READ, then.A_DAY, then.AGE):
        grid.add(HELD, tail=tail)
    for ageing in right_before_cancel((*grid.limits.within, *grid.limits.beyond)):
        grid.add(HELD, ageing=ageing)
        grid.add(HELD, ageing=ageing, amount=999)
    for amount in (1000, 999, 12345):
        grid.add(RELEASED, amount=amount)
        grid.add(HELD, to=Addressee.UNKNOWN, amount=amount, tail=then.SECOND)
        if wire:
            grid.add(HELD, defect=Defect.NO_TOKEN, amount=amount)


CASES_OF_HOLD = ApiCases(
    profile=HOLD,
    situations=(HELD, RELEASED),
    fill=fill,
    tails=(then.SECOND, then.READ, then.A_DAY, then.AGE, then.UNKNOWN),
)
