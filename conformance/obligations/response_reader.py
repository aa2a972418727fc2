"""What a response tells a merchant that reads it as documented: done, accepted, refused, not now, or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from conformance.domain.api_table import SPECS
from conformance.domain.messages import find_header
from conformance.obligations.apis import DIFFERENCES, differences_of
from conformance.obligations.history import HANDLER
from conformance.obligations.observation import MerchantTrace, ObservedRequest

RETRY_STATUSES: Final = frozenset({401, 408, 423, 425, 429})
"""HTTP statuses of a refusal that may succeed later."""
BUSY_STAGES: Final = frozenset({"processing", "in-3ds"})
"""Stages in which a payment cannot be cancelled."""


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
    if not differences_of(request).cancel_shows_payment:
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
    return busy or not _retry_codes().isdisjoint(error_codes(request.response_json()))


def _retry_codes() -> frozenset[str]:
    """Return the error codes of a refusal that may succeed later; they differ between all APIs."""
    passing = {code for differences in DIFFERENCES.values() for code in differences.passing_codes}
    return frozenset(passing.union(*(spec.lock_codes for spec in SPECS.values())))


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


def shows_end(request: ObservedRequest, payment_id: str = "") -> bool:
    """Return whether a successful response shows that nothing remains to be paid, captured or released.

    ``payment_id`` is the payment that is looked for in a list; of another request, it is the one in its path.
    """
    if request.status is None or not 200 <= request.status < 300:
        return False
    return differences_of(request).shows_end(request, payment_id or request.payment_id)


def reads_showing_end(trace: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the reads, lists included, that showed the merchant that an order's payment had ended."""
    ids = [id_ for _, id_ in trace.payments_of(order)]
    return [each for each in trace.reads_of(order) if any(shows_end(each, id_) for id_ in ids)]


def scheduled_work_looks(trace: MerchantTrace) -> bool:
    """Return whether scheduled work can show a merchant what no notification told it.

    Beside a handler of notifications it may be there for their queue alone: then it counts where it reads something.
    """
    if HANDLER not in trace.offered:
        return "tick" in trace.offered
    return any(each.action == "tick" and each.operation in ("read", "list") for each in trace.requests)


def reads_showing_approval(trace: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the reads, lists included, that showed the merchant that an order's payment was approved."""
    ids = [id_ for _, id_ in trace.payments_of(order)]
    return [
        each
        for each in trace.reads_of(order)
        if each.status == 200 and any(differences_of(each).shows_approval(each, id_) for id_ in ids)
    ]


def retry_after(request: ObservedRequest) -> float | None:
    """Return the seconds that a response asks to wait; None where it asks for none."""
    text = find_header(request.response_headers, "Retry-After") or ""
    return float(text) if text.isdecimal() else None


def shows_capture(request: ObservedRequest) -> bool:
    """Return whether a request is a capture that was answered with a success."""
    return request.operation == "capture" and request.status is not None and 200 <= request.status < 300
