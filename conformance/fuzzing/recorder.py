"""Writing down what was fuzzed: one record for each request, with its facts, its judgement and a line for curl."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from conformance.domain.expectation import Observation
from conformance.domain.messages import Request, Response
from conformance.evidence.journal import RecordSink
from conformance.evidence.redaction import Redactor
from conformance.judging.http_layer import Verdict
from conformance.judging.judge import StepStatus
from conformance.wire import Call, NoResponse, ResponseOrNone
from conformance.wire.operations import Operation

SECRETS: Final[Mapping[str, str]] = {
    "authorization": "Bearer $VIPPS_ACCESS_TOKEN",
    "ocp-apim-subscription-key": "$VIPPS_SUBSCRIPTION_KEY",
}
"""What stands in a line for curl instead of a credential: whoever runs it has their own in the environment."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that was sent, and its answer. ``seconds`` is how long it took."""

    operation: Operation
    source: str
    label: str
    request: Request
    answer: ResponseOrNone
    seconds: float


class Watcher(Protocol):
    """Told of every request that was judged."""

    def judged(self, sent: Sent, verdict: Verdict) -> None:
        """A request was judged."""


class FuzzRecorder:
    """Writes what was fuzzed into a ledger, without its secrets."""

    def __init__(
        self, ledger: RecordSink, redactor: Redactor, base: str, watcher: Watcher | None = None, before: int = 0
    ) -> None:
        """Begin to write, after so many requests that were judged ``before`` the run was interrupted."""
        self.count = before
        self._ledger = ledger
        self._redactor = redactor
        self._base = base
        self._watcher = watcher

    def write(self, sent: Sent, facts: Observation, verdict: Verdict) -> None:
        """Write one judged request."""
        self.count += 1
        content: dict[str, Any] = {
            "id": self.count,
            "profile": sent.operation.profile.value,
            "operation": sent.operation.label,
            "source": sent.source,
            "label": sent.label,
            **self._messages(sent.request, sent.answer),
            "ms": round(sent.seconds * 1000, 2),
            "facts": self._clean(dict(facts)),
            **self._clean(verdict.as_json()),
        }
        if verdict.status is StepStatus.VIOLATES:
            content["curl"] = self.curl(sent.request, facts)
        self._ledger.append("fuzzed", **content)
        if self._watcher is not None:
            self._watcher.judged(sent, verdict)

    def aside(self, call: Call, answer: ResponseOrNone, *_: object, **__: object) -> None:
        """Write a request that was made for our own ends: to bring an order somewhere, or to read it."""
        self._ledger.append("aside", purpose=call.purpose, **self._messages(call.request, answer))

    def _messages(self, request: Request, answer: ResponseOrNone) -> dict[str, Any]:
        clean = self._redactor
        content: dict[str, Any] = {
            "request": {
                "method": request.method,
                "path": clean.clean(request.path),
                "headers": clean.headers(request.headers),
                "body": clean.body(request.body),
            },
            "response": None,
        }
        if isinstance(answer, NoResponse):
            content["lost"] = clean.clean(answer.cause)
        else:
            content["response"] = self._response(answer)
        return content

    def _response(self, answer: Response) -> dict[str, Any]:
        clean = self._redactor
        return {
            "status": answer.status,
            "headers": clean.headers(answer.headers),
            "body": clean.body(answer.body),
        }

    def curl(self, request: Request, facts: Observation) -> str:
        """Return a line that sends a request again. Credentials are taken from the environment of whoever runs it."""
        words = ["curl", "-i", "-X", request.method, shlex.quote(self._redactor.clean(self._base + request.path))]
        ours = {"authorization": facts.get("sent.token"), "ocp-apim-subscription-key": facts.get("sent.key")}
        for name, value in request.headers:
            if ours.get(name.lower()) == "ours":
                words += ["-H", f'"{name}: {SECRETS[name.lower()]}"']
            else:
                words += ["-H", shlex.quote(self._redactor.clean(f"{name}: {value}"))]
        if request.body:
            words += ["--data-binary", shlex.quote(self._redactor.clean(request.body.decode("utf-8", "replace")))]
        return " ".join(words)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redactor.clean(value)
        if isinstance(value, dict):
            return {name: self._clean(member) for name, member in value.items()}
        return [self._clean(item) for item in value] if isinstance(value, list | tuple) else value
