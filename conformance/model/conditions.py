"""Conditions: the columns ``given`` and ``request`` of the rows.

The states of a payment exclude each other, and so do the ages, so that the rows made of them can be read in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED, PENDING, REFUSED
from conformance.domain.order import Attempt, Order, Stage
from conformance.domain.steps import Addressee, Defect, Key
from conformance.model.claims import Rules
from conformance.model.context import KEY_MEMORY, OPENING_WINDOW, AgeLimit, beyond_flat_limit
from conformance.model.table import Condition, DefectIs, Premise, Varying


def order_is(holds: Callable[[Order], bool]) -> Condition:
    """Return a condition on the order alone."""
    return Condition(lambda premise: holds(premise.order))


def stage_is(*stages: Stage) -> Condition:
    """Return the condition that the order is in one of these stages."""
    return Condition(lambda premise: premise.order.stage in stages)


# The order

INITIATED: Final = stage_is(Stage.INITIATED)
IN_3DS: Final = stage_is(Stage.IN_3DS)
REJECTED: Final = stage_is(Stage.REJECTED)
EXPIRED: Final = stage_is(Stage.EXPIRED)
LAPSED: Final = order_is(lambda order: order.lapsed)
"""The provider itself ended the reservation at its deadline."""
CANCELLED: Final = order_is(lambda order: order.cancelled > 0 and not order.lapsed)
"""Something was released by a cancel: all of it, or the remainder after a capture."""
NEVER_RESERVED: Final = order_is(lambda order: order.since_reserved is None)
REMAINDER: Final = order_is(lambda order: order.remaining > 0)
"""Something is reserved and can still be captured."""
SOMETHING_CAPTURED: Final = order_is(lambda order: order.captured > 0)
SOMETHING_REFUNDED: Final = order_is(lambda order: order.refunded > 0)
NOTHING_REFUNDED: Final = ~SOMETHING_REFUNDED
RESERVED: Final = REMAINDER & ~SOMETHING_CAPTURED
"""Reserved, and nothing captured."""
PARTLY_CAPTURED: Final = REMAINDER & SOMETHING_CAPTURED
FULLY_CAPTURED: Final = SOMETHING_CAPTURED & ~REMAINDER & ~CANCELLED & ~LAPSED
AGREEMENT_STOPPED: Final = order_is(lambda order: order.agreement_stopped)
OPENING_WINDOW_OVER: Final = stage_is(Stage.INITIATED, Stage.IN_3DS) & order_is(
    lambda order: order.since_initiated >= OPENING_WINDOW
)
"""Never approved, for so long that it may have timed out."""

# Its age against the limit for a cancel or a capture

YOUNG: Final = Condition(lambda premise: premise.age is AgeLimit.WITHIN)
NEAR_LIMIT: Final = Condition(lambda premise: premise.age is AgeLimit.OPEN)
"""Too close to the limit to tell, or the interpretations differ."""
TOO_OLD: Final = Condition(lambda premise: premise.age is AgeLimit.BEYOND)
BEYOND_180_DAYS: Final = TOO_OLD & order_is(beyond_flat_limit)
BEYOND_DEADLINE: Final = TOO_OLD & ~order_is(beyond_flat_limit)
"""Past the market's deadline, and not older than 180 days."""

# The request

FLAG_ABSENT: Final = Condition(lambda premise: premise.cancel.flag is None)
FLAG_FALSE: Final = Condition(lambda premise: premise.cancel.flag is False)
FLAG_TRUE: Final = Condition(lambda premise: premise.cancel.flag is True)
FLAG_NOT_TRUE: Final = ~FLAG_TRUE
OWN_ORDER: Final = Condition(lambda premise: premise.cancel.to is Addressee.OWN)
UNKNOWN_ORDER: Final = Condition(lambda premise: premise.cancel.to is Addressee.UNKNOWN)
FOREIGN_ORDER: Final = Condition(lambda premise: premise.cancel.to is Addressee.FOREIGN)
SOUND_REQUEST: Final = Condition(lambda premise: premise.cancel.defect is None)
DEFECTIVE: Final = ~SOUND_REQUEST
PLAIN_REQUEST: Final = OWN_ORDER & SOUND_REQUEST
"""A request with which nothing is wrong, for the order itself."""
NEW_KEY: Final = Condition(lambda premise: premise.cancel.key is Key.FRESH)
KEY_OF_ANOTHER_ORDER: Final = Condition(lambda premise: premise.cancel.key is Key.SPENT)
KEY_OF_ANOTHER_OPERATION: Final = Condition(
    lambda premise: premise.cancel.key is Key.ANOTHER_OPERATION and premise.order.money_key_age is not None
)
"""The key has been used for a capture or a refund of this order."""
MONEY_KEY_FORGOTTEN: Final = order_is(
    lambda order: order.money_key_age is not None and order.money_key_age >= KEY_MEMORY
)


def defect_is(*defects: Defect) -> DefectIs:
    """Return the condition that one of these things is wrong with the request."""
    return DefectIs(lambda premise: premise.cancel.defect in defects, defects)


# A request that is sent again with its key


def first_attempt(holds: Callable[[Attempt], bool]) -> Condition:
    """Return a condition on the cancel whose key is sent again.

    It does not hold where there was none.
    """
    return Condition(lambda premise: premise.attempt is not None and holds(premise.attempt))


SAME_KEY: Final = Condition(lambda premise: premise.cancel.key in (Key.SAME, Key.FIRST)) & first_attempt(lambda _: True)
FIRST_ACCEPTED: Final = first_attempt(lambda attempt: attempt.outcome in (ACCEPTED, PENDING))
FIRST_REFUSED: Final = first_attempt(lambda attempt: attempt.outcome == REFUSED)
KEY_FORGOTTEN: Final = first_attempt(lambda attempt: attempt.ago >= KEY_MEMORY)
"""So long ago that the key need not be remembered."""


def refused_for_the_moment(*stages: Stage) -> Condition:
    """Return the condition that the first cancel was refused for a passing reason.

    The reason is a lock, by its status or its error code, too many requests, or that the order was in one of these
    stages.
    """
    passing = first_attempt(lambda attempt: attempt.status in (423, 429) or attempt.stage in stages)
    return passing | Condition(_tells_of_a_lock)


def _tells_of_a_lock(premise: Premise) -> bool:
    attempt = premise.attempt
    return attempt is not None and attempt.code in spec_of(premise.order.profile).lock_codes


# The interpretations in force, and what was measured of the target


def allows(switch: str, *choices: str) -> Condition:
    """Return the condition that one of these interpretations is accepted."""
    return Condition(lambda premise: any(premise.context.allows(switch, choice) for choice in choices))


C10_IS_OPEN: Final = allows("C10", "reject") & allows("C10", "replay")
UNITS_DISTINGUISHED: Final = Condition(lambda premise: premise.context.distinguishes_units)


def unless_old(values: Rules) -> Varying[Rules]:
    """Return values for an order that is not too old, and none for one that is.

    Its age may be the reason as well then (`C23`).
    """
    return lambda premise: values if premise.age is AgeLimit.WITHIN else ()
