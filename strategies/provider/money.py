"""Amounts and how they are captured: plain ones, awkward ones, and none that a test environment reacts to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

SIMPLEST: Final = 1000
ODD_PRICE: Final = 1999
"""A typical shop price: odd, and one whose hundredths a binary fraction cannot represent."""
BEYOND_16_BITS: Final = 65_537
BEYOND_24_BITS: Final = 16_777_217
"""The first whole number that a binary fraction of single precision cannot represent."""
LARGEST: Final = 64_999_999
"""One less than the largest amount of ePayment's schema; a hundred times as much takes more than 32 bits."""
LARGEST_CHARGE: Final = 1_999_999
"""One less than the largest charge of an earlier description of Recurring; the present one names no limit."""
AMOUNTS: Final = (SIMPLEST, 999, 12345, 1001, 200, 64_999, ODD_PRICE, 1_234_567, 250_000)
"""Orders' totals in minor units: round, odd, large, and near the schema's minimum."""

LEAST_TOTAL: Final = 100
"""The smallest total that every API's description allows."""
MOST_TOTAL: Final = 65_000_000
"""The greatest one: ePayment's description names it, and the others allow it."""

TRIGGERS: Final = frozenset({123, 124, 151, *range(182, 188), 197, 201, 202})
"""Amounts that a test environment answers with an error on purpose."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of an order is captured, and in how many captures.

    ``pieces`` returns the captures' amounts for an order's amount.
    """

    name: str
    pieces: Callable[[int], tuple[int, ...]]

    def fits(self, amount: int, least: int) -> bool:
        """Return whether the schema allows every capture, and the order has enough for all of them."""
        pieces = self.pieces(amount)
        return all(piece >= least for piece in pieces) and sum(pieces) <= amount


NOTHING: Final = Share("nothing", lambda _: ())
HALF: Final = Share("half", lambda amount: (amount // 2,))
THIRD: Final = Share("a third", lambda amount: (amount // 3,))
MOST: Final = Share("most", lambda amount: (amount * 3 // 4,))
HUNDRED: Final = Share("1.00", lambda _: (100,))
UNDER_A_TENTH: Final = Share("under a tenth", lambda amount: (amount // 11,))
ONE_UNIT: Final = Share("one minor unit", lambda _: (1,))
ALL_BUT_ONE_UNIT: Final = Share("all but one minor unit", lambda amount: (amount - 1,))
IN_TWO: Final = Share("part, in two captures", lambda amount: (amount // 5, amount // 3))
IN_THREE: Final = Share("part, in three captures", lambda amount: (amount // 4,) * 3)
IN_FOUR: Final = Share("part, in four captures", lambda amount: (amount // 8,) * 4)
"""With the capture that a history may add, as many as one order takes within a minute."""
IN_FIVE: Final = Share("part, in five captures", lambda amount: (amount // 8,) * 5)
ALL: Final = Share("all", lambda amount: (amount,))
ALL_IN_TWO: Final = Share("all, in two captures", lambda amount: (amount // 3, amount - amount // 3))
ALL_IN_FOUR: Final = Share("all, in four captures", lambda amount: (*(amount // 6,) * 3, amount - 3 * (amount // 6)))

PARTS: Final = (
    HALF,
    IN_THREE,
    UNDER_A_TENTH,
    ALL_BUT_ONE_UNIT,
    THIRD,
    IN_TWO,
    MOST,
    HUNDRED,
    IN_FOUR,
    ONE_UNIT,
)
WHOLES: Final = (ALL, ALL_IN_TWO, ALL_IN_FOUR)


TOTAL_FORMS: Final = 16
"""So many forms a drawn total can have: see `total_of`."""
PART_FORMS: Final = 12
"""So many forms a part of a whole can have: see `part_of`."""
NUMBERED: Final = range(5, PART_FORMS)
"""Those that depend on a number."""


def total_of(form: int, number: int) -> int:
    """Return a total in one of its forms, from a number between `LEAST_TOTAL` and `MOST_TOTAL`.

    The forms are a typical total, which is the plainest one, then the number itself, a power of two or ten and its
    neighbours, whole crowns or euros, and a price that ends in 99.
    """
    match form:
        case 0 | 1:
            total = AMOUNTS[(number - LEAST_TOTAL) % len(AMOUNTS)]
        case 12 | 13:
            total = _power_below(number, number % 3) + number // 3 % 3 - 1
        case 14:
            total = number // 100 * 100
        case 15:
            total = number // 100 * 100 + 99
        case _:
            total = number
    return without_trigger(min(max(total, LEAST_TOTAL), MOST_TOTAL))


def part_of(whole: int, least: int, form: int, number: int) -> int:
    """Return a part of a whole that leaves something, at least the smallest permitted one, in one of its forms.

    The forms are half, which is the plainest, then half and one more, the least, all but one, all but the least, an
    edge, all but an edge, and any part: by its size, by the size of what it leaves, or by its share of the whole.
    """
    edges = _edges_up_to(whole)
    match form:
        case 0 | 1:
            part = whole // 2 + form
        case 2:
            part = least
        case 3:
            part = whole - 1
        case 4:
            part = whole - least
        case 5:
            part = edges[number % len(edges)]
        case 6:
            part = whole - edges[number % len(edges)]
        case 7 | 8 if least <= number < whole:
            part = number
        case 9 | 10 if least <= whole - number:
            part = whole - number
        case _:
            part = least + number % max(whole - least, 1)
    return max(min(part, whole - 1), least)


def _power_below(number: int, kind: int) -> int:
    """Return the greatest power of two (twice as often) or ten that is not above a number."""
    return 10 ** (len(str(number)) - 1) if kind == 0 else 1 << (number.bit_length() - 1)


@cache
def _edges() -> tuple[int, ...]:
    """Return amounts around which arithmetic goes wrong, the plainest first."""
    plain = (1, 99, 100, 101, 2, 3, 9, 10, 11)
    tens = (10**digits + by for digits in range(3, 8) for by in (0, -1, 1))
    twos = ((1 << bits) + by for bits in range(4, 26) for by in (0, -1, 1))
    return tuple(dict.fromkeys((*plain, *tens, *twos)))


def _edges_up_to(whole: int) -> tuple[int, ...]:
    return tuple(edge for edge in _edges() if edge < whole) or (1,)


def split(total: int, least: int, *, count: int, uneven: bool) -> tuple[int, ...]:
    """Return up to so many parts that make up a total: equal ones, or one that is far greater than the others."""
    count = max(min(count, total // least), 1)
    size = least if uneven else total // count
    return (total - size * (count - 1), *(size,) * (count - 1))


def without_trigger(amount: int) -> int:
    """Return the amount, or the nearest smaller one that no test environment reacts to."""
    while amount in TRIGGERS:
        amount -= 1
    return amount


def beyond_triggers(amount: int) -> int:
    """Return the amount, or the nearest larger one that no test environment reacts to."""
    while amount in TRIGGERS:
        amount += 1
    return amount


def amount_for(share: Share, turn: int, least: int) -> int:
    """Return a total of which the share can be captured: the simplest on every even turn, another one in between."""
    fitting = [amount for amount in AMOUNTS if share.fits(amount, least)]
    return fitting[0] if turn % 2 == 0 else fitting[(turn // 2 + 1) % len(fitting)]
