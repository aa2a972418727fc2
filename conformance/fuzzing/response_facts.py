"""Facts about a fuzzed request that its response alone shows."""

from __future__ import annotations

from conformance.domain.expectation import Scalar
from conformance.domain.messages import NoResponse, ResponseOrNone, find_header
from conformance.domain.observation import Field
from conformance.domain.operations import Operation
from conformance.fuzzing.requests import REQUESTS
from conformance.fuzzing.requests.base import MISSING, value_at
from conformance.wire.base import json_body


def response_facts(operation: Operation, answer: ResponseOrNone) -> dict[str, Scalar]:
    """Return the facts that an answer alone shows: ``{"answer.status": 200, …}``.

    A fact that is None is left out of the record, except ``answer.name``: it is None if
    all names are documented.
    """
    if isinstance(answer, NoResponse):
        return {Field.ANSWER_CAUSE: answer.cause}
    body = json_body(answer)
    facts: dict[str, Scalar] = {
        Field.ANSWER_STATUS: answer.status,
        Field.ANSWER_TYPE: _media_type(find_header(answer.headers, "content-type")),
        Field.ANSWER_BODY: bool(answer.body),
        Field.ANSWER_PARSED: body is not None or answer.body.strip() == b"null",
        Field.ANSWER_LACKS: next((path for path in operation.answered if value_at(body, path) is MISSING), None),
    }
    names = (
        [name for name in REQUESTS[operation.profile].names(operation, body) if isinstance(name[0], str)]
        if answer.status < 300
        else []
    )
    if names:
        facts[Field.ANSWER_NAME] = next((name for name, documented in names if name not in documented), None)
    return facts


def _media_type(content_type: str | None) -> str | None:
    """Return ``json`` for all media types of the JSON family, any other as it is."""
    if content_type is None:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    return "json" if media_type.endswith(("/json", "+json")) else media_type
