"""Faults that show for some amounts only: a class of amounts, the amount that it looks at, and what goes wrong then.

Each is put together from three parts, in one of the APIs. The history that shows it is made of the class's example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.domain.steps import Step
from conformance.sandbox import Ecom, EPayment, Recurring
from conformance.sandbox.api_base import ApiBase

from ..fault import NARROW, Fault, fault_of
from ..steps import approve, cancel, capture, flagged, refund

Holds = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Class:
    """A class of amounts in minor units, with one of them as an example."""

    name: str
    sentence: str
    holds: Holds
    example: int


def between(least: int, most: int) -> Class:
    """Return the amounts from ``least`` to ``most``."""
    middle = (least + most) // 2
    return Class(f"From{least}To{most}", f"from {least} to {most}", lambda amount: least <= amount <= most, middle)


def at_least(least: int) -> Class:
    """Return the amounts from ``least`` on."""
    return Class(f"From{least}", f"of {least} and more", lambda amount: amount >= least, least)


def below(most: int) -> Class:
    """Return the amounts below ``most``."""
    return Class(f"Below{most}", f"below {most}", lambda amount: amount < most, most - 1)


def remainder(rest: int, divisor: int) -> Class:
    """Return the amounts with a remainder."""
    example = 100 * divisor + rest
    return Class(f"Rest{rest}By{divisor}", f"with {rest} over by {divisor}", lambda a: a % divisor == rest, example)


def rests(least: int, divisor: int) -> Class:
    """Return the amounts with at least this remainder."""
    sentence = f"with {least} or more over by {divisor}"
    return Class(f"Rest{least}UpBy{divisor}", sentence, lambda a: a % divisor >= least, 100 * divisor + least)


def exactly(amount: int) -> Class:
    """Return one amount."""
    return Class(f"Exactly{amount}", f"of exactly {amount}", lambda number: number == amount, amount)


def power_of(base: int) -> Class:
    """Return the powers of a number, from the third on."""
    powers = frozenset(base**exponent for exponent in range(3, 40))
    return Class(
        f"PowerOf{base}", f"that are a power of {base}", powers.__contains__, base**10 if base == 2 else 10_000
    )


ODD, EVEN = remainder(1, 2), remainder(0, 2)


@dataclass(frozen=True, slots=True)
class Quantity:
    """The amount of an order that a fault looks at, and a history in which it is as large as is wanted."""

    name: str
    sentence: str
    of: Callable[[Any], int]
    shown: Callable[[int], tuple[int, tuple[Step, ...]]]
    """Total and steps between reservation and cancel."""


TOTAL = Quantity("Total", "totals", lambda order: order.amount, lambda amount: (amount, ()))
CAPTURED = Quantity(
    "Captured", "captured sums", lambda order: order.captured, lambda amount: (amount + 1000, (capture(amount),))
)
REMAINING = Quantity(
    "Remaining", "remainders", lambda order: order.remaining, lambda amount: (amount + 1000, (capture(1000),))
)
LEAD = Quantity(
    "CapturedOverRemaining",
    "differences of what is captured and what remains",
    lambda order: order.captured - order.remaining if order.captured else -1,
    lambda amount: (amount + 2000, (capture(amount + 1000),)),
)
SUM = Quantity(
    "CapturedAndRefunded",
    "sums of what was captured and refunded",
    lambda order: order.captured + order.refunded if order.refunded else -1,
    lambda amount: (amount + 1000, (capture(amount - amount // 3), refund(amount // 3))),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a cancel does wrong, and how much of a remainder it releases."""

    name: str
    sentence: str
    releases: Callable[[int], int]


