"""A history played on paper: what an ideal provider would answer, and which rules that would exercise.

An ideal provider takes the first documented way for each step to turn out. What it would show is derived from that
way's claims, and then read as a real run reads it: every other way that the same observation fits stays possible, and
an example of a rule is only what all of them agree on. So a rule that is reached here is one that a conforming target
exercises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

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
from conformance.domain.steps import Age, Capture, History, Initiate, Refund, Step
from conformance.model import ModelContext, PossibleOrders, advance, expect, initial_expectation


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
Question: TypeAlias = tuple[Step | type[Step], frozenset[tuple[str, tuple[str, ...]]]]


def walk(history: History, context: ModelContext) -> Walk:
    """Play a history with an ideal provider.

    Raises:
        KeyError: a step does not exist in the history's API.

    """
    strides: list[Stride] = []
    possible: PossibleOrders = ()
    for step in history.all_steps:
        expectation = (
            expect(possible, step, context)
            if possible
            else initial_expectation(history.profile, history.opening, context)
        )
        stride = _stride(step, expectation, possible)
        strides.append(stride)
        possible = stride.possible
    return tuple(strides)


def reached(history: History, context: ModelContext) -> frozenset[str]:
    """Return every rule that a history exercises, with the side of a boundary where it has one."""
    return frozenset(ref for stride in walk(history, context) for ref in (*stride.examples, *stride.records))


def questions(history: History, context: ModelContext) -> frozenset[Question]:
    """Return what a history asks of a target: each kind of step, and the ways in which it may turn out there."""
    return frozenset((_kind(stride.step), _outcomes(stride.expectation)) for stride in walk(history, context))


def _kind(step: Step) -> Step | type[Step]:
    # How much is moved, and how much time passes, makes it no other question.
    return type(step) if isinstance(step, Initiate | Capture | Refund | Age) else step


def _outcomes(expectation: Expectation) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset((branch.name, branch.rules) for branch in expectation.branches if branch.proves)


def _stride(step: Step, expectation: Expectation, before: PossibleOrders) -> Stride:
    chosen = next(branch for branch in expectation.branches if branch.proves)
    observed = ideal(chosen)
    left = tuple(
        branch for branch in expectation.branches if branch is chosen or (branch.proves and _fits(branch, observed))
    )
    proving = [branch for branch in left if branch.proves]
    # As in a real judgement, a way that permits anything orderly takes nothing from one that says what was documented.
    specific = {branch.after for branch in proving if branch.rules}
    proving = [branch for branch in proving if branch.rules or branch.after not in specific]
    agreed = dict.fromkeys(rule for rule in chosen.rules if all(rule in other.rules for other in proving))
    return Stride(step, expectation, chosen, advance(step, before, left, observed), tuple(agreed))


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
