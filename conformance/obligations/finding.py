"""What is said of one obligation after a history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from conformance.obligations.observation import BookSnapshot, MerchantTrace, ObservedRequest, ProviderRecord


@dataclass(frozen=True, slots=True)
class ObligationFinding:
    """The history is an example of an obligation, and it was met or broken at a step. ``reason`` says how.

    ``exchange`` is the record's number of the request that broke it, where it was one, and ``earlier`` that of the
    request without which it would have been right.
    """

    broken: bool
    step: int
    reason: str = ""
    exchange: int | None = None
    earlier: int | None = None


Said: TypeAlias = ObligationFinding | None
"""None where the history says nothing about an obligation."""
Obligation: TypeAlias = Callable[[MerchantTrace, int], Said]
"""Judges one order of a history."""


def met(step: int) -> ObligationFinding:
    """Say that it was met."""
    return ObligationFinding(False, step)


def broken(step: int, reason: str) -> ObligationFinding:
    """Say that it was broken, and how."""
    return ObligationFinding(True, step, reason)


def at(exchange: ObservedRequest, reason: str, earlier: ObservedRequest | None = None) -> ObligationFinding:
    """Say that a request broke it, after an earlier one where it is wrong only for that."""
    return ObligationFinding(True, exchange.step, reason, exchange.n, earlier.n if earlier is not None else None)


def ended(truth: ProviderRecord | None) -> bool:
    """Whether nothing of a payment is left, and nothing can come of it any more."""
    return truth is not None and truth.ended and not truth.pending


def describe(truth: ProviderRecord | None) -> str:
    """Return how a payment stands, for a reader."""
    if truth is None:
        return "unknown to the provider"
    if truth.pending:
        return f"{truth.stage}, with a cancel that has not happened yet"
    if truth.payable:
        return f"{truth.stage}, and can still be paid"
    sums = f"{truth.captured} captured, {truth.cancelled} cancelled, {truth.remaining} still reserved"
    return f"{truth.stage}: {sums}" if truth.authorized else truth.stage


def stands(books: BookSnapshot) -> str:
    """Return both books of an order, for a reader."""
    return f"the merchant says {books.status!r}, and the payment is {describe(books.truth)}"
