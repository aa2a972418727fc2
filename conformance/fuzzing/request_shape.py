"""What is in a request: which documented demand it fails, whether it is as plain as can be, how it is made real.

All of it is a function of the operation and the body. What is neither plain nor flawed is in doubt: a lenient server
may take it and a strict one refuse it, and neither is judged (`C17`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, Capture, Refund, Step
from conformance.wire.ecom import TEXT
from conformance.wire.operations import AMOUNTS, Operation, OperationKind

LONGEST_TEXT: Final = 100
MOST: Final = 65_000_000
SMALL: Final = 1000
MISSING: Final = object()
FLAGS: Final[Mapping[Profile, str]] = {
    Profile.ECOM: "shouldReleaseRemainingFunds",
    Profile.EPAYMENT: "cancelTransactionOnly",
}


@dataclass(frozen=True, slots=True)
class RequestDefaults:
    """What a request of ours carries: the sales unit, the market's currency, the test user's phone, a due date."""

    msn: str
    currency: str
    phone: str
    due: str


@dataclass(frozen=True, slots=True)
class RequestClassification:
    """What was found in a request.

    ``flaw`` is the documented demand that it fails, in words; empty where it fails none for certain. ``step`` is what
    it asks for where it is plain, so that the model can say how it may turn out. ``doubt`` is what is neither.
    """

    flaw: str = ""
    step: Step | None = None
    doubt: bool = False


def shape_of(operation: Operation, body: bytes, content_type: str, ours: RequestDefaults) -> RequestClassification:
    """Look at a request's body."""
    if operation.deed in (OperationKind.READ, OperationKind.LOG):
        return RequestClassification(doubt=bool(body))
    if not operation.body:
        return RequestClassification(doubt=True) if body else RequestClassification(step=Cancel())
    optional = operation.deed is OperationKind.CANCEL and operation.profile is Profile.EPAYMENT
    if not body:
        # Nothing at all may pass for everything that is left.
        all_of_it = operation.profile is Profile.ECOM and operation.deed in (
            OperationKind.CAPTURE,
            OperationKind.REFUND,
        )
        return (
            RequestClassification(step=Cancel())
            if optional
            else RequestClassification(doubt=True)
            if all_of_it
            else RequestClassification("there is no body")
        )
    if not content_type.partition(";")[0].strip().lower().endswith("json"):
        return RequestClassification(doubt=True)
    value = _parsed(body)
    if value is MISSING:
        return RequestClassification("the body is no JSON")
    if not isinstance(value, dict):
        # An empty value may pass for no body at all where none is needed.
        certain = isinstance(value, list) if optional else value is not None
        return RequestClassification("the body is no object") if certain else RequestClassification(doubt=True)
    flaw = _flaw(operation, value)
    if flaw:
        return RequestClassification(flaw)
    step = _step(operation, value, ours)
    return RequestClassification(step=step, doubt=step is None)


def _parsed(body: bytes) -> Any:
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return MISSING
    return None if _peculiar(body) else value


def _peculiar(body: bytes) -> bool:
    """Tell whether Python takes for JSON what others need not."""
    return any(word in body for word in (b"NaN", b"Infinity")) and not any(c in body for c in (b'"NaN', b'"Infinity'))


def value_at(body: Any, path: str) -> Any:
    """Return what stands at a dotted path, or ``MISSING``."""
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return MISSING
        body = body[name]
    return body


