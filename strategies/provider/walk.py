"""A history played on paper: what an ideal provider would answer, and which rules that would exercise.

An ideal provider takes the first documented way for each step to turn out. What it would show is derived from that
way's claims, and then read as a real run reads it: every other way that the same observation fits stays possible, and
an example of a rule is only what all of them agree on. So a rule that is reached here is one that a conforming target
exercises.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, assert_never

from conformance.domain.expectation import (
    Between,
    Branch,
    Expectation,
    Folded,
    Mentions,
    Missing,
    NoneOf,
    OneOf,
    Permitted,
    Scalar,
)
from conformance.domain.steps import (
    Age,
    Capture,
    History,
    Initiate,
    Refund,
    Step,
    Together,
    name_of,
    parts_of,
    step_as_text,
)
from conformance.judging.judge import documented_branches
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext, PossibleOrders


@dataclass(frozen=True, slots=True)
class Stride:
    """One step on paper: what was permitted, what the ideal provider did, and what is believed afterwards.

    ``examples`` are the rules, with the side of a boundary where they have one, of which the step is an example;
    ``records`` are the rules of silence that it observes.
    """

    step: Step
    expectation: Expectation
    branch: Branch
    possible: PossibleOrders
    examples: tuple[str, ...]

    @property
    def records(self) -> tuple[str, ...]:
        """The rules of silence that the step observes."""
        return self.expectation.records


Walk: TypeAlias = tuple[Stride, ...]
Outcome: TypeAlias = tuple[str, tuple[str, ...]]
"""A permitted outcome: its name, and the rules that it is a check of."""
Question: TypeAlias = tuple[str, frozenset[Outcome]]
"""A kind of step, and the ways in which it may turn out."""

REMEMBERED: Final = 4_096
"""So many histories are read once only: the plan of a run and its report ask the same of them."""


@dataclass(frozen=True, slots=True)
class OnPaper:
    """What a history shows on paper.

    ``examples`` are the rules that it exercises, with the side of a boundary where they have one; ``questions`` is what
    it asks of a target.
    """

    examples: frozenset[str]
    questions: frozenset[Question]


def walk(history: History, context: ModelContext) -> Walk:
    """Play a history with an ideal provider.

    Raises:
        KeyError: a step does not exist in the history's API.

    """
    tracker = Tracker(history.profile, context)
    return tuple(stride(step, tracker) for step in history.all_steps)


@lru_cache(maxsize=REMEMBERED)
def on_paper(history: History, context: ModelContext) -> OnPaper:
    """Return what a history shows where an ideal provider plays it."""
    strides = walk(history, context)
    return OnPaper(
        frozenset(ref for stride in strides for ref in (*stride.examples, *stride.records)),
        frozenset((kind_of_step(stride.step), outcomes_of(stride.expectation)) for stride in strides),
    )


def reached(history: History, context: ModelContext) -> frozenset[str]:
    """Return every rule that a history exercises, with the side of a boundary where it has one."""
    return on_paper(history, context).examples


def questions(history: History, context: ModelContext) -> frozenset[Question]:
    """Return what a history asks of a target: each kind of step, and the ways in which it may turn out there."""
    return on_paper(history, context).questions


@lru_cache(maxsize=REMEMBERED)
def kind_of_step(step: Step) -> str:
    """Return a step in the short form, without how much is moved and how much time passes.

    >>> from conformance.domain.steps import Cancel
    >>> kind_of_step(Capture(300)), kind_of_step(Cancel(flag=True)), kind_of_step(Together(Cancel(), Refund(1)))
    ('capture', 'cancel flag=true', 'cancel & refund')
    """
    if isinstance(step, Together):
        return " & ".join(map(kind_of_step, parts_of(step)))
    return name_of(step) if isinstance(step, Initiate | Capture | Refund | Age) else step_as_text(step)


def outcomes_of(expectation: Expectation) -> frozenset[Outcome]:
    """Return the ways in which a step may turn out, as far as they prove something."""
    return frozenset((branch.name, branch.rules) for branch in expectation.branches if branch.proves)


def stride(step: Step, tracker: Tracker) -> Stride:
    """Take one step with an ideal provider."""
    expectation = tracker.expectation(step)
    chosen = next(branch for branch in expectation.branches if branch.proves)
    observation = ideal(chosen)
    fitting = tuple(
        branch for branch in expectation.branches if branch is chosen or (branch.proves and _fits(branch, observation))
    )
    documented = documented_branches(fitting)
    examples = (rule for rule in chosen.rules if all(rule in branch.rules for branch in documented))
    tracker.advance(step, fitting, observation)
    return Stride(step, expectation, chosen, tracker.orders, tuple(dict.fromkeys(examples)))


def ideal(branch: Branch) -> dict[str, Scalar]:
    """Return what a provider that takes this way would show: of every claim, the first permitted value."""
    observed: dict[str, Scalar] = {}
    # What a field must not be is answered by what it is, where that is claimed too.
    for claim in sorted(branch.claims, key=lambda claim: isinstance(claim.permitted, NoneOf)):
        observed.setdefault(claim.field, _first(claim.permitted))
    return observed


def _fits(branch: Branch, observed: dict[str, Scalar]) -> bool:
    # A field of which the chosen way says nothing may have any value, so that it rules no other way out.
    return all(claim.holds(observed) for claim in branch.claims if claim.field in observed)


def _first(permitted: Permitted) -> Scalar:
    match permitted:
        case OneOf() | Folded() | Mentions():
            return permitted.values[0]
        case Between():
            return next(value for value in range(permitted.low, permitted.high + 1) if value not in permitted.but)
        case Missing() | NoneOf():
            return None
        case _:
            assert_never(permitted)
