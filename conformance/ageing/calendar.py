"""The calendar of planted orders: when each can be judged, what that will show, and what is missing for a verdict.

Days are whole days in UTC: at any time of such a day, every order of its entry is within its window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from conformance.ageing.plant import PlantingPlan, planting_plans
from conformance.ageing.planted_orders import PlantedOrder
from conformance.ageing.windows import Side, Window, shown_at, windows_of
from conformance.domain.api_table import spec_of
from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, Capture, Refund
from conformance.judging.verdicts import CHECKS_NEEDED
from conformance.model import ModelContext
from conformance.model.context import DAY
from conformance.rulebook import Readings, load

ACTS: Final[Mapping[type, str]] = {Cancel: "cancel", Capture: "capture", Refund: "refund"}
LOOK: Final = "look"
"""What is done to an order that is only read again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Days on which a harvest judges orders.

    Attributes:
        side: which side of the limit the orders are on then.
        limit: the limit, as an age.
        first: the first of the days, or today where it is past.
        last: the last of them; None where the days have no end.
        orders: how many orders of each API are judged.
        acts: what is tried on them.
        shows: the rules that this checks, by API, each with its side.

    """

    side: Side
    limit: timedelta
    first: date
    last: date | None
    orders: Mapping[Profile, int]
    acts: tuple[str, ...]
    shows: Mapping[Profile, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """Return the entry for a document of the command line."""
        return {
            "side": "before" if self.side is Side.BEFORE else "after",
            "limit_days": self.limit.days,
            "first": self.first.isoformat(),
            "last": self.last.isoformat() if self.last else None,
            "orders": {profile.value: count for profile, count in self.orders.items()},
            "acts": list(self.acts),
            "rules": {profile.value: list(rules) for profile, rules in self.shows.items()},
        }


@dataclass(frozen=True, slots=True)
class Shortage:
    """A rule, or a side of it, that would have fewer checks than a verdict needs even if every harvest is made."""

    profile: Profile
    rule: str
    checks: int

    def as_json(self) -> dict[str, Any]:
        """Return the shortage for a document of the command line."""
        return {"profile": self.profile.value, "rule": self.rule, "checks": self.checks, "needed": CHECKS_NEEDED}


@dataclass(frozen=True, slots=True)
class Limit:
    """The age limit of some requests in an API.

    ``low`` is the least and ``high`` the greatest that an accepted interpretation names; ``by_choice`` names each.
    """

    profile: Profile
    acts: str
    low: int
    high: int
    by_choice: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the limit for a document of the command line, in days."""
        return {
            "profile": self.profile.value,
            "acts": self.acts,
            "accepted_until_days": self.low,
            "refused_after_days": self.high,
            "C1": dict(self.by_choice),
        }


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the orders of a ledger can be judged.

    Attributes:
        limits: the limits that apply.
        entries: the days of the harvests to come, in their order.
        shortages: what is missing for a full verdict.
        complete_on: the day of the last harvest that is needed; None where something is missing.

    """

    limits: tuple[Limit, ...]
    entries: tuple[Entry, ...]
    shortages: tuple[Shortage, ...]
    complete_on: date | None

    def as_json(self) -> dict[str, Any]:
        """Return the calendar for a document of the command line."""
        return {
            "limits": [limit.as_json() for limit in self.limits],
            "harvests": [entry.as_json() for entry in self.entries],
            "missing": [shortage.as_json() for shortage in self.shortages],
            "complete_on": self.complete_on.isoformat() if self.complete_on else None,
        }


def calendar_of(
    orders: Sequence[PlantedOrder], profiles: Iterable[Profile], context: ModelContext, now: datetime
) -> Calendar:
    """Return the calendar of orders.

    Args:
        orders: the orders of one target and market, judged or not.
        profiles: the APIs of which a verdict is wanted.
        context: the market and the accepted interpretations.
        now: the present moment.

    """
    profiles = tuple(profiles)
    checks: dict[Profile, Counter[str]] = {profile: Counter() for profile in profiles}
    groups: dict[tuple[date, date | None, Side, timedelta], list[PlantedOrder]] = {}
    shown: dict[tuple[Profile, str], tuple[str, ...]] = {}
    for order in orders:
        if order.profile not in checks:
            continue
        if order.harvested is not None:
            age = order.harvested - order.at if order.judged else None
        else:
            window = next_window(order, context, now - order.at)
            age = window.since if window.until is None else window.until
            first, last = _days(order.at, window)
            first = max(first, now.date())
            last = None if last is None else max(first, last)
            groups.setdefault((first, last, window.side, window.limit), []).append(order)
        if age is not None:
            shown[order.key] = shown_at(order.history, order.then, age, context)
            checks[order.profile].update(shown[order.key])
    entries = tuple(_entry(key, groups[key], shown) for key in sorted(groups, key=lambda key: (key[0], key[2])))
    shortages = tuple(_shortages(checks))
    complete = max((entry.first for entry in entries), default=now.date()) if not shortages else None
    return Calendar(tuple(limits_of(profiles, context)), entries, shortages, complete)


def next_window(order: PlantedOrder, context: ModelContext, age: timedelta) -> Window:
    """Return the window in which an order of an age will be judged.

    One that was kept to be judged before its limit, and was not, is judged after it.
    """
    windows = windows_of(order.history, order.then, context)
    before = windows[Side.BEFORE]
    if order.side is Side.BEFORE and before.until is not None and age <= before.until:
        return before
    latest = windows.get(Side.LATEST) if order.side is Side.LATEST else None
    return latest or windows[Side.AFTER]


def _days(planted: datetime, window: Window) -> tuple[date, date | None]:
    """Return the first and the last whole day in a window; None where it has no end."""
    first = (planted + window.since).date() + DAY
    return first, None if window.until is None else (planted + window.until).date() - DAY


def _entry(
    key: tuple[date, date | None, Side, timedelta],
    orders: Sequence[PlantedOrder],
    shown: Mapping[tuple[Profile, str], tuple[str, ...]],
) -> Entry:
    first, last, side, limit = key
    shows: dict[Profile, set[str]] = {}
    for order in orders:
        shows.setdefault(order.profile, set()).update(shown[order.key])
    acts = dict.fromkeys(act_of(order) for order in orders)
    rules = {profile: tuple(sorted(each, key=Citation.parse)) for profile, each in shows.items()}
    return Entry(side, limit, first, last, Counter(order.profile for order in orders), tuple(acts), rules)


def act_of(order: PlantedOrder) -> str:
    """Return what is tried on an order: cancel, capture, refund, or a look."""
    return ACTS.get(type(order.then.steps[-1]), LOOK)


def _shortages(checks: Mapping[Profile, Counter[str]]) -> Iterator[Shortage]:
    for profile, counted in checks.items():
        for rule in load().rules:
            if profile not in rule.profiles or "age" not in rule.needs or rule.status != "checked":
                continue
            for citation in [f"{rule.id}/{side}" for side in rule.sides] or [rule.id]:
                if counted[citation] < CHECKS_NEEDED:
                    yield Shortage(profile, citation, counted[citation])


def limits_of(profiles: Iterable[Profile], context: ModelContext) -> Iterator[Limit]:
    """Yield the age limits of each API: first that of a cancel and a capture, then that of a refund."""
    for profile in profiles:
        plans = list(planting_plans(profile, approves=True))
        for acts, act in (("cancel, capture", Cancel), ("refund", Refund)):
            plan = next(plan for plan in plans if isinstance(plan.then.steps[-1], act))
            low, high = _limit_of(plan, context)
            named = spec_of(profile).age_limits if act is Cancel else frozenset[str]()
            choices = {
                choice: _span(*_limit_of(plan, _narrowed(context, choice)))
                for choice in load().switch("C1").names
                if choice in named and context.allows("C1", choice)
            }
            yield Limit(profile, acts, low, high, choices)


def _limit_of(plan: PlantingPlan, context: ModelContext) -> tuple[int, int]:
    windows = windows_of(plan.history, plan.then, context)
    return windows[Side.BEFORE].limit.days, windows[Side.AFTER].limit.days


def _narrowed(context: ModelContext, choice: str) -> ModelContext:
    accepted = context.readings.as_json() | {"C1": [choice]}
    return replace(context, readings=Readings.from_json(accepted))


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
