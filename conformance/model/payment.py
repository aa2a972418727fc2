"""What eCom and ePayment have in common: a user.

The user approves, rejects, lets time pass, or goes through 3-D Secure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.domain.order import Stage
from conformance.domain.steps import Approve, Enter3DS, Expire, Leave3DS, Reject
from conformance.model.claims import Claims, Rules, accepted
from conformance.model.conditions import IN_3DS, INITIATED
from conformance.model.events import ENDED_BY_OTHERS, IMPOSSIBLE, OLDER, ageing, moves, timed_out
from conformance.model.table import Condition, Permit, Row, RulesByAspect, Table, Varying
from conformance.model.transitions import moved_to, reserved

SUCCEEDS = Condition(lambda premise: isinstance(premise.step, Leave3DS) and premise.step.success)


def user_actions(*, rejected: Rules, expired: Rules) -> Mapping[type[Any], Table]:
    """Return what may come of everything that a user does to a payment.

    Args:
        rejected: the rules about a payment that its user rejected.
        expired: the rules about a payment that timed out.

    """
    approved = moves("reserved", reserved)
    rejects = _ends(Stage.REJECTED, rejected)
    times_out = _ends(Stage.EXPIRED, expired)
    return {
        Approve: Table((Row(given=INITIATED, permits=approved), *IMPOSSIBLE)),
        Reject: Table((Row(given=INITIATED, permits=rejects), *IMPOSSIBLE)),
        Expire: Table((Row(given=INITIATED | IN_3DS, permits=times_out), *IMPOSSIBLE)),
        Enter3DS: Table((Row(given=INITIATED, permits=moves("in 3-D Secure", moved_to(Stage.IN_3DS))), *IMPOSSIBLE)),
        Leave3DS: Table(
            (
                Row(given=IN_3DS, request=SUCCEEDS, permits=approved),
                Row(given=IN_3DS, request=~SUCCEEDS, permits=rejects),
                *IMPOSSIBLE,
            )
        ),
    }


def ageing_of_payment(*signs: Varying[Claims]) -> Table:
    """Return what may become of a payment that grows older.

    Each sign may show that the provider ended its reservation.
    """
    waiting = Row(given=INITIATED | IN_3DS, permits=(OLDER, ENDED_BY_OTHERS, timed_out(accepted())))
    return Table((waiting, *ageing(*signs)))


def _ends(stage: Stage, rules: Rules) -> tuple[Permit, ...]:
    blame = RulesByAspect.all(*(rule.partition("/")[0] for rule in rules))
    return (Permit(stage.value, accepted(), moved_to(stage), rules=rules, blame=blame),)
