"""What the model has to know beside the order: the market, the readings in force, and how old is too old.

Sources: the Cancellations page (180 days, HTTP 400), the ePayment cancel page (capture deadline of the market), the
eCom OpenAPI description (less than six months). `C1` in the rulebook lists who says what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from conformance.domain.order import Market, Order, Profile
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
        """Tell whether a reading is accepted in this run."""
        return self.readings.allows(switch, choice)


def age_for_cancel(order: Order, context: ModelContext) -> AgeLimit:
    """Tell whether an order is too old to be cancelled or captured."""
    found: set[AgeLimit] = set()
    reserved = order.since_reserved
    if context.allows("C1", "reservation"):
        found.add(_against(reserved, CANCEL_LIMIT, CANCEL_LIMIT))
    if context.allows("C1", "initiation"):
        found.add(_against(order.since_initiated, CANCEL_LIMIT, CANCEL_LIMIT))
    if context.allows("C1", "market-deadline"):
        found.add(_against(reserved, context.market_deadline, context.market_deadline))
    if order.profile is Profile.ECOM and context.allows("C1", "six-months"):
        found.add(_against(reserved, *SIX_MONTHS))
    if not found:
        # Six months, chosen for an API whose documentation does not know them, leaves what everybody says.
        found.add(_against(reserved, CANCEL_LIMIT, CANCEL_LIMIT))
    return found.pop() if len(found) == 1 else AgeLimit.OPEN


def beyond_flat_limit(order: Order) -> bool:
    """Tell whether an order is too old by the flat limit, whatever its market's deadline is."""
    return _against(order.since_reserved, CANCEL_LIMIT, CANCEL_LIMIT) is AgeLimit.BEYOND


def age_for_refund(order: Order) -> AgeLimit:
    """Tell whether a captured order is too old to be refunded: 365 days, from its reservation or from its capture."""
    found = {_against(order.since_reserved or order.since_captured, REFUND_LIMIT, REFUND_LIMIT)}
    found.add(_against(order.since_captured, REFUND_LIMIT, REFUND_LIMIT))
    found.add(_against(order.since_last_captured, REFUND_LIMIT, REFUND_LIMIT))
    return found.pop() if len(found) == 1 else AgeLimit.OPEN


def may_have_lapsed(order: Order, context: ModelContext) -> bool:
    """Tell whether a provider that ends reservations at the capture deadline may have ended this one (`C20`)."""
    return (
        context.allows("C20", "auto-cancelled")
        and order.since_reserved is not None
        and order.since_reserved > context.market_deadline - DEAD_ZONE
    )


def is_near_deadline(order: Order, context: ModelContext) -> bool:
    """Tell whether an order is so old that it may have come to its deadline, counted in any of the ways of `C1`."""
    return order.since_initiated > context.market_deadline - DEAD_ZONE


def is_past_deadline(order: Order, context: ModelContext) -> bool:
    """Tell whether a reservation is certainly past the capture deadline, so that one that stands was kept (`C20`)."""
    return order.since_reserved is not None and order.since_reserved > context.market_deadline + DEAD_ZONE


def must_have_lapsed(order: Order, context: ModelContext) -> bool:
    """Tell whether a reservation is so old that this provider was seen to end such a one by itself."""
    limit, age = context.lapses_after, order.since_reserved
    return limit is not None and age is not None and age >= limit


def _against(age: timedelta | None, earliest: timedelta, latest: timedelta) -> AgeLimit:
    if age is None or age <= earliest - DEAD_ZONE:
        return AgeLimit.WITHIN
    return AgeLimit.BEYOND if age > latest + DEAD_ZONE else AgeLimit.OPEN
