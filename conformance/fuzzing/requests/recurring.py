"""The requests of Recurring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Profile
from conformance.fuzzing.requests.base import LONGEST_TEXT, ApiRequests, PlainBody, RequestDefaults, value_at
from conformance.wire.base import as_list, nested


class RecurringRequests(ApiRequests):
    """Bodies of agreements and charges; a cancel has none."""

    profile: ClassVar[Profile] = Profile.RECURRING

    def good_body(
        self, operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
    ) -> dict[str, Any] | None:
        """Return the body of a plain request, or None where it has none."""
        match operation.kind:
            case OperationKind.CAPTURE | OperationKind.REFUND:
                return {"amount": amount, "description": "Conformance test"}
            case OperationKind.CREATE:
                return {
                    "amount": amount,
                    "transactionType": "RESERVE_CAPTURE",
                    "type": "RECURRING",
                    "description": "Conformance test",
                    "due": defaults.due,
                    "retryDays": 5,
                    "orderId": identifier,
                }
            case OperationKind.DRAFT:
                return {
                    "pricing": {"type": "LEGACY", "amount": amount, "currency": defaults.currency},
                    "interval": {"unit": "MONTH", "count": 1},
                    "merchantRedirectUrl": "https://example.com/redirect",
                    "merchantAgreementUrl": "https://example.com/agreement",
                    "phoneNumber": defaults.phone,
                    "productName": "Conformance test",
                }
        return None

    def plain_body(self, body: dict[str, Any], defaults: RequestDefaults) -> PlainBody | None:
        """Return the plain body to compare with, whatever its description is."""
        amount, description = value_at(body, "amount"), body.get("description")
        if not isinstance(description, str) or not 1 <= len(description) <= LONGEST_TEXT:
            return None
        return PlainBody({"amount": amount, "description": description}, None, amount)

    def names(self, operation: Operation, body: Any) -> Iterator[tuple[Any, frozenset[str]]]:
        """Yield the status of a charge that is read, and the events of its history."""
        if operation.kind is OperationKind.READ:
            yield nested(body, "status"), self.spec.states
            yield from ((nested(event, "event"), self.spec.log.entries) for event in as_list(nested(body, "history")))
