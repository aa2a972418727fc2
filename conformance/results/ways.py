"""Ways of a shop that a merchant's run observed: sensible ones that the integration can declare.

A pure function of the evidence. It decides nothing; a report says what to declare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from conformance.evidence.journal import Evidence
from conformance.evidence.record_parts import EventRecord
from conformance.evidence.records import ActionRecord, BooksRecord, CapabilitiesRecord, HistoryRecord
from conformance.obligations.history import END_STEPS, SHIPPING_STEPS

MINUTE: Final = 60
DAY: Final = 86_400
_ASKED: Final = frozenset({*END_STEPS, *SHIPPING_STEPS, "refund", "pay_again", "stop_agreement"})
_MOST: Final = 0.5
"""The share of the paid orders in which a shop captures at approval that has this way."""


@dataclass(frozen=True, slots=True)
class ObservedWay:
    """A way that was observed and not declared.

    Attributes:
        name: What to declare, one of `DECLARATIONS`.
        profile: The API in which it was observed.
        histories: How many histories show it.
        seconds: After how long an order was ended at the earliest; 0 for other ways.

    """

    name: str
    profile: str
    histories: int
    seconds: int = 0


def observed_ways(evidence: Evidence) -> tuple[ObservedWay, ...]:
    """Return the ways that a run observed and the integration does not declare."""
    histories = {record.id: record for record in evidence.of(HistoryRecord) if record.source != "shrinking"}
    occurrences: dict[str, dict[str, list[tuple[str, int]]]] = {}
    paid: Counter[str] = Counter()
    for name, records in _records_of(evidence).items():
        if name not in histories:
            continue
        profile = histories[name].profile
        for order in {record.order for record in records}:
            events = [event for record in _books(records, order) for event in record.events]
            paid[profile] += any(event.event == "reserve" for event in events)
            asked = [r for r in records if isinstance(r, ActionRecord) and r.order == order and r.action in _ASKED]
            for way, seconds in _ways(events, asked):
                occurrences.setdefault(profile, {}).setdefault(way, []).append((name, seconds))
    declared = {record.profile: record.declared for record in evidence.of(CapabilitiesRecord)}
    return tuple(
        ObservedWay(way, profile, len({name for name, _ in shown}), min(seconds for _, seconds in shown))
        for profile, ways in occurrences.items()
        for way, shown in ways.items()
        if way not in declared.get(profile, {})
        and (way != "captures_on_approval" or len(shown) > _MOST * paid[profile])
    )


def _records_of(evidence: Evidence) -> dict[str, list[ActionRecord | BooksRecord]]:
    """Return the actions and books of each history, in the order of the journal."""
    records: dict[str, list[ActionRecord | BooksRecord]] = {}
    for record in evidence.records:
        if isinstance(record, ActionRecord | BooksRecord):
            records.setdefault(record.history, []).append(record)
    return records


def _books(records: Iterable[ActionRecord | BooksRecord], order: int | None) -> Iterator[BooksRecord]:
    return (record for record in records if isinstance(record, BooksRecord) and record.order == order)


def _ways(events: list[EventRecord], asked: list[ActionRecord]) -> Iterator[tuple[str, int]]:
    """Yield the ways that one order shows, each with the seconds after which the shop ended it."""
    began = min((action.began for action in asked), default=float("inf"))
    names = {action.action for action in asked}
    since: dict[tuple[str, str], EventRecord] = {}
    for event in events:
        payment = (event.api, event.id)
        start = since.get(payment)
        if event.event in ("create", "reserve"):
            since[payment] = event
        elif event.by != "shop" or start is None:
            continue
        elif event.event == "refund":
            if names & {*END_STEPS} and not names & {*SHIPPING_STEPS, "refund"}:
                yield "refunds_on_cancel", 0
        elif event.at < began:
            span = round(event.at - start.at)
            if event.event == "capture" and start.event == "reserve" and event.amount == start.amount:
                yield "captures_on_approval", 0
            elif event.event == "release" and span >= DAY:
                yield "ends_unshipped_after", span
            elif event.event == "stop" and span >= MINUTE:
                yield "ends_unpaid_after", span
