"""Situations: the states in which an order can be when a cancel arrives, as data.

A situation is what the user and the charge run did, how much was captured and refunded since, and what had already
ended the order. The amounts are filled in when a history is made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.domain.order import Kind
from conformance.domain.steps import (
    Addressee,
    Age,
    AnotherCharge,
    Approve,
    Cancel,
    Charge,
    Fail,
    History,
    Key,
    Leave3DS,
    Reserve,
    Step,
    StopAgreement,
    Together,
    actions_for,
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
    cancels = [part for part in parts if isinstance(part, Cancel)]
    malformed = any(cancel.defect or cancel.to is Addressee.FOREIGN for cancel in cancels)
    # Captures and refunds have keys over HTTP only.
    keyed = any(cancel.key is Key.ANOTHER_OPERATION for cancel in cancels)
    another = any(isinstance(part, AnotherCharge) for part in parts)
    return malformed or keyed or another or StopAgreement(with_other_change=True) in parts


def needs(history: History) -> frozenset[str]:
    """Return the capabilities without which a target cannot run a history, such as ``approve`` and ``age``."""
    actions = {action for step in history.steps for part in parts_of(step) for action in actions_for(part)}
    ageing = {"age"} if any(isinstance(step, Age) for step in history.steps) else set()
    racing = {"concurrent"} if any(isinstance(step, Together) for step in history.steps) else set()
    return frozenset(actions) | ageing | racing
