"""What is always sent, whatever is drawn later: every operation without credentials, malformed, and about nothing.

It is deterministic and short, so that a defect of the HTTP layer is found in the first seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product
from typing import Final

from conformance.fuzzing.executor import RequestDraft, RequestExecutor
from conformance.fuzzing.order_pool import PART, PooledOrder
from conformance.fuzzing.request_shape import FLAGS, SMALL, broken_bodies, good_body
from conformance.wire.base import as_json_bytes
from conformance.wire.operations import Operation, OperationKind

SOURCE: Final = "probe"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
CREDENTIALS: Final = (
    ("without a token", "none", "ours"),
    ("with another token", "other", "ours"),
    ("without a subscription key", "ours", "none"),
)


async def probe(gate: RequestExecutor) -> None:
    """Send everything that is always sent.

    Raises:
        SpentError: the time or the number of requests is used up.
        TargetError: the target does not answer any more.

    """
    # Plain requests come last: they use the orders up.
    for part in (_unauthorized, _malformed, _about_nothing, _of_another_method, _plain):
        for operation in gate.operations:
            async for draft in part(gate, operation):
                await gate.exchange(draft)


def _body(gate: RequestExecutor, operation: Operation, amount: int = PART) -> bytes:
    good = good_body(operation, gate.ours, gate.orders.fresh_id(), amount)
    return b"" if good is None else as_json_bytes(good)


async def _subject(gate: RequestExecutor, operation: Operation) -> PooledOrder | None:
    if not operation.ordered:
        return None
    for situation in ("reserved", "waiting"):
        if situation in gate.orders.situations:
            order = await gate.orders.in_situation(situation)
            if order is not None:
                return order
    return None


async def _unauthorized(gate: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    for label, token, key in CREDENTIALS:
        subject = await _subject(gate, operation)
        if operation.ordered and subject is None:
            return
        body = _body(gate, operation)
        yield RequestDraft(operation, SOURCE, label, operation.method, body, fellow=subject, token=token, key=key)


async def _malformed(gate: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    for label, body in broken_bodies(operation, gate.ours, gate.orders.fresh_id(), PART):
        subject = await _subject(gate, operation)
        if operation.ordered and subject is None:
            return
        yield RequestDraft(operation, SOURCE, label, operation.method, body, fellow=subject)


async def _about_nothing(gate: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    if operation.ordered:
        yield RequestDraft(operation, SOURCE, "about no order", operation.method, _body(gate, operation))


async def _of_another_method(gate: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    taken = {candidate.method for candidate in gate.operations if candidate.path == operation.path}
    for method in METHODS:
        if method not in taken and operation.deed in (OperationKind.CANCEL, OperationKind.CREATE):
            subject = await _subject(gate, operation)
            yield RequestDraft(operation, SOURCE, f"as {method}", method, fellow=subject, content_type="")


async def _plain(gate: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    if not operation.ordered:
        yield RequestDraft(operation, SOURCE, "plain", operation.method, _body(gate, operation, SMALL))
        return
    flags = (None, False, True) if operation.deed is OperationKind.CANCEL and operation.profile in FLAGS else (None,)
    amounts = (PART, 2 * SMALL) if operation.deed in (OperationKind.CAPTURE, OperationKind.REFUND) else (PART,)
    for situation, flag, amount in product(gate.orders.situations, flags, amounts):
        subject = await gate.orders.fresh(situation) if operation.deed is OperationKind.CANCEL else None
        subject = subject or await gate.orders.in_situation(situation)
        if subject is None:
            continue
        body = _body(gate, operation, amount)
        if flag is not None:
            good = good_body(operation, gate.ours, "", amount) or {}
            body = as_json_bytes({**good, FLAGS[operation.profile]: flag})
        draft = RequestDraft(operation, SOURCE, f"plain, {situation}", operation.method, body, fellow=subject)
        yield draft
        if operation.deed is OperationKind.CANCEL and subject.tracked:
            yield replace(draft, label=f"plain, {situation}, again")
