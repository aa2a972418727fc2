"""What becomes of an order: the column ``then`` of the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from msgspec.structs import replace

from conformance.domain.order import Order, Stage
from conformance.model.table import Premise

Then: TypeAlias = Callable[[Premise], Order]
"""Returns the order that results."""


def reserved(premise: Premise) -> Order:
    """Return the order with its whole amount reserved, just now."""
    return replace(premise.order, stage=Stage.RESERVED, since_reserved=timedelta())


def moved_to(stage: Stage) -> Then:
    """Return how an order comes to another stage."""
    return lambda premise: replace(premise.order, stage=stage)


def cancelled_unreserved(premise: Premise) -> Order:
    """Return the order cancelled before anything was reserved.

    Its whole amount counts as cancelled.
    """
    return replace(premise.order, stage=Stage.CANCELLED, cancelled=premise.order.amount)


def cancelled(premise: Premise) -> Order:
    """Return the order with its whole reservation released."""
    return replace(premise.order, stage=Stage.CANCELLED, cancelled=premise.order.remaining)


def remainder_released(premise: Premise) -> Order:
    """Return the order with what was not captured released."""
    return replace(premise.order, cancelled=premise.order.remaining)
