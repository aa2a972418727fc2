"""Which shop histories a run plays: the systematic set, then what is drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.domain.order import Profile
from conformance.obligations.history import MerchantHistory
from conformance.strategies.merchant.grid import systematic_merchant_cases
from conformance.strategies.merchant.histories import merchant_histories
from conformance.strategies.sampling import draw_different

BUDGETS: Final[Mapping[str, int]] = {"quick": 30, "standard": 150, "thorough": 1500}
"""Histories that are drawn for each API, after the systematic set."""


@dataclass(frozen=True, slots=True)
class MerchantCase:
    """A history, what it tries in words, and the way of life it belongs to."""

    history: MerchantHistory
    label: str
    situation: str = ""
    generated: bool = False
    shared: bool = False

    @property
    def source(self) -> str:
        """Where it comes from, as the journal has it."""
        return "example" if self.shared else "generated" if self.generated else "systematic"


def plan_merchant_cases(profile: Profile, offered: frozenset[str], seed_: int, count: int) -> list[MerchantCase]:
    """Return the histories that a merchant with these actions can play, in the order in which they tell the most."""
    fixed = [
        MerchantCase(one.history, one.label, one.name)
        for one in systematic_merchant_cases(profile)
        if one.history.needs <= offered
    ]
    return [
        *fixed,
        *(MerchantCase(one, "drawn", generated=True) for one in draw_merchant_cases(profile, offered, seed_, count)),
    ]


def draw_merchant_cases(profile: Profile, offered: frozenset[str], seed_: int, count: int) -> list[MerchantHistory]:
    """Draw different histories; the same seed gives the same ones."""
    strategy = merchant_histories(profile, offered)
    return draw_different(strategy, seed_, count, key=lambda one: one, playable=lambda one: one.needs <= offered)
