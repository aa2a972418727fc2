"""The order under test, as the model sees it.

Money is integer minor units of one currency; ages are ``timedelta``. Nothing here does I/O or reads a clock:
an order carries its own ages, and a step that lets time pass makes them larger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum


class Profile(StrEnum):
    """One API's wire."""

    ECOM = "ecom"
    EPAYMENT = "epayment"
    RECURRING = "recurring"


class Stage(StrEnum):
    """Where an order is. The last five occur in Recurring only."""

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
"""Stages in which nothing is reserved yet and a cancel is documented to be possible."""

CLOSED = frozenset({Stage.CANCELLED, Stage.REJECTED, Stage.EXPIRED, Stage.FAILED})
"""Final stages in which no money was ever captured."""


class Market(StrEnum):
    """The sales unit's country, which sets the capture deadline."""

    NO = "no"
    DK = "dk"
    FI = "fi"

    @property
    def currency(self) -> str:
        """The currency that orders in this market are made in."""
        return {"no": "NOK", "dk": "DKK", "fi": "EUR"}[self.value]


class Kind(StrEnum):
    """How an order comes to be. All but the first are Recurring charges."""

    PAYMENT = "payment"
    INITIAL_RESERVE = "initial-reserve"
    """An agreement's initial charge with ``RESERVE_CAPTURE``: reserved as soon as the agreement is accepted."""
    CHARGE_RESERVE = "charge-reserve"
    """An ordinary charge with ``RESERVE_CAPTURE``."""
    CHARGE_DIRECT = "charge-direct"
    """An ordinary charge with ``DIRECT_CAPTURE``: never reserved."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last cancel of an order that a repeated idempotency key would repeat, and how it was answered."""

    flag: bool | None
    outcome: str
    status: int | None
    code: str | None
    stage: Stage
    ago: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Order:
    """What is known of one order: where it is, where its money is, and how old it is.

    ``cancelled`` is what was released: of the reservation, or of the whole amount when nothing had been reserved.
    ``since_reserved`` and ``since_captured`` are None until the thing has happened. ``lapsed`` says that the provider
    itself ended the order at the capture deadline, in a form that is not documented; ``repeated`` that a cancel was
    accepted and did nothing, of which the history may or may not tell; ``cancel_refused`` that a cancel was refused, so
    that nothing may be released because of it, then or later.
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
        """What was ever reserved, in minor units."""
        return self.amount if self.since_reserved is not None else 0

    @property
    def remaining(self) -> int:
        """What can still be captured, in minor units."""
        if self.stage is not Stage.RESERVED or self.lapsed:
            return 0
        return self.amount - self.captured - self.cancelled

    @property
    def refundable(self) -> int:
        """What can still be refunded, in minor units."""
        return self.captured - self.refunded

    def older(self, by: timedelta) -> Order:
        """Return the same order with every recorded moment further in the past."""
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
    # Ages end where a timedelta does, far beyond every limit.
    return timedelta.max if age > timedelta.max - by else age + by
