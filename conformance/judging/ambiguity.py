"""Requests that were sent and not answered: what is known of the order afterwards, and what may be said of it.

Such a request is ambiguous until a read settles it: either it was carried out, or it was not, or it will be later. The
model carries all that fits what was read; nothing that follows in the history is ever called a violation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from conformance.domain.expectation import (
    ANSWER,
    BROKEN,
    LOST,
    OTHER,
    PAGE,
    UNANSWERED,
    Branch,
    Expectation,
    Observation,
    told_apart,
)
from conformance.domain.steps import Read, Step, Together
from conformance.judging.incidental import incidental_findings
from conformance.judging.judge import Judgement, StepStatus, judge
from conformance.judging.observability import observable
from conformance.model import ModelContext, PossibleOrders, expect

_SENT_AGAIN: Final = "the request was sent more than once, because it was not answered the first time"
_EARLIER: Final = "an earlier request of this history was not answered, and may have been carried out at any time"
_SERVER_ERROR: Final = "the target answered with a server error, and may have done anything"
_PAGE: Final = "the answer is a web page, and not the API's"


@dataclass(frozen=True, slots=True)
class Assessment:
    """A judgement, the branches that are left, and whether the history is in doubt from here on."""

    judgement: Judgement
    left: tuple[Branch, ...]
    doubtful: bool

    @property
    def goes_on(self) -> bool:
        """Whether there is anything to go on from: some order that is possible."""
        return self.judgement.status in (StepStatus.CONFORMS, StepStatus.RECORDED) or self.judgement.ambiguous


def assess(
    step: Step,
    expectation: Expectation,
    observed: Observation,
    belief: PossibleOrders,
    context: ModelContext,
    *,
    complete: bool,
    doubtful: bool,
) -> Assessment:
    """Judge a step, given what is in doubt, with what it showed in passing.

    Args:
        step: what was done.
        expectation: what the model permits.
        observed: what was answered and read back.
        belief: the orders that were possible before.
        context: the market and the readings in force.
        complete: whether the target speaks of everything.
        doubtful: whether an earlier request of the history was not answered.

    """
    spoken = observable(expectation, observed, complete=complete)
    judgement, left = judge(spoken, observed)
    judgement = replace(judgement, noticed=incidental_findings(step, belief, judgement, observed))
    unanswered = not isinstance(step, Together) and (
        observed.get("answer.outcome") == LOST or bool(observed.get(UNANSWERED))
    )
    if judgement.status in (StepStatus.CONFORMS, StepStatus.RECORDED):
        return Assessment(judgement, left, doubtful or unanswered)
    cause = judgement.cause
    if unanswered:
        cause = cause or _SENT_AGAIN
        possible = observable(_either_way(expectation, belief, context), observed, complete=complete)
        settled = judge(possible, observed)[1]
        if settled:
            names = tuple(dict.fromkeys(branch.name for branch in settled))
            rules = tuple(dict.fromkeys(rule for branch in spoken.branches for rule in branch.rules))
            carried = Judgement(StepStatus.INCONCLUSIVE, names, rules, cause=cause, ambiguous=True)
            return Assessment(carried, settled, doubtful=True)
    elif judgement.status is StepStatus.VIOLATES:
        cause = _EARLIER if doubtful else _proves_nothing(observed)
    if judgement.status is StepStatus.VIOLATES and cause:
        rules = tuple(dict.fromkeys(rule for branch in spoken.branches for rule in branch.rules))
        judgement = Judgement(StepStatus.INCONCLUSIVE, examples=rules, cause=cause)
    return Assessment(judgement, left, doubtful or unanswered)


def _proves_nothing(observed: Observation) -> str:
    """Say why an answer must not be held against the target, or nothing."""
    for answer in told_apart(observed):
        if answer.get(PAGE):
            return _PAGE
        if answer.get("answer.outcome") == BROKEN:
            return _SERVER_ERROR
    return ""


def _either_way(expectation: Expectation, belief: PossibleOrders, context: ModelContext) -> Expectation:
    """Permit what a request may have done whose answer nobody saw: all that it can do, or nothing."""
    done = [branch for branch in expectation.branches if branch.proves]
    not_done = expect(belief, Read(), context).branches if belief else ()
    return Expectation(tuple(map(_unjudged, (*done, *not_done))))


def _unjudged(branch: Branch) -> Branch:
    claims = tuple(claim for claim in branch.claims if not claim.field.startswith((ANSWER, OTHER)))
    return replace(branch, claims=claims, rules=(), readings=())
