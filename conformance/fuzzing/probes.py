"""Requests that are always sent, whatever is drawn later.

They are without credentials, malformed, for unknown orders, or plain. They are deterministic and few, so that a defect
of the HTTP layer shows in the first seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.operations import Operation, OperationKind
from conformance.fuzzing.executor import RequestDraft, RequestExecutor
from conformance.fuzzing.order_pool import PART, PooledOrder
from conformance.fuzzing.request_bodies import SMALL, broken_bodies, good_body
from conformance.wire.base import as_json_bytes

SOURCE: Final = "probe"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
CREDENTIALS: Final = (
    ("without a token", "none", "ours"),
    ("with another token", "other", "ours"),
    ("without a subscription key", "ours", "none"),
)


async def probe(executor: RequestExecutor) -> None:
    """Send all requests that are always sent.

    Raises:
        SpentError: the budget is spent.
        TargetError: the target does not respond any more.

    """
    # Plain requests come last: they use up the orders.
    for drafts in (_unauthorized, _malformed, _for_unknown_orders, _with_other_methods, _plain):
        for operation in executor.operations:
            async for draft in drafts(executor, operation):
                await executor.execute(draft)


def _body(executor: RequestExecutor, operation: Operation, amount: int = PART) -> bytes:
    good = good_body(operation, executor.defaults, executor.orders.fresh_id(), amount)
    return b"" if good is None else as_json_bytes(good)


async def _order(executor: RequestExecutor, operation: Operation) -> PooledOrder | None:
    """Return an order that a request can be about.

    The result is None if there is none, or the operation names none.
    """
    if not operation.names_order:
        return None
    for situation in ("reserved", "waiting"):
        if situation in executor.orders.situations:
            order = await executor.orders.in_situation(situation)
            if order is not None:
                return order
    return None


async def _unauthorized(executor: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    for label, token, key in CREDENTIALS:
        order = await _order(executor, operation)
        if operation.names_order and order is None:
            return
        body = _body(executor, operation)
        yield RequestDraft(operation, SOURCE, label, operation.method, body, order=order, token=token, key=key)


async def _malformed(executor: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    for label, body in broken_bodies(operation, executor.defaults, executor.orders.fresh_id(), PART):
        order = await _order(executor, operation)
        if operation.names_order and order is None:
            return
        yield RequestDraft(operation, SOURCE, label, operation.method, body, order=order)


async def _for_unknown_orders(executor: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    if operation.names_order:
        yield RequestDraft(operation, SOURCE, "about no order", operation.method, _body(executor, operation))


async def _with_other_methods(executor: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    documented = {candidate.method for candidate in executor.operations if candidate.path == operation.path}
    for method in METHODS:
        if method not in documented and operation.kind in (OperationKind.CANCEL, OperationKind.CREATE):
            order = await _order(executor, operation)
            yield RequestDraft(operation, SOURCE, f"as {method}", method, order=order, content_type="")


async def _plain(executor: RequestExecutor, operation: Operation) -> AsyncIterator[RequestDraft]:
    if not operation.names_order:
        yield RequestDraft(operation, SOURCE, "plain", operation.method, _body(executor, operation, SMALL))
        return
    cancels = operation.kind is OperationKind.CANCEL
    moves_money = operation.kind in (OperationKind.CAPTURE, OperationKind.REFUND)
    flags = (None, False, True) if cancels and spec_of(operation.profile).cancel_flag else (None,)
    amounts = (PART, 2 * SMALL) if moves_money else (PART,)
    for situation, flag, amount in product(executor.orders.situations, flags, amounts):
        order = await executor.orders.fresh(situation) if cancels else None
        order = order or await executor.orders.in_situation(situation)
        if order is None:
            continue
        body = _plain_body(executor, operation, flag, amount)
        draft = RequestDraft(operation, SOURCE, f"plain, {situation}", operation.method, body, order=order)
        yield draft
        if cancels and order.is_known:
            yield replace(draft, label=f"plain, {situation}, again")


def _plain_body(executor: RequestExecutor, operation: Operation, flag: bool | None, amount: int) -> bytes:
    body = _body(executor, operation, amount)
    if flag is None:
        return body
    good = good_body(operation, executor.defaults, "", amount) or {}
    return as_json_bytes({**good, str(spec_of(operation.profile).cancel_flag): flag})
