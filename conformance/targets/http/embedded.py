"""The embedded provider as a target: called directly, in this process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from conformance.domain.messages import Request
from conformance.sandbox import Provider
from conformance.targets.http.race_timing import RequestTiming
from conformance.targets.transport import Connection, Transport
from conformance.wire import Call, ResponseOrNone

CONTROL = "/control"


class EmbeddedTransport(Transport):
    """The embedded provider, or a variant of it, which its name then says."""

    kind: ClassVar[str] = "embedded"

    def __init__(self, provider: Provider | None = None, seed: int = 0, name: str = "") -> None:
        self.provider = provider or Provider(seed=seed)
        changes = self.provider.changes
        self.name = name or (f"embedded, changed: {', '.join(changes)}" if changes else "embedded")
        self.control = CONTROL

    def link(self) -> Connection:
        """Return a direct way to the provider."""
        return _Direct(self)


class _Direct(Connection):
    def __init__(self, target: EmbeddedTransport) -> None:
        self._target = target
        self._thread: ThreadPoolExecutor | None = None

    async def send(self, call: Call) -> ResponseOrNone:
        return self._handle(call)

    async def race(self, call: Call, flight: RequestTiming) -> ResponseOrNone:
        self._thread = self._thread or ThreadPoolExecutor(1)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._race, call, flight)

    def _race(self, call: Call, flight: RequestTiming) -> ResponseOrNone:
        # Both stand at the provider's door before either goes in: which one it lets in first is its own affair.
        with flight:
            flight.wait()
            return self._handle(call)

    def _handle(self, call: Call) -> ResponseOrNone:
        spent = self._target.spend()
        if spent is not None:
            return spent
        request = call.request
        if call.to_control:
            request = Request(request.method, CONTROL + request.path, request.headers, request.body)
        return self._target.provider.handle(request)

    async def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False)
