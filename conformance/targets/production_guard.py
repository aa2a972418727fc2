"""Addresses of targets, and the production hosts that no run may reach.

The suite creates, captures and cancels orders. In production these would be real money, so its hosts are refused by
name before anything is sent. No option changes this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from conformance.targets.http.base_url import UrlParts, split_url
from conformance.targets.transport import TargetUsageError

DOMAINS: Final = ("vipps.no", "vippsmobilepay.com", "mobilepay.dk", "mobilepay.fi", "mobilepay.com")
TEST_HOST: Final = "apitest.vipps.no"
_HERE: Final = ("127.0.0.1", "localhost", "::1")
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL that may be used, such as ``http://127.0.0.1:9701/api``.

    Attributes:
        scheme: ``http`` or ``https``.
        host: in lower case.
        origin: scheme, host and port.
        prefix: the path that every request's path is added to, without a slash at its end.

    """

    scheme: str
    host: str
    origin: str
    prefix: str

    @property
    def url(self) -> str:
        """The address as text, without a slash at its end."""
        return self.origin + self.prefix

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            address = ip_address(self.host)
        except ValueError:
            return False
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@dataclass(frozen=True, slots=True)
class DocumentAddress:
    """Where a document is that may be fetched.

    Attributes:
        address: the server, without a path.
        path: the document's path there, with its query.

    """

    address: Address
    path: str

    @property
    def name(self) -> str:
        """The document's URL without its query, which may hold a secret."""
        return self.address.origin + self.path.partition("?")[0]


def is_vipps(host: str) -> bool:
    """Return whether a host belongs to Vipps MobilePay, the test environment included.

    >>> is_vipps("API.Vipps.No."), is_vipps("vipps.no.example.com"), is_vipps("notvipps.no")
    (True, False, False)
    """
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in DOMAINS)


def base_address(text: str) -> Address:
    """Return the address of an API's base URL.

    Raises:
        TargetUsageError: the text is not a base URL, or it is production.

    """
    address = _address(text, "the target")
    if is_vipps(address.host):
        if address.host != TEST_HOST:
            raise TargetUsageError(
                f"{address.host} is a production host of Vipps MobilePay and is never tested: "
                f"use the test environment, https://{TEST_HOST}."
            )
        if address.scheme != "https":
            raise TargetUsageError(f"{TEST_HOST} takes credentials over https only: give https://{TEST_HOST}.")
    return address


def control_address(text: str) -> Address:
    """Return the address of a test control API's base URL.

    Raises:
        TargetUsageError: the text is not a base URL, or is at a host of Vipps MobilePay, which has no such API.

    """
    address = _address(text, "--control-url")
    if is_vipps(address.host):
        raise TargetUsageError(
            f"--control-url must not be at {address.host}: hosts of Vipps MobilePay have no test control API; "
            f"leave the option out."
        )
    return address


def document_address(text: str) -> DocumentAddress:
    """Return the address of an OpenAPI description, which may have a query.

    Raises:
        TargetUsageError: the text is not a URL, or is at a host of Vipps MobilePay.

    """
    base, _, _ = text.strip().partition("#")
    address, path = _address(base.partition("?")[0], "--openapi"), _parts(base, "--openapi").path
    if is_vipps(address.host):
        raise TargetUsageError(f"--openapi must not be at {address.host}: save the description, and name the file.")
    return DocumentAddress(Address(address.scheme, address.host, address.origin, ""), path)


def hook_address(text: str) -> Address:
    """Return the address of a merchant's test hook.

    Raises:
        TargetUsageError: the text is not a base URL, or one that is not on this machine.

    """
    address = _address(text, "--integration")
    if address.host not in _HERE:
        raise TargetUsageError(f"{text} is not on this machine: a test hook is reached at http://127.0.0.1:PORT only.")
    if address.scheme != "http":
        raise TargetUsageError(f"{text} is not http: on this machine nothing is encrypted.")
    return address


def check_proxy(text: str) -> None:
    """Check the URL of a proxy, which may carry a user name and password.

    Raises:
        ValueError: it is not a URL.
        TargetUsageError: it is at a host of Vipps MobilePay.

    """
    host = split_url(text).host
    # What stands before a backslash is a host for some programs, and a user name for others.
    if "\\" in text or not _HOST.fullmatch(host):
        raise ValueError(text)
    if is_vipps(host):
        raise TargetUsageError(f"The proxy that the environment names is at {host}, which has none: unset it.")


def _parts(text: str, role: str) -> UrlParts:
    try:
        return split_url(text.strip())
    except ValueError:
        raise TargetUsageError(f"{role} is not a URL: give one such as http://127.0.0.1:9701.") from None


def _address(text: str, role: str) -> Address:
    url = _parts(text, role)
    if url.scheme not in ("http", "https"):
        raise TargetUsageError(f"{role} must be an http:// or https:// URL, such as http://127.0.0.1:9701.")
    if url.has_credentials:
        raise TargetUsageError(
            f"{role} must not carry a user name or password: credentials are taken from the environment."
        )
    if not url.host:
        raise TargetUsageError(f"{role} names no host: give a URL such as http://127.0.0.1:9701.")
    if not _HOST.fullmatch(url.host):
        raise TargetUsageError(f"{role} names a host with letters that no host name has: write the plain name.")
    if "?" in text or "#" in text:
        raise TargetUsageError(f"{role} must be a base URL without a query or fragment: leave out what follows ? or #.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise TargetUsageError(f"{role} names the port {url.port}, which there is not: ports are 1 to 65535.")
    port = f":{url.port}" if url.port is not None else ""
    shown_host = f"[{url.host}]" if ":" in url.host else url.host
    return Address(url.scheme, url.host, f"{url.scheme}://{shown_host}{port}", url.path.rstrip("/"))
