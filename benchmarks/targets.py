"""What the suite is meant to reach, beside what was measured. Missing a target is no failure: a machine may be busy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import ge, le
from typing import Any

from benchmarks.table import aligned


@dataclass(frozen=True)
class Figure:
    """One measurement and its target; ``most`` says that less is better."""

    name: str
    measured: float
    target: float
    unit: str = ""
    most: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target was reached."""
        return (le if self.most else ge)(round(self.measured, 2), self.target)


RATIOS = (
    ("played / bare httpx", "played_to_bare", {"in process": 1.3, "over a port": 0.85}),
    ("drawn and played / state machine", "drawn_and_played_to_machine", {"in process": 2.0, "over a port": 1.0}),
)
"""In histories per second, one history at a time, and the target at each place. Of several APIs, the slowest counts."""
WHOLE_SECONDS = 10.0
WHOLE_MEGABYTES = 120.0
SLOW_SECONDS = 25.0


def figures(found: dict[str, Any]) -> Iterator[Figure]:
    """Yield what was measured of what there is a target for."""
    for name, ratio, targets in RATIOS:
        for place, target in targets.items():
            rows = [row for row in found["speed"] if row["place"] == place and row["at_once"] == 1]
            if rows:
                yield Figure(f"{name}, {place}", min(row["ratios"][ratio] for row in rows), target)
    if found["whole_run"]:
        yield Figure("whole run, embedded, standard", found["whole_run"]["seconds"], WHOLE_SECONDS, "s", most=True)
    if found.get("memory"):
        yield Figure("memory of a whole run", found["memory"], WHOLE_MEGABYTES, "MB", most=True)
    for run in found.get("slow", ()):
        where = f"quick run of {run['profile']} at {run['delay'] * 1000:.0f} ms"
        yield Figure(where, run["seconds"], SLOW_SECONDS, "s", most=True)
        yield Figure(f"{where}, answers 429", run["refused"], 0, most=True)


def with_targets(found: dict[str, Any]) -> str:
    """Return the table of figures and targets."""
    lines = [["figure", "measured", "target", ""]]
    for figure in figures(found):
        sign = "at most" if figure.most else "at least"
        measured, target = (f"{number:.2f} {figure.unit}".strip() for number in (figure.measured, figure.target))
        lines.append([figure.name, measured, f"{sign} {target}", "met" if figure.is_met else "missed"])
    return aligned(lines, left=1)
