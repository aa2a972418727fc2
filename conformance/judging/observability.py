"""The part of an expectation that an observation can decide.

Two requests that were meant to race may have been sent one after the other, and a target without HTTP does not report
every field. What nobody could observe is neither a violation nor a check.
"""

from __future__ import annotations

from msgspec.structs import replace

from conformance.domain.citation import rule_of
from conformance.domain.expectation import Branch, Claim, Expectation, Observation
from conformance.domain.observation import Field
from conformance.model import apart


def observable(expectation: Expectation, observation: Observation, *, complete: bool) -> Expectation:
    """Return what is expected of a step, given how it was executed.

    Args:
        expectation: what the model permits.
        observation: what was observed; ``sent.together`` says whether two requests were under way at the same time,
            and ``sent.earlier`` that an earlier run observed it, which knew only the fields that it names.
        complete: whether the target reports every field, so that a field without a value is one that is missing.

    """
    if observation.get(Field.SENT_TOGETHER) is False:
        expectation = apart(expectation)
    complete = complete and not observation.get(Field.SENT_EARLIER)
    return expectation if complete else restricted_to_observed(expectation, observation)


def restricted_to_observed(expectation: Expectation, observation: Observation) -> Expectation:
    """Return what an expectation claims of the fields that an observation has.

    A response that only delays the outcome is known by a field such as its code. Where that is not reported, such a
    branch is left out: it would fit any refusal.
    """
    branches = (branch for branch in expectation.branches if branch.proves or _answer_is_reported(branch, observation))
    return replace(expectation, branches=tuple(_restricted(branch, observation) for branch in branches))


def _answer_is_reported(branch: Branch, observation: Observation) -> bool:
    return all(claim.field in observation for claim in branch.claims if claim.field.startswith("answer."))


def _restricted(branch: Branch, observation: Observation) -> Branch:
    """Keep the claims that can be compared.

    A rule whose claims all go is not checked; one that never had any is.
    """
    claims = tuple(claim for claim in branch.claims if claim.field in observation)
    uncheckable = _rules(branch.claims) - _rules(claims)
    return replace(
        branch, claims=claims, rules=tuple(rule for rule in branch.rules if rule_of(rule) not in uncheckable)
    )


def _rules(claims: tuple[Claim, ...]) -> set[str]:
    return {rule_of(rule) for claim in claims for rule in claim.rules}
