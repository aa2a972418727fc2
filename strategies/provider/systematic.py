"""The systematic set: the grid that puts every rule on both sides of every boundary, the most telling cases first.

It is the same for the same API, context and capabilities. A target that offers less gets the cells that it can run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations
from operator import mul
from typing import Final, TypeAlias

from conformance.domain.order import Profile
from conformance.domain.steps import History
from conformance.model import ModelContext
from conformance.strategies.provider import grid_races
from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.grid import Grid
from conformance.strategies.provider.recipe import Recipe
from conformance.strategies.provider.situations import needs
from conformance.strategies.provider.walk import Question, on_paper

EXAMPLES: Final = 3
"""How many checks of each rule, on each of its sides, a verdict needs."""
Surroundings: TypeAlias = tuple[str, str]
"""What is tried before a cancel, and what follows it."""
WEIGHTS: Final = (8, 4, 2)
"""What a rule's first, second and third check are worth.

A new question is worth as much as a first check, and two properties that were not yet tried together are worth 1.
"""


def recipes(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> tuple[tuple[Recipe, History], ...]:
    """Return the recipes of the grid that a target can run, each with its history, in the order of the grid."""
    grid = Grid(profile, context)
    cases = CASES[profile]
    cases.fill(grid, wire=wire)
    grid_races.fill(grid, cases.races)
    playable: dict[History, Recipe] = {}
    for recipe in grid.recipes:
        history = recipe.history()
        if needs(history) <= offered:
            playable.setdefault(history, recipe)
    return tuple((recipe, history) for history, recipe in playable.items())


def systematic(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> tuple[Case, ...]:
    """Return the systematic set, ordered so that every beginning of it tells the most.

    Args:
        profile: the API.
        context: the market and the interpretations in force; its limits decide the ages.
        offered: the target's capabilities, in the words of the test control API.
        wire: whether requests can be malformed, which needs HTTP.

    """
    cells = recipes(profile, context, offered, wire=wire)
    aspects_of: dict[Case, _Aspects] = {}
    for recipe, history in cells:
        paper = on_paper(history, context)
        case = Case(history, recipe.label(), recipe.cell(), tuple(sorted(paper.examples)))
        around = (recipe.tried.name, recipe.tail.name)
        aspects_of[case] = _Aspects(paper.questions | {around}, _pairs(recipe))
    return tuple(_most_telling_first(aspects_of))


@dataclass(frozen=True, slots=True)
class _Aspects:
    """What makes a history telling: the questions that it asks, and which of its properties come together.

    What comes before and after a cancel is a question of its own.
    """

    questions: frozenset[Question | Surroundings]
    pairs: frozenset[tuple[str, str]]


def _most_telling_first(aspects_of: Mapping[Case, _Aspects]) -> Iterator[Case]:
    """Return the cases in greedy order: each tells the most that the ones before it did not."""
    checks: Counter[str] = Counter()
    asked_questions: set[Question | Surroundings] = set()
    tried_pairs: set[tuple[str, str]] = set()

    def rank(case: Case) -> tuple[int, int]:
        """Return how little a case would tell now, and its length. It never tells more later than before."""
        aspects = aspects_of[case]
        counts = [checks[goal] for goal in case.goals]
        new_counts = [counts.count(0) + len(aspects.questions - asked_questions), counts.count(1), counts.count(2)]
        return -sum(map(mul, new_counts, WEIGHTS)) - len(aspects.pairs - tried_pairs), len(case.history.steps)

    cases = list(aspects_of)
    queue = [(rank(case), place) for place, case in enumerate(cases)]
    heapify(queue)
    while queue:
        known, place = heappop(queue)
        now = rank(cases[place])
        if now != known:
            # What the others were worth before is the most that they are worth now.
            heappush(queue, (now, place))
            continue
        checks.update(cases[place].goals)
        asked_questions |= aspects_of[cases[place]].questions
        tried_pairs |= aspects_of[cases[place]].pairs
        yield cases[place]


def _pairs(recipe: Recipe) -> frozenset[tuple[str, str]]:
    """Return every pair of a recipe's properties, so that new combinations can come before the rest."""
    properties = {
        **recipe.cell(),
        "moment": recipe.ageing.moment.value if recipe.ageing.by else "",
        "cancel": repr(recipe.cancel),
        "beside": recipe.rival.name,
        "tail": recipe.tail.name,
        "tried": recipe.tried.name,
        "amount": str(recipe.amount),
    }
    return frozenset(combinations(sorted(f"{name}: {value}" for name, value in properties.items()), 2))
