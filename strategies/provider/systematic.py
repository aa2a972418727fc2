"""The systematic set: the grid that puts every rule on both sides of every boundary, in the order that tells the most.

It is the same for the same profile, world and capabilities. A target that offers less gets the cells that it can play.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from operator import mul
from typing import Final

from conformance.domain.order import Profile
from conformance.domain.steps import History
from conformance.model import ModelContext
from conformance.strategies.provider import grid_payments, grid_races, grid_recurring
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.grid import Grid
from conformance.strategies.provider.recipe import Recipe
from conformance.strategies.provider.situations import needs
from conformance.strategies.provider.walk import Question, questions, reached

EXAMPLES: Final = 3
"""So many examples of each rule, on each of its sides, a verdict needs."""
WEIGHTS: Final = (8, 4, 2)
"""What a rule's first, second and third example is worth. A question that nobody asked yet is worth as much as a first
example, and two things that were not yet tried together are worth one."""


def recipes(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> tuple[tuple[Recipe, History], ...]:
    """Return the recipes of the grid that a target can play, each with its history, in the order of the grid."""
    grid = Grid(profile, context)
    (grid_recurring if profile is Profile.RECURRING else grid_payments).fill(grid, wire=wire)
    grid_races.fill(grid)
    playable: dict[History, Recipe] = {}
    for recipe in grid.recipes:
        history = recipe.history()
        if needs(history) <= offered:
            playable.setdefault(history, recipe)
    return tuple((recipe, history) for history, recipe in playable.items())


def systematic(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> tuple[Case, ...]:
    """Return the systematic set, so ordered that every beginning of it tells the most.

    Args:
        profile: the API.
        context: the market and the readings in force; its limits decide the ages.
        offered: what the target lets the suite do, in the words of the test control API.
        wire: whether requests can be broken on the wire, which a target without HTTP has none of.

    """
    cells = recipes(profile, context, offered, wire=wire)
    planned = {
        Case(history, recipe.label(), recipe.cell(), tuple(sorted(reached(history, context)))): _Aspects(
            questions(history, context), _pairs(recipe)
        )
        for recipe, history in cells
    }
    return tuple(_most_telling_first(planned))


@dataclass(frozen=True, slots=True)
class _Aspects:
    """What tells a history from others: what it asks, and which things about it come together."""

    questions: frozenset[Question]
    pairs: frozenset[tuple[str, str]]


def _most_telling_first(planned: Mapping[Case, _Aspects]) -> Iterator[Case]:
    """Order greedily by how much a history tells that the ones before it did not."""
    left = list(planned)
    examples: Counter[str] = Counter()
    asked: set[Question] = set()
    seen: set[tuple[str, str]] = set()

    def telling(one: Case) -> tuple[int, int]:
        aspects = planned[one]
        counts = [examples[goal] for goal in one.goals]
        news = [counts.count(0) + len(aspects.questions - asked), counts.count(1), counts.count(2)]
        return sum(map(mul, news, WEIGHTS)) + len(aspects.pairs - seen), -len(one.history.steps)

    while left:
        best = max(left, key=telling)
        left.remove(best)
        examples.update(best.goals)
        asked |= planned[best].questions
        seen |= planned[best].pairs
        yield best


def _pairs(recipe: Recipe) -> frozenset[tuple[str, str]]:
    """Return every pair of things about a recipe, so that what was not yet tried together can come before the rest."""
    things = {
        **recipe.cell(),
        "moment": recipe.ageing.moment.value if recipe.ageing.by else "",
        "cancel": repr(recipe.cancel),
        "beside": recipe.beside.name,
        "tail": recipe.tail.name,
        "amount": str(recipe.amount),
    }
    return frozenset(combinations(sorted(f"{name}: {value}" for name, value in things.items()), 2))
