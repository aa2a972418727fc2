"""Cases that need an operator: a person is slow and gets tired, so few are planned, and these come first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from conformance.domain.steps import AnotherCharge, History, action_of, actions_for
from conformance.strategies.provider.case import Case

MOST: Final = 12
"""So many cases of one profile need an operator at most."""
AIMED_AT: Final = 3
"""How often each goal is aimed at: as often as a rule needs checks."""


def needs_operator(history: History, manual: frozenset[str]) -> bool:
    """Tell whether a step of a history takes one of the actions that are manual."""
    return any(not manual.isdisjoint(actions_for(step)) for step in history.steps)


def _can_be_asked_for(history: History, manual: frozenset[str]) -> bool:
    """Tell whether an operator can do it. Another charge of the agreement is none that an operator is told of."""
    return not any(isinstance(step, AnotherCharge) and not manual.isdisjoint(step.actions) for step in history.steps)


def with_few_manual_cases(cases: Sequence[Case], manual: frozenset[str]) -> Sequence[Case]:
    """Return the plan with few cases that need an operator, and these first."""
    if not manual:
        return cases
    return [*limited_cases(cases, manual), *(case for case in cases if not needs_operator(case.history, manual))]


def limited_cases(cases: Sequence[Case], manual: frozenset[str], most: int = MOST) -> list[Case]:
    """Choose the cases for which an operator is asked.

    They exercise what nothing else does. Cases with fewer manual steps come first.
    """
    automatic = Counter(goal for case in cases if not needs_operator(case.history, manual) for goal in case.goals)
    aims: Counter[str] = Counter()
    chosen: list[Case] = []
    candidates = [
        case
        for case in cases
        if needs_operator(case.history, manual) and _can_be_asked_for(case.history, manual) and not case.generated
    ]

    def worth(case: Case) -> tuple[float, int]:
        new = sum(1 for goal in case.goals if automatic[goal] < AIMED_AT and aims[goal] < AIMED_AT)
        asked = sum(action_of(step) in manual for step in case.history.steps)
        return new / asked, -len(case.history.steps)

    while candidates and len(chosen) < most:
        best = max(candidates, key=worth)
        if worth(best)[0] <= 0:
            break
        chosen.append(best)
        aims.update(best.goals)
        candidates.remove(best)
    return chosen
