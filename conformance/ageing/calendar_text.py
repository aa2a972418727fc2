"""The calendar of planted orders as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Final

from conformance.ageing.calendar import LOOK, Calendar, Entry, Limit, Shortage
from conformance.ageing.windows import Side
from conformance.domain.order import Market
from conformance.judging.verdicts import CHECKS_NEEDED

COUNTRIES: Final = {Market.NO: "Norway", Market.DK: "Denmark", Market.FI: "Finland"}
_DAYS: Final = 34
"""The width of the column with the days."""


def calendar_lines(calendar: Calendar, market: Market) -> list[str]:
    """Return the calendar: the limits, the days of the harvests, and what is missing for a full verdict."""
    lines: list[str] = []
    if calendar.entries:
        lines += [f"Age limits in {COUNTRIES[market]}, in days:", *map(_limit_line, calendar.limits)]
        lines.append("  Within a day of a limit, and between two limits, nothing is judged.")
        lines += ["Harvest on these days (UTC):", *(line for entry in calendar.entries for line in _entry_lines(entry))]
    lines += list(_shortage_lines(calendar.shortages))
    if calendar.complete_on and calendar.entries:
        lines.append(
            f"The verdict can be complete from {in_words(calendar.complete_on)} on, if no harvest is left out."
        )
    return lines


def in_words(day: date) -> str:
    """Return a day in words.

    >>> in_words(date(2026, 11, 9))
    '9 November 2026'
    """
    return f"{day.day} {day:%B %Y}"


def _limit_line(limit: Limit) -> str:
    days = str(limit.low) if limit.low == limit.high else f"{limit.low} to {limit.high}"
    choices = "; ".join(f"{choice} {days}" for choice, days in limit.by_choice.items())
    return f"  {limit.profile.value:<10} {limit.acts:<16} {days}{f' (C1: {choices})' if choices else ''}"


def _entry_lines(entry: Entry) -> Iterator[str]:
    where = "before" if entry.side is Side.BEFORE else "after"
    orders = ", ".join(f"{count} {profile.value}" for profile, count in entry.orders.items())
    yield f"  {_days(entry):<{_DAYS}}{where} the limit of {entry.limit.days} days: {orders}"
    rules = ", ".join(dict.fromkeys(rule for each in entry.shows.values() for rule in each))
    requests = ", ".join(act for act in entry.acts if act != LOOK)
    must = "still be accepted" if entry.side is Side.BEFORE else "be refused"
    lines = [f"must {must}: {requests}"] if requests else []
    lines += ["a cancelled order must stay as it is"] if LOOK in entry.acts else []
    lines += [f"checks {rules}"] if rules else []
    yield from (f"  {'':<{_DAYS}}{line}" for line in lines)


def _days(entry: Entry) -> str:
    if entry.last is None:
        return f"{in_words(entry.first)} or soon after"
    if entry.first >= entry.last:
        return in_words(entry.last)
    year, month = entry.first.year == entry.last.year, entry.first.month == entry.last.month
    first = f"{entry.first.day}" if year and month else f"{entry.first.day} {entry.first:%B}"
    return f"{first if year else in_words(entry.first)} to {in_words(entry.last)}"


def _shortage_lines(shortages: tuple[Shortage, ...]) -> Iterator[str]:
    if not shortages:
        return
    yield f"Missing for a full verdict ({CHECKS_NEEDED} checks are needed of each rule and side):"
    for profile, group in groupby(shortages, key=lambda shortage: shortage.profile):
        rules = ", ".join(f"{shortage.rule} ({shortage.checks})" for shortage in group)
        yield f"  {profile.value:<10} {rules}"
    yield f"  age plant (--copies {CHECKS_NEEDED}) plants what is missing, and then prints its days."
