"""The surroundings of a run: what the environment says, and where the evidence would go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from conformance.cli.doctor.check import Check, attention, misconfigured, passed, unfit
from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.evidence.journal import JOURNAL_NAME
from conformance.targets.http.credentials import CREDENTIAL_NAMES, missing_credentials
from conformance.targets.http.reachability import proxy_host
from conformance.targets.production_guard import Address

MSN: Final = "VIPPS_MSN"
PHONE: Final = "VIPPS_TEST_PHONE"
_PHONE_SHAPE: Final = "[0-9]{10,15}"
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def credential_checks(
    environment: Mapping[str, str], *, loopback: bool, profiles: Iterable[Profile]
) -> Iterator[Check]:
    """Yield what the environment has for a target: which variables are set and how they are formed, never a value."""
    present = [name for name in CREDENTIAL_NAMES if environment.get(name)]
    missing = missing_credentials(environment)
    if not present and loopback:
        yield passed("credentials", "none are set; a target on this machine gets those of the built-in simulator")
        return
    if missing:
        finding = f"{', '.join(missing)} not set" + (f"; {', '.join(present)} set" if present else "")
        yield misconfigured("credentials", finding, "Set them in the environment; `init sandbox` lists them.")
    else:
        yield passed("credentials", f"{', '.join(present)} set")
    yield from _disfigured(environment, present)
    if MSN in present:
        yield _sales_unit(environment[MSN], profiles)
    if not loopback:
        yield _phone(environment.get(PHONE, ""))


def _disfigured(environment: Mapping[str, str], names: Iterable[str]) -> Iterator[Check]:
    """Yield a check if values carry what was copied along with them."""
    wrong = [name for name in names if environment[name].strip(" \t\r\n'\"") != environment[name]]
    if wrong:
        finding = f"{', '.join(wrong)} with spaces, line ends or quotation marks around the value"
        yield attention("credentials", finding, "Take them away: they are sent as they are.")


def _sales_unit(msn: str, profiles: Iterable[Profile]) -> Check:
    name = "sales unit"
    patterns = {profile.value: spec_of(profile).msn_pattern for profile in profiles}
    wrong = [
        f"{profile} describes it as {pattern}"
        for profile, pattern in patterns.items()
        if pattern is not None and not re.fullmatch(pattern, msn)
    ]
    if not msn.isdecimal():
        return misconfigured(name, f"{MSN} is not a number", "Set the merchant serial number of your test sales unit.")
    if wrong:
        finding = f"{MSN} has {len(msn)} digits; {', '.join(wrong)}"
        return attention(name, finding, "Look whether it is the serial number of a sales unit.")
    return passed(name, f"{MSN} has {len(msn)} digits")


def _phone(phone: str) -> Check:
    name = "test user"
    if not phone:
        return attention(
            name, f"{PHONE} is not set", "Set it to your test user's number: without that nobody can approve a payment."
        )
    if not re.fullmatch(_PHONE_SHAPE, phone):
        return misconfigured(name, f"{PHONE} is not a phone number", "Write digits only, with the country code.")
    return passed(name, f"{PHONE} set; this user has to have approved a payment by hand once")


def proxy_check(environment: Mapping[str, str], address: Address | None) -> Check:
    """Return which proxies the environment names, and whether a target is reached through one."""
    named = [name for name in _PROXIES if environment.get(name) or environment.get(name.upper())]
    finding = f"{', '.join(named)} set" if named else "none"
    if address is None:
        return passed("proxy", finding)
    proxy = proxy_host(address, environment)
    if proxy:
        return passed("proxy", f"{finding}; {address.host} is reached through {proxy}")
    return passed("proxy", f"{finding}; {address.host} is reached directly")


def out_check(out: str) -> Check:
    """Return whether the evidence can be written to a folder."""
    folder, name = Path(out), "results"
    place = next((parent for parent in (folder, *folder.absolute().parents) if parent.exists()), folder)
    if not place.is_dir():
        return misconfigured(name, f"{place} is not a folder", "Name another one with --out.")
    if not os.access(place, os.W_OK | os.X_OK):
        return unfit(
            name, f"{place} cannot be written to", "Name another folder with --out, or change its permissions."
        )
    if (folder / JOURNAL_NAME).exists():
        return passed(name, f"{folder} holds a run already, which is not written over")
    return passed(name, f"{folder} can be written to")
