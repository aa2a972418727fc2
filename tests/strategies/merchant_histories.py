"""What tests of merchant histories share: every action, and what makes a history impossible to interpret."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.domain.api_table import spec_of
from conformance.merchant.protocol import OPTIONAL
from conformance.obligations.history import (
    CLOCK,
    CUSTOMER_STEPS,
    END_STEPS,
    PROVIDER_STEPS,
    STEPS,
    TOGETHER,
    ZONE,
    MerchantHistory,
)
from conformance.strategies.provider.money import TRIGGERS

EVERY_ACTION = frozenset({*OPTIONAL, TOGETHER, CLOCK, ZONE})


MONEY = ("capture", "complete", "refund")
ANY_TIME = {*STEPS} - {*CUSTOMER_STEPS, *PROVIDER_STEPS, *END_STEPS, *MONEY, "age", "stop_agreement"}
"""Steps that an order need not be created for."""


def contradictions(history: MerchantHistory) -> Iterator[str]:
    """Yield what cannot be meant: steps before their order is created, or more money than there is."""
    spec = spec_of(history.profile)
    payments, captured, refunded = ([0] * len(history.amounts) for _ in range(3))
    for step in history.steps:
        order = step.order
        if step.do in ("create", "pay_again"):
            payments[order] += 1
        elif step.do in ("capture", "complete"):
            captured[order] += step.number
            if not (spec.least_capture <= step.number and captured[order] <= history.amounts[order]):
                yield f"{step} captures too little or too much"
        elif step.do == "refund":
            refunded[order] += step.number
            if not (spec.least_refund <= step.number and refunded[order] <= captured[order]):
                yield f"{step} refunds too little or too much"
        elif step.do == "approve" and step.number > payments[order]:
            yield f"{step} approves a payment that was not made"
        if not payments[order] and step.do not in ANY_TIME:
            yield f"{step} comes before its order was created"
    money = {step.number for step in history.steps if step.do in MONEY}
    if TRIGGERS & {*history.amounts, *money}:
        yield "an amount means something to the test environment"
