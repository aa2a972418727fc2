"""Requests without a response: what the order may have become, and why nobody is accused of what follows.

Such a request is ambiguous until a read settles it: it was carried out, or it was not, or it will be later.

=========================================  ==========================================================
what was observed                          what is said of it
=========================================  ==========================================================
no response; the read fits one of the two  inconclusive, but the history goes on with what fits
no response; the read fits neither         inconclusive, and the history ends
a response; an earlier request had none    never a violation: the earlier request may explain it
a web page, or a refusal in another form   never a violation: nobody knows what was carried out
a server error                             the same, unless it is documented for the step (`C5`): then the order,
                                           when read back, must be as documented, too
=========================================  ==========================================================
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import (
    ANSWER,
    BROKEN,
    LOST,
    OTHER,
    Branch,
    Expectation,
    Observation,
    observations_of_each,
)
from conformance.domain.observation import Field
from conformance.domain.steps import Step, Together
from conformance.judging.judge import Judgement, StepStatus, is_documented

SENT_AGAIN: Final = "the request was sent more than once, because it was not answered the first time"
_EARLIER: Final = "an earlier request of this history was not answered, and may have been carried out at any time"
_SERVER_ERROR: Final = "the target answered with a server error, and may have done anything"
_PAGE: Final = "the answer is a web page, and not the API's"
_FOREIGN: Final = "the refusal is not in the API's form: something between the suite and the target may have sent it"


def was_unanswered(step: Step, observation: Observation) -> bool:
    """Tell whether a request had no response, or none the first time that it was sent.

    Of two requests sent together, a missing response leaves nothing that a read could settle.
    """
    lost = observation.get(Field.ANSWER_OUTCOME) == LOST or bool(observation.get(Field.ANSWER_UNANSWERED))
    return lost and not isinstance(step, Together)


def with_or_without(expectation: Expectation, unchanged: Expectation) -> Expectation:
    """Permit everything that a request can have done, and also that it did nothing.

    ``unchanged`` is what a read alone permits. Only the order is claimed, since nobody saw the response; and no
    outcome is a check of a rule, since nobody knows which of them it was.
    """
    carried_out = (branch for branch in expectation.branches if branch.proves)
    return Expectation(tuple(map(_without_response, (*carried_out, *unchanged.branches))))


def settled_by_reading(branches: tuple[Branch, ...], rules: tuple[str, ...], cause: str) -> Judgement:
    """Return the judgement of an unanswered request that these outcomes explain."""
    names = tuple(dict.fromkeys(branch.name for branch in branches))
    return Judgement(StepStatus.INCONCLUSIVE, names, rules, cause=cause, ambiguous=True)


def excuse(expectation: Expectation, observation: Observation, *, in_doubt: bool) -> str:
    """Return why a response that nothing permits is no violation, if it is none."""
    if in_doubt:
        return _EARLIER
    is_race = Field.OTHER_OUTCOME in observation
    for response in observations_of_each(observation):
        if response.get(Field.ANSWER_PAGE):
            return _PAGE
        if response.get(Field.ANSWER_FOREIGN):
            return _FOREIGN
        if response.get(Field.ANSWER_OUTCOME) == BROKEN and (is_race or not is_documented(expectation, response)):
            return _SERVER_ERROR
    return ""


def _without_response(branch: Branch) -> Branch:
    claims = tuple(claim for claim in branch.claims if not claim.field.startswith((ANSWER, OTHER)))
    return replace(branch, claims=claims, rules=(), readings=())
