"""The embedded provider as a target: called directly, in this process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from conformance.domain.messages import Call, Request, ResponseOrNone
from conformance.sandbox import Provider
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.transport import Connection, Transport

CONTROL = "/control"


class EmbeddedTransport(Transport):
    """The embedded provider, or a variant of it; the name says which."""

    kind: ClassVar[str] = "embedded"

    def __init__(self, provider: Provider | None = None, seed: int = 0, name: str = "") -> None:
        self.provider = provider or Provider(seed=seed)
        changes = self.provider.changes
        self.name = name or (f"embedded, changed: {', '.join(changes)}" if changes else "embedded")
        self.control = CONTROL

    def connect(self) -> Connection:
        """Return a direct connection to the provider."""
        return _Direct(self)


class _Direct(Connection):
    def __init__(self, target: EmbeddedTransport) -> None:
        self._target = target
        self._thread: ThreadPoolExecutor | None = None

    async def send(self, call: Call) -> ResponseOrNone:
        return self._handle(call)

    async def race(self, call: Call, timing: RequestTiming) -> ResponseOrNone:
        self._thread = self._thread or ThreadPoolExecutor(1)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._race, call, timing)

    def _race(self, call: Call, timing: RequestTiming) -> ResponseOrNone:
        # Both requests start before the provider handles either. It decides itself which one comes first.
        with timing:
            timing.wait()
            return self._handle(call)

    def _handle(self, call: Call) -> ResponseOrNone:
        refused = self._target.spend()
        if refused is not None:
            return refused
        request = call.request
        if call.to_control:
            request = Request(request.method, CONTROL + request.path, request.headers, request.body)
        return self._target.provider.handle(request)

    async def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
