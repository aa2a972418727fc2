"""The model and the verdict, remembered: hundreds of providers play the same histories and mostly answer alike.

Both are pure functions, so what they returned once they return again.
"""

from __future__ import annotations

from typing import Any

from conformance.domain.expectation import Branch, Expectation, Observation
from conformance.domain.steps import Step
from conformance.judging import tracker
from conformance.judging.judge import Judgement, judge
from conformance.model import ModelContext, PossibleOrders, expect

MOST = 40_000
"""So many expectations are kept before everything is forgotten."""


class Memo:
    """What was expected of a step, and how each observation of it was judged."""

    def __init__(self) -> None:
        self._expected: dict[tuple[PossibleOrders, Step, ModelContext], Expectation] = {}
        self._judged: dict[Any, tuple[Judgement, tuple[Branch, ...]]] = {}
        # An expectation is known by its identity: comparing its claims would take longer than judging them.
        self._known: dict[int, Expectation] = {}

    def expect(self, possible: PossibleOrders, step: Step, context: ModelContext) -> Expectation:
        """Return what the model expects."""
        key = (possible, step, context)
        found = self._expected.get(key)
        if found is None:
            if len(self._expected) >= MOST:
                for each in (self._expected, self._judged, self._known):
                    each.clear()
            found = self._expected[key] = expect(possible, step, context)
            self._known[id(found)] = found
        return found

    def judge(self, expectation: Expectation, observed: Observation) -> tuple[Judgement, tuple[Branch, ...]]:
        """Return how an observation is judged."""
        if id(expectation) not in self._known:
            return judge(expectation, observed)
        # 1 and True are equal keys, and not the same observation.
        key = (id(expectation), *((field, type(value), value) for field, value in observed.items()))
        found = self._judged.get(key)
        if found is None:
            found = self._judged[key] = judge(expectation, observed)
        return found


def remember() -> None:
    """Let every tracker of this process use one memory."""
    memo = Memo()
    tracker.expect, tracker.judge = memo.expect, memo.judge
