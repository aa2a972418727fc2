"""Classifies a request as invalid, like one of the suite's own, or uncertain.

All of it follows from the operation and the
body. A lenient server may accept an uncertain request and a strict one may refuse it, and neither is judged
(interpretation ``C17``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.api_table import spec_of
from conformance.domain.operations import Operation, OperationKind
from conformance.domain.steps import Cancel, Capture, Refund, Step
from conformance.fuzzing.requests import REQUESTS
from conformance.fuzzing.requests.base import MISSING, RequestDefaults, value_at

MOST: Final = 65_000_000
"""The largest amount of a request whose step the model predicts, in minor units."""


@dataclass(frozen=True, slots=True)
class RequestClassification:
    """What a request is.

    Attributes:
        flaw: the documented requirement that it does not meet, in words; empty if it meets all for certain or may.
        step: the step that it asks for, if it is exactly like one of the suite's own; the model predicts its outcome.
        uncertain: whether it is neither.

    """

    flaw: str = ""
    step: Step | None = None
    uncertain: bool = False


_UNCERTAIN: Final = RequestClassification(uncertain=True)


def classify(operation: Operation, body: bytes, content_type: str, defaults: RequestDefaults) -> RequestClassification:
    """Return the classification of a request.

    Args:
        operation: what the request is sent to.
        body: its body.
        content_type: the value of its header ``Content-Type``.
        defaults: what the suite's own requests have.

    """
    if operation.kind in (OperationKind.READ, OperationKind.LOG):
        return RequestClassification(uncertain=bool(body))
    if not operation.body:
        return _UNCERTAIN if body else RequestClassification(step=Cancel())
    if not body:
        return _without_body(operation)
    if not content_type.partition(";")[0].strip().lower().endswith("json"):
        return _UNCERTAIN
    value = _parsed(body)
    if value is MISSING:
        return RequestClassification("the body is no JSON")
    if not isinstance(value, dict):
        # A server may take an empty value for no body at all, where none is needed.
        certain = isinstance(value, list) if _body_is_optional(operation) else value is not None
        return RequestClassification("the body is no object") if certain else _UNCERTAIN
    flaw = _flaw(operation, value)
    if flaw:
        return RequestClassification(flaw)
    step = _step(operation, value, defaults)
    return RequestClassification(step=step, uncertain=step is None)


def _body_is_optional(operation: Operation) -> bool:
    return operation.kind in REQUESTS[operation.profile].bodies_optional


def _without_body(operation: Operation) -> RequestClassification:
    if _body_is_optional(operation):
        return RequestClassification(step=Cancel())
    # A server may take no amount for the whole amount.
    if operation.kind in REQUESTS[operation.profile].empty_bodies_doubtful:
        return _UNCERTAIN
    return RequestClassification("there is no body")


def _parsed(body: bytes) -> Any:
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return MISSING
    return None if _has_python_numbers(body) else value


def _has_python_numbers(body: bytes) -> bool:
    """Return whether a body has ``NaN`` or ``Infinity``, which are not JSON."""
    has_words = any(word in body for word in (b"NaN", b"Infinity"))
    return has_words and not any(text in body for text in (b'"NaN', b'"Infinity'))


def _flaw(operation: Operation, body: dict[str, Any]) -> str:
    """Return the first documented requirement that a body certainly does not meet.

    The result is empty if there is none.
    """
    amounts = spec_of(operation.profile).amount_fields
    for path in operation.required:
        flaw = _flaw_of_required(path, value_at(body, path), is_amount=path in amounts)
        if flaw:
            return flaw
    for path in amounts:
        value = value_at(body, path)
        if isinstance(value, int) and not isinstance(value, bool) and value < 0:
            return f"{path} is negative"
    return REQUESTS[operation.profile].flaw(operation, body)


def _flaw_of_required(path: str, value: Any, *, is_amount: bool) -> str:
    if value is MISSING or value is None:
        return f"{path} is missing"
    if isinstance(value, dict | list):
        return f"{path} is no single value"
    if is_amount and isinstance(value, str) and not _is_numeric(value):
        return f"{path} is no number"
    return ""


def _is_numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _step(operation: Operation, body: dict[str, Any], defaults: RequestDefaults) -> Step | None:
    """Return the step of a body that is like one of the suite's own, else None."""
    plain = REQUESTS[operation.profile].plain_body(body, defaults)
    if plain is None or body != plain.body or not (plain.flag is None or isinstance(plain.flag, bool)):
        return None
    flag, amount = plain.flag, plain.amount
    if operation.kind is OperationKind.CANCEL:
        return Cancel(flag) if amount is MISSING else None
    if flag is not None or not _is_capturable(amount):
        return None
    if operation.kind is OperationKind.CAPTURE:
        return Capture(amount)
    return Refund(amount) if operation.kind is OperationKind.REFUND else None


def _is_capturable(amount: Any) -> bool:
    return isinstance(amount, int) and not isinstance(amount, bool) and 1 <= amount <= MOST
