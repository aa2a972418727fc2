"""Which histories a merchant's run uses: the systematic set, then histories drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.domain.order import Profile
from conformance.obligations.history import HANDLER, MerchantHistory
from conformance.strategies.merchant.grid import MerchantSituation, signed_merchant_cases, systematic_merchant_cases
from conformance.strategies.merchant.histories import merchant_histories
from conformance.strategies.sampling import draw_different

BUDGETS: Final[Mapping[str, int]] = {"quick": 30, "standard": 150, "thorough": 1500}
"""Histories drawn for each API in addition to the systematic set, by the name of the budget."""

SYSTEMATIC: Final[Mapping[str, int | None]] = {"quick": 190, "standard": None, "thorough": None}
"""How much of the systematic set is run, from its beginning, by the name of the budget; None means all of it."""

SIGNED_EVERY: Final = 2
"""Of so many cases at the beginning, one is about signed notifications."""


@dataclass(frozen=True, slots=True)
class MerchantCase:
    """A history that a merchant's run uses.

    Attributes:
        history: The history.
        label: What it tries, in words.
        situation: The course of its order; empty for a drawn history.
        generated: Whether it was drawn.
        shared: Whether another run found it.

    """

    history: MerchantHistory
    label: str
    situation: str = ""
    generated: bool = False
    shared: bool = False

    @property
    def source(self) -> str:
        """Where it comes from, in the journal's words."""
        return "example" if self.shared else "generated" if self.generated else "systematic"


def plan_merchant_cases(
    profile: Profile, offered: frozenset[str], seed_: int, count: int, systematic: int | None = None
) -> list[MerchantCase]:
    """Return the histories that a merchant with these actions can play, the most telling first.

    Of the systematic set the first ``systematic`` ones are taken, or all; ``count`` more are drawn. For a merchant with
    a handler of signed notifications, all that is about them comes on top, spread over the beginning.
    """
    cases = _playable(systematic_merchant_cases(profile), offered)[:systematic]
    if HANDLER in offered:
        for place, case in enumerate(_playable(signed_merchant_cases(profile), offered)):
            cases.insert(SIGNED_EVERY * place + 1, case)
    drawn = draw_merchant_cases(profile, offered, seed_, count)
    return [*cases, *(MerchantCase(history, "drawn", generated=True) for history in drawn)]


def _playable(situations: list[MerchantSituation], offered: frozenset[str]) -> list[MerchantCase]:
    return [
        MerchantCase(situation.history, situation.label, situation.name)
        for situation in situations
        if situation.history.needs <= offered
    ]


def draw_merchant_cases(profile: Profile, offered: frozenset[str], seed_: int, count: int) -> list[MerchantHistory]:
    """Return up to ``count`` different histories; the same seed returns the same ones."""
    strategy = merchant_histories(profile, offered)
    return draw_different(
        strategy, seed_, count, key=lambda history: history, playable=lambda history: history.needs <= offered
    )
