"""The systematic set of merchant histories: every course of an order and every fault, the most telling first.

It has three kinds of histories: orders that end, orders that nobody ends, and orders that end while something goes
wrong. The kinds take turns, and each subject is spread evenly over its kind: every beginning has some of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from conformance.domain.order import Profile
from conformance.obligations.history import END_STEPS, MerchantHistory
from conformance.strategies.merchant import endings, lives, several, surroundings, troubles
from conformance.strategies.merchant.cells import Cell
from conformance.strategies.merchant.webhooks import webhook_cells

LEADING: Final = 6
"""How many histories of a kind's first subject come before those of all its subjects."""

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


_Part: TypeAlias = tuple[list[MerchantSituation], int]
"""Those of a subject's histories that are of one kind, and the subject's haste."""


def lives_on(history: MerchantHistory) -> bool:
    """Return whether an order of the history is paid, and nobody asks for its end or ends it."""
    paid = {step.order for step in history.steps if step.do in _APPROVALS}
    return bool(paid - {step.order for step in history.steps if step.do in _ENDS})


@dataclass(frozen=True, slots=True)
class _Subject:
    """The cells of one subject, and how much earlier than those of other subjects they come."""

    cells: Iterable[Cell]
    haste: int = 1


def systematic_merchant_cases(profile: Profile) -> list[MerchantSituation]:
    """Return the systematic set of an API, in the order in which it is run."""
    planned: set[MerchantHistory] = set()
    kinds: tuple[list[_Part], ...] = ([], [], [])
    for subject in _subjects(profile):
        parts: tuple[_Part, ...] = tuple(([], subject.haste) for _ in kinds)
        for cell in subject.cells:
            history = cell.history(profile)
            if history not in planned:
                planned.add(history)
                parts[_kind(history)][0].append(MerchantSituation(cell.name, cell.label, history))
        for kind, part in zip(kinds, parts, strict=True):
            kind.extend([part] if part[0] else [])
    return _in_turn([_with_leading(kind) for kind in kinds])


def signed_merchant_cases(profile: Profile) -> list[MerchantSituation]:
    """Return what is added of an API for a merchant with a handler of signed notifications, in its order."""
    return [MerchantSituation(cell.name, cell.label, cell.history(profile)) for cell in webhook_cells(profile)]


def _subjects(profile: Profile) -> list[_Subject]:
    """Return the subjects. The first one with histories of a kind leads among them."""
    return [
        _Subject(endings.endings(profile), 2),
        _Subject(lives.lives(), 2),
        _Subject(troubles.faults_of_cancels(), 2),
        _Subject(endings.completions()),
        _Subject(lives.dropped()),
        _Subject(several.several_payments()),
        _Subject(several.agreements(profile)),
        _Subject(endings.refunds()),
        _Subject(lives.refunded_lives()),
        _Subject(lives.never_paid(profile)),
        _Subject(lives.ended_late()),
        _Subject(surroundings.time_zones(profile)),
        _Subject(surroundings.other_markets(profile)),
        _Subject(surroundings.amounts(profile)),
        _Subject(endings.choices_of_the_provider(profile)),
        _Subject(endings.cancelled_together()),
        _Subject(troubles.faults_of_captures()),
        _Subject(troubles.races(), 2),
        _Subject(troubles.faults_of_closing()),
        _Subject(troubles.faults_before_approval()),
        _Subject(troubles.faults_of_reads()),
        _Subject(several.several_payments_with_faults()),
        _Subject(troubles.faults_of_refunds()),
        _Subject(troubles.further_faults(), 2),
        _Subject(lives.lives_with_faults()),
    ]


def _kind(history: MerchantHistory) -> int:
    """Return 1 for a history in which an order lives on, 2 for another one with a fault, 0 for the others."""
    return 1 if lives_on(history) else 2 if history.faults else 0


def _with_leading(parts: Sequence[_Part]) -> list[MerchantSituation]:
    """Return the first histories of the first subject, and then those of all subjects, each spread evenly."""
    (first, haste), *others = parts
    rest: list[_Part] = [(first[LEADING:], haste), *others]
    places = [
        (place / len(situations) / haste, number, situation)
        for number, (situations, haste) in enumerate(rest)
        for place, situation in enumerate(situations)
    ]
    return [*first[:LEADING], *(situation for _, _, situation in sorted(places, key=lambda entry: entry[:2]))]


def _in_turn(lists: Sequence[Sequence[MerchantSituation]]) -> list[MerchantSituation]:
    """Return one history of each list in turn, as long as it has any."""
    return [items[turn] for turn in range(max(map(len, lists))) for items in lists if turn < len(items)]
