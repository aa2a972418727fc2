"""What code in this process does with the network, seen by an audit hook of Python.

Patched functions are passed by whoever imported them before, or calls the module below them. An extension module that
opens its sockets itself is seen by neither.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

Report = Callable[[str, object], None]
"""Takes the host and the port that somebody tried to reach; the port is None where only a name was looked up."""

_REFUSED: Final = "Only this machine can be reached in a test run"
_INTERNET: Final = (socket.AF_INET, socket.AF_INET6)
_LOOK_UPS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_SENDING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_reports: Final[list[Report]] = []
"""Of the blocks that are entered; the innermost one gets a report. A hook stays for as long as the process."""


@contextmanager
def only_this_machine(report: Report) -> Iterator[None]:
    """Refuse this process other machines inside the block, in all threads, and report every attempt.

    A datagram socket that is only connected sends nothing: that is how programs learn their own address. It is refused
    and not reported.
    """
    _install_once()
    _reports.append(report)
    try:
        yield
    finally:
        _reports.remove(report)


def is_this_machine(host: str) -> bool:
    """Return whether a name or an address means this machine.

    >>> [is_this_machine(host) for host in ("127.0.0.1", "localhost", "::1", "api.example", "192.0.2.1")]
    [True, True, True, False, False]
    """
    name = host.lower().rstrip(".")
    if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return _is_short_loopback(name)
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _is_short_loopback(name: str) -> bool:
    """Return whether an address is loopback in a form that only the system reads, such as ``127.1``."""
    try:
        return socket.inet_aton(name)[0] == 127
    except OSError:
        return False


_installed = False


def _install_once() -> None:
    global _installed  # noqa: PLW0603 - a hook cannot be removed
    if not _installed:
        _installed = True
        sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if not _reports:
        return
    if event in _LOOK_UPS:
        _look_up(*arguments[:2])
    elif event in _SENDING:
        _send(event, *arguments)


def _look_up(host: object, port: object = None) -> None:
    name = bytes(host).decode("latin-1") if isinstance(host, bytes | bytearray) else str(host or "")
    if not is_this_machine(name):
        _reports[-1](name, port)
        raise socket.gaierror(socket.EAI_NONAME, _REFUSED)


def _send(event: str, sock: socket.socket, address: object) -> None:
    if sock.family not in _INTERNET or not isinstance(address, tuple) or is_this_machine(str(address[0])):
        return
    if event == "socket.connect" and sock.type == socket.SOCK_DGRAM:
        raise OSError(errno.ENETUNREACH, _REFUSED)
    _reports[-1](str(address[0]), address[1])
    raise ConnectionRefusedError(errno.ECONNREFUSED, _REFUSED)
