"""The provider on a port of the loopback interface."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from conformance.sandbox.asgi import create_app
from conformance.sandbox.provider import Provider

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
START_SECONDS = 10.0


def _server(provider: Provider, port: int) -> uvicorn.Server:
    import uvicorn  # noqa: PLC0415 - loaded by those who serve, not by those who call the provider in memory

    app = create_app(provider)
    return uvicorn.Server(
        uvicorn.Config(cast("uvicorn._types.ASGIApplication", app), host=HOST, port=port, log_level="warning")
    )


def serve(provider: Provider, port: int = 9701) -> None:
    """Serve a provider on a port of the loopback interface until interrupted."""
    _server(provider, port).run()


@contextmanager
def running_server(provider: Provider) -> Iterator[str]:
    """Serve a provider in a background thread on a free port.

    Yields:
        Its base URL, such as ``http://127.0.0.1:49152``; the control API is at ``/control`` under it.

    Raises:
        RuntimeError: the server did not start within ten seconds.

    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((HOST, 0))
        port = listener.getsockname()[1]
        server = _server(provider, port)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            yield f"http://{HOST}:{port}"
        finally:
            server.should_exit = True
            thread.join()


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("The embedded provider did not start; is another program holding the port?")
        time.sleep(0.01)
