"""What the examples of a rule were like: the ages, captured shares and flags at which they were seen."""

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
Counted = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class AgeDistribution:
    """One thing about a rule's examples, and how often it had which value. ``bars`` draws the counts."""

    name: str
    values: tuple[tuple[str, int, str], ...]


def age_distributions_of(sights: Iterable[EvidenceRef], market: Market) -> list[AgeDistribution]:
    """Return how old orders were, how much of them was captured and which flag was sent where a rule was seen.

    An age is what had passed for the order since it was initiated. A rule that was never seen at a cancel has no flags.
    """
    limits = (180,) if market is Market.NO else (14, 180)
    ages: Counter[tuple[int, str]] = Counter()
    shares: Counter[int] = Counter()
    flags: Counter[str] = Counter()
    for sight in sights:
        if sight.step is None:
            continue
        steps = sight.play.history.all_steps[: sight.step + 1]
        ages[_age(steps, limits)] += 1
        shares[_share(steps, sight.play.history.opening.amount)] += 1
        if isinstance(steps[-1], Cancel):
            flags[_FLAGS[steps[-1].flag]] += 1
    found = (
        ("age", [(words, count) for (_, words), count in sorted(ages.items())]),
        ("captured", [(_SHARES[place], count) for place, count in sorted(shares.items())]),
        ("flag", [(flag, flags[flag]) for flag in _FLAGS.values() if flags[flag]]),
    )
    return [AgeDistribution(name, tuple(_drawn(values))) for name, values in found if values]


def _drawn(values: Counted) -> Iterator[tuple[str, int, str]]:
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
    taken = sum(step.amount for step in steps if isinstance(step, Capture))
    if not taken or not whole:
        return 0
    if taken >= whole:
        return 4
    return 1 if taken * 10 < whole else 2 if taken * 2 < whole else 3
