"""The ages, captured shares and flags of the checks of a rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.domain.order import Market
from conformance.domain.steps import Age, Cancel, Capture, Step
from conformance.reports.html.histories import EvidenceRef

_BARS: Final = "▁▂▃▄▅▆▇█"
_SHARES: Final = ("nothing", "less than a tenth", "less than half", "half or more", "everything")
_FLAGS: Final = {None: "absent", False: "false", True: "true"}
AgeCounts = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class AgeDistribution:
    """One property of a rule's checks: its values, their counts, and a bar for each."""

    name: str
    values: tuple[tuple[str, int, str], ...]


def age_distributions_of(refs: Iterable[EvidenceRef], market: Market) -> list[AgeDistribution]:
    """Return the distributions of age, captured share and flag over a rule's checks.

    An age is the time since the order was initiated. A rule that no cancel checked has no flags.
    """
    limits = (180,) if market is Market.NO else (14, 180)
    ages: Counter[tuple[int, str]] = Counter()
    shares: Counter[int] = Counter()
    flags: Counter[str] = Counter()
    for ref in refs:
        if ref.step is None:
            continue
        steps = ref.play.history.all_steps[: ref.step + 1]
        ages[_age(steps, limits)] += 1
        shares[_share(steps, ref.play.history.opening.amount)] += 1
        if isinstance(steps[-1], Cancel):
            flags[_FLAGS[steps[-1].flag]] += 1
    distributions = (
        ("age", [(words, count) for (_, words), count in sorted(ages.items())]),
        ("captured", [(_SHARES[place], count) for place, count in sorted(shares.items())]),
        ("flag", [(flag, flags[flag]) for flag in _FLAGS.values() if flags[flag]]),
    )
    return [AgeDistribution(name, tuple(_with_bars(values))) for name, values in distributions if values]


def _with_bars(values: AgeCounts) -> Iterator[tuple[str, int, str]]:
    most = max(count for _, count in values)
    return ((words, count, _BARS[(count * (len(_BARS) - 1)) // most]) for words, count in values)


def _age(steps: Sequence[Step], limits: Sequence[int]) -> tuple[int, str]:
    days = sum((step.by for step in steps if isinstance(step, Age)), timedelta()).days
    if days < 1:
        return (0, "under a day")
    low = 1
    for limit in limits:
        if days < limit - 1:
            return (low, f"{low} to {limit - 2} days")
        if days <= limit:
            return (days, f"{days} days")
        low = limit + 1
    return (low, f"{low} days or more")


def _share(steps: Sequence[Step], whole: int) -> int:
    captured = sum(step.amount for step in steps if isinstance(step, Capture))
    if not captured or not whole:
        return 0
    if captured >= whole:
        return 4
    return 1 if captured * 10 < whole else 2 if captured * 2 < whole else 3
