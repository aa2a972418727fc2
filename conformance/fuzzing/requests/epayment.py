"""The requests of ePayment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Profile
from conformance.fuzzing.requests.base import MISSING, ApiRequests, PlainBody, RequestDefaults, value_at
from conformance.wire.base import as_list, nested


class EpaymentRequests(ApiRequests):
    """Bodies with an amount and its currency; a cancel may have none."""

    profile: ClassVar[Profile] = Profile.EPAYMENT
    bodies_optional: ClassVar[frozenset[OperationKind]] = frozenset({OperationKind.CANCEL})
    created: ClassVar[tuple[str, str] | None] = ("reference", "amount.value")

    def good_body(
        self, operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
    ) -> dict[str, Any] | None:
        """Return the body of a plain request, or None where it has none."""
        money = {"currency": defaults.currency, "value": amount}
        if operation.kind is OperationKind.CREATE:
            return {
                "amount": money,
                "paymentMethod": {"type": "WALLET"},
                "customer": {"phoneNumber": defaults.phone},
                "reference": identifier,
                "userFlow": "WEB_REDIRECT",
                "returnUrl": f"https://example.com/return?reference={identifier}",
                "paymentDescription": "Conformance test",
            }
        moves_money = operation.kind in (OperationKind.CAPTURE, OperationKind.REFUND)
        return {"modificationAmount": money} if moves_money else None

    def plain_body(self, body: dict[str, Any], defaults: RequestDefaults) -> PlainBody | None:
        """Return the plain body to compare with."""
        name = str(self.spec.cancel_flag)
        flag, amount = body.get(name), value_at(body, "modificationAmount.value")
        money = {"modificationAmount": {"currency": defaults.currency, "value": amount}}
        plain: dict[str, Any] = {} if amount is MISSING else dict(money)
        if flag is not None:
            plain[name] = flag
        return PlainBody(plain, flag, amount)

    def names(self, operation: Operation, body: Any) -> Iterator[tuple[Any, frozenset[str]]]:
        """Yield the events of a log, or the state in any other response."""
        if operation.kind is OperationKind.LOG:
            yield from ((nested(event, "name"), self.spec.log.entries) for event in as_list(body))
        elif operation.kind is not OperationKind.CREATE and nested(body, "state") is not None:
            yield nested(body, "state"), self.spec.states
