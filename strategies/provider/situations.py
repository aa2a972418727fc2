"""Situations: the states in which an order can be when a cancel arrives, as data.

A situation is what the user and the charge run did, how much was captured and refunded since, and what had already
ended the order. The amounts are filled in when a history is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Charge,
    Enter3DS,
    Expire,
    Fail,
    History,
    Leave3DS,
    Reject,
    Reserve,
    StartProcessing,
    Step,
    StopAgreement,
    Together,
    action_of,
    parts_of,
)
from conformance.strategies.provider.money import ALL, HALF, NOTHING, PARTS, WHOLES, Share


class Extent(StrEnum):
    """How much of a whole: nothing, a part, or all of it."""

    NOTHING = "nothing"
    PART = "part"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Situation:
    """A state in which an order can be when a cancel arrives.

    Attributes:
        name: Its name in the coverage grid.
        lead: The steps that bring the order to where money can move.
        captured: How much is captured then.
        refunded: How much of that is refunded.
        close: What else happens before the cancel arrives.
        kind: The kind of order.

    """

    name: str
    lead: tuple[Step, ...] = ()
    captured: Extent = Extent.NOTHING
    refunded: Extent = Extent.NOTHING
    close: tuple[Step, ...] = ()
    kind: Kind = Kind.PAYMENT

    @property
    def reserved(self) -> bool:
        """Whether the lead ends with a reservation."""
        if self.kind is Kind.INITIAL_RESERVE:
            return True
        return any(isinstance(step, Approve | Reserve) or step == Leave3DS(success=True) for step in self.lead)

    @property
    def charged(self) -> bool:
        """Whether the lead ends with everything captured at once."""
        return any(isinstance(step, Charge) for step in self.lead)

    @property
    def waits(self) -> bool:
        """Whether the charge run may still move the charge, so that it does not stay as it is while time passes."""
        moving = self.kind in (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT)
        return moving and not any(isinstance(step, Reserve | Charge | Fail) for step in self.lead)

    @property
    def wire(self) -> bool:
        """Whether it needs a request that only exists over HTTP."""
        return StopAgreement(with_other_change=True) in self.close

    @property
    def shares(self) -> tuple[Share, ...]:
        """The captured shares that make this situation, the plainest first."""
        return {Extent.NOTHING: (NOTHING,), Extent.PART: PARTS, Extent.ALL: WHOLES}[self.captured]

    @property
    def share(self) -> Share:
        """The plainest captured share."""
        return {Extent.NOTHING: NOTHING, Extent.PART: HALF, Extent.ALL: ALL}[self.captured]


def on_wire_only(history: History) -> bool:
    """Return whether a history has a request that a target without HTTP cannot be sent."""
    parts = [part for step in history.steps for part in parts_of(step)]
    malformed = any(isinstance(part, Cancel) and (part.defect or part.to is Addressee.FOREIGN) for part in parts)
    return malformed or StopAgreement(with_other_change=True) in parts


def needs(history: History) -> frozenset[str]:
    """Return the capabilities without which a target cannot run a history, such as ``approve`` and ``age``."""
    actions = {action_of(part) for step in history.steps for part in parts_of(step)}
    ageing = {"age"} if any(isinstance(step, Age) for step in history.steps) else set()
    racing = {"concurrent"} if any(isinstance(step, Together) for step in history.steps) else set()
    return frozenset(action for action in actions if action) | ageing | racing


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
RELEASED_ECOM: Final = Situation("remainder released", _APPROVED, Extent.PART, close=(Cancel(flag=True),))
RELEASED: Final = Situation("remainder released", _APPROVED, Extent.PART, close=(Cancel(),))

_SHARED: Final = (
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

_INITIAL: Final = Kind.INITIAL_RESERVE
_ORDINARY: Final = Kind.CHARGE_RESERVE
_DIRECT: Final = Kind.CHARGE_DIRECT
_DUE: Final = (BecomeDue(),)
_PROCESSING: Final = (BecomeDue(), StartProcessing())
_RESERVED: Final = (BecomeDue(), Reserve())
_CHARGED: Final = (BecomeDue(), Charge())
_STOP: Final = (StopAgreement(),)

PENDING: Final = Situation("pending", kind=_ORDINARY)
DUE: Final = Situation("due", _DUE, kind=_ORDINARY)
PROCESSING: Final = Situation("processing", _PROCESSING, kind=_ORDINARY)
INITIAL: Final = Situation("initial charge reserved", kind=_INITIAL)
ORDINARY: Final = Situation("reserved", _RESERVED, kind=_ORDINARY)
PROCESSED: Final = Situation("reserved after processing", (*_PROCESSING, Reserve()), kind=_ORDINARY)
INITIAL_PARTLY: Final = Situation("initial charge partly captured", (), Extent.PART, kind=_INITIAL)
ORDINARY_PARTLY: Final = Situation("partly captured", _RESERVED, Extent.PART, kind=_ORDINARY)
INITIAL_FULLY: Final = Situation("initial charge fully captured", (), Extent.ALL, kind=_INITIAL)
ORDINARY_FULLY: Final = Situation("fully captured", _RESERVED, Extent.ALL, kind=_ORDINARY)
INITIAL_PARTLY_REFUNDED: Final = Situation(
    "initial charge partly captured, partly refunded", (), Extent.PART, Extent.PART, kind=_INITIAL
)
INITIAL_PARTLY_ALL_REFUNDED: Final = Situation(
    "initial charge partly captured, all of it refunded", (), Extent.PART, Extent.ALL, kind=_INITIAL
)
INITIAL_REFUNDED: Final = Situation(
    "initial charge fully captured, partly refunded", (), Extent.ALL, Extent.PART, kind=_INITIAL
)
INITIAL_ALL_REFUNDED: Final = Situation(
    "initial charge fully captured, all of it refunded", (), Extent.ALL, Extent.ALL, kind=_INITIAL
)
FAILED: Final = Situation("failed", (*_PROCESSING, Fail()), kind=_ORDINARY)
FAILED_DUE: Final = Situation("failed when due", (*_DUE, Fail()), kind=_ORDINARY)
DIRECT_PENDING: Final = Situation("direct, pending", kind=_DIRECT)
DIRECT_DUE: Final = Situation("direct, due", _DUE, kind=_DIRECT)
DIRECT_PROCESSING: Final = Situation("direct, processing", _PROCESSING, kind=_DIRECT)
DIRECT_CHARGED: Final = Situation("direct, charged", _CHARGED, kind=_DIRECT)
DIRECT_REFUNDED: Final = Situation("direct, charged, partly refunded", _CHARGED, refunded=Extent.PART, kind=_DIRECT)
DIRECT_ALL_REFUNDED: Final = Situation(
    "direct, charged, all of it refunded", _CHARGED, refunded=Extent.ALL, kind=_DIRECT
)
CANCELLED_PENDING: Final = Situation("cancelled while pending", close=(Cancel(),), kind=_ORDINARY)
CANCELLED_DUE: Final = Situation("cancelled while due", _DUE, close=(Cancel(),), kind=_ORDINARY)
CANCELLED_RESERVED: Final = Situation("cancelled after reservation", close=(Cancel(),), kind=_INITIAL)
RELEASED_INITIAL: Final = Situation("remainder released", (), Extent.PART, close=(Cancel(),), kind=_INITIAL)
STOPPED_PENDING: Final = Situation("agreement stopped while pending", close=_STOP, kind=_ORDINARY)
STOPPED_DIRECT: Final = Situation("agreement stopped, direct, pending", close=_STOP, kind=_DIRECT)
STOPPED_DUE: Final = Situation("agreement stopped while due", _DUE, close=_STOP, kind=_ORDINARY)
STOPPED_PROCESSING: Final = Situation("agreement stopped while processing", _PROCESSING, close=_STOP, kind=_ORDINARY)
STOPPED_INITIAL: Final = Situation("agreement stopped with the initial charge reserved", close=_STOP, kind=_INITIAL)
STOPPED_ORDINARY: Final = Situation("agreement stopped while reserved", _RESERVED, close=_STOP, kind=_ORDINARY)
STOPPED_PARTLY: Final = Situation("agreement stopped, partly captured", (), Extent.PART, close=_STOP, kind=_INITIAL)
STOPPED_FULLY: Final = Situation("agreement stopped, fully captured", (), Extent.ALL, close=_STOP, kind=_INITIAL)
STOPPED_CANCELLED: Final = Situation(
    "agreement stopped after the cancel", close=(Cancel(), StopAgreement()), kind=_INITIAL
)
STOPPED_WITH_CHANGE: Final = Situation(
    "agreement stopped together with another change", close=(StopAgreement(with_other_change=True),), kind=_INITIAL
)

STOPPED: Final = (
    STOPPED_INITIAL,
    STOPPED_ORDINARY,
    STOPPED_PENDING,
    STOPPED_DUE,
    STOPPED_DIRECT,
    STOPPED_PARTLY,
    STOPPED_PROCESSING,
    STOPPED_FULLY,
    STOPPED_CANCELLED,
)
"""Situations of a charge whose agreement the merchant stops."""

SITUATIONS: Final[Mapping[Profile, tuple[Situation, ...]]] = {
    Profile.ECOM: (*_SHARED, RELEASED_ECOM),
    Profile.EPAYMENT: (*_SHARED, RELEASED),
    Profile.RECURRING: (
        INITIAL,
        INITIAL_PARTLY,
        ORDINARY_PARTLY,
        INITIAL_PARTLY_REFUNDED,
        INITIAL_PARTLY_ALL_REFUNDED,
        INITIAL_FULLY,
        ORDINARY_FULLY,
        INITIAL_REFUNDED,
        INITIAL_ALL_REFUNDED,
        PENDING,
        DUE,
        PROCESSING,
        ORDINARY,
        PROCESSED,
        FAILED,
        FAILED_DUE,
        DIRECT_PENDING,
        DIRECT_DUE,
        DIRECT_PROCESSING,
        DIRECT_CHARGED,
        DIRECT_REFUNDED,
        DIRECT_ALL_REFUNDED,
        CANCELLED_PENDING,
        CANCELLED_DUE,
        CANCELLED_RESERVED,
        RELEASED_INITIAL,
        *STOPPED,
        STOPPED_WITH_CHANGE,
    ),
}
"""Every situation of each API: the plainest first, and each variation right after what it varies."""
