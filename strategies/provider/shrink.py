"""Shrinks a failing history: simpler candidates that can all be run at once.

Hypothesis tries one candidate after the other, which takes minutes over a network. Each candidate here is strictly
simpler than the history that it was made from, by a measure of natural numbers, so shrinking always ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from conformance.domain.api_table import spec_of
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
from conformance.strategies.provider.money import SIMPLEST, TRIGGERS

Cost = tuple[int, ...]

_LIMITS: Final = (ModelContext(Market.DK).market_deadline, CANCEL_LIMIT, SIX_MONTHS[1], REFUND_LIMIT)
ROUND_AGES: Final = (DAY, *(limit + CLEAR for limit in _LIMITS), *(limit - CLEAR for limit in _LIMITS))
"""Ages that a person would write, the plainest first: a day, and two days on either side of every limit."""

ROUND_AMOUNTS: Final = (SIMPLEST, 200, 10_000, 999, 1001, 1999)

RACE: Final = 3
"""How many steps a race counts for: it is harder to understand than two requests one after the other."""

_FLAGS: Final = (None, False, True)
_KEYS: Final = (Key.FRESH, Key.SAME, Key.SPENT, Key.FIRST, Key.ANOTHER_OPERATION)
_ADDRESSEES: Final = (Addressee.OWN, Addressee.UNKNOWN, Addressee.FOREIGN)


def cost(history: History) -> Cost:
    """Return how far a history is from the simplest one: its length first, then oddities, ages and amounts."""
    ages = [step.by for step in history.steps if isinstance(step, Age)]
    money_steps = _money_steps(history)
    amounts = [history.opening.amount, *(money_step.amount for money_step in money_steps)]
    return (
        sum(RACE if isinstance(step, Together) else 1 for step in history.steps),
        sum(_oddness(step) for step in history.all_steps),
        sum(_age_rank(age) for age in ages),
        sum(age.days * 86_400 + age.seconds for age in ages),
        int(history.opening.amount != SIMPLEST),
        amounts_cost(history),
        sum(money_step.rank for money_step in money_steps),
        abs(history.opening.amount - SIMPLEST),
        sum(amounts),
    )


def amounts_cost(history: History) -> int:
    """Return how far a history's amounts are from round ones: the number of digits without trailing zeros."""
    return sum(
        _digits(amount)
        for amount in (history.opening.amount, *(money_step.amount for money_step in _money_steps(history)))
    )


def candidates(history: History) -> Iterator[History]:
    """Return simpler histories, the simplest first. A target that could run the history can run all of them."""
    history_cost = cost(history)
    costs = {candidate: cost(candidate) for candidate in _simplifications(history) if _is_sound(candidate, history)}
    yield from sorted(
        (candidate for candidate, candidate_cost in costs.items() if candidate_cost < history_cost),
        key=costs.__getitem__,
    )


def _simplifications(history: History) -> Iterator[History]:
    for steps in (*_shorter(history.steps), *_merged(history.steps)):
        yield replace(history, steps=steps)
    yield from _as_initial_charge(history)
    for place, step in enumerate(history.steps):
        for simpler in _simpler(step):
            yield _with_step(history, place, simpler)
        if isinstance(step, Together):
            for pair in (parts_of(step), parts_of(step)[::-1]):
                yield replace(history, steps=(*history.steps[:place], *pair, *history.steps[place + 1 :]))
    yield from _rounder(history)


def _with_step(history: History, place: int, step: Step) -> History:
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
    for place, (first, second) in enumerate(pairwise(steps)):
        match first, second:
            case Age(), Age():
                merged: Step = Age(first.by + second.by)
            case Capture(), Capture():
                merged = Capture(first.amount + second.amount)
            case Refund(), Refund():
                merged = Refund(first.amount + second.amount)
            case Enter3DS(), Leave3DS(success=True):
                merged = Approve()
            case _:
                continue
        yield (*steps[:place], merged, *steps[place + 2 :])


def _as_initial_charge(history: History) -> Iterator[History]:
    if history.opening.kind in (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT):
        steps = tuple(step for step in history.steps if not isinstance(step, BecomeDue | StartProcessing | Reserve))
        yield replace(history, opening=replace(history.opening, kind=Kind.INITIAL_RESERVE), steps=steps)


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
    for money_step in _money_steps(history):
        plain = (
            money_step.available // 2,
            money_step.available,
            spec_of(history.profile).least_capture,
            *_rounded(money_step.amount),
        )
        for other in plain:
            yield _with_moved(history, money_step, max(other, 1))


