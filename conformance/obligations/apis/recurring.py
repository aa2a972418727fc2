"""What is particular to Recurring in what a merchant owes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from conformance.domain.order import Profile
from conformance.obligations.apis.base import ApiDifferences, short
from conformance.obligations.observation import ObservedRequest

_ENDED: Final = frozenset({"CANCELLED", "CHARGED", "REFUNDED", "PARTIALLY_REFUNDED", "FAILED"})
_APPROVED: Final = frozenset({"RESERVED", "PARTIALLY_CAPTURED", "CHARGED", "PARTIALLY_REFUNDED", "REFUNDED"})


class RecurringDifferences(ApiDifferences):
    """A cancel has no body, and neither has the response to it."""

    profile: ClassVar[Profile] = Profile.RECURRING
    cancel_shows_payment: ClassVar[bool] = False
    passing_codes: ClassVar[frozenset[str]] = frozenset({"conflict"})
    ended_webhooks: ClassVar[tuple[str, ...]] = ("recurring.charge-canceled.v1", "recurring.charge-failed.v1")
    approved_webhooks: ClassVar[tuple[str, ...]] = ("recurring.charge-reserved.v1", "recurring.charge-captured.v1")

    def body_problems(self, request: ObservedRequest) -> Iterator[str]:
        """Yield a body that is not empty."""
        body = request.body.strip()
        if body and body != b"{}":
            yield f"is {short(body)}, and none belongs to it"

    def shows_end(self, request: ObservedRequest, payment_id: str) -> bool:
        """Return whether a cancel was answered 204, or the status of the charge shows the end."""
        if request.operation == "cancel" and request.status == 204:
            return True
        charge = _charge(request, payment_id)
        return charge is not None and charge.get("status") in _ENDED

    def shows_approval(self, request: ObservedRequest, payment_id: str) -> bool:
        """Return whether the status of the charge is one that it has after it was reserved."""
        charge = _charge(request, payment_id)
        return charge is not None and charge.get("status") in _APPROVED


def _charge(request: ObservedRequest, payment_id: str) -> Mapping[str, Any] | None:
    """Return what a response says of a charge; a list may have it or not."""
    if request.operation == "list":
        return request.listed.get(payment_id)
    body = request.response_json()
    return body if isinstance(body, Mapping) and body.get("id") in (payment_id, None) else None
