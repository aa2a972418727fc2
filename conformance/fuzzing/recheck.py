"""Checking what was fuzzed once more: the facts that the messages show, and the judgement that follows from the facts.

The messages stand in the journal beside the facts, without credentials. What cannot be read from one request and its
answer is taken as it was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.domain.expectation import Scalar
from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, Record, body_from_json
from conformance.evidence.redaction import REMOVED
from conformance.fuzzing.executor import answered_facts
from conformance.judging.http_layer import judge_request
from conformance.wire import NoResponse, ResponseOrNone
from conformance.wire.operations import OPERATIONS, Operation

ON_TRUST: Final = (
    "what was fuzzed: its judgements follow from the facts, and those about the answers from the answers; what else "
    "the facts say (which credentials were sent, what was wrong with a body, how the order was before and after, what "
    "the model said of it, whether the target was well) is taken as it was recorded"
)


@dataclass
class Rechecked:
    """What came of it: how many requests were judged again, what does not follow, and what a secret hides."""

    judged: int = 0
    faults: list[str] = field(default_factory=list)
    hidden: int = 0


def recheck(evidence: Evidence) -> Rechecked:
    """Check every fuzzed request of a run."""
    out = Rechecked()
    operations = {(operation.profile.value, operation.label): operation for operation in OPERATIONS}
    for record in evidence.of_kind("fuzzed"):
        facts = record["facts"]
        if any(REMOVED in str(value) for value in facts.values()):
            out.hidden += 1
            continue
        out.judged += 1
        where = f"request {record['id']} of the fuzzer (record {record['n']})"
        operation = operations.get((record["profile"], record["operation"]))
        if operation is None:
            out.faults.append(f"{where} asks for {record['operation']}, which {record['profile']} does not have")
            continue
        for name, (recorded, has_to_be) in _wrong_facts(record, operation).items():
            out.faults.append(f"{where}: {name} is said to be {recorded!r}, and the messages say {has_to_be!r}")
        recorded = {name: record[name] for name in _JUDGEMENT if name in record}
        judged = judge_request(Profile(record["profile"]), facts).as_json()
        if recorded != judged:
            out.faults.append(
                f"{where} is said to be {record['status']!r}, and the facts say {judged['status']!r}"
                if recorded["status"] != judged["status"]
                else f"{where} is not judged as its facts say"
            )
    return out


_JUDGEMENT: Final = ("status", "examples", "records", "cause", "findings")
_ANSWERED: Final = "answer."
_ABSENT: Final = "nothing"


def _wrong_facts(record: Record, operation: Operation) -> dict[str, tuple[Any, Any]]:
    """Return the facts that are not what request and answer show, and what they show."""
    recorded: Mapping[str, Scalar] = record["facts"]
    shown: dict[str, Any] = {
        "sent.deed": operation.deed.value,
        "sent.method": "documented" if record["request"]["method"] == operation.method else "other",
    }
    answer = _answer(record)
    if isinstance(answer, NoResponse) or REMOVED.encode() not in answer.body:
        facts = answered_facts(operation, answer)
        shown |= {name: value for name, value in facts.items() if value is not None or name == "answer.name"}
        shown |= {name: _ABSENT for name in recorded if name.startswith(_ANSWERED) and name not in shown}
    return {
        name: (recorded.get(name, _ABSENT), value)
        for name, value in shown.items()
        if recorded.get(name, _ABSENT) != value
    }


def _answer(record: Record) -> ResponseOrNone:
    response = record["response"]
    if response is None:
        return NoResponse(record["lost"])
    headers = tuple((name, value) for name, value in response["headers"])
    return Response(response["status"], headers, body_from_json(response["body"]))
