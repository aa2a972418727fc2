"""The cases of a run, all chosen before the first one is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Final

from conformance.domain.order import Profile
from conformance.domain.steps import Capture, History, Refund
from conformance.model import ModelContext
from conformance.rulebook import RuleStatus, load
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.histories import histories
from conformance.strategies.provider.money import AMOUNTS
from conformance.strategies.provider.novelty import most_telling
from conformance.strategies.provider.systematic import EXAMPLES, systematic
from conformance.strategies.sampling import draw_different

SURPLUS: Final = 300
"""So many more histories are drawn than are needed."""


def plan_cases(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool, seed: int, count: int
) -> list[Case]:
    """Return the systematic set, followed by up to ``count`` histories drawn from the seed, and by what is still rare.

    Args:
        profile: the API.
        context: the market and the interpretations in force.
        offered: the target's capabilities, in the words of the test control API.
        wire: whether requests can be malformed, which needs HTTP.
        seed: decides which histories are drawn.
        count: how many histories to draw.

    """
    systematic_cases = systematic(profile, context, offered, wire=wire)
    drawn = draw_cases(profile, context, offered, wire=wire, seed_=seed, count=count)
    drawn_cases = (Case(history, "drawn", {}, (), generated=True) for history in drawn)
    return [*systematic_cases, *drawn_cases, *_again_where_rare(systematic_cases)]


def _again_where_rare(cases: Sequence[Case]) -> Iterator[Case]:
    """Yield cases with another amount, for the goals that fewer cases aim at than a verdict needs checks.

    Such goals are left by a target that offers little and cannot run every cell of the grid.
    """
    aims = Counter(goal for case in cases for goal in case.goals)
    for goal in [goal for goal, count in aims.items() if count < EXAMPLES and _is_judged(goal)]:
        aiming = cycle([case for case in cases if goal in case.goals])
        for amount, case in zip(AMOUNTS[1:], aiming, strict=False):
            if aims[goal] >= EXAMPLES:
                break
            aims.update(case.goals)
            yield replace(case, history=_with_amount(case.history, amount), label=f"{case.label}, again")


def _is_judged(goal: str) -> bool:
    return load().rule(goal.partition("/")[0]).status is RuleStatus.CHECKED


def _with_amount(history: History, amount: int) -> History:
    """Return a history of another amount, or the same one where a step names a part of its amount."""
    if any(isinstance(step, Capture | Refund) for step in history.steps):
        return history
    return replace(history, opening=replace(history.opening, amount=amount))


def draw_cases(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool, seed_: int, count: int
) -> list[History]:
    """Return up to ``count`` different drawn histories, the most telling first; the same seed returns the same ones.

    More are drawn than are needed, and those are left out that tell the least: see `novelty`.
    """
    strategy = histories(profile, context, offered, wire=wire)
    drawn = draw_different(strategy, seed_, count and count + SURPLUS, key=_identity, playable=lambda _: True)
    return most_telling(drawn, context, count)


def _identity(history: History) -> History:
    return history
