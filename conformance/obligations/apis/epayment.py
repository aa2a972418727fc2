"""What is particular to ePayment in what a merchant owes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from conformance.domain.order import Profile
from conformance.obligations.apis.base import ApiDifferences, short
from conformance.obligations.observation import ObservedRequest

_ENDED: Final = frozenset({"TERMINATED", "ABORTED", "EXPIRED"})
_FLAG: Final = "cancelTransactionOnly"


class EpaymentDifferences(ApiDifferences):
    """A cancel has no body, or one with the flag alone."""

    profile: ClassVar[Profile] = Profile.EPAYMENT
    ended_webhooks: ClassVar[tuple[str, ...]] = (
        "epayments.payment.cancelled.v1",
        "epayments.payment.terminated.v1",
        "epayments.payment.aborted.v1",
        "epayments.payment.expired.v1",
    )
    approved_webhooks: ClassVar[tuple[str, ...]] = ("epayments.payment.authorized.v1", "epayments.payment.captured.v1")

    def body_problems(self, request: ObservedRequest) -> Iterator[str]:
        """Yield what is there beside the flag."""
        body = request.body.strip()
        if not body or body == b"{}":
            return
        body = request.json()
        if not isinstance(body, Mapping):
            yield f"is {short(body)}, and must be empty or a JSON object"
            return
        yield from (f"has {name!r}, which no cancel has" for name in body if name != _FLAG)
        if not isinstance(body.get(_FLAG, False), bool):
            yield f"has {_FLAG} {body[_FLAG]!r}, which is no boolean"

    def shows_end(self, request: ObservedRequest, payment_id: str) -> bool:
        """Return whether the events, the state or the amounts show the end."""
        body = request.response_json()
        if isinstance(body, list):
            names = {event.get("name") for event in body if isinstance(event, Mapping)}
            return bool(names & {"CANCELLED", *_ENDED})
        if not isinstance(body, Mapping):
            return False
        if body.get("state") in _ENDED:
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
