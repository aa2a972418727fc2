"""Whether an address can be reached, one layer after the other: its name, a connection, its certificate."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.targets.http.base_url import split_url
from conformance.targets.http.remote import proxy_for, trusted_certificates
from conformance.targets.production_guard import Address

SECONDS: Final = 5.0
"""How long each layer may take."""
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the way to an address: ``DNS``, ``TCP`` or ``TLS``.

    ``trouble`` is what went wrong there, and empty if nothing did.
    """

    name: str
    finding: str
    trouble: str = ""


def proxy_host(address: Address, environment: Mapping[str, str]) -> str:
    """Return the host of the proxy through which an address is reached, without credentials; empty if there is none."""
    proxy = proxy_for(address, environment)
    return split_url(proxy).host if proxy else ""


def layers_of(address: Address, environment: Mapping[str, str]) -> Iterator[Layer]:
    """Yield the layers of the direct way to an address, up to the first that fails. Nothing is sent over it.

    Raises:
        TargetUsageError: the certificates that the environment names cannot be read.

    """
    port = split_url(address.url).port or _PORTS[address.scheme]
    try:
        places = socket.getaddrinfo(address.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        yield Layer("DNS", "", f"the name {address.host} has no address ({error.strerror or error})")
        return
    yield Layer("DNS", f"{address.host} is {', '.join(dict.fromkeys(str(place[4][0]) for place in places))}")
    try:
        with socket.create_connection((address.host, port), SECONDS) as connection:
            yield Layer("TCP", f"port {port} takes connections")
            if address.scheme == "https":
                yield _handshake(connection, address.host, environment)
    except OSError as error:
        yield Layer("TCP", "", f"port {port} of {address.host} takes no connection ({error.strerror or error})")


def _handshake(connection: socket.socket, host: str, environment: Mapping[str, str]) -> Layer:
    try:
        with trusted_certificates(environment).wrap_socket(connection, server_hostname=host) as secure:
            return Layer("TLS", f"{secure.version()}, and the certificate of {host} is trusted")
    except OSError as error:
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
        return Layer("TLS", "", f"no secure connection to {host} ({reason})")
