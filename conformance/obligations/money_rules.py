"""M31 and M36: the money that was taken and given back, against what was shipped and came back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.obligations.approval_captures import amount_captured_by, captured_at_approval
from conformance.obligations.asked import (
    AskedAmount,
    end_was_requested,
    is_closed,
    net_captured,
    refunds,
    shipments,
    wanted_shipments,
)
from conformance.obligations.finding import ObligationFinding, broken, broken_by, met, money
from conformance.obligations.observation import FinalState, MerchantTrace, ObservedRequest, ProviderEvent

ENDINGS: Final = ("release", "stop", "expire", "reject", "fail")
"""The provider's words for the end of a payment."""


def endings_by_others(trace: MerchantTrace, order: int) -> list[ProviderEvent]:
    """Return the endings of an order's payments that the shop did not cause.

    A cancel that was accepted and carried out later is the shop's, although time brought it about.
    """
    accepted = {each.payment_id for each in trace.cancels_of(order) if each.after is not None and each.after.pending}
    return [
        event
        for event in trace.events_of(order, *ENDINGS)
        if event.by != "shop" and not (event.by == "time" and event.payment[1] in accepted)
    ]


def ended_by_somebody_else(trace: MerchantTrace, order: int) -> bool:
    """Return whether the bank, time, the customer or the staff in the portal ended a payment of an order."""
    final = trace.final_state(order)
    late = final is not None and any(payment.late for payment in final.snapshot.all_payments)
    return late or bool(endings_by_others(trace, order))


def m31_paid(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The customer has paid what was delivered: neither more nor, of a closed order, less."""
    final = trace.final_state(order)
    if final is None or not any(payment.authorized for payment in final.snapshot.all_payments):
        return None
    taken = sum(net_captured(payment) for payment in final.snapshot.all_payments)
    closed = is_closed(trace, order, final.snapshot)
    most = _most_shipped(trace, order) - _certain(refunds(trace, order))
    if taken > most and (closed or not captured_at_approval(trace, order)):
        return broken(trace.last_step, _too_much(trace, order, final, taken))
    least = _certain(wanted_shipments(trace, order)) - sum(each.amount * each.times for each in refunds(trace, order))
    owed = closed or _captured_in_vain(trace, order)
    if taken < least and owed and not ended_by_somebody_else(trace, order):
        return broken(trace.last_step, _too_little(trace, order, final, taken))
    return met(trace.last_step)


def _most_shipped(trace: MerchantTrace, order: int) -> int:
    """Return the most that the shop may have taken for shipped.

    What was shipped after the end of the order was asked for counts where the shop agreed to it.
    """
    wanted = wanted_shipments(trace, order)
    agreed = [each for each in shipments(trace, order) if each not in wanted and each.confirmed]
    return sum(each.amount * each.times for each in (*wanted, *agreed))


def _total(asked: list[AskedAmount]) -> int:
    return sum(each.amount for each in asked)


def _certain(asked: list[AskedAmount]) -> int:
    """Return what was asked for, was confirmed by the shop, and could be done."""
    return sum(each.amount for each in asked if each.confirmed and each.possible)


def _captured_in_vain(trace: MerchantTrace, order: int) -> bool:
    """Return whether a capture was sent and the last one took nothing: the shop was told, and had all the time."""
    captures = [request for request in trace.requests_of(order) if request.operation == "capture"]
    last = captures[-1] if captures else None
    return last is not None and last.before is not None and last.after is not None and amount_captured_by(last) == 0


def _shipped(trace: MerchantTrace, order: int, final: FinalState) -> str:
    """Return what was shipped of an order, as the beginning of a sentence."""
    amount, currency = trace.history.amounts[order], final.payment.currency
    shipped = _total(wanted_shipments(trace, order))
    whole = money(amount, currency)
    part = money(shipped, currency).removesuffix(f" {currency}")
    return f"the shop shipped {part} of {whole}" if shipped else f"nothing of {whole} was shipped"


def _too_much(trace: MerchantTrace, order: int, final: FinalState, taken: int) -> str:
    currency = final.payment.currency
    after_end = _total(shipments(trace, order)) - _total(wanted_shipments(trace, order))
    again = sum(net_captured(payment) > 0 for payment in final.snapshot.all_payments) > 1
    how = ", in two payments" if again else ""
    late = f" ({money(after_end, currency)} of it asked for after the end of the order)" if after_end else ""
    back = _total(refunds(trace, order))
    returned = f" and {money(back, currency)} were to be given back" if back else ""
    return f"{_shipped(trace, order, final)}{returned}, and {money(taken, currency)} were taken{how}{late}"


def _too_little(trace: MerchantTrace, order: int, final: FinalState, taken: int) -> str:
    currency = final.payment.currency
    refunded = sum(payment.refunded for payment in final.snapshot.all_payments)
    asked = _total(refunds(trace, order))
    wanted = f"and {money(asked, currency)} were to be" if asked else "which nobody asked for"
    how = f": {money(refunded, currency)} were refunded, {wanted}" if refunded > asked else ""
    return f"{_shipped(trace, order, final)}, and only {money(taken, currency)} were taken{how}"


def m36_released(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """What is reserved and not wanted is released; a refund of it is refused and releases nothing."""
    final = trace.final_state(order)
    refused = [each for each in trace.requests_of(order) if each.operation == "refund" and _has_nothing_to_refund(each)]
    if final is None or not refused or not end_was_requested(trace, order):
        return None
    last = refused[-1]
    if final.payment.remaining and not final.payment.late:
        reserved = money(final.payment.remaining, final.payment.currency)
        return broken_by(
            last,
            f"{last.request_line} was refused ({last.status}), for nothing of it had been captured, and {reserved} "
            "are still reserved: a reservation is released by a cancel",
            step=trace.last_step,
        )
    return met(last.step)


def _has_nothing_to_refund(request: ObservedRequest) -> bool:
    """Return whether a refund was refused because the money was reserved, and not captured."""
    before = request.before
    refused = request.status is not None and 400 <= request.status < 500 and not request.fault
    if not refused or before is None or not before.remaining:
        return False
    return net_captured(before) < max(_numbers(request.json()), default=1)


def _numbers(value: Any) -> list[int]:
    """Return every whole number in a body: the amount is the largest."""
    if isinstance(value, Mapping):
        return [number for member in value.values() for number in _numbers(member)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []
