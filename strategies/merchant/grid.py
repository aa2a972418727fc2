"""The systematic set of merchant histories: every course of an order and every fault, the most telling first.

It has three kinds of histories: orders that end, orders that nobody ends, and orders that end while something goes
wrong. The kinds take turns, and each subject is spread evenly over its kind: every beginning has some of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from conformance.domain.order import Profile
from conformance.obligations.history import END_STEPS, MerchantHistory
from conformance.strategies.merchant import endings, lives, several, surroundings, troubles
from conformance.strategies.merchant.cells import Cell

LEADING: Final = 6
"""How many histories of a kind's first subject come before those of all its subjects."""
_Item = TypeVar("_Item")

_APPROVALS: Final = ("approve", "finish_3ds")
_ENDS: Final = (
    *END_STEPS, "reject", "expire", "fail_3ds", "portal_cancel", "bank_release", "stop_agreement", "customer_stop",
)  # fmt: skip
"""What ends an order, or may end it."""


@dataclass(frozen=True, slots=True)
class MerchantSituation:
    """One history of the systematic set.

    ``name`` is the course of the order, ``label`` says in words what the history tries.
    """

    name: str
    label: str
    history: MerchantHistory


def lives_on(history: MerchantHistory) -> bool:
    """Return whether an order of the history is paid, and nobody asks for its end or ends it."""
    paid = {step.order for step in history.steps if step.do in _APPROVALS}
    return bool(paid - {step.order for step in history.steps if step.do in _ENDS})


def systematic_merchant_cases(profile: Profile) -> list[MerchantSituation]:
    """Return the systematic set of an API, in the order in which it is run."""
    seen: set[MerchantHistory] = set()
    kinds: tuple[list[list[MerchantSituation]], ...] = ([], [], [])
    for subject in _subjects(profile):
        parts: tuple[list[MerchantSituation], ...] = ([], [], [])
        for cell in subject:
            history = cell.history(profile)
            if history not in seen:
                seen.add(history)
                parts[_kind(history)].append(MerchantSituation(cell.name, cell.label, history))
        for kind, part in zip(kinds, parts, strict=True):
            kind.extend([part] if part else [])
    return _in_turn([_with_leading(kind) for kind in kinds])


def _subjects(profile: Profile) -> list[list[Cell]]:
    """Return the cells of each subject. The first subject of each kind leads."""
    return [
        list(subject)
        for subject in (
            endings.endings(profile),
            lives.lives(),
            troubles.faults_of_cancels(),
            endings.completions(),
            lives.dropped(),
            several.several_payments(),
            several.agreements(profile),
            endings.refunds(),
            lives.refunded_lives(),
            lives.never_paid(profile),
            lives.ended_late(),
            surroundings.time_zones(profile),
            surroundings.other_markets(profile),
            surroundings.amounts(profile),
            endings.choices_of_the_provider(profile),
            endings.cancelled_together(),
            troubles.faults_of_captures(),
            troubles.races(),
            troubles.faults_of_closing(),
            troubles.faults_before_approval(),
            troubles.faults_of_reads(),
            several.several_payments_with_faults(),
            troubles.faults_of_refunds(),
            troubles.further_faults(),
            lives.lives_with_faults(),
        )
    ]


def _kind(history: MerchantHistory) -> int:
    """Return 1 for a history in which an order lives on, 2 for another one with a fault, 0 for the others."""
    return 1 if lives_on(history) else 2 if history.faults else 0


def _with_leading(subjects: Sequence[Sequence[_Item]]) -> list[_Item]:
    """Return the first items of the first subject, and then the items of all of them, each spread evenly."""
    first, *others = subjects
    rest = [first[LEADING:], *others]
    places = [
        (place / len(items), number, item) for number, items in enumerate(rest) for place, item in enumerate(items)
    ]
    return [*first[:LEADING], *(item for _, _, item in sorted(places, key=lambda entry: entry[:2]))]


def _in_turn(lists: Sequence[Sequence[_Item]]) -> list[_Item]:
    """Return one item of each list in turn, as long as it has any."""
    return [items[turn] for turn in range(max(map(len, lists))) for items in lists if turn < len(items)]
