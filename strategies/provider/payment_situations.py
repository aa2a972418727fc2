"""The ways in which a payment can stand when a cancel arrives."""

from __future__ import annotations

from typing import Final

from conformance.domain.steps import (
    Approve,
    Cancel,
    Enter3DS,
    Expire,
    Leave3DS,
    Reject,
)
from conformance.strategies.provider.situations import Extent, Situation

_APPROVED: Final = (Approve(),)
_FINISHED: Final = (Enter3DS(), Leave3DS())

INITIATED: Final = Situation("initiated")
IN_3DS: Final = Situation("in 3-D Secure", (Enter3DS(),))
FINISHED_3DS: Final = Situation("3-D Secure finished", _FINISHED)
REFUSED_IN_3DS: Final = Situation("3-D Secure finished after a cancel in it", (Enter3DS(), Cancel(), Leave3DS()))
FAILED_3DS: Final = Situation("3-D Secure failed", (Enter3DS(), Leave3DS(success=False)))
RESERVED: Final = Situation("reserved", _APPROVED)
PARTLY: Final = Situation("partly captured", _APPROVED, Extent.PART)
FULLY: Final = Situation("fully captured", _APPROVED, Extent.ALL)
PARTLY_REFUNDED: Final = Situation("partly captured, partly refunded", _APPROVED, Extent.PART, Extent.PART)
PARTLY_ALL_REFUNDED: Final = Situation("partly captured, all of it refunded", _APPROVED, Extent.PART, Extent.ALL)
FULLY_REFUNDED: Final = Situation("fully captured, partly refunded", _APPROVED, Extent.ALL, Extent.PART)
FULLY_ALL_REFUNDED: Final = Situation("fully captured, all of it refunded", _APPROVED, Extent.ALL, Extent.ALL)
PARTLY_AFTER_3DS: Final = Situation("partly captured after 3-D Secure", _FINISHED, Extent.PART)
REJECTED: Final = Situation("rejected", (Reject(),))
EXPIRED: Final = Situation("expired", (Expire(),))
EXPIRED_IN_3DS: Final = Situation("expired in 3-D Secure", (Enter3DS(), Expire()))
CANCELLED_EARLY: Final = Situation("cancelled before approval", close=(Cancel(),))
CANCELLED: Final = Situation("cancelled after reservation", _APPROVED, close=(Cancel(),))
RELEASED_WITH_FLAG: Final = Situation("remainder released", _APPROVED, Extent.PART, close=(Cancel(flag=True),))
RELEASED: Final = Situation("remainder released", _APPROVED, Extent.PART, close=(Cancel(),))

SITUATIONS: Final = (
    INITIATED,
    RESERVED,
    PARTLY,
    PARTLY_AFTER_3DS,
    PARTLY_REFUNDED,
    PARTLY_ALL_REFUNDED,
    FULLY,
    FULLY_REFUNDED,
    FULLY_ALL_REFUNDED,
    IN_3DS,
    FINISHED_3DS,
    REFUSED_IN_3DS,
    FAILED_3DS,
    REJECTED,
    EXPIRED,
    EXPIRED_IN_3DS,
    CANCELLED_EARLY,
    CANCELLED,
)
"""Those of every payment: the plainest first, and each variation right behind what it is a variation of."""
