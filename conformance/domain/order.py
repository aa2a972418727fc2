"""The order under test, as the model knows it.

Money is integer minor units of one currency; ages are ``timedelta``. Nothing here does I/O or reads a clock: an order
has its own ages, and a step that lets time pass increases them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum


class Profile(StrEnum):
    """An API."""

    ECOM = "ecom"
    EPAYMENT = "epayment"
    RECURRING = "recurring"


class Stage(StrEnum):
    """The state of an order. The last five occur in Recurring only."""

    INITIATED = "initiated"
    IN_3DS = "in-3ds"
    RESERVED = "reserved"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PENDING = "pending"
    DUE = "due"
    PROCESSING = "processing"
    CHARGED = "charged"
    FAILED = "failed"


WAITING = frozenset({Stage.INITIATED, Stage.PENDING, Stage.DUE})
"""States before the reservation in which a cancel is documented to be possible."""

CLOSED = frozenset({Stage.CANCELLED, Stage.REJECTED, Stage.EXPIRED, Stage.FAILED})
"""Final states in which no money was ever captured."""


class Market(StrEnum):
    """The country of the sales unit: decides currency and capture deadline."""

    NO = "no"
    DK = "dk"
    FI = "fi"

    @property
    def currency(self) -> str:
        """The currency of orders in this market, as an ISO 4217 code."""
        return {"no": "NOK", "dk": "DKK", "fi": "EUR"}[self.value]


class Kind(StrEnum):
    """How an order is created. All but the first are Recurring charges."""

    PAYMENT = "payment"
    INITIAL_RESERVE = "initial-reserve"
    """An agreement's initial charge with ``RESERVE_CAPTURE``: reserved as soon as the agreement is accepted."""
    CHARGE_RESERVE = "charge-reserve"
    """An ordinary charge with ``RESERVE_CAPTURE``."""
    CHARGE_DIRECT = "charge-direct"
    """An ordinary charge with ``DIRECT_CAPTURE``: never reserved."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The cancel that a repeated idempotency key would repeat, and its outcome."""

    flag: bool | None
    outcome: str
    status: int | None
    code: str | None
    stage: Stage
    ago: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Order:
    """One order: its state, its money and its age.

    Attributes:
        profile: the API.
        kind: how it was created.
        amount: what was ordered, in minor units, as are all amounts.
        currency: an ISO 4217 code.
        stage: its state.
        captured: what was captured so far.
        refunded: what was refunded of that.
        cancelled: what was released of the reservation, or the whole amount if it was cancelled before one.
        since_initiated: its age.
        since_reserved: the age of its reservation; None before it.
        since_captured: the age of its first capture; None before it.
        since_last_captured: the age of its last capture; None before it.
        agreement_stopped: whether its agreement was stopped (Recurring).
        lapsed: whether the provider itself ended it at the capture deadline; the resulting form is not documented.
        repeated: whether a cancel was accepted without effect; its history may or may not have an entry for it.
        cancel_refused: whether a cancel was refused, so that it must not release anything, at once or later.
        attempt: the last cancel.

    """

    profile: Profile
    kind: Kind
    amount: int
    currency: str
    stage: Stage
    captured: int = 0
    refunded: int = 0
    cancelled: int = 0
    since_initiated: timedelta = timedelta()
    since_reserved: timedelta | None = None
    since_captured: timedelta | None = None
    since_last_captured: timedelta | None = None
    agreement_stopped: bool = False
    lapsed: bool = False
    repeated: bool = False
    cancel_refused: bool = False
    attempt: Attempt | None = None

    @property
    def authorized(self) -> int:
        """The amount that was reserved, in minor units; 0 before the reservation."""
        return self.amount if self.since_reserved is not None else 0

    @property
    def remaining(self) -> int:
        """The amount that can still be captured, in minor units."""
        if self.stage is not Stage.RESERVED or self.lapsed:
            return 0
        return self.amount - self.captured - self.cancelled

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded, in minor units."""
        return self.captured - self.refunded

    def older(self, by: timedelta) -> Order:
        """Return the same order, older by a period."""
        attempt = self.attempt
        return replace(
            self,
            since_initiated=_added(self.since_initiated, by),
            since_reserved=None if self.since_reserved is None else _added(self.since_reserved, by),
            since_captured=None if self.since_captured is None else _added(self.since_captured, by),
            since_last_captured=None if self.since_last_captured is None else _added(self.since_last_captured, by),
            attempt=None if attempt is None else replace(attempt, ago=_added(attempt.ago, by)),
        )


def _added(age: timedelta, by: timedelta) -> timedelta:
    # The longest timedelta is far beyond every limit.
    return timedelta.max if age > timedelta.max - by else age + by
