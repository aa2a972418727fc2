"""Money at stake at the end of a merchant's history: what somebody loses if the shop is left as it is.

This decides no verdict. It tells which counterexample, and which defect, says most to a reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.history import END_STEPS, SHIPPING_STEPS
from conformance.obligations.observation import Action, FinalState, MerchantTrace

ALIVE: Final = ("authorized", "captured")
"""The merchant's statuses of an order that was paid and goes on."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What somebody loses at the end of a history.

    Attributes:
        order: The number of the order.
        amount: The money at stake, in minor units.
        currency: Its currency.
        sentence: Who loses what, as a sentence with its full stop.

    """

    order: int
    amount: int
    currency: str
    sentence: str


def loss_of(trace: MerchantTrace) -> Loss | None:
    """Return the largest loss at the end of a history; None where nobody loses anything."""
    losses = [loss for order in range(len(trace.history.amounts)) for loss in _losses_of(trace, order)]
    return max(losses, key=lambda loss: loss.amount, default=None)


def _losses_of(trace: MerchantTrace, order: int) -> Iterator[Loss]:
    final = trace.final_state(order)
    if final is None:
        return
    payments = list(final.snapshot.payments.values()) or [final.payment]
    candidates = (
        *_withheld(trace, order, final, payments),
        *_taken(trace, order, payments),
        *_given_away(trace, order, final, payments),
    )
    for amount, sentence in candidates:
        if amount > 0:
            currency = final.payment.currency
            yield Loss(order, amount, currency, sentence.format(_money(amount, currency)))


def _withheld(
    trace: MerchantTrace, order: int, final: FinalState, payments: Sequence[ProviderRecord]
) -> Iterator[tuple[int, str]]:
    """Yield what the customer cannot dispose of, or can still pay, though the order was to end."""
    asked = {action.action for action in _ends(trace, order)}
    if not asked or (asked == {"abandon"} and final.status in ALIVE):
        return
    current = [payment for payment in payments if not payment.late and not payment.pending]
    yield sum(payment.remaining for payment in current), "{} of the customer’s money stays reserved."
    payable = sum(payment.amount for payment in current if payment.payable)
    yield payable, "The customer can still pay {} for an order that has ended."


def _taken(trace: MerchantTrace, order: int, payments: Sequence[ProviderRecord]) -> Iterator[tuple[int, str]]:
    """Yield what was taken beyond what was shipped, and shipped beyond what was taken."""
    delivered = _delivered(trace, order)
    taken = sum(payment.captured - payment.refunded for payment in payments)
    if _ends(trace, order) or not trace.declared.captures_on_approval:
        yield taken - delivered, "The customer has paid {} for goods that were not delivered."
    yield delivered - taken, "The shop has delivered goods for {} that it did not take."


def _delivered(trace: MerchantTrace, order: int) -> int:
    """Return what was shipped of an order less what came back, in minor units.

    An action that did not return shipped nothing; nor did a capture that was asked for after the end.
    """
    ends = _ends(trace, order)
    done = [action for action in trace.actions if action.order == order and action.ending == "returned"]
    shipped = sum(
        action.number for action in done if action.action in SHIPPING_STEPS and (not ends or action.n <= ends[0].n)
    )
    return max(shipped - sum(action.number for action in done if action.action == "refund"), 0)


def _ends(trace: MerchantTrace, order: int) -> list[Action]:
    """Return the actions by which the shop was asked for an order's end."""
    asked = (action for action in trace.actions if action.order == order and action.action in END_STEPS)
    return [action for action in asked if action.ending != "skipped"]


def _given_away(
    trace: MerchantTrace, order: int, final: FinalState, payments: Sequence[ProviderRecord]
) -> Iterator[tuple[int, str]]:
    """Yield what the shop relies on that is gone, and what it gave up although nobody asked for it."""
    gone = all(payment.ended and not payment.captured for payment in payments)
    if gone and final.status in ALIVE:
        yield final.payment.amount, "The shop takes an order of {} for paid, and no payment of it is left."
    declared = trace.declared
    ends_by_itself = declared.ends_unshipped_after or declared.ends_unpaid_after
    if not _ends(trace, order) and not ends_by_itself and final.status not in ALIVE:
        by_shop = (
            event for event in trace.events if (event.order, event.event, event.by) == (order, "release", "shop")
        )
        yield sum(event.amount for event in by_shop), "The shop gave up {} of an order that was paid and wanted."
        if final.status == "cancelled":
            yield final.payment.remaining, "The shop has given up a paid order, whose {} stay reserved."


def _money(minor: int, currency: str) -> str:
    return f"{minor // 100}.{minor % 100:02d} {currency}"
