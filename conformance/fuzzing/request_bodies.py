"""Bodies of fuzzed requests: the suite's own, broken variants, drawn ones."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random
from typing import Any, Final

from conformance.domain.api_table import spec_of
from conformance.domain.operations import Operation
from conformance.fuzzing.requests import REQUESTS
from conformance.fuzzing.requests.base import LONGEST_TEXT, MISSING, RequestDefaults, value_at
from conformance.wire.base import TEXT, as_json_bytes

SMALL: Final = 1000
"""The amount of an order, in minor units."""
OFTEN: Final = 0.85
"""How often a drawn value is replaced by one that means something to the target."""


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
    return REQUESTS[operation.profile].good_body(operation, defaults, identifier, amount)


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
        for path in spec_of(operation.profile).amount_fields
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
    for path in spec_of(operation.profile).amount_fields:
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
