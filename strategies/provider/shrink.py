"""Making a failing history smaller: candidates that are simpler in a way that cannot go on for ever.

Hypothesis shrinks one candidate after the other, which takes minutes over a network. These candidates can be played all
at once. Each is strictly simpler than the history it was made of, by a measure of natural numbers, so minimising ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from conformance.domain.order import Kind, Market
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Enter3DS,
    History,
    Initiate,
    Key,
    Leave3DS,
    Refund,
    Reserve,
    StartProcessing,
    Step,
    StopAgreement,
    Together,
    parts_of,
)
from conformance.model import ModelContext
from conformance.model.context import CANCEL_LIMIT, DAY, REFUND_LIMIT, SIX_MONTHS
from conformance.strategies.provider.ages import CLEAR
from conformance.strategies.provider.money import LEAST, SIMPLEST, TRIGGERS

Cost = tuple[int, ...]

_LIMITS: Final = (ModelContext(Market.DK).market_deadline, CANCEL_LIMIT, SIX_MONTHS[1], REFUND_LIMIT)
ROUND_AGES: Final = (DAY, *(limit + CLEAR for limit in _LIMITS), *(limit - CLEAR for limit in _LIMITS))
"""The ages that a person would write, the plainest first: a day, and two days on either side of every limit."""

ROUND_AMOUNTS: Final = (SIMPLEST, 200, 10_000, 999, 1001, 1999)

RACE: Final = 3
"""How many steps two requests at the same time are as hard to understand as: more than the two one after the other."""

_FLAGS: Final = (None, False, True)
_KEYS: Final = (Key.FRESH, Key.SAME, Key.SPENT)
_ADDRESSEES: Final = (Addressee.OWN, Addressee.UNKNOWN, Addressee.FOREIGN)


def cost(history: History) -> Cost:
    """Return how far a history is from the simplest one: its length first, then its oddities, ages and amounts."""
    ages = [step.by for step in history.steps if isinstance(step, Age)]
    ledger = _ledger(history)
    money = [history.opening.amount, *(entry.amount for entry in ledger)]
    return (
        sum(RACE if isinstance(step, Together) else 1 for step in history.steps),
        sum(_oddity(step) for step in history.all_steps),
        sum(_age_rank(age) for age in ages),
        sum(age.days * 86_400 + age.seconds for age in ages),
        int(history.opening.amount != SIMPLEST),
        amounts_cost(history),
        sum(entry.rank for entry in ledger),
        abs(history.opening.amount - SIMPLEST),
        sum(money),
    )


def amounts_cost(history: History) -> int:
    """Return how far a history's amounts are from round ones: the digits that are left without trailing zeros."""
    return sum(_digits(amount) for amount in (history.opening.amount, *(entry.amount for entry in _ledger(history))))


def candidates(history: History) -> Iterator[History]:
    """Return simpler histories, the simplest first. All of them can be played where the history itself could."""
    before = cost(history)
    found = {one: cost(one) for one in _ideas(history) if _as_sound(one, history)}
    yield from sorted((one for one, after in found.items() if after < before), key=found.__getitem__)


def _ideas(history: History) -> Iterator[History]:
    for steps in (*_shorter(history.steps), *_merged(history.steps)):
        yield replace(history, steps=steps)
    yield from _otherwise_reserved(history)
    for place, step in enumerate(history.steps):
        for simpler in _simpler(step):
            yield _with(history, place, simpler)
        if isinstance(step, Together):
            for pair in (parts_of(step), parts_of(step)[::-1]):
                yield replace(history, steps=(*history.steps[:place], *pair, *history.steps[place + 1 :]))
    yield from _rounder(history)


def _with(history: History, place: int, step: Step) -> History:
    return replace(history, steps=(*history.steps[:place], step, *history.steps[place + 1 :]))


