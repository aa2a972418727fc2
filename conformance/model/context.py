"""What expectations depend on beside the order: market, interpretations and ages.

Sources: the Cancellations page (180 days, HTTP 400), the ePayment cancel page (capture deadline of the market), the
eCom OpenAPI description (less than six months). `C1` in the rulebook lists who says what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from msgspec.structs import replace

from conformance.domain.api_table import spec_of
from conformance.domain.order import Market, Order
from conformance.rulebook import Readings

DAY = timedelta(days=1)
CANCEL_LIMIT = timedelta(days=180)
REFUND_LIMIT = timedelta(days=365)
SIX_MONTHS = (timedelta(days=181), timedelta(days=184))
OPENING_WINDOW = timedelta(minutes=5)
"""The user's time to open the app. After it, a payment that was never opened may have timed out."""
KEY_MEMORY = DAY
"""How long an idempotency key is taken to be remembered: nothing is documented, so not for long."""
DEAD_ZONE = DAY
"""Around a limit whose exact boundary is undocumented, this much on each side is recorded and not judged."""


class AgeLimit(StrEnum):
    """An age against a limit, under every reading that is in force."""

    WITHIN = "within"
    OPEN = "open"
    """Too close to the limit to tell, or the readings differ."""
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True)
class ModelContext:
    """Everything outside the order that expectations depend on.

    ``distinguishes_units`` is whether the target was seen to refuse a read under another sales unit: where it has only
    one unit, an order cannot be somebody else's. ``lapses_after`` is the age at which it was seen to end a reservation
    by itself, or None where it was not.
    """

    market: Market = Market.NO
    readings: Readings = field(default_factory=Readings.documented)
    distinguishes_units: bool = True
    lapses_after: timedelta | None = None

    @property
    def currency(self) -> str:
        """The currency of every order in this run."""
        return self.market.currency

    @property
    def market_deadline(self) -> timedelta:
        """The capture deadline of the market in the later pages."""
        return CANCEL_LIMIT if self.market is Market.NO else timedelta(days=14)

    def allows(self, switch: str, choice: str) -> bool:
        """Return whether an interpretation is accepted in this run."""
        return self.readings.allows(switch, choice)


def age_for_cancel(order: Order, context: ModelContext) -> AgeLimit:
    """Return the age of an order against the limit for a cancel or a capture."""
    sides: set[AgeLimit] = set()
    reserved = order.since_reserved
    if context.allows("C1", "reservation"):
        sides.add(_against(reserved, CANCEL_LIMIT, CANCEL_LIMIT))
    if context.allows("C1", "initiation"):
        sides.add(_against(order.since_initiated, CANCEL_LIMIT, CANCEL_LIMIT))
    if context.allows("C1", "market-deadline"):
        sides.add(_against(reserved, context.market_deadline, context.market_deadline))
    if "six-months" in spec_of(order.profile).age_limits and context.allows("C1", "six-months"):
        sides.add(_against(reserved, *SIX_MONTHS))
    if not sides:
        # Six months, chosen for an API whose documentation does not know them, leaves what everybody says.
        sides.add(_against(reserved, CANCEL_LIMIT, CANCEL_LIMIT))
    return sides.pop() if len(sides) == 1 else AgeLimit.OPEN


def beyond_flat_limit(order: Order) -> bool:
    """Return whether an order is older than 180 days.

    The deadline of its market may be an earlier one.
    """
    return _against(order.since_reserved, CANCEL_LIMIT, CANCEL_LIMIT) is AgeLimit.BEYOND


def age_for_refund(order: Order) -> AgeLimit:
    """Return the age of a captured order against the limit for a refund.

    That is 365 days, counted from the reservation or from a capture.
    """
    sides = {_against(order.since_reserved or order.since_captured, REFUND_LIMIT, REFUND_LIMIT)}
    sides.add(_against(order.since_captured, REFUND_LIMIT, REFUND_LIMIT))
    sides.add(_against(order.since_last_captured, REFUND_LIMIT, REFUND_LIMIT))
    return sides.pop() if len(sides) == 1 else AgeLimit.OPEN


def may_have_lapsed(order: Order, context: ModelContext) -> bool:
    """Return whether a reservation may have been ended by its provider (`C20`).

    Some providers end reservations at the capture deadline.
    """
    return (
        context.allows("C20", "auto-cancelled")
        and order.since_reserved is not None
        and order.since_reserved > context.market_deadline - DEAD_ZONE
    )


def ended_by_provider(order: Order) -> Order:
    """Return an order whose remainder its provider released at the capture deadline."""
    return replace(order, lapsed=True, cancelled=order.cancelled + order.remaining)


def is_near_deadline(order: Order, context: ModelContext) -> bool:
    """Return whether an order may have come to its capture deadline.

    The deadline is counted in any of the ways of `C1`.
    """
    return order.since_initiated > context.market_deadline - DEAD_ZONE


def is_past_deadline(order: Order, context: ModelContext) -> bool:
    """Return whether a reservation is certainly past the capture deadline.

    One that stands then was kept (`C20`).
    """
    return order.since_reserved is not None and order.since_reserved > context.market_deadline + DEAD_ZONE


def must_have_lapsed(order: Order, context: ModelContext) -> bool:
    """Return whether a reservation must have been ended by its provider.

    This provider was seen to end one of its age.
    """
    limit, age = context.lapses_after, order.since_reserved
    return limit is not None and age is not None and age >= limit


def _against(age: timedelta | None, earliest: timedelta, latest: timedelta) -> AgeLimit:
    if age is None or age <= earliest - DEAD_ZONE:
        return AgeLimit.WITHIN
    return AgeLimit.BEYOND if age > latest + DEAD_ZONE else AgeLimit.OPEN
