"""Refused cancels, as all APIs have them: each changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import PENDING, REFUSED, Claim, NoneOf, Permitted
from conformance.domain.observation import Field
from conformance.domain.order import Order
from conformance.model.claims import (
    BOOKS,
    REFUSAL,
    Claims,
    Codes,
    Rules,
    accepted_or_pending,
    one_of,
    outcome,
    refused,
    refused_or_broken,
)
from conformance.model.conditions import LAPSED, OWN_ORDER, SOUND_REQUEST, TOO_OLD, order_is
from conformance.model.context import beyond_flat_limit
from conformance.model.table import (
    ALWAYS,
    NOTHING_CHANGED,
    WITHIN,
    Condition,
    Permit,
    PermittedResponse,
    Premise,
    Row,
    RulesByAspect,
    Varying,
    WithoutRules,
    is_a_day_old,
    value_in,
)


def refuse(
    *rules: str,
    status: Permitted | Callable[[Premise], Permitted] = REFUSAL,
    codes: Varying[Codes] = (),
    interpretation: tuple[str, str] | None = None,
    when: Condition = ALWAYS,
    also: Claims = (),
) -> Permit:
    """Permit a refused cancel, which changes nothing (INV-1).

    All the rules ask for the refusal.
    """
    return Permit(
        "refused",
        response=refusal(rules, status, codes),
        rules=(*rules, "INV-1"),
        blame=NOTHING_CHANGED,
        interpretation=interpretation,
        when=when,
        also=also,
    )


def refusal(
    rules: Rules, status: Permitted | Callable[[Premise], Permitted] = REFUSAL, codes: Varying[Codes] = ()
) -> PermittedResponse:
    """Claim a 4xx answer.

    Its status and its error code may depend on the premise.
    """
    if not callable(status) and isinstance(codes, tuple):
        return refused(rules, status, codes)

    def response(premise: Premise, _: Order) -> Claims:
        return refused(rules, status(premise) if callable(status) else status, value_in(premise, codes))

    return response


REFUSED_UNJUDGED: Final = Permit("refused", refused(()), blame=NOTHING_CHANGED)
"""A refusal that is permitted, and a check of no rule."""
NOT_DONE_YET: Final = Permit("accepted, but not done when we stopped asking", (outcome(PENDING),), proves=False)
"""A request that was accepted (202) may be still under way."""


def not_now(*rules: str) -> Permit:
    """Permit an answer that does not cancel.

    A 500 is permitted, because it was documented or observed as the answer (`C5`).
    """
    return Permit("not now", refused_or_broken(rules), rules=rules, blame=RulesByAspect.all(*rules))


def nothing_left(*rules: str) -> tuple[Permit, ...]:
    """Permit what answers the cancel of an order with nothing left to cancel (`C10`).

    That is a refusal, or a success that does nothing.
    """
    wrong = rules or ("INV-3",)
    repeated = Permit(
        "repeated",
        response=accepted_or_pending(rules),
        then=lambda premise: replace(premise.order, repeated=True),
        rules=(*rules, "INV-3"),
        blame=RulesByAspect(wrong, ("INV-3",), wrong, rules or BOOKS),
        interpretation=("C10", "replay"),
    )
    return refuse(*rules, interpretation=("C10", "reject")), repeated


def lapsed(beyond_180_days: Rules, beyond_deadline: Rules) -> tuple[Row, ...]:
    """Return the rows about the cancel of an order that the provider itself ended.

    It is too old, and it has ended: either may be the reason, and so decide the status and the code (`C23`).
    """
    flat = order_is(beyond_flat_limit)
    given_up = WithoutRules(nothing_left())
    return (
        Row(given=LAPSED & TOO_OLD & flat, permits=(refuse(*beyond_180_days), given_up)),
        Row(given=LAPSED & TOO_OLD & ~flat, permits=(refuse(*beyond_deadline), given_up)),
        Row(given=LAPSED & ~TOO_OLD, permits=(refuse(), given_up)),
    )


def locked(*codes: str) -> tuple[Permit, ...]:
    """Permit that an order is locked for the moment: 423, or one of these codes.

    It says nothing about the cancel.
    """
    signs = (Claim(Field.ANSWER_STATUS, one_of(423)), *(Claim(Field.ANSWER_CODE, one_of(code)) for code in codes))
    return tuple(
        Permit(
            "the order was locked",
            response=(outcome(REFUSED), sign),
            blame=NOTHING_CHANGED,
            when=OWN_ORDER & SOUND_REQUEST,
            proves=False,
        )
        for sign in signs
    )


def not_for_its_age(order: Order, codes: Codes) -> Claims:
    """Claim that an order within the limit is not refused for its age."""
    if not is_a_day_old(order):
        return ()
    return (Claim(Field.ANSWER_CODE, NoneOf(codes), tuple(rule.partition("/")[0] for rule in WITHIN)),)
