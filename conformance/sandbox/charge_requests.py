"""Reads Recurring's requests that create an agreement or a charge.

Written from the Recurring description 3.1.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from conformance.sandbox.clock import DAY
from conformance.sandbox.wire import BodyCheck, JsonObject

CHARGE_ID = re.compile(r"[a-zA-Z0-9-]{1,64}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CURRENCIES = frozenset({"NOK", "DKK", "EUR"})
PRICING_TYPES = frozenset({"LEGACY", "VARIABLE", "FLEXIBLE"})
UNITS = frozenset({"YEAR", "MONTH", "WEEK", "DAY"})
TRANSACTION_TYPES = frozenset({"DIRECT_CAPTURE", "RESERVE_CAPTURE"})
CHARGE_TYPES = frozenset({"RECURRING", "UNSCHEDULED"})
PROCESSING_MODES = frozenset({"MULTIPLE_ATTEMPTS", "SINGLE_ATTEMPT"})


@dataclass(frozen=True, slots=True)
class ChargeDraft:
    """The fields of a new charge.

    Attributes:
        amount: Minor units.
        transaction_type: ``DIRECT_CAPTURE`` or ``RESERVE_CAPTURE``.
        description: The text that the customer sees.
        order_id: The charge id, when the merchant chose one.
        external_id: The merchant's own id, or empty.
        type: ``INITIAL``, ``RECURRING`` or ``UNSCHEDULED``.
        due: Start of the due day in UTC, in seconds since the epoch.
        retry_days: Days of further tries.
        processing_mode: With or without further tries.

    """

    amount: int
    transaction_type: str
    description: str
    order_id: str
    external_id: str
    type: str
    due: float
    retry_days: int
    processing_mode: str


def read_agreement(check: BodyCheck) -> JsonObject:
    """Return the fields of a drafted agreement as they are shown later."""
    draft: JsonObject = {
        "pricing": read_pricing(check.part("pricing")),
        "interval": {},
        "productName": check.text("productName", shortest=1, longest=45),
        "merchantRedirectUrl": check.text("merchantRedirectUrl", longest=2048),
        "merchantAgreementUrl": check.text("merchantAgreementUrl", longest=1024, required=False),
    }
    for name, longest in (("productDescription", 100), ("externalId", 64)):
        value = check.text(name, longest=longest, required=False)
        if value:
            draft[name] = value
    if check.has("interval"):
        draft["interval"] = read_interval(check.part("interval"))
    return draft


def read_pricing(check: BodyCheck) -> JsonObject:
    """Return how an agreement is priced."""
    kind = check.choice("type", PRICING_TYPES)
    pricing: JsonObject = {"type": kind, "currency": check.choice("currency", CURRENCIES)}
    if kind == "LEGACY":
        pricing["amount"] = check.integer("amount", least=1)
    elif kind == "VARIABLE":
        pricing["suggestedMaxAmount"] = check.integer("suggestedMaxAmount", least=1)
    return pricing


def read_interval(check: BodyCheck) -> JsonObject:
    """Return how often an agreement is charged."""
    return {"unit": check.choice("unit", UNITS), "count": check.integer("count", least=1, most=31)}


def read_initial_charge(check: BodyCheck, now: float) -> ChargeDraft:
    """Return the charge that is processed when the user accepts the agreement."""
    return _read_charge(check, kind="INITIAL", due=now, retry_days=0, mode="SINGLE_ATTEMPT")


def read_charge(check: BodyCheck, now: float) -> ChargeDraft:
    """Return a further charge.

    Only a recurring one has ``due`` and ``retryDays``, and must have both.
    """
    kind = check.choice("type", CHARGE_TYPES, required=False) or "RECURRING"
    if kind == "UNSCHEDULED":
        for name in ("due", "retryDays", "processingMode"):
            if check.has(name):
                check.fault(name, "has no place in an unscheduled charge")
        return _read_charge(check, kind=kind, due=now, retry_days=0, mode="SINGLE_ATTEMPT")
    due = read_due(check, now)
    retry_days = check.integer("retryDays", most=14)
    mode = check.choice("processingMode", PROCESSING_MODES, required=False) or "MULTIPLE_ATTEMPTS"
    if mode == "SINGLE_ATTEMPT" and retry_days:
        check.fault("retryDays", "must be 0 for a single attempt")
    return _read_charge(check, kind=kind, due=due, retry_days=retry_days, mode=mode)


def read_due(check: BodyCheck, now: float) -> float:
    """Return the start of the due day, at least one day ahead in the test environment."""
    written = check.text("due", pattern=DATE)
    try:
        due = datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        if written:
            check.fault("due", "is not a day")
        return now
    if due < now // DAY * DAY + DAY:
        check.fault("due", "must be at least one day ahead")
    return due


def _read_charge(check: BodyCheck, *, kind: str, due: float, retry_days: int, mode: str) -> ChargeDraft:
    return ChargeDraft(
        amount=check.integer("amount", least=1),
        transaction_type=check.choice("transactionType", TRANSACTION_TYPES),
        description=check.text("description", shortest=1, longest=100),
        order_id=check.text("orderId", pattern=CHARGE_ID, required=False),
        external_id=check.text("externalId", shortest=1, longest=64, required=False),
        type=kind,
        due=due,
        retry_days=retry_days,
        processing_mode=mode,
    )
