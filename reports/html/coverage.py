"""Which situations, ages and flags the counted histories put a cancel into, and what came of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeAlias

from conformance.domain.order import Market, Profile
from conformance.reports.html.histories import HistoryView
from conformance.reports.wording.provider import counted

Age: TypeAlias = tuple[int, str]
_AGE: Final = re.compile(r"(\d+) (minutes?|hours?|days?)")
_LAST: Final = 1_000_000
_WORST_FIRST: Final = ("violates", "inconclusive", "recorded", "conforms")
_NAMES: Final = {
    "violates": "not as documented",
    "inconclusive": "proved nothing",
    "recorded": "recorded",
    "conforms": "as documented",
    "unplayed": "not judged",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Histories in one cell: how many, the worst that came of any of them, and of how many it came."""

    count: int
    worst: str
    times: int
    words: str

    @property
    def shown(self) -> str:
        """The number beside the mark: of how many histories out of all."""
        return str(self.count) if self.times == self.count else f"{self.times}/{self.count}"


@dataclass(frozen=True, slots=True)
class Grid:
    """One profile's situations against ages and flags. A cell that no history was meant for is None.

    ``columns`` are the ages, each with the flags that occur with it; a row has a cell for each flag of each age.
    """

    profile: Profile
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    without_cell: int


def grids_of(plays: Iterable[HistoryView], market: Market) -> list[Grid]:
    """Return one grid for each profile that was played. Ages are put together on either side of the market's limits."""
    by_profile: dict[Profile, list[HistoryView]] = {}
    for play in plays:
        if play.counts:
            by_profile.setdefault(play.profile, []).append(play)
    limits = (180,) if market is Market.NO else (14, 180)
    return [_grid(profile, found, limits) for profile, found in by_profile.items()]


def _grid(profile: Profile, plays: list[HistoryView], limits: tuple[int, ...]) -> Grid:
    cells: dict[tuple[str, tuple[Age, str]], Counter[str]] = {}
    without = 0
    for play in plays:
        cell = play.record.cell
        if not cell.situation:
            without += 1
            continue
        at = (cell.situation, (_age(cell.age, limits), cell.flag))
        cells.setdefault(at, Counter())[_worst(play)] += 1
    columns = sorted({column for _, column in cells})
    situations = dict.fromkeys(situation for situation, _ in cells)
    rows = tuple(
        (situation, tuple(_cell(cells.get((situation, column))) for column in columns)) for situation in situations
    )
    ages = tuple((age[1], tuple(flag for _, flag in group)) for age, group in groupby(columns, key=lambda one: one[0]))
    return Grid(profile, ages, rows, without)


def _age(text: str, limits: tuple[int, ...]) -> Age:
    """Return an age's place among the others, and the words for it and for those that are put together with it."""
    found = _AGE.fullmatch(text)
    if found is None:
        return (_LAST, text or "any age")
    days = int(found[1]) if found[2].startswith("day") else 0
    if days <= 1:
        return (0, "up to 1 day")
    low = 2
    for limit in limits:
        if days < limit:
            return (low, f"{low} to {limit - 1} days")
        if days == limit:
            return (limit, f"{limit} days")
        low = limit + 1
    return (low, f"{low} days or more")


def _worst(play: HistoryView) -> str:
    seen = {judgement.status for judgement in play.standing()}
    return next((status for status in _WORST_FIRST if status in seen), "unplayed")


def _cell(found: Counter[str] | None) -> Cell | None:
    if found is None:
        return None
    count = found.total()
    worst = next((status for status in _WORST_FIRST if found[status]), "unplayed")
    words = ", ".join(f"{found[status]} {_NAMES[status]}" for status in (*_WORST_FIRST, "unplayed") if found[status])
    return Cell(count, worst, found[worst], f"{counted(count, 'history', 'histories')}: {words}")
