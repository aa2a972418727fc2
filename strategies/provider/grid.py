"""What the grids of the three APIs have in common: recipes are added cell by cell, with amounts in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.domain.steps import Addressee, Cancel, Defect, Key
from conformance.model import MODELS, ModelContext
from conformance.strategies.provider.ages import FRESH, Ageing, AgeLimits, age_limits
from conformance.strategies.provider.money import ONE_UNIT, Share, amount_for
from conformance.strategies.provider.recipe import Recipe
from conformance.strategies.provider.situations import Situation
from conformance.strategies.provider.tails import NOTHING_MORE, Tail

FLAGS = (None, False, True)
"""The values of a cancel's flag: left out, false and true."""

FLAG_DEFECTS: Final = (Defect.FLAG_NOT_BOOLEAN, Defect.FLAG_AS_NUMBER)
"""Defects of the flag itself, in a cancel that would otherwise set it."""


def defects_of(profile: Profile) -> tuple[Defect, ...]:
    """Return what can be wrong with a cancel on the wire of an API, as its model knows it."""
    return MODELS[profile].defects


@dataclass(slots=True)
class Grid:
    """The recipes of one API in one context, in the order in which they were added."""

    profile: Profile
    context: ModelContext
    recipes: list[Recipe] = field(default_factory=list)

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What can be wrong with a cancel on the wire."""
        return defects_of(self.profile)

    @property
    def limits(self) -> AgeLimits:
        """The age limits in force for a cancel."""
        return age_limits(self.profile, self.context)

    def add(
        self,
        situation: Situation,
        flag: bool | None = None,
        *,
        share: Share | None = None,
        ageing: Ageing = FRESH,
        tail: Tail = NOTHING_MORE,
        key: Key = Key.FRESH,
        to: Addressee = Addressee.OWN,
        defect: Defect | None = None,
        amount: int | None = None,
        rival: Tail = NOTHING_MORE,
        tried: Tail = NOTHING_MORE,
    ) -> None:
        """Add one cell. Without an amount, every other cell gets the simplest one."""
        share = share or situation.share
        least = 1 if share is ONE_UNIT else spec_of(self.profile).least_capture
        total = amount or amount_for(share, len(self.recipes), least)
        cancel = Cancel(flag=flag, key=key, to=to, defect=defect)
        self.recipes.append(Recipe(self.profile, situation, share, ageing, cancel, tail, total, rival, tried))

    def each_flag(
        self,
        situation: Situation,
        tails: Sequence[Tail] = (NOTHING_MORE,),
        *,
        shares: Iterable[Share] = (),
        ageings: Iterable[Ageing] = (FRESH,),
        flags: Sequence[bool | None] = FLAGS,
    ) -> None:
        """Add a situation with every age and every flag; shares and tails take turns."""
        shares_in_turn = list(shares) or [situation.share]
        count = 0
        for ageing in ageings:
            for flag in flags:
                share, tail = shares_in_turn[count % len(shares_in_turn)], tails[count % len(tails)]
                self.add(situation, flag, share=share, ageing=ageing, tail=tail)
                count += 1


def right_before_cancel(ages: Iterable[timedelta]) -> tuple[Ageing, ...]:
    """Return ages that an order reaches right before the cancel."""
    return tuple(Ageing(age) for age in ages)
