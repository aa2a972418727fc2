"""Addresses of targets, and the production hosts that no run may reach.

The suite creates, captures and cancels orders. In production these would be real money, so its hosts are refused by
name before anything is sent. No option changes this.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

from conformance.domain.messages import Headers, Response
from conformance.targets.http.base_url import split_url
from conformance.targets.transport import TargetUsageError

DOMAINS: Final = ("vipps.no", "vippsmobilepay.com", "mobilepay.dk", "mobilepay.fi", "mobilepay.com")
TEST_HOST: Final = "apitest.vipps.no"
_ENVIRONMENT: Final = re.compile(r"(?i)(?:x-)?(?:[a-z]+-)?env(?:ironment)?")
_PRODUCTION: Final = re.compile(r"(?i)prod(?:uction)?|live")
_LINK: Final = re.compile(r"(?i)[a-z][a-z0-9+.-]*://([^/:?#@]+)")
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
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def is_vipps(host: str) -> bool:
    """Return whether a host belongs to Vipps MobilePay, the test environment included.

    >>> is_vipps("API.Vipps.No."), is_vipps("vipps.no.example.com"), is_vipps("notvipps.no")
    (True, False, False)
    """
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in DOMAINS)


def production_sign(response: Response, *, loopback: bool) -> str:
    """Return what in a response shows that it comes from production.

    The result is an empty text if nothing does. A gateway under a name of its own may lead to production. An
    environment of that name shows it, and so does a link to a production API. Emulators on this machine return the
    links of the documentation's examples, so that only the environment counts there.

    >>> production_sign(Response(200, (("X-Environment", "production"),)), loopback=True)
    'the header X-Environment: production'
    """
    return _sign_in_headers(response.headers, loopback=loopback) or _sign_in_body(response, loopback=loopback)


def _sign_in_headers(headers: Headers, *, loopback: bool) -> str:
    for name, value in headers:
        if _names_production(name, value):
            return f"the header {name}: {value.strip()}"
        if name.lower() == "location" and not loopback and (host := _production_host(value)):
            return f"a redirect to {host}"
    return ""


def _sign_in_body(response: Response, *, loopback: bool) -> str:
    if not response.body.lstrip().startswith(b"{"):
        return ""
    try:
        content = response.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(content, dict):
        return ""
    claims = _token_claims(content.get("access_token"))
    return _sign_in_members(content, "", loopback=loopback) or _sign_in_members(
        claims, " in its token", loopback=loopback
    )


def _sign_in_members(members: Mapping[str, Any], place: str, *, loopback: bool) -> str:
    for name, value in members.items():
        if not isinstance(value, str) or name == "access_token":
            continue
        if _names_production(name, value):
            return f"{name}: {value}{place}"
        if not loopback and (host := _production_host(value)):
            return f"{name} at {host}{place}"
    return ""


def _names_production(name: str, value: str) -> bool:
    return _names_environment(name) and bool(_PRODUCTION.fullmatch(value.strip()))


@lru_cache(maxsize=1024)
def _names_environment(name: str) -> bool:
    return bool(_ENVIRONMENT.fullmatch(name))


def _production_host(value: str) -> str:
    match = _LINK.match(value.strip())
    host = match[1].lower().rstrip(".") if match else ""
    # The test environment links to the documentation and to pages for the user: only the host of an API is a sign.
    return host if is_vipps(host) and host.startswith("api.") else ""


def _token_claims(token: object) -> dict[str, Any]:
    """Return the claims of an access token in the form of a JWT.

    The result is empty for any other token.
    """
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


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


def _address(text: str, role: str) -> Address:
    try:
        url = split_url(text.strip())
    except ValueError:
        raise TargetUsageError(f"{role} is not a URL: give one such as http://127.0.0.1:9701.") from None
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
