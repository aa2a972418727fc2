"""Wrong fields that decide nothing: they are a violation, and the history goes on.

What a step made of an order is read from its state and its amounts. Every other field, such as an identifier, a text,
an entry of a log, or an amount in the response while the one that is read back is right, can be wrong and leave no
doubt about the order. The later steps are judged as usual then, and the same field that is wrong in the same way once
more is no second violation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from conformance.domain.citation import rule_of
from conformance.domain.expectation import Branch, Claim, Expectation, Observation, Permitted, Scalar
from conformance.domain.observation import Field

_OUTCOMES: Final = frozenset({Field.ANSWER_OUTCOME, Field.OTHER_OUTCOME, Field.VIEW_OUTCOME})
_STATE_AND_AMOUNTS: Final = frozenset(
    {
        Field.VIEW_STATE,
        Field.VIEW_AUTHORIZED,
        Field.VIEW_CAPTURED,
        Field.VIEW_REFUNDED,
        Field.VIEW_CANCELLED,
        Field.VIEW_TO_CAPTURE,
    }
)
_UNSOUND: Final = frozenset({Field.VIEW_NEGATIVE, Field.VIEW_OVERDRAWN, Field.VIEW_OVERREFUNDED})
_INSTEAD: Final = frozenset({Field.VIEW_LOG_NEWEST})
"""What says where an order is while it shows neither a state nor amounts: eCom has none before the reservation."""


def deciding_fields(branch: Branch) -> frozenset[str]:
    """Return the fields whose values say which order an outcome leaves."""
    claimed = {claim.field for claim in branch.claims}
    return _OUTCOMES | _UNSOUND | (_STATE_AND_AMOUNTS if claimed & _STATE_AND_AMOUNTS else _INSTEAD)


def without(expectation: Expectation, fields: Collection[str]) -> Expectation:
    """Return an expectation that claims nothing of these fields."""
    branches = (
        replace(branch, claims=tuple(claim for claim in branch.claims if claim.field not in fields))
        for branch in expectation.branches
    )
    return replace(expectation, branches=tuple(branches))


def outcomes_apart_from(
    expectation: Expectation, observation: Observation, wrong: Iterable[tuple[Branch, Claim]]
) -> tuple[Branch, ...]:
    """Return the outcomes that fit when the wrong fields are left aside; none where one of them decides.

    The fields decide, too, where more than one order is possible without them.
    """
    blamed = list(wrong)
    if any(claim.field in deciding_fields(branch) for branch, claim in blamed):
        return ()
    rest = without(expectation, {claim.field for _, claim in blamed})
    fitting = tuple(
        branch for branch in rest.branches if branch.proves and all(claim.holds(observation) for claim in branch.claims)
    )
    return fitting if len({branch.after for branch in fitting}) == 1 else ()


@dataclass(slots=True)
class WrongFields:
    """The fields of one order that were wrong before: what was observed there, and the rules that this violated.

    ``noted`` has what was permitted beside what was observed, by field.
    """

    noted: dict[str, set[tuple[Permitted, Scalar]]] = field(default_factory=dict)
    rules: dict[str, set[str]] = field(default_factory=dict)

    def note(self, claims: Iterable[Claim], observation: Observation) -> None:
        """Note that these claims failed."""
        for claim in claims:
            self.noted.setdefault(claim.field, set()).add((claim.permitted, observation.get(claim.field)))
            self.rules.setdefault(claim.field, set()).update(map(rule_of, claim.rules))

    def follow(self, expectation: Expectation, observation: Observation) -> None:
        """Take in what is observed now of the fields that were wrong before."""
        if not self.noted:
            return
        for claim in (claim for branch in expectation.branches for claim in branch.claims):
            if claim.field in self.noted and not claim.holds(observation):
                self.noted[claim.field].add((claim.permitted, observation.get(claim.field)))

    def forgive(self, expectation: Expectation, observation: Observation) -> Expectation:
        """Return what is expected apart from fields that are wrong again in the same way.

        A rule that was violated there is not checked, and no rule where something else should have been there by now.
        """
        if not self.noted:
            return expectation
        return replace(expectation, branches=tuple(self._forgiven(each, observation) for each in expectation.branches))

    def _forgiven(self, branch: Branch, observation: Observation) -> Branch:
        again = [claim for claim in branch.claims if branch.proves and self._is_again(claim, observation)]
        if not again:
            return branch
        unchecked = {rule for claim in again for rule in self._unchecked(claim, observation)}
        claims = tuple(claim for claim in branch.claims if claim not in again)
        return replace(
            branch, claims=claims, rules=tuple(rule for rule in branch.rules if rule_of(rule) not in unchecked)
        )

    def _is_again(self, claim: Claim, observation: Observation) -> bool:
        if claim.field not in self.noted or claim.holds(observation):
            return False
        is_blamed = bool(claim.rules) and set(map(rule_of, claim.rules)) <= self.rules[claim.field]
        return is_blamed or any(observation.get(claim.field) == value for _, value in self.noted[claim.field])

    def _unchecked(self, claim: Claim, observation: Observation) -> set[str]:
        rules = set(map(rule_of, claim.rules))
        if (claim.permitted, observation.get(claim.field)) in self.noted[claim.field]:
            # It did not move, and it was not to move.
            return rules & self.rules[claim.field]
        return rules
