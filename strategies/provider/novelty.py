"""Which drawn histories tell the most: the model plays each on paper, and what it meets there is counted.

What a history meets are aspects: a question to the target (a step, and the ways in which it may turn out), the state of
the order in which a step arrives, the step before it, how often something happened by then, on which side of a limit an
age is, and the classes of the amounts that move. An aspect that few histories met so far is worth more, so that the
first of many drawn histories reach nearly all that the others would.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heapify, heappop, heapreplace
from itertools import chain
from typing import Final, TypeAlias

from conformance.domain.order import WAITING, Order, Profile
from conformance.domain.steps import Age, Cancel, Capture, History, Initiate, Refund, Step, Together
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext, PossibleOrders, age_for_cancel, age_for_refund
from conformance.model.context import CANCEL_LIMIT, DAY, REFUND_LIMIT
from conformance.strategies.provider.walk import Outcome, ideal, kind_of_step, outcomes_of

Aspect: TypeAlias = tuple[object, ...]
_Plain: TypeAlias = tuple[Step, str]
"""A step with plain amounts and ages, and its kind."""

WEIGHTS: Final[Mapping[str, float]] = {
    "question": 10,
    "stage": 10,
    "age": 3,
    "state": 2,
    "since": 2,
    "earlier": 1,
    "count": 1,
    "released": 1,
    "amount": 0.2,
}
"""What it is worth to meet an aspect of each kind for the first time; each further time is worth half as much."""
MOST_TIMES: Final = 6
"""An aspect that was met so often is worth nothing more."""
NEAR: Final = 5
"""An age so many days from a limit is one of its own."""
SMALL: Final = 100
"""Less than this is less than some API lets a merchant move."""
DECAY: Final = tuple(0.5**times for times in range(MOST_TIMES))
_FULL: Final = 1 << 24
"""The total of a history on paper. Half of what remains can be captured many times."""


def most_telling(histories: Sequence[History], context: ModelContext, count: int) -> list[History]:
    """Return so many of different histories, the most telling first."""
    paper = _Paper(context)
    aspects = [tuple(paper.aspects(history)) for history in histories]
    return [histories[index] for index in _greedy(aspects, [len(history.steps) for history in histories], count)]


def _greedy(aspects: Sequence[tuple[Aspect, ...]], lengths: Sequence[int], count: int) -> Iterator[int]:
    """Yield the indices of up to so many, each of which adds the most for its length to those before it."""
    met: Counter[Aspect] = Counter()
    worth_of = {each: WEIGHTS[str(each[0])] for each in set(chain(*aspects))}

    def worth(index: int) -> float:
        return -sum(map(worth_of.__getitem__, aspects[index])) / math.sqrt(lengths[index] + 4)

    # What is worth less than another was before cannot have become worth more since.
    heap = [(worth(index), index) for index in range(len(aspects))]
    heapify(heap)
    for _ in range(min(count, len(heap))):
        while (now := worth(heap[0][1])) > heap[0][0]:
            heapreplace(heap, (now, heap[0][1]))
        _, index = heappop(heap)
        met.update(aspects[index])
        for each in aspects[index]:
            worth_of[each] = WEIGHTS[str(each[0])] * DECAY[met[each]] if met[each] < MOST_TIMES else 0
        yield index


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a beginning of a history leads: the orders that are possible then, and what its last step met.

    ``next`` are the places to which one more step leads, as far as some history took it.
    """

    possible: PossibleOrders = ()
    aspects: tuple[Aspect, ...] = ()
    next: dict[_Plain, _Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one step asks of a target, the way that an ideal provider takes, and the orders that are possible then."""

    question: frozenset[Outcome]
    taken: str
    after: PossibleOrders


@dataclass(slots=True)
class _Paper:
    """Plays histories on paper, and remembers their beginnings: many begin alike but for amounts."""

    context: ModelContext
    start: _Place = field(default_factory=_Place)
    turns: dict[tuple[Step, PossibleOrders], _Turn] = field(default_factory=dict)

    def aspects(self, history: History) -> Iterable[Aspect]:
        """Return what a history meets, up to two requests at the same time: what comes of them is not followed."""
        plain = _plain(history)
        met: list[Aspect] = []
        released_at, place = 0, self.start
        for number, step in enumerate(plain):
            if step not in place.next:
                place.next[step] = self._step(history.profile, plain[: number + 1], place.possible)
            place = place.next[step]
            met += place.aspects
            if not place.possible:
                break
            if not released_at and place.possible[0].cancelled:
                released_at = number
        return dict.fromkeys(chain(met, _amounts(history, released_at)))

    def _step(self, profile: Profile, steps: tuple[_Plain, ...], possible: PossibleOrders) -> _Place:
        (step, kind), earlier = steps[-1], [each for _, each in steps[:-1]]
        order = possible[0] if possible else None
        if isinstance(step, Together):
            return _Place((), (("question", kind, order and _stage(order)),))
        turn = self._turn(profile, step, possible)
        met: list[Aspect] = [
            ("question", kind, turn.question),
            ("since", kind, turn.taken, *earlier[-1:]),
            *(("earlier", kind, turn.taken, each) for each in set(earlier)),
            *(("count", kind, turn.taken, *counted) for counted in _counts(earlier)),
        ]
        if order is not None:
            met.append(("stage", kind, turn.taken, _stage(order)))
            met.append(("state", kind, self._since(order)))
            if isinstance(step, Cancel) and step != Cancel(flag=step.flag):
                met.append(("question", kind, order.remaining > 0 or order.stage in WAITING))
            met += [("age", kind, age) for age in _ages(order)]
        return _Place(turn.after, tuple(met))

    def _turn(self, profile: Profile, step: Step, possible: PossibleOrders) -> _Turn:
        turn = self.turns.get((step, possible))
        if turn is None:
            tracker = Tracker(profile, self.context, orders=possible)
            expectation = tracker.expectation(step)
            taken = next(branch for branch in expectation.branches if branch.proves)
            tracker.advance(step, (taken,), ideal(taken))
            turn = self.turns[step, possible] = _Turn(outcomes_of(expectation), taken.name, tracker.orders)
        return turn

    def _since(self, order: Order) -> tuple[object, ...]:
        """Return what has become of an order, without exact amounts and ages."""
        ages = age_for_cancel(order, self.context), age_for_refund(order) if order.captured else None
        attempt = order.attempt
        repeated = None if attempt is None else (attempt.flag, attempt.outcome, attempt.ago >= DAY)
        return *_stage(order), *ages, order.cancel_refused, repeated


def _stage(order: Order) -> tuple[object, ...]:
    """Return how an order stands."""
    moved = (order.captured, order.refunded, order.cancelled)
    return order.kind, order.stage, order.agreement_stopped, *(_extent(part, order.amount) for part in moved)


def _ages(order: Order) -> Iterator[int]:
    """Yield the age of a reservation: in days near a limit, by its magnitude elsewhere."""
    if order.since_reserved:
        days = order.since_reserved // DAY
        near = any(abs(days - limit // DAY) < NEAR for limit in (CANCEL_LIMIT, REFUND_LIMIT))
        yield days if near else -days.bit_length()


def _extent(part: int, whole: int) -> int:
    return 0 if not part else 1 if part < whole else 2


def _counts(kinds: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield how often each kind of step was taken, as far as three times."""
    return ((kind, min(times, 3)) for kind, times in Counter(kinds).items() if times > 1)


def _plain(history: History) -> tuple[_Plain, ...]:
    """Return a history's steps with plain amounts and ages that stand in the same relations."""
    remaining, refundable = _Purse(history.opening.amount, _FULL), _Purse(0, 0)
    steps: list[_Plain] = [(Initiate(_FULL, history.opening.kind), "initiate")]
    for step in history.steps:
        match step:
            case Capture():
                amount, relation = remaining.take(step.amount, refundable)
                steps.append((Capture(amount), f"capture {relation}"))
            case Refund():
                amount, relation = refundable.take(step.amount)
                steps.append((Refund(amount), f"refund {relation}"))
            case Together(second=Capture() | Refund() as second):
                steps.append((Together(step.first, type(second)(max(remaining.plain // 2, 1))), kind_of_step(step)))
            case Age():
                steps.append((Age(_rounded(step.by)), "age"))
            case _:
                steps.append((step, kind_of_step(step)))
    return tuple(steps)


@dataclass(slots=True)
class _Purse:
    """What can be captured or refunded, and what stands for it on paper."""

    amount: int
    plain: int

    def take(self, amount: int, into: _Purse | None = None) -> tuple[int, str]:
        """Take an amount, as far as there is so much; return what stands for it, and how it stands to all of it."""
        if amount > self.amount:
            return self.plain + 1, "more than all"
        relation = "all" if amount == self.amount else "less than the least" if amount < SMALL else "a part"
        # Less than the least that must be possible stays so.
        part = min(self.plain // 2, amount if amount < SMALL else self.plain)
        taken = max(self.plain if amount == self.amount else part, 1)
        self.amount, self.plain = self.amount - amount, self.plain - taken
        if into is not None:
            into.amount, into.plain = into.amount + amount, into.plain + taken
        return taken, relation


def _rounded(age: timedelta) -> timedelta:
    """Return an age in whole days or minutes: the hours of a day are on one side of every limit."""
    return age // DAY * DAY if age >= DAY else min(age, timedelta(hours=1))


def _amounts(history: History, released_at: int) -> Iterator[Aspect]:
    """Yield the classes of what is ordered, captured and refunded, and of what the first cancel releases, if any does.

    That cancel is the step of this number, counted from 1; 0 stands for none.
    """
    uncaptured, captures = history.opening.amount, 0
    yield from _classes("total", uncaptured)
    for number, step in enumerate(history.steps, 1):
        match step:
            case Capture() if step.amount <= uncaptured:
                captures += 1
                yield from _classes("captured", step.amount)
                uncaptured -= step.amount
            case Refund():
                yield from _classes("refunded", step.amount)
        if number == released_at:
            yield from _classes("released", uncaptured)
            yield "released", "captures", captures
            yield "released", "share", uncaptured * 20 // history.opening.amount


def _classes(name: str, amount: int) -> Iterator[Aspect]:
    """Yield the classes of one amount: its magnitude, its remainders, and whether it is next to a power of two."""
    kind = "released" if name == "released" else "amount"
    yield kind, name, "bits", amount.bit_length()
    yield kind, name, "power of two", next((by for by in (-1, 0, 1) if (amount + by).bit_count() == 1), None)
    for modulus in (3, 7, 16, 100):
        yield kind, name, modulus, amount % modulus
