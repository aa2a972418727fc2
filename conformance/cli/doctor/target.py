"""The target of a run: whether it may be tested, can be reached, takes the credentials, and has the time of day.

Nothing is created there: a token is fetched, the test control API is asked what it offers, and an order that does not
exist is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from conformance.cli.doctor.check import Check, attention, misconfigured, passed, unfit
from conformance.domain.api_table import spec_of
from conformance.domain.messages import Call, NoResponse, Response, ResponseOrNone
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.judging.rule_verdicts import CAPABILITIES
from conformance.targets.http.reachability import layers_of, proxy_host
from conformance.targets.http.session import TOKEN_PATH
from conformance.targets.http.target import HttpTarget
from conformance.targets.production_guard import Address
from conformance.targets.target import Target
from conformance.targets.transport import TargetError, TargetUsageError
from conformance.wire import OrderIdentifiers

MOST_SKEW: Final = 60.0
"""Seconds by which the clocks of this machine and of the target may differ before ages are wrong."""
NAMING: Final = OrderNaming("cctest-doctor")
ADVICE: Final[Mapping[str, str]] = {
    "DNS": "Check the host in the address, and the name servers of this machine.",
    "TCP": "Is it running, and is the port right? Look for a firewall, or a proxy that has to be named.",
    "TLS": "Name the authority that signed the certificate in SSL_CERT_FILE. Certificates are always checked.",
}
"""What to do where a layer fails."""
UNKNOWN_AGREEMENT: Final = "agr_cctest"


@dataclass
class Exchanges:
    """The exchanges with a target, and what its clock said."""

    answers: list[tuple[Call, ResponseOrNone]] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)

    def record(self, call: Call, answer: ResponseOrNone, *_: object, **__: object) -> None:
        """Take an exchange."""
        self.answers.append((call, answer))
        date = answer.header("date") if isinstance(answer, Response) else None
        if date is not None and (skew := _skew(date)) is not None:
            self.skews.append(skew)


def way_checks(address: Address, environment: Mapping[str, str]) -> Iterator[Check]:
    """Yield the layers of the way to an address; none where a proxy is in between."""
    if proxy_host(address, environment):
        return
    try:
        for layer in layers_of(address, environment):
            if layer.trouble:
                yield unfit(layer.name, layer.trouble, ADVICE[layer.name])
            else:
                yield passed(layer.name, layer.finding)
    except TargetUsageError as error:
        yield misconfigured("TLS", str(error), "See SSL_CERT_FILE and SSL_CERT_DIR.")


def conversation_checks(
    target: Target, market: Market, profiles: tuple[Profile, ...], learn_secret: Callable[[str], None]
) -> list[Check]:
    """Return what a target says to a token request, its test control API, and a read in each API.

    A target that is called without HTTP is opened, and asked nothing. ``learn_secret`` takes what must not be shown.
    """
    return asyncio.run(_conversation(target, market, profiles, learn_secret))


async def _conversation(
    target: Target, market: Market, profiles: tuple[Profile, ...], learn_secret: Callable[[str], None]
) -> list[Check]:
    exchanges = Exchanges()
    try:
        await target.open(market, NAMING, learn_secret, exchanges.record)
        checks = [_opened(target, exchanges)]
        if isinstance(target, HttpTarget):
            checks += _control(target)
            for profile in target.profiles or profiles:
                if profile in profiles:
                    checks.append(await _read(target, market, profile, exchanges))
    except TargetUsageError as error:
        return [misconfigured("target", str(error), "Correct what the sentence names.")]
    except TargetError as error:
        return [unfit("target", str(error), "Correct what the sentence names, and look again.")]
    finally:
        await target.close()
    return [*checks, *clock_checks(exchanges)]


def _opened(target: Target, exchanges: Exchanges) -> Check:
    if not target.over_http:
        return passed("target", f"{target.name} can be called")
    fetched = any(call.request.path.endswith(TOKEN_PATH) for call, _ in exchanges.answers)
    return passed("token", "fetched with the credentials" if fetched else "VIPPS_ACCESS_TOKEN is taken as it is")


def _control(target: HttpTarget) -> Iterator[Check]:
    name = "test control"
    if target.control is None:
        finding = "no --control-url: rules that need old payments or a user who rejects are not tested"
        yield passed(name, finding, "For a test environment, `init sandbox` writes the waivers for them.")
        return
    for profile in target.profiles or ():
        actions = target.session.capabilities.of(profile).actions
        known = sorted(actions & CAPABILITIES.keys())
        yield passed(name, f"{spec_of(profile).title}: {', '.join(known) or 'nothing'}")


async def _read(target: HttpTarget, market: Market, profile: Profile, exchanges: Exchanges) -> Check:
    """Read an order that does not exist."""
    name = f"{spec_of(profile).title} read"
    order_id = NAMING.order_id(profile, "unknown")
    identifiers = OrderIdentifiers(
        order_id, datetime.now(UTC).date(), market, agreement_id=UNKNOWN_AGREEMENT, charge_id=order_id
    )
    connection = target.transport.connect()
    try:
        await target.session.driver_for(profile, identifiers, connection, exchanges.record).look("read", log=False)
    finally:
        await connection.close()
    return read_check(name, exchanges.answers[-1][1])


def read_check(name: str, answer: ResponseOrNone) -> Check:
    """Return what the answer to the read of an order that does not exist shows."""
    if isinstance(answer, NoResponse):
        return unfit(name, f"no answer ({answer.cause})", "Try again when the target is healthy.")
    finding = f"an order that does not exist was answered {answer.status}"
    if answer.status in (401, 403):
        return unfit(name, finding, "Check that the keys are those of this sales unit (VIPPS_MSN), with this API.")
    if answer.status >= 500 or answer.status == 429:
        return unfit(name, finding, "Try again when the target is healthy.")
    if answer.status < 400:
        return attention(name, finding, "A refusal was expected: look whether the address is that of the API.")
    return passed(name, finding)


def clock_checks(exchanges: Exchanges) -> list[Check]:
    """Return how this machine's clock differs from the target's; nothing where no answer had a date."""
    if not exchanges.skews:
        return []
    skew = min(exchanges.skews, key=abs)
    finding = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the target's Date header"
    if abs(skew) > MOST_SKEW:
        return [attention("clock", finding, "Set this machine's clock: the age of payments is counted by it.")]
    return [passed("clock", finding if abs(skew) >= 1 else "as the target's Date header")]


def _skew(date: str) -> float | None:
    """Return by how many seconds this machine's clock is ahead of a Date header; None if it is no date."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (datetime.now(UTC) - moment.astimezone(UTC)).total_seconds()