def _flaw(operation: Operation, body: dict[str, Any]) -> str:
    amounts = AMOUNTS[operation.profile]
    for path in operation.required:
        value = value_at(body, path)
        if value is MISSING or value is None:
            return f"{path} is missing"
        if isinstance(value, dict | list):
            return f"{path} is no single value"
        if path in amounts and isinstance(value, str) and not _numeric(value):
            return f"{path} is no number"
    for path in amounts:
        value = value_at(body, path)
        if isinstance(value, int) and not isinstance(value, bool) and value < 0:
            return f"{path} is negative"
    text = value_at(body, "transaction.transactionText")
    if operation.profile is Profile.ECOM and operation.deed is OperationKind.CANCEL and isinstance(text, str):
        return "transaction.transactionText is too long" if len(text) > LONGEST_TEXT else ""
    return ""


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _step(operation: Operation, body: dict[str, Any], ours: RequestDefaults) -> Step | None:
    """Return what a body asks for if it is exactly what one of ours would be."""
    amount: Any = None
    flag: Any = None
    if operation.profile is Profile.ECOM:
        flag = body.get(FLAGS[Profile.ECOM])
        amount = value_at(body, "transaction.amount")
        text = value_at(body, "transaction.transactionText")
        plain: dict[str, Any] = {
            "merchantInfo": {"merchantSerialNumber": ours.msn},
            "transaction": {"transactionText": text},
        }
        if amount is not MISSING:
            plain["transaction"]["amount"] = amount
        if flag is not None:
            plain[FLAGS[Profile.ECOM]] = flag
        # The answer repeats the text, and the model knows ours.
        if text != TEXT:
            return None
    elif operation.profile is Profile.EPAYMENT:
        flag = body.get(FLAGS[Profile.EPAYMENT])
        amount = value_at(body, "modificationAmount.value")
        plain = {} if amount is MISSING else {"modificationAmount": {"currency": ours.currency, "value": amount}}
        if flag is not None:
            plain[FLAGS[Profile.EPAYMENT]] = flag
    else:
        amount = value_at(body, "amount")
        plain = {"amount": amount, "description": body.get("description")}
        if not isinstance(body.get("description"), str) or not 1 <= len(body["description"]) <= LONGEST_TEXT:
            return None
    if body != plain or not (flag is None or isinstance(flag, bool)):
        return None
    if operation.deed is OperationKind.CANCEL:
        return Cancel(flag) if amount is MISSING else None
    if flag is not None or not isinstance(amount, int) or isinstance(amount, bool) or not 1 <= amount <= MOST:
        return None
    if operation.deed is OperationKind.CAPTURE:
        return Capture(amount)
    return Refund(amount) if operation.deed is OperationKind.REFUND else None


# Requests of our own


def good_body(operation: Operation, ours: RequestDefaults, identifier: str, amount: int) -> dict[str, Any] | None:
    """Return the body of a plain request, or None where it has none."""
    if operation.profile is Profile.ECOM:
        return _good_ecom(operation, ours, identifier, amount)
    if operation.profile is Profile.EPAYMENT:
        return _good_epayment(operation, ours, identifier, amount)
    match operation.deed:
        case OperationKind.CAPTURE | OperationKind.REFUND:
            return {"amount": amount, "description": "Conformance test"}
        case OperationKind.CREATE:
            return {
                "amount": amount,
                "transactionType": "RESERVE_CAPTURE",
                "type": "RECURRING",
                "description": "Conformance test",
                "due": ours.due,
                "retryDays": 5,
                "orderId": identifier,
            }
        case OperationKind.DRAFT:
            return {
                "pricing": {"type": "LEGACY", "amount": amount, "currency": ours.currency},
                "interval": {"unit": "MONTH", "count": 1},
                "merchantRedirectUrl": "https://example.com/redirect",
                "merchantAgreementUrl": "https://example.com/agreement",
                "phoneNumber": ours.phone,
                "productName": "Conformance test",
            }
    return None


def _good_ecom(operation: Operation, ours: RequestDefaults, identifier: str, amount: int) -> dict[str, Any] | None:
    merchant: dict[str, Any] = {"merchantSerialNumber": ours.msn}
    transaction: dict[str, Any] = {"transactionText": TEXT}
    if operation.deed is OperationKind.CREATE:
        merchant |= {
            "callbackPrefix": "https://example.com/vipps/callbacks",
            "fallBack": f"https://example.com/vipps/fallback/{identifier}",
        }
        transaction |= {"amount": amount, "orderId": identifier}
        customer = {"mobileNumber": ours.phone[-8:]}
        return {"customerInfo": customer, "merchantInfo": merchant, "transaction": transaction}
    if operation.deed in (OperationKind.CAPTURE, OperationKind.REFUND):
        transaction["amount"] = amount
    return {"merchantInfo": merchant, "transaction": transaction} if operation.body else None


