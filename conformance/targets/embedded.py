"""The embedded provider as a target: called directly, in this process."""

from __future__ import annotations

from typing import ClassVar

from conformance.exchange import Request
from conformance.profiles import Answer, Call
from conformance.sandbox import Provider
from conformance.targets.base import HttpTarget, Link

CONTROL = "/control"


class EmbeddedTarget(HttpTarget):
    """The embedded provider, or a variant of it."""

    kind: ClassVar[str] = "embedded"

    def __init__(self, provider: Provider | None = None, seed: int = 0, name: str = "embedded") -> None:
        self.provider = provider or Provider(seed=seed)
        self.name = name
        self.control = CONTROL

    def link(self) -> Link:
        """Return a direct way to the provider."""
        return _Direct(self.provider)


class _Direct(Link):
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def send(self, call: Call) -> Answer:
        request = call.request
        if call.to_control:
            request = Request(request.method, CONTROL + request.path, request.headers, request.body)
        return self._provider.handle(request)
