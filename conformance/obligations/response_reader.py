"""What a response tells a merchant that reads it as documented: done, accepted, refused, not now, or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from conformance.domain.messages import find_header
from conformance.obligations.observation import MerchantTrace, ObservedRequest

RETRY_STATUSES: Final = frozenset({401, 408, 423, 425, 429})
"""HTTP statuses of a refusal that may succeed later."""
RETRY_CODES: Final = frozenset({"6160", "6250", "94"})
"""Error codes of a refusal that may succeed later."""
BUSY_STAGES: Final = frozenset({"processing", "in-3ds"})
"""Stages in which a payment cannot be cancelled."""
ENDED_EPAYMENT: Final = frozenset({"TERMINATED", "ABORTED", "EXPIRED"})
ENDED_ECOM: Final = frozenset({"CANCEL", "VOID", "CANCELLED", "REJECTED"})
ENDED_RECURRING: Final = frozenset({"CANCELLED", "CHARGED", "REFUNDED", "PARTIALLY_REFUNDED", "FAILED"})


class CancelOutcome(StrEnum):
    """What the response to a cancel says."""

    DONE = "done"
    ACCEPTED = "accepted"
    """Recurring's 202: it will be done later."""
    UNCLEAR = "unclear"
    """A success without anything that shows what was done."""
    NOT_NOW = "not now"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """No response, a redirect, or a failure of the server: the cancel may have been carried out."""


def cancel_outcome(request: ObservedRequest) -> CancelOutcome:
    """Return what the response to a cancel says."""
    status = request.status
    if status is None or status >= 500 or status == 408 or status < 200 or 300 <= status < 400:
        return CancelOutcome.UNKNOWN
    if status >= 400:
        return CancelOutcome.NOT_NOW if may_succeed_later(request) else CancelOutcome.REFUSED
    if request.api == "recurring":
        return {204: CancelOutcome.DONE, 202: CancelOutcome.ACCEPTED}.get(status, CancelOutcome.UNCLEAR)
    return CancelOutcome.DONE if shows_end(request) else CancelOutcome.UNCLEAR


def cancels_with(trace: MerchantTrace, order: int, outcome: CancelOutcome) -> list[ObservedRequest]:
    """Return the cancels of an order's payment whose responses have an outcome."""
    return [cancel for cancel in trace.cancels_of(order) if cancel_outcome(cancel) is outcome]


def may_succeed_later(request: ObservedRequest) -> bool:
    """Return whether a refusal asks to try again later."""
    if request.status in RETRY_STATUSES:
        return True
    busy = request.before is not None and request.before.stage in BUSY_STAGES
    return busy or not RETRY_CODES.isdisjoint(error_codes(request.response_json()))


def error_codes(body: Any) -> set[str]:
    """Return the error codes in a response's JSON.

    They are in eCom's list, in ePayment's ``extraDetails``, and in the fragment of Recurring's problem type.
    """
    return set(_error_codes(body))


def _error_codes(body: Any) -> Iterator[str]:
    if isinstance(body, list):
        yield from (str(error.get("errorCode", "")) for error in body if isinstance(error, Mapping))
    elif isinstance(body, Mapping):
        details = body.get("extraDetails")
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, Mapping) and detail.get("name") == "ErrorCode":
                yield str(detail.get("reason", ""))
        if isinstance(body.get("type"), str):
            yield body["type"].rpartition("#")[2]


def shows_end(request: ObservedRequest) -> bool:
    """Return whether a successful response shows that nothing remains to be paid, captured or released."""
    if request.status is None or not 200 <= request.status < 300:
        return False
    body = request.response_json()
    match request.api:
        case "epayment":
            return _shows_end_epayment(body)
        case "ecom":
            return _shows_end_ecom(body)
        case _:
            done = request.operation == "cancel" and request.status == 204
            return done or _shows_end_recurring(body, request.payment_id)


def _shows_end_epayment(body: Any) -> bool:
    """Read a payment, or the list of its events."""
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
        _minor_units(sums.get(f"{name}Amount")) for name in ("authorized", "captured", "cancelled")
    )
    return authorized is not None and authorized > 0 and authorized == (captured or 0) + (cancelled or 0)


def _minor_units(amount: Any) -> int | None:
    value = amount.get("value") if isinstance(amount, Mapping) else None
    return value if isinstance(value, int) else None


def _shows_end_ecom(body: Any) -> bool:
    """Read a payment's details, or the response to a cancel: the log first, then the sums, then the status."""
    if not isinstance(body, Mapping):
        return False
    if _successful_operations(body.get("transactionLogHistory")) & ENDED_ECOM:
        return True
    summary, info = body.get("transactionSummary"), body.get("transactionInfo")
    if isinstance(summary, Mapping) and "remainingAmountToCapture" in summary:
        return bool(summary["remainingAmountToCapture"] == 0)
    return isinstance(info, Mapping) and str(info.get("status", "")).upper() in ENDED_ECOM


def _successful_operations(log: Any) -> set[Any]:
    entries = [entry for entry in log if isinstance(entry, Mapping)] if isinstance(log, list) else []
    return {entry.get("operation") for entry in entries if entry.get("operationSuccess")}


def _shows_end_recurring(body: Any, charge_id: str) -> bool:
    """Read a charge, or a list of charges with the one of this id among them."""
    charges = body if isinstance(body, list) else [body]
    return any(
        isinstance(charge, Mapping)
        and charge.get("status") in ENDED_RECURRING
        and (not charge_id or charge.get("id") in (charge_id, None))
        for charge in charges
    )


def retry_after(request: ObservedRequest) -> float | None:
    """Return the seconds that a response asks to wait; None where it asks for none."""
    text = find_header(request.response_headers, "Retry-After") or ""
    return float(text) if text.isdecimal() else None


def shows_capture(request: ObservedRequest) -> bool:
    """Return whether a request is a capture that was answered with a success."""
    return request.operation == "capture" and request.status is not None and 200 <= request.status < 300


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
"""Webhooks that say that a payment has ended."""
