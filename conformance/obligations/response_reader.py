"""What an answer tells a merchant that reads it as documented: done, refused, later, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from conformance.domain.messages import find_header
from conformance.obligations.observation import ObservedRequest

PASSING_STATUSES: Final = frozenset({401, 408, 423, 425, 429})
BUSY_STAGES: Final = frozenset({"processing", "in-3ds"})
"""Where a payment cannot be cancelled."""
PASSING_CODES: Final = frozenset({"6160", "6250", "94"})
ENDED_EPAYMENT: Final = frozenset({"TERMINATED", "ABORTED", "EXPIRED"})
ENDED_ECOM: Final = frozenset({"CANCEL", "VOID", "CANCELLED", "REJECTED"})
ENDED_RECURRING: Final = frozenset({"CANCELLED", "CHARGED", "REFUNDED", "PARTIALLY_REFUNDED", "FAILED"})


class Outcome(StrEnum):
    """What the answer to a cancel says."""

    DONE = "done"
    PENDING = "accepted"
    UNCLEAR = "unclear"
    """A success without anything that shows it."""
    PASSING = "not now"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """No answer, a redirect, or a failure of the server's: it may have happened."""


def outcome(exchange: ObservedRequest) -> Outcome:
    """Return what the answer to a cancel says."""
    status = exchange.status
    if status is None or status >= 500 or status == 408 or status < 200 or 300 <= status < 400:
        return Outcome.UNKNOWN
    if status >= 400:
        return Outcome.PASSING if is_passing(exchange) else Outcome.REFUSED
    if exchange.api == "recurring":
        return {204: Outcome.DONE, 202: Outcome.PENDING}.get(status, Outcome.UNCLEAR)
    return Outcome.DONE if shows_end(exchange) else Outcome.UNCLEAR


def is_passing(exchange: ObservedRequest) -> bool:
    """Whether a refusal asks to be tried again later."""
    if exchange.status in PASSING_STATUSES:
        return True
    processing = exchange.before is not None and exchange.before.stage in BUSY_STAGES
    return processing or not PASSING_CODES.isdisjoint(codes(exchange.answered()))


def codes(body: Any) -> set[str]:
    """Return the error codes in an answer: eCom's list, ePayment's extra details, Recurring's problem type."""
    return set(_codes(body))


def _codes(body: Any) -> Iterator[str]:
    if isinstance(body, list):
        yield from (str(error.get("errorCode", "")) for error in body if isinstance(error, Mapping))
    elif isinstance(body, Mapping):
        details = body.get("extraDetails")
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, Mapping) and detail.get("name") == "ErrorCode":
                yield str(detail.get("reason", ""))
        if isinstance(body.get("type"), str):
            yield body["type"].rpartition("#")[2]


def shows_end(exchange: ObservedRequest) -> bool:
    """Whether a successful answer shows that nothing of the payment is left to pay, capture or release."""
    if exchange.status is None or not 200 <= exchange.status < 300:
        return False
    body = exchange.answered()
    match exchange.api:
        case "epayment":
            return _epayment_ended(body)
        case "ecom":
            return _ecom_ended(body)
        case _:
            return (exchange.operation == "cancel" and exchange.status == 204) or _recurring_ended(
                body, exchange.payment
            )


def _epayment_ended(body: Any) -> bool:
    if isinstance(body, list):
        names = {event.get("name") for event in body if isinstance(event, Mapping)}
        return bool(names & {"CANCELLED", *ENDED_EPAYMENT})
    if not isinstance(body, Mapping):
        return False
    if body.get("state") in ENDED_EPAYMENT:
        return True
    sums = body.get("aggregate")
    if not isinstance(sums, Mapping):
        return False
    authorized, captured, cancelled = (
        _value(sums.get(f"{name}Amount")) for name in ("authorized", "captured", "cancelled")
    )
    return authorized is not None and authorized > 0 and authorized == (captured or 0) + (cancelled or 0)


def _value(amount: Any) -> int | None:
    value = amount.get("value") if isinstance(amount, Mapping) else None
    return value if isinstance(value, int) else None


def _ecom_ended(body: Any) -> bool:
    if not isinstance(body, Mapping):
        return False
    summary, log, info = (body.get(n) for n in ("transactionSummary", "transactionLogHistory", "transactionInfo"))
    if isinstance(log, list):
        names = {
            entry.get("operation") for entry in log if isinstance(entry, Mapping) and entry.get("operationSuccess")
        }
        if names & ENDED_ECOM:
            return True
    if isinstance(summary, Mapping) and "remainingAmountToCapture" in summary:
        return bool(summary["remainingAmountToCapture"] == 0)
    return isinstance(info, Mapping) and str(info.get("status", "")).upper() in ENDED_ECOM


def _recurring_ended(body: Any, payment: str) -> bool:
    charges = body if isinstance(body, list) else [body]
    return any(
        isinstance(charge, Mapping)
        and charge.get("status") in ENDED_RECURRING
        and (not payment or charge.get("id") in (payment, None))
        for charge in charges
    )


def retry_after(exchange: ObservedRequest) -> float | None:
    """Return the seconds that an answer asks to wait."""
    text = find_header(exchange.answer_headers, "Retry-After") or ""
    return float(text) if text.isdecimal() else None


def shows_charged(exchange: ObservedRequest) -> bool:
    """Whether the answer to a capture says that it was done."""
    return exchange.operation == "capture" and exchange.status is not None and 200 <= exchange.status < 300


ENDED_WEBHOOKS: Final = (
    "epayments.payment.cancelled.v1",
    "epayments.payment.terminated.v1",
    "epayments.payment.aborted.v1",
    "epayments.payment.expired.v1",
    "recurring.charge-canceled.v1",
    "recurring.charge-failed.v1",
    "ecom.callback.CANCELLED",
    "ecom.callback.REJECTED",
)
"""Notifications that say that a payment ended."""
