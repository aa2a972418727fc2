"""Captures and refunds around a cancel, as all APIs have them.

A cancel decides what can still be captured and refunded, and so does the age of the order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import Permitted
from conformance.domain.order import CLOSED, Order, Stage
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    BOOKS,
    REFUSAL,
    Codes,
    Rules,
    accepted_or_pending,
    refused,
)
from conformance.model.conditions import (
    CANCELLED,
    LAPSED,
    SOMETHING_CAPTURED,
    SOMETHING_REFUNDED,
    TOO_OLD,
    order_is,
    stage_is,
)
from conformance.model.context import AgeLimit, age_for_refund
from conformance.model.events import IRREVERSIBLE
from conformance.model.refusals import NOT_DONE_YET, refusal, refuse
from conformance.model.table import Condition, Permit, Premise, Row, RulesByAspect, Table, Varying
from conformance.model.transitions import Then

CANCELLED_WHOLLY: Final = stage_is(Stage.CANCELLED)
"""Nothing was captured, and the rest was released."""
ONCE_RESERVED: Final = order_is(lambda order: order.since_reserved is not None)
MORE_THAN_REMAINS: Final = Condition(lambda premise: premise.amount > premise.order.remaining)
MORE_THAN_REFUNDABLE: Final = Condition(lambda premise: premise.amount > premise.order.refundable)
TOO_OLD_TO_REFUND: Final = order_is(lambda order: age_for_refund(order) is AgeLimit.BEYOND)
YOUNG_ENOUGH_TO_REFUND: Final = order_is(lambda order: age_for_refund(order) is AgeLimit.WITHIN)
RELEASED_BY_CANCEL: Final = CANCELLED & ~order_is(lambda order: order.agreement_stopped)
"""A remainder was released, and not by the end of the agreement."""

JUST_REFUSED: Final = Permit("refused", refused((), ANY_REFUSAL), blame=RulesByAspect.all(*BOOKS))
"""A refusal that is permitted, and a check of no rule."""


def captured(premise: Premise) -> Order:
    """Return the order after a capture."""
    order = premise.order
    since = order.since_captured if order.since_captured is not None else timedelta()
    amount = order.captured + premise.amount
    return replace(order, captured=amount, since_captured=since, since_last_captured=timedelta())


def refunded(premise: Premise) -> Order:
    """Return the order after a refund."""
    return replace(premise.order, refunded=premise.order.refunded + premise.amount)


def captures(
    *,
    after_cancel: Rules,
    after_release: Rules,
    too_old: Rules,
    too_old_codes: Varying[Codes] = (),
    after_cancel_status: Permitted = REFUSAL,
    then: Then = captured,
) -> Table:
    """Return what may come of a capture.

    Args:
        after_cancel: the rules about a capture of what was cancelled wholly.
        after_release: the rules about a capture after the remainder was released.
        too_old: the rules about a capture of an order that is too old.
        too_old_codes: the error codes that come with it.
        after_cancel_status: the statuses that a refusal after a cancel may have.
        then: what a capture makes of the order.

    """
    after_whole = _refuse(*after_cancel, "INV-2", *IRREVERSIBLE, status=after_cancel_status)
    after_rest = _refuse(*after_release, "INV-2", status=after_cancel_status)
    succeeds = Permit("captured", accepted_or_pending(), then, blame=RulesByAspect.all(*BOOKS))
    return Table(
        (
            Row(given=CANCELLED_WHOLLY, permits=(after_whole,)),
            Row(given=CANCELLED, permits=(after_rest,)),
            Row(given=LAPSED & TOO_OLD, permits=(refuse(*too_old),)),
            Row(given=LAPSED, permits=(refuse(),)),
            Row(given=ONCE_RESERVED, request=MORE_THAN_REMAINS, permits=_more_than_there_is("INV-4", *BOOKS)),
            Row(given=stage_is(*CLOSED), permits=(JUST_REFUSED,)),
            Row(request=MORE_THAN_REMAINS, permits=(JUST_REFUSED,)),
            # What was refunded may be a reason of its own (`C23`).
            Row(given=TOO_OLD & SOMETHING_REFUNDED, permits=(_refuse(*too_old),)),
            Row(given=TOO_OLD, permits=(_refuse(*too_old, status=BAD_REQUEST, codes=too_old_codes),)),
            Row(permits=(succeeds, NOT_DONE_YET, JUST_REFUSED)),
        )
    )


def refunds(
    *,
    after_cancel: Rules,
    after_cancel_codes: Varying[Codes] = (),
    after_cancel_status: Permitted = REFUSAL,
    after_release: Rules,
    too_old: Rules = (),
    too_old_codes: Varying[Codes] = (),
    too_old_status: Permitted = BAD_REQUEST,
    least: int = 1,
) -> Table:
    """Return what may come of a refund.

    Args:
        after_cancel: the rules about a refund of what was cancelled wholly, so that there is nothing to refund.
        after_cancel_codes: the error codes that come with its refusal.
        after_cancel_status: the statuses that its refusal may have.
        after_release: the rules about a refund after the remainder was released.
        too_old: the rules about a refund that comes too late.
        too_old_codes: the error codes that come with its refusal.
        too_old_status: the statuses that its refusal may have.
        least: the least amount, in minor units, that the API's description lets a merchant refund.

    """
    enough = Condition(lambda premise: premise.amount >= least)
    refused_after_cancel = _refuse(*after_cancel, status=after_cancel_status, codes=after_cancel_codes)
    refused_too_old = _refuse(*too_old, status=too_old_status, codes=too_old_codes)
    too_much = _more_than_there_is(*after_release, *BOOKS)
    succeeds = (_refund(*after_release), NOT_DONE_YET)
    return Table(
        (
            Row(given=CANCELLED_WHOLLY, permits=(refused_after_cancel,)),
            Row(given=~SOMETHING_CAPTURED, permits=(JUST_REFUSED,)),
            Row(given=RELEASED_BY_CANCEL, request=MORE_THAN_REFUNDABLE, permits=too_much),
            Row(request=MORE_THAN_REFUNDABLE, permits=_more_than_there_is(*BOOKS)),
            Row(given=TOO_OLD_TO_REFUND, permits=(refused_too_old,)),
            Row(given=RELEASED_BY_CANCEL & YOUNG_ENOUGH_TO_REFUND, request=enough, permits=succeeds),
            Row(permits=(_refund(), NOT_DONE_YET, JUST_REFUSED)),
        )
    )


def _refund(*rules: str) -> Permit:
    blame = RulesByAspect.all(*(rules or BOOKS))
    return Permit("refunded", accepted_or_pending(rules), refunded, rules=rules, blame=blame)


def _refuse(*rules: str, status: Permitted = REFUSAL, codes: Varying[Codes] = ()) -> Permit:
    blame = RulesByAspect.all(*(rules or BOOKS))
    return Permit("refused", refusal(rules, status, codes), rules=rules, blame=blame)


def _more_than_there_is(*rules: str) -> tuple[Permit, ...]:
    """Permit nothing but a refusal of more money than there is.

    It is a check of no rule.
    """
    return Permit("refused", refused(rules, ANY_REFUSAL), blame=RulesByAspect.all(*BOOKS)), NOT_DONE_YET
