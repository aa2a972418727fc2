"""The coverage grid: situations against ages and flags, and the outcomes."""

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

AgeColumn: TypeAlias = tuple[int, str]
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
class CoverageCell:
    """The histories of one cell: how many, their worst outcome, and how many had it."""

    count: int
    worst: str
    times: int
    words: str

    @property
    def shown(self) -> str:
        """The number beside the mark: of how many histories out of all."""
        return str(self.count) if self.times == self.count else f"{self.times}/{self.count}"


@dataclass(frozen=True, slots=True)
class CoverageGrid:
    """One API's situations against ages and flags.

    ``columns`` are the ages, each with the flags that occur with it. A row has a cell for each flag of each age: None
    where no history was meant for it.
    """

    profile: Profile
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[tuple[str, tuple[CoverageCell | None, ...]], ...]
    without_cell: int


def grids_of(plays: Iterable[HistoryView], market: Market) -> list[CoverageGrid]:
    """Return a grid for each API that was tested.

    Ages on the same side of the market's limits share a column.
    """
    by_profile: dict[Profile, list[HistoryView]] = {}
    for play in plays:
        if play.is_counted:
            by_profile.setdefault(play.profile, []).append(play)
    limits = (180,) if market is Market.NO else (14, 180)
    return [_grid(profile, group, limits) for profile, group in by_profile.items()]


def _grid(profile: Profile, plays: list[HistoryView], limits: tuple[int, ...]) -> CoverageGrid:
    cells: dict[tuple[str, tuple[AgeColumn, str]], Counter[str]] = {}
    without = 0
    for play in plays:
        cell = play.record.cell
        if not cell.situation:
            without += 1
            continue
        place = (cell.situation, (_age(cell.age, limits), cell.flag))
        cells.setdefault(place, Counter())[_worst(play)] += 1
    columns = sorted({column for _, column in cells})
    situations = dict.fromkeys(situation for situation, _ in cells)
    rows = tuple(
        (situation, tuple(_cell(cells.get((situation, column))) for column in columns)) for situation in situations
    )
    ages = tuple(
        (age[1], tuple(flag for _, flag in group)) for age, group in groupby(columns, key=lambda column: column[0])
    )
    return CoverageGrid(profile, ages, rows, without)


def _age(text: str, limits: tuple[int, ...]) -> AgeColumn:
    """Return the column of an age: its rank among the others, and its title."""
    match = _AGE.fullmatch(text)
    if match is None:
        return (_LAST, text or "any age")
    days = int(match[1]) if match[2].startswith("day") else 0
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
    statuses = {judgement.status for judgement in play.current_judgements()}
    return next((status for status in _WORST_FIRST if status in statuses), "unplayed")


def _cell(counts: Counter[str] | None) -> CoverageCell | None:
    if counts is None:
        return None
    count = counts.total()
    worst = next((status for status in _WORST_FIRST if counts[status]), "unplayed")
    words = ", ".join(f"{counts[status]} {_NAMES[status]}" for status in (*_WORST_FIRST, "unplayed") if counts[status])
    return CoverageCell(count, worst, counts[worst], f"{counted(count, 'history', 'histories')}: {words}")
