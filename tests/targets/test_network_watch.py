"""An audit hook sees every way to another machine, and lets everything on this one through."""

from __future__ import annotations

import _socket
import asyncio
import http.client
import smtplib
import socket
import sys
import threading
import urllib.request
import xmlrpc.client
from collections.abc import Callable
from contextlib import suppress
from socket import create_connection, getaddrinfo, gethostbyname

import httpx
import pytest

from conformance.targets.network_watch import is_this_machine, only_this_machine

OTHER = ("192.0.2.1", 80)
"""An address that is nobody's: it is reserved for documentation."""


def below_the_module() -> None:
    sock = _socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.connect(OTHER)
    finally:
        sock.close()


def with_socket(use: Callable[[socket.socket], object], family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM):
    def attempt() -> None:
        with socket.socket(family, kind) as sock:
            use(sock)

    return attempt


def in_a_thread() -> None:
    def connect() -> None:
        with suppress(OSError):
            create_connection(OTHER)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()


ATTEMPTS = {
    "imported before": lambda: create_connection(OTHER),
    "connect_ex": with_socket(lambda sock: sock.connect_ex(OTHER)),
    "below the module": below_the_module,
    "IPv6": with_socket(lambda sock: sock.connect(("2001:db8::1", 80)), socket.AF_INET6),
    "mapped": with_socket(lambda sock: sock.connect(("::ffff:192.0.2.1", 80)), socket.AF_INET6),
    "datagram": with_socket(lambda sock: sock.sendto(b"x", OTHER), kind=socket.SOCK_DGRAM),
    "message": with_socket(lambda sock: sock.sendmsg([b"x"], [], 0, OTHER), kind=socket.SOCK_DGRAM),
    "look-up": lambda: getaddrinfo("erp.example", 443),
    "look-up in bytes": lambda: getaddrinfo(b"127.evil.example", 443),
    "old look-up": lambda: gethostbyname("erp.example"),
    "reverse look-up": lambda: socket.gethostbyaddr("192.0.2.1"),
    "asyncio": lambda: asyncio.run(asyncio.wait_for(asyncio.open_connection(*OTHER), 5)),
    "http.client": lambda: http.client.HTTPSConnection("erp.example").request("GET", "/"),
    "urllib": lambda: urllib.request.urlopen("http://erp.example/", timeout=1),
    "httpx": lambda: httpx.get("http://192.0.2.1/", trust_env=False),
    "xmlrpc": lambda: xmlrpc.client.ServerProxy("http://erp.example/").ping(),
    "smtp": lambda: smtplib.SMTP("mail.example", timeout=1),
    "a thread": in_a_thread,
}


@pytest.mark.parametrize("way", list(ATTEMPTS))
def test_every_way_to_another_machine_is_refused_and_reported(way):
    attempts: list[str] = []
    with only_this_machine(lambda host, _: attempts.append(host)), suppress(OSError, httpx.ConnectError):
        ATTEMPTS[way]()
        assert way == "a thread", "it was not refused"
    assert attempts


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "127.8.9.10", "localhost", "LOCALHOST.", "shop.localhost", "::1", "::ffff:127.0.0.1"]
)
def test_this_machine_is_known_in_its_spellings(host):
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host", ["127.evil.example", "localhost.example", "10.0.0.1", "0x7f.example", "::2", "128.0.0.1"]
)
def test_what_only_looks_like_this_machine_is_another(host):
    assert not is_this_machine(host)


def test_this_machine_can_be_reached_and_its_name_looked_up():
    attempts: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server, only_this_machine(lambda host, _: attempts.append(host)):
        create_connection(server.getsockname()).close()
        with suppress(OSError):
            getaddrinfo(socket.gethostname(), None)
        ours, theirs = socket.socketpair()
        ours.close()
        theirs.close()
    assert attempts == []


def test_learning_the_own_address_is_refused_and_not_reported():
    attempts: list[str] = []
    with (
        only_this_machine(lambda host, _: attempts.append(host)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(OSError, match="Only this machine"),
    ):
        sock.connect(("192.0.2.1", 9))
    assert attempts == []


def test_the_innermost_block_gets_the_report_and_no_block_none():
    outer: list[str] = []
    inner: list[str] = []
    with only_this_machine(lambda host, _: outer.append(host)):
        with only_this_machine(lambda host, _: inner.append(host)), suppress(OSError):
            create_connection(OTHER)
        assert (outer, inner) == ([], ["192.0.2.1"])
        with suppress(OSError):
            create_connection(OTHER)
    assert outer == ["192.0.2.1"]


def test_the_hook_is_installed_once(monkeypatch):
    installed: list[object] = []
    monkeypatch.setattr(sys, "addaudithook", installed.append)
    for _ in range(3):
        with only_this_machine(lambda *_: None):
            pass
    assert installed == []
