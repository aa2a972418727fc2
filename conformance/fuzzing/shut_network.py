"""Keeps the library that draws requests from reaching anything by itself.

Everything that leads out of a description is removed from it before anything is drawn (`openapi.py`). This is the
second lock: Python tells an audit hook of every connection, name look-up and URL before it is made, whoever makes it
and whatever was patched. Which code asks is seen from the frames that called: what the suite sends for a drawn request
is the suite's own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_REFUSED: Final = frozenset({
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request",
    "http.client.connect", "ftplib.connect", "smtplib.connect", "subprocess.Popen", "os.system", "os.exec",
    "os.posix_spawn",
})  # fmt: skip
_OWN: Final = "conformance."
_LIBRARY: Final = "schemathesis."
_LOADER: Final = "load_"
"""How the library names its functions that read what a reference names."""


class ShutError(RuntimeError):
    """The library tried to reach something by itself."""


class _Lock:
    """Whether the network is shut. A hook cannot be removed, so there is one for the process."""

    def __init__(self) -> None:
        self.depth = 0
        self._has_hook = False

    def install(self) -> None:
        """Let Python tell the lock, from now on."""
        if not self._has_hook:
            self._has_hook = True
            sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.depth or (event not in _REFUSED and event != "open"):
            return
        if _asks_itself(sys._getframe(1), loading=event == "open"):
            raise ShutError(
                f"{event} was refused while requests are drawn: nothing that a description names is fetched"
            )


_LOCK: Final = _Lock()


@contextmanager
def shut_network() -> Iterator[None]:
    """Refuse what the library would reach by itself, in any thread, until the end of the block.

    Files are refused to those of its functions that load what a reference names: it has files of its own to read.
    """
    _LOCK.install()
    _LOCK.depth += 1
    try:
        yield
    finally:
        _LOCK.depth -= 1


def _asks_itself(frame: FrameType | None, *, loading: bool) -> bool:
    """Return whether the library asks, and not the suite on its behalf."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(_OWN) and name != __name__:
            return False
        if name.startswith(_LIBRARY) and (not loading or frame.f_code.co_name.startswith(_LOADER)):
            return True
        frame = frame.f_back
    return False
