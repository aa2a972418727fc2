"""The user's own proxies, which a merchant's code does not need: the provider of a test is on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

LOOPBACK: Final = "127.0.0.1,localhost,::1"
"""What ``NO_PROXY`` says in a test run."""
_PROXIES: Final = tuple(
    spelling for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for spelling in (name, name.lower())
)
_WITHOUT: Final[Mapping[str, str | None]] = {
    **dict.fromkeys(_PROXIES),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), LOOPBACK),
}


@contextmanager
def without_proxies() -> Iterator[None]:
    """Run the block as if the user had no proxies.

    An exemption is not enough: a client refuses a proxy of a kind that it does not know as soon as it is constructed,
    whether or not it would use the proxy.
    """
    former = {name: os.environ.get(name) for name in _WITHOUT if os.environ.get(name) != _WITHOUT[name]}
    _change({name: _WITHOUT[name] for name in former})
    try:
        yield
    finally:
        _change(former)


def _change(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def proxies_in_use() -> str:
    """Return the proxies that the environment names, such as ``HTTP_PROXY=http://127.0.0.1:9``; empty without one.

    A user name and password in their addresses are left out.
    """
    shown = {name.upper(): _without_password(os.environ[name]) for name in _PROXIES if os.environ.get(name)}
    return ", ".join(f"{name}={address}" for name, address in shown.items())


def _without_password(address: str) -> str:
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
