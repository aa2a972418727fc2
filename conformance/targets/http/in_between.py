"""Responses that prove nothing, because something between the suite and the target may have made or changed them.

A network has gateways, proxies and filters. Their responses, and those that they cut, empty or mix up, are no evidence
about the target: such a request counts as one without a response. A target in this process has nothing in between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Scalar
from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.operations import BODILESS, Operation, OperationKind
from conformance.domain.order import Profile
from conformance.wire import WIRES
from conformance.wire.base import is_page, json_body, nested

SUCCESSES: Final = frozenset({200, 201, 202, 204})
"""The successes that an API of payments has. Caches, filters and ranges have the others."""
IN_BETWEEN: Final = frozenset({407, 408, 417, 421, 426, 499})
"""Refusals that concern the way to the target: a proxy's credentials, a timeout, the protocol."""
ALSO_IN_BETWEEN: Final = frozenset({403, 404, 405, 410, 451})
"""Refusals that an API has, and that gateways and filters have too, in a form of their own."""
_NO_EVIDENCE: Final = "the response proves nothing: "
_FOREIGN: Final = "the refusal is not in the API's form"
REFUSED_IN_RACE: Final = "the access token was refused while two requests raced"


def evidence_in(profile: Profile, call: Call, response: ResponseOrNone) -> ResponseOrNone:
    """Return a response that says something about the target, or why it says nothing."""
    if isinstance(response, NoResponse):
        return response
    cause = _why_no_evidence(profile, call, response)
    return NoResponse(f"{_NO_EVIDENCE}{cause} (status {response.status})") if cause else response


def is_in_between_cause(cause: Scalar) -> bool:
    """Tell whether the cause of an observation is that a response says nothing."""
    return isinstance(cause, str) and cause.startswith(_NO_EVIDENCE)


def is_foreign_refusal(profile: Profile, response: ResponseOrNone) -> bool:
    """Tell whether a refusal may come from a gateway, or was cut by one.

    It has a status that gateways have, and not the form of the API's errors; or it has no body that can be read.
    """
    fields = WIRES[profile].error_fields
    if not fields or isinstance(response, NoResponse) or not 400 <= response.status < 500:
        return False
    body = json_body(response)
    if body is None or response.status not in ALSO_IN_BETWEEN:
        return body is None
    error = body[0] if isinstance(body, list) and body else body
    return not (isinstance(error, Mapping) and any(name in error for name in fields))


def _why_no_evidence(profile: Profile, call: Call, response: Response) -> str:
    if 200 <= response.status < 300 and response.status not in SUCCESSES:
        return "an intermediary changed the response, as its status says"
    if response.status in IN_BETWEEN:
        return "the status is one of something between the suite and the target"
    operation, parameters = _operation_of(profile, call.request)
    if operation is not None and operation.kind in BODILESS and is_foreign_refusal(profile, response):
        return _FOREIGN
    if operation is None or response.status not in (200, 201) or is_page(response):
        return ""
    body = json_body(response)
    if body is None and _needs_body(operation):
        return "the body is cut, or is no JSON" if response.body.strip() else "the body is empty"
    is_of_another = _is_of_another(_own_id(operation, call.request, parameters), body, spec_of(profile).id_field)
    return "the response is that of another order" if is_of_another else ""


def _needs_body(operation: Operation) -> bool:
    """Tell whether what a success says in its documented body is looked at, or is needed for what follows."""
    if operation.kind in (OperationKind.CREATE, OperationKind.DRAFT):
        return spec_of(operation.profile).belongs_to_agreement
    is_looked_at = operation.kind in (OperationKind.CANCEL, OperationKind.READ)
    return operation.kind is OperationKind.LOG or (is_looked_at and bool(operation.answered))


def _is_of_another(own: Any, body: Any, id_field: str) -> bool:
    """Tell whether a body is about another order, whose identifier was made like that of the right one.

    An identifier of another kind is the target's own doing.
    """
    named = nested(body, id_field) or nested(body, "id")
    if not isinstance(own, str) or not isinstance(named, str) or named.casefold() == own.casefold():
        return False
    return named[:_ALIKE] == own[:_ALIKE] and not own.startswith(named) and not named.startswith(own)


_ALIKE: Final = 4
"""Letters with which all identifiers of one kind begin."""


def _own_id(operation: Operation, request: Request, parameters: Mapping[str, str]) -> Any:
    id_field = spec_of(operation.profile).id_field
    if id_field in parameters or not operation.required:
        return parameters.get(id_field)
    sent = json_body(Response(200, (), request.body))
    return nested(sent, id_field) or nested(sent, "transaction", id_field)


def _operation_of(profile: Profile, request: Request) -> tuple[Operation | None, Mapping[str, str]]:
    """Return the operation that a request asks for, and the identifiers in its path."""
    path = request.path.partition("?")[0]
    for operation, pattern in _patterns(profile):
        match = pattern.fullmatch(path)
        if match and operation.method == request.method:
            return operation, {name: unquote(text) for name, text in match.groupdict().items()}
    return None, {}


@lru_cache
def _patterns(profile: Profile) -> tuple[tuple[Operation, re.Pattern[str]], ...]:
    return tuple(
        (operation, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))))
        for operation in spec_of(profile).operations
    )
