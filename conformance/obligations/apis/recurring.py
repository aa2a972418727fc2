"""What is particular to Recurring in what a merchant owes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from conformance.domain.order import Profile
from conformance.obligations.apis.base import ApiDifferences, short
from conformance.obligations.observation import ObservedRequest

_ENDED: Final = frozenset({"CANCELLED", "CHARGED", "REFUNDED", "PARTIALLY_REFUNDED", "FAILED"})


class RecurringDifferences(ApiDifferences):
    """A cancel has no body, and neither has the response to it."""

    profile: ClassVar[Profile] = Profile.RECURRING
    cancel_shows_payment: ClassVar[bool] = False
    ended_webhooks: ClassVar[tuple[str, ...]] = ("recurring.charge-canceled.v1", "recurring.charge-failed.v1")

    def body_problems(self, request: ObservedRequest) -> Iterator[str]:
        """Yield a body that is not empty."""
        body = request.body.strip()
        if body and body != b"{}":
            yield f"is {short(body)}, and none belongs to it"

    def shows_end(self, request: ObservedRequest) -> bool:
        """Return whether a cancel was answered 204, or the status of the charge shows the end."""
        if request.operation == "cancel" and request.status == 204:
            return True
        body, payment = request.response_json(), request.payment_id
        charges = body if isinstance(body, list) else [body]
        return any(
            isinstance(charge, Mapping)
            and charge.get("status") in _ENDED
            and (not payment or charge.get("id") in (payment, None))
            for charge in charges
        )