def _shorter(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    for end in range(1, len(steps)):
        yield steps[:end]
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield steps[:start] + steps[start + size :]
        size //= 2


def _merged(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    for place, (one, other) in enumerate(pairwise(steps)):
        match one, other:
            case Age(), Age():
                both: Step = Age(one.by + other.by)
            case Capture(), Capture():
                both = Capture(one.amount + other.amount)
            case Refund(), Refund():
                both = Refund(one.amount + other.amount)
            case Enter3DS(), Leave3DS(success=True):
                both = Approve()
            case _:
                continue
        yield (*steps[:place], both, *steps[place + 2 :])


def _otherwise_reserved(history: History) -> Iterator[History]:
    if history.opening.kind in (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT):
        kept = tuple(step for step in history.steps if not isinstance(step, BecomeDue | StartProcessing | Reserve))
        yield replace(history, opening=replace(history.opening, kind=Kind.INITIAL_RESERVE), steps=kept)


def _simpler(step: Step) -> Iterator[Step]:
    match step:
        case Age():
            yield from map(Age, (*ROUND_AGES, step.by // DAY * DAY, step.by // (2 * DAY) * DAY))
        case Cancel():
            yield Cancel()
            yield replace(step, defect=None)
            yield replace(step, to=Addressee.OWN)
            yield replace(step, key=Key.FRESH)
            yield from (replace(step, flag=flag) for flag in _FLAGS)
        case Together():
            yield from parts_of(step)
            yield from (replace(step, first=Cancel(flag=flag)) for flag in _FLAGS)
            if isinstance(step.second, Cancel):
                yield from (replace(step, second=Cancel(flag=flag)) for flag in _FLAGS)
        case StopAgreement():
            yield StopAgreement()
        case Leave3DS():
            yield Leave3DS()
        case _:
            pass


def _rounder(history: History) -> Iterator[History]:
    amount = history.opening.amount
    yield _halved(history)
    for other in (*ROUND_AMOUNTS, *_rounded(amount)):
        for unit in (100, 1):
            yield _scaled(history, other, unit)
        yield replace(history, opening=replace(history.opening, amount=other))
    for entry in _ledger(history):
        plain = (entry.available // 2, entry.available, LEAST[history.profile], *_rounded(entry.amount))
        for other in plain:
            yield _moving(history, entry, max(other, 1))


def _halved(history: History) -> History:
    """Move half of what there is, every time."""
    for number in range(len(_ledger(history))):
        entry = _ledger(history)[number]
        history = _moving(history, entry, max(entry.available // 2, 1))
    return history


def _moving(history: History, entry: _Entry, amount: int) -> History:
    """Return the history with another amount in one of its captures and refunds."""
    return _with(history, entry.place, _with_amount(history.steps[entry.place], lambda _: amount))


def _with_amount(step: Step, amount: Callable[[int], int]) -> Step:
    match step:
        case Capture() | Refund():
            return replace(step, amount=amount(step.amount))
        case Together(second=Capture() | Refund() as second):
            return replace(step, second=replace(second, amount=amount(second.amount)))
        case _:
            return step


def _scaled(history: History, amount: int, unit: int) -> History:
    """Tell the same of another amount, with every part of it rounded to whole units."""
    old = history.opening.amount

    def part(value: int) -> int:
        return max(value * amount // old // unit * unit, min(value, unit))

    steps = tuple(_with_amount(step, part) for step in history.steps)
    return replace(history, opening=replace(history.opening, amount=amount), steps=steps)


def _rounded(amount: int) -> Iterator[int]:
    unit = 10
    while unit <= amount:
        yield amount // unit * unit
        unit *= 10


@dataclass(frozen=True, slots=True)
class _Entry:
    """A capture or a refund: where it stands, and how much there was to take it from when nothing had been refused."""

    place: int
    step: Capture | Refund
    available: int

    @property
    def amount(self) -> int:
        """How much is moved."""
        return self.step.amount

    @property
    def exceeds(self) -> bool:
        """Whether that is more than there was."""
        return self.amount > self.available

    @property
    def rank(self) -> int:
        """How plain the amount is: half of what there was, all of it, or anything else."""
        if self.amount == self.available // 2:
            return 0
        return 1 if self.amount == self.available else 2


def _ledger(history: History) -> list[_Entry]:
    uncaptured, refundable = history.opening.amount, 0
    entries: list[_Entry] = []
    for place, step in enumerate(history.steps):
        match parts_of(step)[-1]:
            case Capture() as capture:
                entry = _Entry(place, capture, uncaptured)
                if not entry.exceeds:
                    uncaptured, refundable = uncaptured - capture.amount, refundable + capture.amount
            case Refund() as refund:
                entry = _Entry(place, refund, refundable)
                if not entry.exceeds:
                    refundable -= refund.amount
            case _:
                continue
        entries.append(entry)
    return entries


def _as_sound(one: History, origin: History) -> bool:
    """Tell whether a candidate moves no more than there is, and no amount with a meaning, unless its origin did."""
    here, there = _ledger(one), _ledger(origin)
    if sum(entry.exceeds for entry in here) > sum(entry.exceeds for entry in there):
        return False
    if _smallest(one, here) < min(_smallest(origin, there), LEAST[one.profile]):
        return False
    return _triggers(one) <= _triggers(origin)


def _smallest(history: History, entries: Iterable[_Entry]) -> int:
    return min([history.opening.amount, *(entry.amount for entry in entries)])


def _triggers(history: History) -> frozenset[int]:
    refunds = (part.amount for step in history.steps for part in parts_of(step) if isinstance(part, Refund))
    return TRIGGERS.intersection({history.opening.amount, *refunds})


def _oddity(step: Step) -> int:
    match step:
        case Cancel():
            flag, key, to = _FLAGS.index(step.flag), _KEYS.index(step.key), _ADDRESSEES.index(step.to)
            return flag + key + to + (0 if step.defect is None else 3)
        case Together():
            return sum(map(_oddity, parts_of(step)))
        case StopAgreement():
            return int(step.with_other_change)
        case Leave3DS():
            return int(not step.success)
        case Initiate():
            return int(step.kind not in (Kind.PAYMENT, Kind.INITIAL_RESERVE))
        case _:
            return 0


def _age_rank(age: timedelta) -> int:
    if age in ROUND_AGES:
        return ROUND_AGES.index(age)
    return len(ROUND_AGES) + (1 if age % DAY else 0)


def _digits(amount: int) -> int:
    return len(str(amount).rstrip("0"))
