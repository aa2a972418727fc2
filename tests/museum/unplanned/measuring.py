"""After how many histories a fault is found, by the systematic set and by what seeds draw, each for itself.

The systematic set is the same for every seed, but for the names of the orders: it is played once. What a seed draws is
played alone, up to the first violation, so that the same figures tell what the run finds and what exploration finds by
itself. Races are counted, and not played, as in the power table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from conformance.runner.settings import BUDGETS
from conformance.strategies.provider.case import Case

from .. import stage
from ..fault import Fault
from ..power import AT_ONCE, is_race


@dataclass(frozen=True, slots=True)
class Soon:
    """After how many histories a fault was found; None where it was not.

    Attributes:
        fault: the fault.
        systematic: the size of the systematic set.
        fixed: in the systematic set.
        alone: among what each seed draws, without the systematic set.

    """

    fault: Fault
    systematic: int
    fixed: int | None
    alone: tuple[int | None, ...]

    @property
    def together(self) -> tuple[int | None, ...]:
        """In a run of each seed: the systematic set first, then what the seed draws."""
        if self.fixed is not None:
            return (self.fixed,) * len(self.alone)
        return tuple(None if number is None else self.systematic + number for number in self.alone)


async def first_violation(on: stage.Stage, cases: Iterable[Case]) -> int | None:
    """Return the number of the first history that is violated, counted from 1."""
    for number, case in enumerate(cases, 1):
        if not is_race(case.history) and await on.findings(case.history):
            return number
    return None


async def new_stage(fault: Fault) -> stage.Stage:
    """Look at a fault anew, so that nothing is left of earlier orders."""
    return await stage.stage_for(fault.provider(), fault.profile, fault.readings, fault.market)


async def _soon(fault: Fault, seeds: Sequence[int], count: int) -> Soon:
    fixed, alone, size = None, [], 0
    for seed in seeds:
        on = await new_stage(fault)
        plan = stage.planned(on.profile, on.context, on.offered | AT_ONCE, seed, count)
        if seed == seeds[0]:
            size = len(plan) - count
            fixed = await first_violation(await new_stage(fault), plan[:size])
        alone.append(await first_violation(on, plan[size:]))
    return Soon(fault, size, fixed, tuple(alone))


def soon(fault: Fault, seeds: Sequence[int], budget: str) -> Soon:
    """Measure one fault with some seeds at a budget."""
    return asyncio.run(_soon(fault, seeds, BUDGETS[budget]))


def rank(numbers: Sequence[int | None], share: float) -> float:
    """Return the smallest number that a share of all does not exceed; infinite where so many were not found."""
    ordered = sorted(inf if number is None else number for number in numbers)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def everywhere(numbers: Sequence[int | None]) -> bool:
    """Return whether a fault was found with every seed."""
    return all(number is not None for number in numbers)


def _shown(number: float | None) -> str:
    return "–" if number is None or number == inf else str(int(number))


def table(rows: Sequence[Soon]) -> str:
    """Return the figures as a Markdown table, and a line for all of them."""
    lines = [
        "| fault | systematic set | drawn alone, seed by seed | seeds | median | 95th percentile |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        found = sum(number is not None for number in row.alone)
        each = " ".join(map(_shown, row.alone))
        ranks = " | ".join(_shown(rank(row.alone, share)) for share in (0.5, 0.95))
        lines.append(f"| {row.fault.id} | {_shown(row.fixed)} | {each} | {found}/{len(row.alone)} | {ranks} |")
    return "\n".join([*lines, "", *totals(rows)])


def totals(rows: Sequence[Soon]) -> list[str]:
    """Return a line for each way of finding: with every seed, with some seed, median and 95th percentile."""
    lines = []
    ways = (
        ("systematic set", [(row.fixed,) for row in rows]),
        ("systematic set and drawn", [row.together for row in rows]),
        ("drawn alone", [row.alone for row in rows]),
    )
    for name, numbers in ways:
        every = sum(everywhere(each) for each in numbers)
        some = sum(any(number is not None for number in each) for each in numbers)
        flat = [number for each in numbers for number in each]
        median, late = (_shown(rank(flat, share)) for share in (0.5, 0.95))
        lines.append(
            f"{name}: {every} of {len(rows)} faults with every seed, {some} with some seed; "
            f"first violation after {median} histories (median), {late} (95th percentile)"
        )
    return lines
