"""An order of a merchant's history while the history runs: what was asked for, and whether it is settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from conformance.evidence.record_parts import ProviderRecord
from conformance.merchant.protocol import Order

MOST_REFUSALS: Final = 3
"""So often a person asks again for a capture that the shop itself refuses, before the end is asked for all the same."""


@dataclass(slots=True)
class UnfinishedAction:
    """An action that did not succeed when it was last asked for, with the minor units that it is about.

    ``refusals`` counts how often the shop has refused it at the end without sending it to the provider.
    """

    action: str
    amount: int
    refusals: int = 0


@dataclass(slots=True)
class ScenarioOrder:
    """One order of the history, and how far it has come.

    Attributes:
        details: What the merchant is told of the order.
        created: Whether the merchant made its payment and said so.
        wanted_end: The action by which the shop asked for the end: ``cancel``, ``abandon``, ``complete``, or empty.
        end_failed: Whether that action did not succeed when it was last asked for.
        shipped: Minor units of what the shop was told to be shipped.
        refunded: Minor units of what the shop was told to give back.
        unfinished: Actions about money that did not succeed, in the order in which they were asked for.
        approved: Whether a payment was ever reserved.
        may_be_honoured: Whether the order may go on although its end was asked for.
        view: The merchant's latest view.

    """

    details: Order
    created: bool = False
    wanted_end: str = ""
    end_failed: bool = False
    shipped: int = 0
    refunded: int = 0
    unfinished: list[UnfinishedAction] = field(default_factory=list)
    approved: bool = False
    may_be_honoured: bool = False
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The merchant's word for how the payment stands."""
        return str(self.view.get("status", ""))

    def ask_for_end(self, action: str) -> None:
        """Note that the shop asks for the end.

        An abandoned order may be honoured as soon as it is paid; a cancelled one only where the approval came in
        between.
        """
        self.wanted_end = action
        self.may_be_honoured = action == "abandon" or (self.may_be_honoured and not self.approved)

    def note_reservation(self, record: ProviderRecord | None) -> None:
        """Note how the payment stands; where it was approved after the end was asked for, either of the two may win."""
        reserved = record is not None and record.authorized > 0
        if reserved and self.wanted_end and not self.approved:
            self.may_be_honoured = True
        self.approved = self.approved or reserved

    def is_at_rest(self, record: ProviderRecord | None) -> bool:
        """Return whether the shop has no reason to ask for anything more, and its books agree with the payment."""
        if record is None:
            return True
        if self.next_unfinished(record) is not None or self._money_is_due(record):
            return False
        return self._has_ended(record) if self.wanted_end else self._lives(record)

    def amounts_lag(self, record: ProviderRecord) -> bool:
        """Return whether the books have amounts that are not yet those of the payment."""
        captured, refunded = self.view.get("captured"), self.view.get("refunded")
        ways = (None, record.captured, record.captured - record.refunded)
        return captured not in ways or refunded not in (None, record.refunded)

    def next_unfinished(self, record: ProviderRecord) -> UnfinishedAction | None:
        """Return the first action that did not succeed and can still be carried out as the payment stands."""
        return next((action for action in self.unfinished if self._is_possible(action, record)), None)

    def _is_possible(self, unfinished: UnfinishedAction, record: ProviderRecord) -> bool:
        if unfinished.action == "refund":
            return record.refunded < self.refunded and record.captured - record.refunded >= unfinished.amount
        if unfinished.action == "stop_agreement":
            return record.agreement == "ACTIVE"
        if unfinished.action == "complete" and record.captured - record.refunded > self.shipped:
            # A shop that captures everything at approval has the rest to give back.
            return True
        if unfinished.action == "capture" and self.wanted_end and unfinished.refusals >= MOST_REFUSALS:
            # A shop that has begun to cancel an order ships no more of it.
            return False
        return record.captured < self.shipped and record.remaining >= unfinished.amount

    def _money_is_due(self, record: ProviderRecord) -> bool:
        """Return whether money that was asked for can still move: a queue takes its time."""
        to_capture = min(self.shipped - record.captured, record.remaining)
        to_refund = min(self.refunded - record.refunded, record.captured - record.refunded)
        return to_capture > 0 or to_refund > 0

    def _has_ended(self, record: ProviderRecord) -> bool:
        if self.status == "cancelled":
            return True
        honourable = self.may_be_honoured and not record.cancelled
        if self.end_failed and not (honourable and record.authorized):
            return False
        if record.pending:
            return False
        if honourable:
            return self.status in ("authorized", "captured")
        return self.status == "captured" and record.ended

    def _lives(self, record: ProviderRecord) -> bool:
        """Return whether the books of an order that nobody ended agree with its payment."""
        if record.payable:
            return True
        if record.remaining or record.captured:
            return self.status in ("authorized", "captured")
        return self.status in ("cancelled", "failed")
