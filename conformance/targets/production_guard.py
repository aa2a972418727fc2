"""Addresses, and the hosts that no run may ever reach.

The suite makes, captures and cancels orders. Towards production these would be real money, so its hosts are refused by
name before anything is sent, and there is no option that changes it.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import httpx

from conformance.domain.messages import Response
from conformance.targets.transport import TargetUsageError

DOMAINS: Final = ("vipps.no", "vippsmobilepay.com", "mobilepay.dk", "mobilepay.fi", "mobilepay.com")
TEST_HOST: Final = "apitest.vipps.no"
_ENVIRONMENT: Final = re.compile(r"(?i)(?:x-)?(?:[a-z]+-)?env(?:ironment)?")
_PRODUCTION: Final = re.compile(r"(?i)prod(?:uction)?|live")
_LINK: Final = re.compile(r"(?i)[a-z][a-z0-9+.-]*://([^/:?#@]+)")
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL that may be used: where it is, and the path that every request's path is added to."""

    scheme: str
    host: str
    origin: str
    prefix: str

    @property
    def url(self) -> str:
        """The address as text, without a slash at the end."""
        return self.origin + self.prefix

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def is_vipps(host: str) -> bool:
    """Tell whether a host is one of Vipps MobilePay's, the test environment included.

    >>> is_vipps("API.Vipps.No."), is_vipps("vipps.no.example.com"), is_vipps("notvipps.no")
    (True, False, False)
    """
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in DOMAINS)


def says_production(answer: Response, *, loopback: bool) -> str:
    """Return what in an answer says that it comes from production, or nothing.

    A gateway under a name of its own may lead there: an environment that is named so, or a link to a production API
    tells. Emulators on this machine hand out the links of the documentation's examples, so that of theirs only the
    environment counts.
    """
    for name, value in answer.headers:
        if _ENVIRONMENT.fullmatch(name) and _PRODUCTION.fullmatch(value.strip()):
            return f"the header {name}: {value.strip()}"
        if name.lower() == "location" and not loopback and (host := _production_host(value)):
            return f"a redirect to {host}"
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(content, dict):
        return ""
    for where, told in ((content, ""), *((claims, " in its token") for claims in _claims(content.get("access_token")))):
        for name, value in where.items():
            if not isinstance(value, str) or name == "access_token":
                continue
            if _ENVIRONMENT.fullmatch(name) and _PRODUCTION.fullmatch(value.strip()):
                return f"{name}: {value}{told}"
            if not loopback and (host := _production_host(value)):
                return f"{name} at {host}{told}"
    return ""


def _production_host(value: str) -> str:
    match = _LINK.match(value.strip())
    host = match[1].lower().rstrip(".") if match else ""
    # Answers of the test environment link to the documentation and to pages for the user: only an API's host tells.
    return host if is_vipps(host) and host.startswith("api.") else ""


def _claims(token: object) -> list[dict[str, Any]]:
    """Return what an access token says of itself, where it is one that can be read."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:
        return []
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return []
    return [claims] if isinstance(claims, dict) else []


def base_address(text: str) -> Address:
    """Read an API's base URL.

    Raises:
        TargetUsageError: it is no base URL, or it is production.

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
    """Read a test control API's base URL.

    Raises:
        TargetUsageError: it is no base URL, or at a host of Vipps MobilePay, which has no such API.

    """
    address = _address(text, "--control-url")
    if is_vipps(address.host):
        raise TargetUsageError(
            f"--control-url must not be at {address.host}: hosts of Vipps MobilePay have no test control API; "
            f"leave the option out."
        )
    return address


def _address(text: str, what: str) -> Address:
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError):
        raise TargetUsageError(f"{what} is not a URL: give one such as http://127.0.0.1:9701.") from None
    if url.scheme not in ("http", "https"):
        raise TargetUsageError(f"{what} must be an http:// or https:// URL, such as http://127.0.0.1:9701.")
    if url.userinfo:
        raise TargetUsageError(
            f"{what} must not carry a user name or password: credentials are taken from the environment."
        )
    # The encoded host is what would be connected to, whatever letters it was written in.
    host = url.raw_host.decode("ascii", "replace").lower().rstrip(".")
    if not host:
        raise TargetUsageError(f"{what} names no host: give a URL such as http://127.0.0.1:9701.")
    if not _HOST.fullmatch(host):
        raise TargetUsageError(f"{what} names a host with letters that no host name has: write the plain name.")
    if "?" in text or "#" in text:
        raise TargetUsageError(f"{what} must be a base URL without a query or fragment: leave out what follows ? or #.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise TargetUsageError(f"{what} names the port {url.port}, which there is not: ports are 1 to 65535.")
    port = f":{url.port}" if url.port is not None else ""
    shown = f"[{host}]" if ":" in host else host
    prefix = url.raw_path.decode("ascii", "replace").rstrip("/")
    return Address(url.scheme, host, f"{url.scheme}://{shown}{port}", prefix)
