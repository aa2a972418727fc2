"""One payment or charge: its money, its history and its own clock.

The record is the same for all three APIs; each of them names stages and events in its own words. Amounts are integers
in minor units, moments are seconds on the payment's own clock: the provider's clock plus ``offset``. Making a payment
older is therefore one addition, and moves every moment recorded in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from conformance.domain.messages import Response
from conformance.sandbox.clock import iso


class Stage(StrEnum):
    """The state of a payment.

    The last four occur in Recurring only, before a reservation or instead of it.
    """

    INITIATED = "initiated"
    IN_3DS = "in-3ds"
    RESERVED = "reserved"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PENDING = "pending"
    DUE = "due"
    PROCESSING = "processing"
    FAILED = "failed"


class EntryKind(StrEnum):
    """What a history entry is about."""

    CREATE = "create"
    RESERVE = "reserve"
    SALE = "sale"
    CAPTURE = "capture"
    REFUND = "refund"
    STOP = "stop"
    """The merchant's cancel before anything was reserved."""
    RELEASE = "release"
    """What was reserved and not captured went back to the customer."""
    REJECT = "reject"
    EXPIRE = "expire"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a payment's history.

    Attributes:
        kind: What happened.
        amount: In minor units.
        at: When, in seconds on the payment's own clock.
        reference: The entry's own transaction id (eCom, Recurring) or pspReference (ePayment).
        text: The merchant's text for it.
        key: Idempotency key or request id of the request that caused it.
        success: Whether it was carried out.

    """

    kind: EntryKind
    amount: int
    at: float
    reference: str
    text: str = ""
    key: str | None = None
    success: bool = True


@dataclass(slots=True)
class Payment:
    """A payment, or a charge of an agreement.

    Attributes:
        id: eCom orderId, ePayment reference, Recurring chargeId.
        msn: The sales unit it belongs to.
        amount: What was ordered.
        currency: ISO 4217 code.
        reference: Transaction id or pspReference of its creation.
        created_at: Moment of its creation, on its own clock.
        stage: Its state.
        offset: How far its own clock is ahead of the provider's, in seconds.
        expires_at: Until when the user can approve it, on its own clock.
        reserved_at: Moment of the reservation.
        captured_at: Moment of the latest capture.
        authorized: What was reserved.
        captured: What was captured so far.
        refunded: What was refunded of that.
        cancelled: What was released, or the whole amount when it ended before a reservation.
        text: The merchant's text.
        entries: What happened, oldest first.
        cancel_answer: Answer to the cancel that ended it.
        cancel_times: Moments of the latest cancel requests, on its own clock.

    """

    id: str
    msn: str
    amount: int
    currency: str
    reference: str
    created_at: float
    stage: Stage
    offset: float = 0.0
    expires_at: float | None = None
    reserved_at: float | None = None
    captured_at: float | None = None
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    cancelled: int = 0
    text: str = ""
    entries: list[Entry] = field(default_factory=list)
    cancel_answer: Response | None = None
    cancel_times: list[float] = field(default_factory=list)

    @property
    def is_reserved(self) -> bool:
        """Whether it was approved, whatever happened to the money since."""
        return self.stage is Stage.RESERVED

    @property
    def remaining(self) -> int:
        """The amount that can still be captured or released."""
        return self.authorized - self.captured - self.cancelled if self.is_reserved else 0

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded."""
        return self.captured - self.refunded

    @property
    def latest(self) -> Entry:
        """The latest entry."""
        return self.entries[-1]

    def shown(self, moment: float) -> str:
        """Return one of its moments as messages show it, on the provider's clock."""
        return iso(moment - self.offset)

    def grow_older(self, seconds: float) -> None:
        """Make the payment and every recorded moment older."""
        self.offset += seconds
