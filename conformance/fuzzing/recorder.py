"""Records fuzzed requests with facts, judgement and a command line for curl."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import structs

from conformance.domain.expectation import Observation
from conformance.domain.messages import Request
from conformance.domain.observation import Field
from conformance.domain.operations import Operation
from conformance.evidence.journal import RecordSink
from conformance.evidence.recorder import recorded_loss, recorded_request, recorded_response
from conformance.evidence.records import AsideRecord, FuzzedRecord
from conformance.evidence.redaction import Redactor
from conformance.judging.http_layer import Verdict
from conformance.judging.judge import StepStatus
from conformance.wire import Call, ResponseOrNone

SECRETS: Final[Mapping[str, str]] = {
    "authorization": "Bearer $VIPPS_ACCESS_TOKEN",
    "ocp-apim-subscription-key": "$VIPPS_SUBSCRIPTION_KEY",
}
"""What a command line for curl has instead of credentials: variables of the environment in which it is run."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was sent, and its answer. ``seconds`` is how long it took."""

    operation: Operation
    source: str
    label: str
    request: Request
    answer: ResponseOrNone
    seconds: float


class Watcher(Protocol):
    """Follows the progress of fuzzing."""

    def judged(self, sent: Sent, verdict: Verdict) -> None:
        """Take note of a request that was judged."""


class FuzzRecorder:
    """Records fuzzed requests without their secrets.

    ``count`` is the number of judged requests so far.
    """

    def __init__(
        self, sink: RecordSink, redactor: Redactor, base: str, watcher: Watcher | None = None, before: int = 0
    ) -> None:
        """Take a sink for the records.

        Args:
            sink: takes the records.
            redactor: removes secrets.
            base: the base URL in command lines for curl.
            watcher: is notified of every judged request.
            before: how many requests were judged before the run was interrupted.

        """
        self.count = before
        self._sink = sink
        self._redactor = redactor
        self._base = base
        self._watcher = watcher

    def record(self, sent: Sent, facts: Observation, verdict: Verdict) -> None:
        """Record a judged request."""
        self.count += 1
        clean = self._redactor
        request = FuzzedRecord(
            id=self.count,
            profile=sent.operation.profile.value,
            operation=sent.operation.label,
            source=sent.source,
            label=sent.label,
            request=recorded_request(sent.request, clean),
            response=recorded_response(sent.answer, clean),
            lost=recorded_loss(sent.answer, clean),
            ms=round(sent.seconds * 1000, 2),
            facts=clean.clean_json(dict(facts)),
            status=verdict.status.value,
            curl=self.curl(sent.request, facts) if verdict.status is StepStatus.VIOLATES else "",
        )
        judged = verdict.judged(request)
        findings = tuple(clean.clean_record(finding) for finding in judged.findings)
        self._sink.append(structs.replace(judged, cause=clean.clean(judged.cause), findings=findings))
        if self._watcher is not None:
            self._watcher.judged(sent, verdict)

    def record_aside(
        self,
        call: Call,
        answer: ResponseOrNone,
        *_: object,
        resent: bool = False,
        waited: float | None = None,
    ) -> None:
        """Record a request that is not judged.

        It brings an order into a situation, or reads it, or is sent again.
        """
        clean = self._redactor
        self._sink.append(
            AsideRecord(
                purpose=call.purpose,
                request=recorded_request(call.request, clean),
                response=recorded_response(answer, clean),
                lost=recorded_loss(answer, clean),
                resent=resent,
                waited=waited,
            )
        )

    def curl(self, request: Request, facts: Observation) -> str:
        """Return a command line that repeats a request.

        It takes credentials from the environment.
        """
        words = ["curl", "-i", "-X", request.method, shlex.quote(self._redactor.clean(self._base + request.path))]
        credentials = {
            "authorization": facts.get(Field.SENT_TOKEN),
            "ocp-apim-subscription-key": facts.get(Field.SENT_KEY),
        }
        for name, value in request.headers:
            if credentials.get(name.lower()) == "ours":
                words += ["-H", f'"{name}: {SECRETS[name.lower()]}"']
            else:
                words += ["-H", shlex.quote(self._redactor.clean(f"{name}: {value}"))]
        if request.body:
            words += ["--data-binary", shlex.quote(self._redactor.clean(request.body.decode("utf-8", "replace")))]
        return " ".join(words)
