"""What happens to an order from outside: test actions, reading, and time.

The answer to a test action proves nothing; what is read afterwards does.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import ACCEPTED, REFUSED
from conformance.domain.order import CLOSED, Stage
from conformance.model.claims import Claims, Rules, accepted, outcome
from conformance.model.conditions import CANCELLED, OPENING_WINDOW_OVER, REMAINDER
from conformance.model.context import (
    ended_by_provider,
    is_near_deadline,
    is_past_deadline,
    may_have_lapsed,
    must_have_lapsed,
)
from conformance.model.table import Condition, Permit, PermittedResponse, Premise, Row, RulesByAspect, Table, Varying
from conformance.model.transitions import Then, moved_to

IRREVERSIBLE: Final[Rules] = ("KB-15", "INV-5")
"""What was released stays released."""


# Test actions


def no_late_cancel(premise: Premise) -> Claims:
    """Claim that a refused cancel has no effect later.

    Nothing is claimed where something else may have ended the order or released anything.
    """
    order = premise.order
    if not order.cancel_refused:
        return ()
    ended = order.stage in CLOSED or order.cancelled or order.agreement_stopped or order.lapsed
    return () if ended or is_near_deadline(order, premise.context) else premise.model.nothing_released


def undisturbed(answer: Claims = ()) -> PermittedResponse:
    """Claim an answer, and that a cancel which was refused before has no effect now."""
    return lambda premise, _: (*answer, *no_late_cancel(premise))


ENDED_BY_OTHERS: Final = Permit(
    "ended, and not by a cancel",
    response=(outcome(ACCEPTED, REFUSED),),
    view=lambda premise: premise.model.ended_by_others,
    when=Condition(lambda premise: bool(no_late_cancel(premise))),
    proves=False,
)
"""The user may have done something else than was asked for, and that is nobody's fault."""


def moves(name: str, then: Then, *, ends: bool = False) -> tuple[Permit, ...]:
    """Permit that an order comes to another stage, or has not yet come to it.

    ``ends`` says that the stage is a final one.
    """
    not_yet = Permit(f"not {name} when we stopped asking", accepted(), proves=False)
    if ends:
        return Permit(name, accepted(), then), not_yet
    return Permit(name, undisturbed(accepted()), then), not_yet, ENDED_BY_OTHERS


def nothing_happens(*rules: str) -> tuple[Permit, ...]:
    """Permit that an order stays as it is, whatever the answer says."""
    stays = undisturbed((outcome(ACCEPTED, REFUSED),))
    return Permit("nothing happens", stays, rules=rules, blame=RulesByAspect.all(*rules)), ENDED_BY_OTHERS


IMPOSSIBLE: Final = (
    Row(given=CANCELLED, permits=nothing_happens(*IRREVERSIBLE)),
    Row(permits=nothing_happens()),
)
"""The last rows about a test action: in any other stage, nothing happens."""

# Reading, and time

READ: Final = Table(
    (
        Row(
            given=CANCELLED,
            permits=(Permit("unchanged", undisturbed(), rules=IRREVERSIBLE, blame=RulesByAspect.all(*IRREVERSIBLE)),),
        ),
        Row(permits=(Permit("unchanged", undisturbed(), blame=RulesByAspect.all("INV-10")),)),
    )
)

MAY_HAVE_LAPSED: Final = Condition(lambda premise: may_have_lapsed(premise.order, premise.context))
MUST_HAVE_LAPSED: Final = Condition(lambda premise: must_have_lapsed(premise.order, premise.context))
PAST_DEADLINE: Final = Condition(lambda premise: is_past_deadline(premise.order, premise.context))


def timed_out(answer: Claims) -> Permit:
    """Permit that an order which was never approved has timed out.

    Nobody has noticed until now.
    """
    return Permit("timed out", answer, moved_to(Stage.EXPIRED), when=OPENING_WINDOW_OVER)


OLDER: Final = Permit("older", undisturbed(accepted()))


def ageing(*signs: Varying[Claims]) -> tuple[Row, ...]:
    """Return the rows about an order that grows older.

    What a reservation that the provider ended looks like is not documented (`C20`): each sign is claimed for itself.
    """
    standing = replace(OLDER, lasting=~MUST_HAVE_LAPSED)
    lapses = tuple(
        Permit(
            "lapsed",
            response=accepted(),
            then=lambda premise: ended_by_provider(premise.order),
            interpretation=("C20", "auto-cancelled"),
            when=MAY_HAVE_LAPSED,
            also=sign,
        )
        for sign in signs
    )
    irreversible = replace(OLDER, rules=IRREVERSIBLE, blame=RulesByAspect.all(*IRREVERSIBLE))
    return (
        Row(given=CANCELLED, permits=(irreversible,)),
        Row(
            given=REMAINDER & PAST_DEADLINE,
            permits=(replace(standing, shows=("C20", "kept")), ENDED_BY_OTHERS, *lapses),
        ),
        Row(given=REMAINDER, permits=(standing, ENDED_BY_OTHERS, *lapses)),
        Row(permits=(OLDER, ENDED_BY_OTHERS)),
    )
