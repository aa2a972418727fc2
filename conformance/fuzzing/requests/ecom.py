"""The requests of eCom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Profile
from conformance.fuzzing.requests.base import LONGEST_TEXT, MISSING, ApiRequests, PlainBody, RequestDefaults, value_at
from conformance.wire.base import TEXT, as_list, nested

_TEXT_PATH: Final = "transaction.transactionText"


class EcomRequests(ApiRequests):
    """Bodies with ``merchantInfo`` and ``transaction``."""

    profile: ClassVar[Profile] = Profile.ECOM
    empty_bodies_doubtful: ClassVar[frozenset[OperationKind]] = frozenset({OperationKind.CAPTURE, OperationKind.REFUND})
    created: ClassVar[tuple[str, str] | None] = ("transaction.orderId", "transaction.amount")

    def good_body(
        self, operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
    ) -> dict[str, Any] | None:
        """Return the body of a plain request, or None where it has none."""
        merchant: dict[str, Any] = {"merchantSerialNumber": defaults.msn}
        transaction: dict[str, Any] = {"transactionText": TEXT}
        if operation.kind is OperationKind.CREATE:
            merchant |= {
                "callbackPrefix": "https://example.com/vipps/callbacks",
                "fallBack": f"https://example.com/vipps/fallback/{identifier}",
            }
            transaction |= {"amount": amount, "orderId": identifier}
            customer = {"mobileNumber": defaults.phone[-8:]}
            return {"customerInfo": customer, "merchantInfo": merchant, "transaction": transaction}
        if operation.kind in (OperationKind.CAPTURE, OperationKind.REFUND):
            transaction["amount"] = amount
        return {"merchantInfo": merchant, "transaction": transaction} if operation.body else None

    def plain_body(self, body: dict[str, Any], defaults: RequestDefaults) -> PlainBody | None:
        """Return the plain body to compare with. The response repeats the text, and the model knows defaults."""
        name = str(self.spec.cancel_flag)
        flag, amount = body.get(name), value_at(body, "transaction.amount")
        plain: dict[str, Any] = {
            "merchantInfo": {"merchantSerialNumber": defaults.msn},
            "transaction": {"transactionText": TEXT},
        }
        if amount is not MISSING:
            plain["transaction"]["amount"] = amount
        if flag is not None:
            plain[name] = flag
        return PlainBody(plain, flag, amount)

    def flaw(self, operation: Operation, body: dict[str, Any]) -> str:
        """Say that a cancel's text is too long, if it is."""
        text = value_at(body, _TEXT_PATH)
        too_long = isinstance(text, str) and len(text) > LONGEST_TEXT
        return f"{_TEXT_PATH} is too long" if too_long and operation.kind is OperationKind.CANCEL else ""

    def names(self, operation: Operation, body: Any) -> Iterator[tuple[Any, frozenset[str]]]:
        """Yield the state in a cancel's response, whatever its case, and the entries of a history."""
        state = nested(body, "transactionInfo", "status")
        if operation.kind is OperationKind.CANCEL and state is not None:
            yield state.lower() if isinstance(state, str) else state, self.spec.states
        for entry in as_list(nested(body, "transactionLogHistory")):
            yield nested(entry, "operation"), self.spec.log.entries
