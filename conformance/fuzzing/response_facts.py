"""Facts about a fuzzed request that its response alone shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.domain.expectation import Scalar
from conformance.domain.messages import NoResponse, ResponseOrNone, find_header
from conformance.domain.order import Profile
from conformance.fuzzing.request_bodies import MISSING, value_at
from conformance.wire.base import as_list, json_body, nested
from conformance.wire.operations import ENTRIES, STATES, Operation, OperationKind


def response_facts(operation: Operation, answer: ResponseOrNone) -> dict[str, Scalar]:
    """Return the facts that an answer alone shows: ``{"answer.status": 200, …}``.

    A fact that is None is left out of the record, except ``answer.name``: it is None if
    all names are documented.
    """
    if isinstance(answer, NoResponse):
        return {"answer.cause": answer.cause}
    body = json_body(answer)
    facts: dict[str, Scalar] = {
        "answer.status": answer.status,
        "answer.type": _media_type(find_header(answer.headers, "content-type")),
        "answer.body": bool(answer.body),
        "answer.parsed": body is not None or answer.body.strip() == b"null",
        "answer.lacks": next((path for path in operation.answered if value_at(body, path) is MISSING), None),
    }
    names = [name for name in _names(operation, body) if isinstance(name[0], str)] if answer.status < 300 else []
    if names:
        facts["answer.name"] = next((name for name, documented in names if name not in documented), None)
    return facts


def _media_type(content_type: str | None) -> str | None:
    """Return ``json`` for all media types of the JSON family, any other as it is."""
    if content_type is None:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    return "json" if media_type.endswith(("/json", "+json")) else media_type


_Names = list[tuple[Any, frozenset[str]]]
"""Names of states and log entries in a response, each with the documented ones."""


def _names(operation: Operation, body: Any) -> _Names:
    if operation.profile is Profile.ECOM:
        return _ecom_names(operation, body)
    if operation.profile is Profile.EPAYMENT:
        return _epayment_names(operation, body)
    if operation.kind is not OperationKind.READ:
        return []
    states, entries = STATES[Profile.RECURRING], ENTRIES[Profile.RECURRING]
    return [(nested(body, "status"), states), *_members(nested(body, "history"), "event", entries)]


def _ecom_names(operation: Operation, body: Any) -> _Names:
    names = list(_members(nested(body, "transactionLogHistory"), "operation", ENTRIES[Profile.ECOM]))
    state = nested(body, "transactionInfo", "status")
    if operation.kind is OperationKind.CANCEL and state is not None:
        return [(state.lower() if isinstance(state, str) else state, STATES[Profile.ECOM]), *names]
    return names


def _epayment_names(operation: Operation, body: Any) -> _Names:
    if operation.kind is OperationKind.LOG:
        return list(_members(body, "name", ENTRIES[Profile.EPAYMENT]))
    if operation.kind is not OperationKind.CREATE and nested(body, "state") is not None:
        return [(nested(body, "state"), STATES[Profile.EPAYMENT])]
    return []


def _members(entries: Any, name: str, documented: frozenset[str]) -> Iterable[tuple[Any, frozenset[str]]]:
    return ((nested(entry, name), documented) for entry in as_list(entries))
