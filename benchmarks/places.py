"""The embedded provider in this process and behind a port of this machine: the same requests, two ways to get there."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import httpx

from conformance.domain.messages import Request, Response
from conformance.sandbox import Provider, serve
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import CONTROL, EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.resolve import resolve_target
from conformance.targets.target import Target

SEED = 0
FRESH = "/fresh"
PATIENCE = 60.0
"""Seconds until something is not slow any more, but broken."""


class Place(Protocol):
    """Where the provider is. Every ``fresh`` one gives out the same identifiers in the same order."""

    name: str

    def fresh(self) -> None:
        """Forget every order."""

    def target(self, concurrency: int = 1) -> Target:
        """Return the suite's way to the provider."""

    def client(self) -> httpx.Client:
        """Return a bare client, which keeps its connection."""


class Kept(Provider):
    """A provider that keeps what it was asked, and the status it answered with."""

    def __init__(self) -> None:
        super().__init__(seed=SEED)
        self.kept: list[tuple[Request, int]] = []

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        self.kept.append((request, response.status))
        return response


class InProcess:
    """The provider is a function call away."""

    name = "in process"

    def __init__(self) -> None:
        self.provider = Provider(seed=SEED)

    def fresh(self) -> None:
        self.provider = Provider(seed=SEED)

    def target(self, concurrency: int = 1) -> Target:
        return seat_at(self.provider, concurrency)

    def client(self) -> httpx.Client:
        return httpx.Client(transport=Direct(self.provider), base_url="http://provider")


def seat_at(provider: Provider, concurrency: int = 1) -> Target:
    """Return the suite's way to a provider in this process."""
    return HttpTarget(EmbeddedTransport(provider), credentials_from(embedded=True), concurrency=concurrency)


class Direct(httpx.BaseTransport):
    """The shortest way from httpx to the provider: no ASGI, no WSGI, no thread."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        answer = self._provider.handle(Request(request.method, request.url.raw_path.decode(), headers, request.read()))
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


class OnPort:
    """The provider is another process, reached over the loopback interface."""

    name = "over a port"

    def __init__(self, url: str) -> None:
        self._url = url

    def fresh(self) -> None:
        httpx.post(self._url + FRESH, timeout=PATIENCE, verify=False, trust_env=False).raise_for_status()

    def target(self, concurrency: int = 1) -> Target:
        return resolve_target(self._url, control_url=self._url + CONTROL, concurrency=concurrency)

    def client(self) -> httpx.Client:
        # A server closes what was idle for five seconds; verify=False saves a TLS context that nobody needs here.
        limits = httpx.Limits(max_connections=1, keepalive_expiry=2.0)
        return httpx.Client(base_url=self._url, limits=limits, timeout=PATIENCE, verify=False, trust_env=False)


class Renewed:
    """A provider that is replaced by a new one when it is asked to be."""

    def __init__(self) -> None:
        self._provider = Provider(seed=SEED)
        self.options = self._provider.options

    def handle(self, request: Request) -> Response:
        if request.path == FRESH:
            self._provider = Provider(seed=SEED)
            return Response(204)
        return self._provider.handle(request)


def free_port() -> int:
    """Return a port of the loopback interface on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def on_port() -> Iterator[OnPort]:
    """Run the provider in a process of its own for a while."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.places", str(port)]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent) as process:
        try:
            place = OnPort(f"http://127.0.0.1:{port}")
            _wait_for(place, process)
            yield place
        finally:
            process.terminate()


def _wait_for(place: OnPort, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return place.fresh()
        except httpx.TransportError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    serve(Renewed(), int(sys.argv[1]))  # type: ignore[arg-type]
