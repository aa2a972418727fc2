"""What was found about one obligation on one order: it was met, or it was broken and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.observation import BookSnapshot, MerchantTrace, ObservedRequest


@dataclass(frozen=True, slots=True)
class ObligationFinding:
    """An obligation that applied to an order, and was met or broken.

    Attributes:
        broken: Whether it was broken.
        step: The number of the step where that showed.
        reason: What was wrong, for a reader; empty where the obligation was met.
        exchange: The record number of the request that broke it, where a request did.
        earlier: The record number of the request without which the other one would have been right, such as the
            first request with an idempotency key that was used again.

    """

    broken: bool
    step: int
    reason: str = ""
    exchange: int | None = None
    earlier: int | None = None


Obligation: TypeAlias = Callable[[MerchantTrace, int], ObligationFinding | None]
"""Judges one order of a history; returns None where the history says nothing about the obligation."""


def met(step: int) -> ObligationFinding:
    """Return the finding that an obligation was met."""
    return ObligationFinding(False, step)


def broken(step: int, reason: str) -> ObligationFinding:
    """Return the finding that an obligation was broken, with the reason."""
    return ObligationFinding(True, step, reason)


def broken_by(
    request: ObservedRequest, reason: str, earlier: ObservedRequest | None = None, step: int | None = None
) -> ObligationFinding:
    """Return the finding that a request broke an obligation.

    ``earlier`` is the request without which it would have been right; ``step`` is where it showed, where that is not
    the step of the request.
    """
    shown = request.step if step is None else step
    return ObligationFinding(True, shown, reason, request.n, earlier.n if earlier is not None else None)


def money(amount: int, currency: str) -> str:
    """Return minor units as a person reads them, such as "4.00 NOK"."""
    return f"{amount // 100}.{amount % 100:02d} {currency}"


def is_finished(payment: ProviderRecord | None) -> bool:
    """Return whether nothing of a payment can be paid, captured or released, now or later."""
    return payment is not None and payment.ended and not payment.pending


def describe_payment(payment: ProviderRecord | None) -> str:
    """Return how a payment stands at the provider, such as "reserved: 4.00 NOK captured, 6.00 NOK still reserved"."""
    if payment is None:
        return "unknown to the provider"
    if payment.pending:
        return f"{payment.stage}, with a cancel that has not happened yet"
    if payment.payable:
        return f"{payment.stage}, and can still be paid"
    if not payment.authorized:
        return payment.stage
    amounts = {
        "captured": payment.captured,
        "refunded": payment.refunded,
        "cancelled": payment.cancelled,
        "still reserved": payment.remaining,
    }
    sums = [f"{money(value, payment.currency)} {name}" for name, value in amounts.items() if value]
    return f"{payment.stage}: {', '.join(sums)}" if sums else payment.stage


def describe_snapshot(snapshot: BookSnapshot) -> str:
    """Return what the merchant's books say of an order beside how its payment stands."""
    return f"the merchant says {snapshot.status!r}, and the payment is {describe_payment(snapshot.payment)}"
