"""What is particular to eCom in what a merchant owes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from conformance.domain.order import Profile
from conformance.obligations.apis.base import ApiDifferences
from conformance.obligations.observation import ObservedRequest

_ENDED: Final = frozenset({"CANCEL", "VOID", "CANCELLED", "REJECTED"})


class EcomDifferences(ApiDifferences):
    """A cancel names its sales unit and has a text; request ids count for captures and refunds alone."""

    profile: ClassVar[Profile] = Profile.ECOM
    ended_webhooks: ClassVar[tuple[str, ...]] = ("ecom.callback.CANCELLED", "ecom.callback.REJECTED")
    approved_webhooks: ClassVar[tuple[str, ...]] = (
        "ecom.callback.RESERVE",
        "ecom.callback.RESERVED",
        "ecom.callback.SALE",
    )

    def body_problems(self, request: ObservedRequest) -> Iterator[str]:
        """Yield what is missing, and what does not belong there."""
        body = request.json()
        if not isinstance(body, Mapping):
            yield "is no JSON object"
            return
        for group, name in (("merchantInfo", "merchantSerialNumber"), ("transaction", "transactionText")):
            part = body.get(group)
            value = part.get(name) if isinstance(part, Mapping) else None
            if not isinstance(value, str) or not value:
                yield f"has {group}.{name} {value!r}, and must have a text there"
        transaction = body.get("transaction")
        if isinstance(transaction, Mapping) and "amount" in transaction:
            yield "has an amount, and a cancel takes none"
        if not isinstance(body.get("shouldReleaseRemainingFunds", False), bool):
            yield f"has shouldReleaseRemainingFunds {body['shouldReleaseRemainingFunds']!r}, which is no boolean"

    def shows_end(self, request: ObservedRequest, payment_id: str) -> bool:
        """Return whether the history, the summary or the transaction shows the end."""
        body = request.response_json()
        if not isinstance(body, Mapping):
            return False
        summary, log, info = (body.get(n) for n in ("transactionSummary", "transactionLogHistory", "transactionInfo"))
        if isinstance(log, list):
            names = {
                entry.get("operation") for entry in log if isinstance(entry, Mapping) and entry.get("operationSuccess")
            }
            if names & _ENDED:
                return True
        if isinstance(summary, Mapping) and "remainingAmountToCapture" in summary:
            return bool(summary["remainingAmountToCapture"] == 0)
        return isinstance(info, Mapping) and str(info.get("status", "")).upper() in _ENDED

    def key_scope(self, request: ObservedRequest) -> tuple[str, ...] | None:
        """Return the key with its path: a request id is unique for an order and an endpoint only."""
        counts = request.operation in ("capture", "refund")
        return (request.api, str(request.key), request.path) if counts else None
