"""Amounts and how they are captured: plain ones, awkward ones, and none that a test environment reacts to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
IN_FIVE: Final = Share("part, in five captures", lambda amount: (amount // 8,) * 5)
IN_SEVEN: Final = Share("part, in seven captures", lambda amount: (amount // 10,) * 7)
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
    IN_FIVE,
    ONE_UNIT,
)
WHOLES: Final = (ALL, ALL_IN_TWO, ALL_IN_FOUR)


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
