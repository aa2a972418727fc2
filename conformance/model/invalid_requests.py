"""Cancels that are wrong in themselves.

They are broken on the wire, for somebody else's order, or sent with a used key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import BROKEN, REFUSED, Branch
from conformance.domain.observation import Field
from conformance.domain.steps import Cancel
from conformance.model.claims import ANY_REFUSAL, outcome, refused
from conformance.model.conditions import FOREIGN_ORDER, NEW_KEY, UNITS_DISTINGUISHED
from conformance.model.table import NOTHING_CHANGED, Condition, Outcomes, Permit, Premise, Row, Table, WithoutRules

REFUSED_FOR_ITS_KEY: Final = Permit(
    "refused for its key", refused((), ANY_REFUSAL), blame=NOTHING_CHANGED, when=~NEW_KEY
)
"""A key that was used before may be refused before anything else is looked at."""


@dataclass(frozen=True, slots=True)
class _WithoutDefect:
    """What is permitted of the same request without its defect."""

    def branches(self, premise: Premise) -> Iterator[Branch]:
        step = dataclasses.replace(premise.cancel, defect=None)
        return premise.model.tables[Cancel].branches(premise.of_step(step))


@dataclass(frozen=True, slots=True)
class _Refusals:
    """The refusals among the permitted outcomes, with any error code."""

    permits: Outcomes

    def branches(self, premise: Premise) -> Iterator[Branch]:
        for branch in self.permits.branches(premise):
            if is_refusal(branch):
                claims = tuple(
                    claim for claim in branch.claims if claim.field not in (Field.ANSWER_CODE, Field.ANSWER_GROUP)
                )
                yield replace(branch, claims=claims)


AS_WITHOUT_DEFECT: Final = WithoutRules((_WithoutDefect(),))
REFUSED_ANYWAY: Final = _Refusals(AS_WITHOUT_DEFECT)
"""Where the order forbids the cancel as well as the defect does, either refusal will do (`C23`)."""
NOTHING_DOCUMENTED: Final = (Permit("refused", (outcome(REFUSED, BROKEN),), blame=NOTHING_CHANGED), AS_WITHOUT_DEFECT)
"""Of a defect about which nothing is documented, any orderly answer is permitted."""


def for_any_sales_unit(own: Table, *permits: Permit) -> tuple[Row, ...]:
    """Return the rows about a cancel of somebody else's order, which is refused.

    Where the target serves every sales unit alike, it may do what it does to its own. A refusal that the order would
    have had for itself is then no check of one for the sales unit.
    """
    refused_anyway = Condition(lambda premise: any(is_refusal(branch) for branch in own.branches(premise)))
    return (
        Row(given=UNITS_DISTINGUISHED, request=FOREIGN_ORDER, permits=permits),
        Row(given=refused_anyway, request=FOREIGN_ORDER, permits=(WithoutRules((*permits, own)),)),
        Row(request=FOREIGN_ORDER, permits=(*permits, WithoutRules((own,)))),
    )


def is_refusal(branch: Branch) -> bool:
    """Return whether an outcome is a refused request."""
    return any(claim.field == Field.ANSWER_OUTCOME and claim.permitted.permits(REFUSED) for claim in branch.claims)
