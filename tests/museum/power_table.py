"""The figures of the museum's power in a few lines, and whether they are what was aimed at."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.runner.settings import BUDGETS

CONTROLLED = "with test control"
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "power.md"
Json = Mapping[str, Any]


def put(name: str, text: str) -> None:
    """Put a text into the page, where it has a place of this name."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    before, rest = page.split(begin)
    PAGE.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def after(fault: Json, setting: str) -> list[int | None]:
    """Return for each seed after how many histories the first of a fault's rules turned red.

    What is the same for every seed is returned once.
    """
    rules = list(fault["after"][setting].values())
    seeds = max((len(each) for each in rules if isinstance(each, list)), default=1)
    rows = [each if isinstance(each, list) else [each] * seeds for each in rules]
    firsts: list[int | None] = []
    for one in zip(*rows, strict=True):
        known = [number for number in one if number is not None]
        firsts.append(min(known) if known else None)
    return firsts


def percentile(numbers: Sequence[float], share: float) -> float:
    """Return the smallest number that is not exceeded by so large a share of them."""
    ordered = sorted(numbers)
    return ordered[math.ceil(share * len(ordered)) - 1]


def table(found: Json) -> str:
    """Return everything that is worth a line, as Markdown."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Json) -> Iterator[str]:
    seeds = found["seeds"]
    yield (
        f"Measured {found['measured']} at {found['commit']}: {len(found['faults'])} faults, {seeds} seeds "
        f"({found['fewer']} without test control and for drawn histories)."
    )
    yield ""
    yield "| | faults | caught at standard | caught at quick | median histories | 95th percentile |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for setting in found["settings"]:
        for name, faults in _groups(found):
            yield _row(f"{name}, {setting}", faults, found, lambda one, setting=setting: after(one, setting))
    for name, faults in _groups(found):
        drawn = [one for one in faults if "drawn" in one]
        yield _row(f"{name}, drawn histories alone", drawn, found, lambda one: _each(one["drawn"]["soon"]), 0)
    yield ""
    tried = sum(one["drawn"]["tried"] for one in found["faults"].values())
    least = sum(one["drawn"]["least"] for one in found["faults"].values())
    slipped = sum(one["drawn"]["slipped"] for one in found["faults"].values())
    yield (
        f"Counterexamples: {tried:,} drawn histories were minimised, {least:,} ({least / max(tried, 1):.1%}) to what a "
        f"person wrote or less, {slipped} slipped to another rule or reason."
    )
    alarms = {name: said for name, said in found["benign"].items() if said}
    yield f"Correct providers: {len(found['benign'])}, of which {len(alarms)} were blamed with some seed."
    yield from (f"- {name}: {said[0]}" for name, said in alarms.items())


def _groups(found: Json) -> Iterator[tuple[str, list[Json]]]:
    for profile in Profile:
        yield profile.value, [one for one in found["faults"].values() if one["profile"] == profile.value]
    yield "all", list(found["faults"].values())


def _each(numbers: Any) -> list[int | None]:
    return numbers if isinstance(numbers, list) else [numbers]


def _row(
    name: str,
    faults: Iterable[Json],
    found: Json,
    soon: Callable[[Json], list[int | None]],
    systematic: int | None = None,
) -> str:
    standard = quick = 0
    firsts: list[float] = []
    chosen = list(faults)
    for one in chosen:
        setting = name.rpartition(", ")[2]
        first = found["plans"][setting][one["profile"]]["systematic"] if systematic is None else systematic
        numbers = soon(one)
        standard += _all_within(numbers, first + BUDGETS["standard"])
        quick += _all_within(numbers, first + BUDGETS["quick"])
        # Every fault weighs the same, with however many seeds it was met.
        each = [float("inf") if number is None else number for number in numbers]
        firsts += each * (found["seeds"] // len(each)) if each else [float("inf")] * found["seeds"]
    if not firsts:
        return f"| {name} | 0 | 0 | 0 | | |"
    shown = [_shown(statistics.median_low(firsts)), _shown(percentile(firsts, 0.95))]
    return f"| {name} | {len(chosen)} | {standard} | {quick} | {' | '.join(shown)} |"


def _all_within(numbers: Iterable[int | None], most: int) -> bool:
    found = list(numbers)
    return bool(found) and all(number is not None and number <= most for number in found)


def _shown(number: float) -> str:
    return "never" if number == float("inf") else f"{number:g}"