KEEPS_ONE = Effect("KeepsOne", "one minor unit stays reserved", lambda remaining: remaining - 1)
RELEASES_NOTHING = Effect("ReleasesNothing", "nothing is released", lambda remaining: remaining * 0)
RELEASES_HALF = Effect("ReleasesHalf", "half of the remainder is released", lambda remaining: remaining // 2)


def _fault(api: type[ApiBase], name: str, sentence: str, methods: dict[str, Any], total: int, *least: Step) -> Fault:
    steps = least if api is Recurring else (approve, *least)
    if api is Ecom:
        steps = tuple(flagged if step == cancel and len(steps) > 2 else step for step in steps)
    return fault_of(type(name, (api,), {"__doc__": sentence, **methods}), NARROW, ("?",), steps, total)


def released(api: type[ApiBase], quantity: Quantity, amounts: Class, effect: Effect) -> Fault:
    """Return a provider whose cancel releases too little for a class of amounts."""

    def releasable(self: ApiBase, order: Any) -> int:
        remaining = int(order.remaining)
        return effect.releases(remaining) if remaining and amounts.holds(quantity.of(order)) else remaining

    total, steps = quantity.shown(amounts.example)
    return _fault(
        api,
        f"{quantity.name}{amounts.name}{effect.name}",
        f"For {quantity.sentence} {amounts.sentence}, {effect.sentence} by a cancel.",
        {"releasable": releasable},
        total,
        *steps,
        cancel,
    )


def captured_short(api: type[ApiBase], amounts: Class) -> Fault:
    """Return a provider that counts captures of a class of amounts one minor unit short."""

    def capture_money(self: ApiBase, order: Any, amount: int, **more: Any) -> Any:
        entry = api.capture_money(self, order, amount, **more)
        order.captured -= amounts.holds(amount)
        return entry

    name = f"Captures{amounts.name}CountShort"
    sentence = f"Captures {amounts.sentence} count one minor unit too little."
    methods = {"capture_money": capture_money}
    return _fault(api, name, sentence, methods, amounts.example + 1000, capture(amounts.example), cancel)


def refunded_short(api: type[ApiBase], amounts: Class) -> Fault:
    """Return a provider that counts refunds of a class of amounts one minor unit short."""

    def refund_money(self: ApiBase, order: Any, amount: int, **more: Any) -> Any:
        entry = api.refund_money(self, order, amount, **more)
        order.refunded -= amounts.holds(amount)
        return entry

    name = f"Refunds{amounts.name}CountShort"
    sentence = f"Refunds {amounts.sentence} count one minor unit too little."
    example = amounts.example
    steps = (capture(example + 100), refund(example), cancel)
    return _fault(api, name, sentence, {"refund_money": refund_money}, example + 1000, *steps)


def refund_one_below(api: type[ApiBase]) -> Fault:
    """Return a provider that takes a refund of all but one minor unit for a refund of everything."""

    def refund_money(self: ApiBase, order: Any, amount: int, **more: Any) -> Any:
        entry = api.refund_money(self, order, amount, **more)
        order.refunded += order.captured - order.refunded == 1
        return entry

    sentence = "A refund that leaves one minor unit of what was captured counts as a refund of everything."
    methods = {"refund_money": refund_money}
    return _fault(api, "RefundOneBelowCapturedCountsAll", sentence, methods, 1000, capture(400), refund(399), cancel)


def _ecom() -> Iterator[Fault]:
    yield released(Ecom, TOTAL, between(70_000, 240_000), KEEPS_ONE)
    yield released(Ecom, TOTAL, at_least(65_537), RELEASES_NOTHING)
    yield released(Ecom, TOTAL, ODD, KEEPS_ONE)
    yield released(Ecom, TOTAL, remainder(3, 16), RELEASES_HALF)
    yield released(Ecom, TOTAL, remainder(2, 3), KEEPS_ONE)
    yield released(Ecom, TOTAL, remainder(4, 7), RELEASES_NOTHING)
    yield released(Ecom, TOTAL, rests(50, 100), KEEPS_ONE)
    yield released(Ecom, TOTAL, at_least(2**20), KEEPS_ONE)
    yield released(Ecom, TOTAL, below(1_000), RELEASES_NOTHING)
    yield released(Ecom, TOTAL, power_of(10), KEEPS_ONE)
    yield released(Ecom, REMAINING, exactly(1), RELEASES_NOTHING)
    yield released(Ecom, CAPTURED, remainder(1, 3), KEEPS_ONE)
    yield refunded_short(Ecom, ODD)
    yield refund_one_below(Ecom)


def _epayment() -> Iterator[Fault]:
    yield released(EPayment, TOTAL, between(100_000, 999_999), RELEASES_HALF)
    yield released(EPayment, TOTAL, between(2**15, 2**16 - 1), KEEPS_ONE)
    yield released(EPayment, TOTAL, at_least(2**24), RELEASES_NOTHING)
    yield released(EPayment, TOTAL, at_least(10**6), KEEPS_ONE)
    yield released(EPayment, TOTAL, EVEN, KEEPS_ONE)
    yield released(EPayment, TOTAL, remainder(15, 16), RELEASES_NOTHING)
    yield released(EPayment, TOTAL, remainder(99, 100), RELEASES_HALF)
    yield released(EPayment, TOTAL, power_of(2), KEEPS_ONE)
    yield released(EPayment, REMAINING, remainder(0, 3), KEEPS_ONE)
    yield released(EPayment, REMAINING, remainder(6, 7), RELEASES_NOTHING)
    yield released(EPayment, REMAINING, exactly(1), RELEASES_NOTHING)
    yield released(EPayment, LEAD, at_least(1), RELEASES_HALF)
    yield captured_short(EPayment, ODD)
    yield refunded_short(EPayment, remainder(1, 3))
    yield refund_one_below(EPayment)


def _recurring() -> Iterator[Fault]:
    yield released(Recurring, TOTAL, between(2_500, 20_000), KEEPS_ONE)
    yield released(Recurring, TOTAL, between(70_000, 240_000), RELEASES_NOTHING)
    yield released(Recurring, TOTAL, at_least(65_537), RELEASES_HALF)
    yield released(Recurring, TOTAL, at_least(10**5), KEEPS_ONE)
    yield released(Recurring, TOTAL, below(256), RELEASES_NOTHING)
    yield released(Recurring, TOTAL, remainder(0, 100), KEEPS_ONE)
    yield released(Recurring, TOTAL, remainder(5, 7), RELEASES_NOTHING)
    yield released(Recurring, TOTAL, remainder(3, 16), KEEPS_ONE)
    yield released(Recurring, CAPTURED, ODD, RELEASES_NOTHING)
    yield released(Recurring, CAPTURED, at_least(65_537), RELEASES_HALF)
    yield released(Recurring, REMAINING, exactly(1), RELEASES_NOTHING)
    yield released(Recurring, REMAINING, below(100), KEEPS_ONE)
    yield released(Recurring, SUM, EVEN, KEEPS_ONE)
    yield captured_short(Recurring, remainder(2, 3))
    yield refund_one_below(Recurring)


AMOUNTS: tuple[Fault, ...] = (*_ecom(), *_epayment(), *_recurring())