def _good_epayment(operation: Operation, ours: RequestDefaults, identifier: str, amount: int) -> dict[str, Any] | None:
    money = {"currency": ours.currency, "value": amount}
    if operation.deed is OperationKind.CREATE:
        return {
            "amount": money,
            "paymentMethod": {"type": "WALLET"},
            "customer": {"phoneNumber": ours.phone},
            "reference": identifier,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": f"https://example.com/return?reference={identifier}",
            "paymentDescription": "Conformance test",
        }
    return {"modificationAmount": money} if operation.deed in (OperationKind.CAPTURE, OperationKind.REFUND) else None


def broken_bodies(operation: Operation, ours: RequestDefaults, identifier: str, amount: int) -> list[tuple[str, bytes]]:
    """Return bodies that fail a documented demand, each with what is wrong with it."""
    good = good_body(operation, ours, identifier, amount)
    if not operation.body:
        return []
    bodies: list[tuple[str, bytes]] = [("half a body", b'{"half": '), ("an array", b"[]")]
    if good is None:
        return bodies
    bodies.append(("no body", b""))
    for path in operation.required:
        names = path.split(".")
        for length in range(1, len(names) + 1):
            part = ".".join(names[:length])
            bodies.append((f"without {part}", _dumped(changed(good, part, MISSING))))
        bodies.append((f"an object as {path}", _dumped(changed(good, path, {"no": "value"}))))
    bodies.extend(
        (f"a negative {path}", _dumped(changed(good, path, -amount)))
        for path in AMOUNTS[operation.profile]
        if value_at(good, path) is not MISSING
    )
    return list(dict(bodies).items())


def _dumped(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with another value at a dotted path that is there; ``MISSING`` takes it away."""
    copy = deepcopy(body)
    *before, last = path.split(".")
    holder = copy
    for name in before:
        holder = holder[name]
    if value is MISSING:
        del holder[last]
    else:
        holder[last] = value
    return copy


# Requests that were drawn

OFTEN: Final = 0.85
"""How often a drawn value is replaced by one that means something to the target."""


def realised(
    operation: Operation, body: bytes, ours: RequestDefaults, identifier: str, most: int, chance: Random
) -> bytes:
    """Give a drawn body values that mean something to the target: our sales unit, a fresh order, an amount that fits.

    Only what has the right type is replaced, so that what is wrong with a body stays wrong.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(value, dict):
        return body
    texts = {
        "merchantInfo.merchantSerialNumber": ours.msn,
        "transaction.orderId": identifier,
        "transaction.transactionText": TEXT,
        "reference": identifier,
        "orderId": identifier,
        "amount.currency": ours.currency,
        "modificationAmount.currency": ours.currency,
        "pricing.currency": ours.currency,
        "due": ours.due,
        "phoneNumber": ours.phone,
        "customer.phoneNumber": ours.phone,
        "customerInfo.mobileNumber": ours.phone[-8:],
    }
    for path, real in texts.items():
        drawn = value_at(value, path)
        if isinstance(drawn, str) and len(drawn) <= LONGEST_TEXT and chance.random() < OFTEN:
            value = changed(value, path, real)
    for path in AMOUNTS[operation.profile]:
        drawn = value_at(value, path)
        if isinstance(drawn, int) and not isinstance(drawn, bool) and drawn > 0 and chance.random() < OFTEN:
            fitting = chance.randint(1, max(1, most)) if operation.ordered else SMALL
            value = changed(value, path, fitting)
    return _dumped(value)
