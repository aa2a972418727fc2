"""What an expectation says of a step as it was really played.

Two requests that were meant to race may have gone one after the other, and a target without HTTP does not speak of
everything.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.domain.expectation import SENT_TOGETHER, Branch, Claim, Expectation, Observation
from conformance.model import apart


def observable(expectation: Expectation, observed: Observation, *, complete: bool) -> Expectation:
    """Return what is expected of a step, given how it was played. ``complete`` is of a target that speaks of all."""
    if observed.get(SENT_TOGETHER) is False:
        expectation = apart(expectation)
    return expectation if complete else restricted_to_observed(expectation, observed)


def restricted_to_observed(expectation: Expectation, observed: Observation) -> Expectation:
    """Return what an expectation claims of the fields that an observation has.

    What makes a passing answer known as one, such as a code, has to be spoken of: any refusal would do otherwise.
    """
    branches = (branch for branch in expectation.branches if branch.proves or _heard(branch, observed))
    return replace(expectation, branches=tuple(_only(branch, observed) for branch in branches))


def _heard(branch: Branch, observed: Observation) -> bool:
    return all(claim.field in observed for claim in branch.claims if claim.field.startswith("answer."))


def _only(branch: Branch, observed: Observation) -> Branch:
    """Leave what is spoken of; a rule of which nothing is left is not shown either."""
    claims = tuple(claim for claim in branch.claims if claim.field in observed)
    kept, cited = _cited(claims), _cited(branch.claims)
    rules = tuple(
        rule for rule in branch.rules if rule.partition("/")[0] in kept or rule.partition("/")[0] not in cited
    )
    return replace(branch, claims=claims, rules=rules)


def _cited(claims: tuple[Claim, ...]) -> set[str]:
    return {rule.partition("/")[0] for claim in claims for rule in claim.rules}
