"""Rechecks the facts and the judgements of fuzzed requests.

The journal has the messages beside
the facts, without credentials. A fact that one request and its response do not show is taken as it was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.domain.api_table import SPECS
from conformance.domain.expectation import Scalar
from conformance.domain.messages import Response
from conformance.domain.observation import Field
from conformance.domain.operations import Operation
from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence
from conformance.evidence.records import FuzzedRecord
from conformance.evidence.redaction import REMOVED
from conformance.fuzzing.response_facts import response_facts
from conformance.judging.http_layer import judge_request
from conformance.wire import NoResponse, ResponseOrNone

ON_TRUST: Final = (
    "what was fuzzed: its judgements follow from the facts, and those about the answers from the answers; what else "
    "the facts say (which credentials were sent, what was wrong with a body, how the order was before and after, what "
    "the model said of it, whether the target was well) is taken as it was recorded"
)


@dataclass
class Rechecked:
    """The result of a recheck.

    Attributes:
        judged: how many requests were judged again.
        faults: what does not follow, a sentence each.
        hidden: how many requests could not be judged again because a secret was removed from their facts.

    """

    judged: int = 0
    faults: list[str] = field(default_factory=list)
    hidden: int = 0


def recheck(evidence: Evidence) -> Rechecked:
    """Recheck every fuzzed request of a run."""
    result = Rechecked()
    operations = {
        (operation.profile.value, operation.label): operation
        for spec in SPECS.values()
        for operation in spec.operations
    }
    for record in evidence.of(FuzzedRecord):
        facts = record.facts
        if any(REMOVED in str(value) for value in facts.values()):
            result.hidden += 1
            continue
        result.judged += 1
        operation = operations.get((record.profile, record.operation))
        result.faults.extend(f"{_where(record)}{fault}" for fault in _faults(record, operation))
    return result


def _where(record: FuzzedRecord) -> str:
    return f"request {record.id} of the fuzzer (record {record.n})"


def _faults(record: FuzzedRecord, operation: Operation | None) -> Iterator[str]:
    """Yield what is wrong in the record of a request: the rest of a sentence."""
    if operation is None:
        yield f" asks for {record.operation}, which {record.profile} does not have"
        return
    for name, (recorded_fact, shown) in _wrong_facts(record, operation).items():
        yield f": {name} is said to be {recorded_fact!r}, and the messages say {shown!r}"
    verdict = judge_request(Profile(record.profile), record.facts)
    if record.status != verdict.status.value:
        yield f" is said to be {record.status!r}, and the facts say {verdict.status.value!r}"
    elif verdict.judged(record) != record:
        yield " is not judged as its facts say"


_RESPONSE: Final = "answer."
"""Prefix of the facts that a response shows."""
_ABSENT: Final = "nothing"


def _wrong_facts(record: FuzzedRecord, operation: Operation) -> dict[str, tuple[Any, Any]]:
    """Return the facts that the messages contradict, each as recorded and shown."""
    recorded: Mapping[str, Scalar] = record.facts
    shown: dict[str, Any] = {
        Field.SENT_DEED: operation.kind.value,
        Field.SENT_METHOD: "documented" if record.request.method == operation.method else "other",
    }
    answer = _answer(record)
    if isinstance(answer, NoResponse) or REMOVED.encode() not in answer.body:
        facts = response_facts(operation, answer)
        shown |= {name: value for name, value in facts.items() if value is not None or name == Field.ANSWER_NAME}
        shown |= {name: _ABSENT for name in recorded if name.startswith(_RESPONSE) and name not in shown}
    return {
        name: (recorded.get(name, _ABSENT), value)
        for name, value in shown.items()
        if recorded.get(name, _ABSENT) != value
    }


def _answer(record: FuzzedRecord) -> ResponseOrNone:
    response = record.response
    if response is None:
        return NoResponse(record.lost or "")
    return Response(response.status, response.headers, response.content)
