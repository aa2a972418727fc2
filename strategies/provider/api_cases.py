"""What the histories of one API are made of, found by API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from conformance.domain.order import Profile
from conformance.domain.registry import Registry
from conformance.strategies.provider.grid import Grid
from conformance.strategies.provider.grid_races import Race
from conformance.strategies.provider.situations import Situation
from conformance.strategies.provider.tails import Tail


class FillGrid(Protocol):
    """Adds the cells of an API to its grid. Without ``wire`` a request cannot be broken."""

    def __call__(self, grid: Grid, *, wire: bool) -> None:
        """Add every part of the grid."""


@dataclass(frozen=True, slots=True)
class ApiCases:
    """The situations, cells, races and continuations of one API.

    Attributes:
        profile: the API.
        situations: every way in which its orders can stand: the plainest first, each variation right behind what it is
            a variation of.
        fill: adds the cells of the grid.
        races: a cancel at the same time as another request.
        tails: what a drawn history goes on with after a cancel, in the same order as the situations.
        rivals: what a cancel is sent together with in a drawn history: one request each.

    """

    profile: Profile
    situations: tuple[Situation, ...]
    fill: FillGrid
    tails: tuple[Tail, ...]
    races: tuple[Race, ...] = ()
    rivals: tuple[Tail, ...] = ()


CASES: Final = Registry[ApiCases]("set of cases")