def _halved(history: History) -> History:
    """Return the history with half of what is available in every capture and refund."""
    for number in range(len(_money_steps(history))):
        money_step = _money_steps(history)[number]
        history = _with_moved(history, money_step, max(money_step.available // 2, 1))
    return history


def _with_moved(history: History, money_step: _MoneyStep, amount: int) -> History:
    """Return the history with another amount in one of its captures and refunds."""
    return _with_step(history, money_step.place, _with_amount(history.steps[money_step.place], lambda _: amount))


def _with_amount(step: Step, amount: Callable[[int], int]) -> Step:
    match step:
        case Capture() | Refund():
            return replace(step, amount=amount(step.amount))
        case Together(second=Capture() | Refund() as second):
            return replace(step, second=replace(second, amount=amount(second.amount)))
        case _:
            return step


def _scaled(history: History, amount: int, unit: int) -> History:
    """Return the history with another total, and every part of it scaled and rounded to whole units."""
    total = history.opening.amount

    def scaled_part(value: int) -> int:
        return max(value * amount // total // unit * unit, min(value, unit))

    steps = tuple(_with_amount(step, scaled_part) for step in history.steps)
    return replace(history, opening=replace(history.opening, amount=amount), steps=steps)


def _rounded(amount: int) -> Iterator[int]:
    unit = 10
    while unit <= amount:
        yield amount // unit * unit
        unit *= 10


@dataclass(frozen=True, slots=True)
class _MoneyStep:
    """A capture or a refund: its place, and what was available for it as long as nothing was refused."""

    place: int
    step: Capture | Refund
    available: int

    @property
    def amount(self) -> int:
        """How much is moved, in minor units."""
        return self.step.amount

    @property
    def exceeds(self) -> bool:
        """Whether that is more than was available."""
        return self.amount > self.available

    @property
    def rank(self) -> int:
        """How plain the amount is: half of what was available, all of it, or anything else."""
        if self.amount == self.available // 2:
            return 0
        return 1 if self.amount == self.available else 2


def _money_steps(history: History) -> list[_MoneyStep]:
    uncaptured, refundable = history.opening.amount, 0
    money_steps: list[_MoneyStep] = []
    for place, step in enumerate(history.steps):
        match parts_of(step)[-1]:
            case Capture() as capture:
                money_step = _MoneyStep(place, capture, uncaptured)
                if not money_step.exceeds:
                    uncaptured, refundable = uncaptured - capture.amount, refundable + capture.amount
            case Refund() as refund:
                money_step = _MoneyStep(place, refund, refundable)
                if not money_step.exceeds:
                    refundable -= refund.amount
            case _:
                continue
        money_steps.append(money_step)
    return money_steps


def _is_sound(candidate: History, origin: History) -> bool:
    """Return whether a candidate asks for no more money, and no smaller or special amounts, than its origin did."""
    money_steps, origin_steps = _money_steps(candidate), _money_steps(origin)
    if sum(money_step.exceeds for money_step in money_steps) > sum(money_step.exceeds for money_step in origin_steps):
        return False
    if _smallest(candidate, money_steps) < min(
        _smallest(origin, origin_steps), spec_of(candidate.profile).least_capture
    ):
        return False
    return _triggers(candidate) <= _triggers(origin)


def _smallest(history: History, money_steps: Iterable[_MoneyStep]) -> int:
    return min([history.opening.amount, *(money_step.amount for money_step in money_steps)])


def _triggers(history: History) -> frozenset[int]:
    refunds = (part.amount for step in history.steps for part in parts_of(step) if isinstance(part, Refund))
    return TRIGGERS.intersection({history.opening.amount, *refunds})


def _oddness(step: Step) -> int:
    match step:
        case Cancel():
            flag, key, to = _FLAGS.index(step.flag), _KEYS.index(step.key), _ADDRESSEES.index(step.to)
            return flag + key + to + (0 if step.defect is None else 3)
        case Together():
            return sum(map(_oddness, parts_of(step)))
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
