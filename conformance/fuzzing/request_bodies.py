"""Bodies of fuzzed requests: the suite's own, broken variants, drawn ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.wire.base import as_json_bytes
from conformance.wire.ecom import TEXT
from conformance.wire.operations import AMOUNTS, Operation, OperationKind

LONGEST_TEXT: Final = 100
SMALL: Final = 1000
"""The amount of an order, in minor units."""
MISSING: Final = object()
FLAGS: Final[Mapping[Profile, str]] = {
    Profile.ECOM: "shouldReleaseRemainingFunds",
    Profile.EPAYMENT: "cancelTransactionOnly",
}
OFTEN: Final = 0.85
"""How often a drawn value is replaced by one that means something to the target."""


@dataclass(frozen=True, slots=True)
class RequestDefaults:
    """What the suite's own requests have: unit, currency, test user, due date."""

    msn: str
    currency: str
    phone: str
    due: str


def value_at(body: Any, path: str) -> Any:
    """Return the value at a dotted path, ``MISSING`` if there is none.

    >>> value_at({"amount": {"value": 100}}, "amount.value")
    100
    """
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return MISSING
        body = body[name]
    return body


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with another value at an existing dotted path.

    ``MISSING`` removes it.

    >>> with_value({"amount": {"value": 100}}, "amount.value", -1)
    {'amount': {'value': -1}}
    """
    copy = deepcopy(body)
    *parents, last = path.split(".")
    holder = copy
    for name in parents:
        holder = holder[name]
    if value is MISSING:
        del holder[last]
    else:
        holder[last] = value
    return copy


def good_body(operation: Operation, defaults: RequestDefaults, identifier: str, amount: int) -> dict[str, Any] | None:
    """Return the body of the suite's own request to an operation; None if it has none.

    Args:
        operation: what the request is sent to.
        defaults: what all requests have.
        identifier: the id of a new order, if the operation creates one.
        amount: in minor units.

    """
    if operation.profile is Profile.ECOM:
        return _good_ecom(operation, defaults, identifier, amount)
    if operation.profile is Profile.EPAYMENT:
        return _good_epayment(operation, defaults, identifier, amount)
    return _good_recurring(operation, defaults, identifier, amount)


def _good_ecom(operation: Operation, defaults: RequestDefaults, identifier: str, amount: int) -> dict[str, Any] | None:
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


def _good_epayment(
    operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
) -> dict[str, Any] | None:
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


def _good_recurring(
    operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
) -> dict[str, Any] | None:
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


def broken_bodies(
    operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
) -> list[tuple[str, bytes]]:
    """Return bodies that break a documented requirement, each after its fault."""
    if not operation.body:
        return []
    bodies: list[tuple[str, bytes]] = [("half a body", b'{"half": '), ("an array", b"[]")]
    good = good_body(operation, defaults, identifier, amount)
    if good is None:
        return bodies
    bodies.append(("no body", b""))
    for path in operation.required:
        names = path.split(".")
        for length in range(1, len(names) + 1):
            part = ".".join(names[:length])
            bodies.append((f"without {part}", as_json_bytes(with_value(good, part, MISSING))))
        bodies.append((f"an object as {path}", as_json_bytes(with_value(good, path, {"no": "value"}))))
    bodies.extend(
        (f"a negative {path}", as_json_bytes(with_value(good, path, -amount)))
        for path in AMOUNTS[operation.profile]
        if value_at(good, path) is not MISSING
    )
    return list(dict(bodies).items())


def with_meaningful_values(
    operation: Operation, body: bytes, defaults: RequestDefaults, identifier: str, largest: int, random: Random
) -> bytes:
    """Return a drawn body with values that mean something to the target.

    These are our sales unit, a new order id, an amount that fits. Only values of the right type are replaced, so that
    an invalid body stays invalid.

    Args:
        operation: what the request is sent to.
        body: as it was drawn.
        defaults: the values of the suite's own requests.
        identifier: the id of a new order.
        largest: the largest amount that fits the order, in minor units.
        random: decides which values are replaced.

    """
    value = _json_object(body)
    if value is None:
        return body
    for path, meaningful in _meaningful_texts(defaults, identifier).items():
        drawn = value_at(value, path)
        if isinstance(drawn, str) and len(drawn) <= LONGEST_TEXT and random.random() < OFTEN:
            value = with_value(value, path, meaningful)
    for path in AMOUNTS[operation.profile]:
        drawn = value_at(value, path)
        if isinstance(drawn, int) and not isinstance(drawn, bool) and drawn > 0 and random.random() < OFTEN:
            fitting = random.randint(1, max(1, largest)) if operation.names_order else SMALL
            value = with_value(value, path, fitting)
    return as_json_bytes(value)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _meaningful_texts(defaults: RequestDefaults, identifier: str) -> dict[str, str]:
    return {
        "merchantInfo.merchantSerialNumber": defaults.msn,
        "transaction.orderId": identifier,
        "transaction.transactionText": TEXT,
        "reference": identifier,
        "orderId": identifier,
        "amount.currency": defaults.currency,
        "modificationAmount.currency": defaults.currency,
        "pricing.currency": defaults.currency,
        "due": defaults.due,
        "phoneNumber": defaults.phone,
        "customer.phoneNumber": defaults.phone,
        "customerInfo.mobileNumber": defaults.phone[-8:],
    }
