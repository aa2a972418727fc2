"""An agreement's other charge: it is made beside the one under test, and only the agreement's end may change it.

Sources: the Recurring guide and FAQ, on cancelling a charge and on stopping an agreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import ACCEPTED, PENDING, REFUSED, Claim
from conformance.domain.observation import Field
from conformance.domain.order import ANOTHER_AMOUNT, PART_OF_ANOTHER, Order, Standing
from conformance.domain.steps import AnotherCharge
from conformance.model.claims import Claims, accepted, one_of, outcome
from conformance.model.conditions import AGREEMENT_STOPPED, order_is
from conformance.model.events import undisturbed
from conformance.model.table import Permit, Premise, Row, RulesByAspect, Table

UNTOUCHED: Final[Mapping[Standing, tuple[str, ...]]] = {
    Standing.PENDING: ("PENDING", "DUE"),
    Standing.DUE: ("DUE", "PENDING"),
    Standing.RESERVED: ("RESERVED",),
    Standing.PARTLY_CAPTURED: ("PARTIALLY_CAPTURED",),
    Standing.CHARGED: ("CHARGED",),
}
"""The names of the states that a charge keeps. When exactly one becomes due is not documented (RE-33)."""
UNDER_STOPPED: Final[Mapping[Standing, tuple[tuple[str, ...], tuple[int, ...]]]] = {
    Standing.PENDING: (("CANCELLED",), (0, ANOTHER_AMOUNT)),
    Standing.DUE: (("CANCELLED",), (0, ANOTHER_AMOUNT)),
    Standing.RESERVED: (("CANCELLED",), (ANOTHER_AMOUNT,)),
    Standing.PARTLY_CAPTURED: (("PARTIALLY_CAPTURED", "CHARGED"), (0, ANOTHER_AMOUNT - PART_OF_ANOTHER)),
    Standing.CHARGED: (("CHARGED",), (0,)),
}
"""The same after the agreement's end (RE-22), and what may be cancelled then.

What is cancelled of a charge that was never reserved is not documented, nor what becomes of a partly captured one
(RE-23).
"""


def other_charge(order: Order, blame: RulesByAspect) -> Claims:
    """Claim what the agreement's other charge says of itself, where there is one."""
    if order.other is None:
        return ()
    states, cancelled = UNDER_STOPPED[order.other] if order.agreement_stopped else (UNTOUCHED[order.other], (0,))
    rules = blame.other or blame.state
    return (
        Claim(Field.VIEW_OTHER_STATE, one_of(*states), rules),
        Claim(Field.VIEW_OTHER_CAPTURED, one_of(AnotherCharge(order.other).captured), blame.other or blame.captured),
        Claim(Field.VIEW_OTHER_CANCELLED, one_of(*cancelled), rules),
    )


# What becomes of a charge


def stopped(premise: Premise) -> Order:
    """Return the charge as it is, under an agreement that has ended."""
    return replace(premise.order, agreement_stopped=True)


def with_other(premise: Premise) -> Order:
    """Return the charge under an agreement that has another one."""
    assert isinstance(premise.step, AnotherCharge)
    return replace(premise.order, other=premise.step.stands)


def without_other(premise: Premise) -> Order:
    """Return the charge with no other one that is followed."""
    return replace(premise.order, other=None)


NOT_EVERY_CHARGE_YET: Final = Permit(
    "not done for every charge when we stopped asking",
    (outcome(PENDING),),
    stopped,
    view=(),
    when=order_is(lambda order: order.other is not None and not order.agreement_stopped),
    proves=False,
)
"""Where the agreement has several charges, its end may come to some of them before the others."""

ANOTHER_CHARGE: Final = Table(
    (
        # An agreement that has ended need not take any.
        Row(
            given=AGREEMENT_STOPPED,
            permits=(Permit("no further charge", undisturbed((outcome(ACCEPTED, REFUSED),)), without_other),),
        ),
        Row(
            permits=(
                Permit("another charge", undisturbed(accepted()), with_other),
                Permit("not there when we stopped asking", (outcome(ACCEPTED, REFUSED),), without_other, proves=False),
            )
        ),
    )
)
