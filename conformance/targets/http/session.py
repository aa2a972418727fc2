"""A run's session with a target: credentials, token and capabilities.

Everything that is wrong with the configuration shows here, as one sentence that says what to change.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from conformance.domain.messages import Request, Response
from conformance.domain.order import Market, Profile
from conformance.sandbox import Options
from conformance.targets.http.driver import HttpDriver, RecordExchange
from conformance.targets.http.request_sender import EARLY, Token, TokenStore, refuse_production
from conformance.targets.transport import (
    Capabilities,
    Connection,
    ControlOffer,
    TargetError,
    TargetUsageError,
    Transport,
)
from conformance.wire import WIRES, Call, Credentials, NoResponse, OrderIdentifiers, ResponseOrNone
from conformance.wire.base import SYSTEM_HEADERS, content, dig

CREDENTIAL_NAMES: Final = (
    "VIPPS_CLIENT_ID",
    "VIPPS_CLIENT_SECRET",
    "VIPPS_SUBSCRIPTION_KEY",
    "VIPPS_MSN",
    "VIPPS_ACCESS_TOKEN",
)
PHONE: Final = "4712345678"
"""The test user's phone number where nobody names one."""
TOKEN_PATH: Final = "/accesstoken/get"
PATIENCE: Final = 2
"""How often a token or the capabilities are asked for again."""


@dataclass(frozen=True, slots=True)
class EnvironmentCredentials:
    """The credentials as the environment gives them. ``known`` is False where the sandbox's own are used instead.

    ``other_named`` says that ``other_msn`` is another sales unit by somebody's word, and not only a number that is not
    this one's.
    """

    client_id: str
    client_secret: str
    subscription_key: str
    msn: str
    token: str
    other_msn: str
    phone: str
    known: bool
    other_named: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be written down. A phone number is somebody's where the user named one."""
        said = (self.client_secret, self.subscription_key, self.token, self.client_id)
        phones = (self.phone, self.phone[-8:]) if self.phone != PHONE else ()
        return tuple(one for one in (*said, *phones) if one)


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Return what stands in the environment and must never be written down."""
    names = (*(name for name in CREDENTIAL_NAMES if name != "VIPPS_MSN"), "VIPPS_TEST_PHONE")
    found = [environment.get(name, "") for name in names]
    return [one for one in (*found, found[-1][-8:]) if one and one != PHONE]


def credentials_from(
    environment: Mapping[str, str] | None = None, *, embedded: bool = False, loopback: bool = False
) -> EnvironmentCredentials:
    """Read the credentials from the environment.

    A target on this machine is given the embedded provider's public test credentials where the environment has none.

    Raises:
        TargetUsageError: some are missing; the message names them.

    """
    env = os.environ if environment is None else environment
    sandbox = Options()
    found = {name: env.get(name, "") for name in CREDENTIAL_NAMES}
    other = env.get("VIPPS_OTHER_MSN", "")
    if embedded or (loopback and not any(found.values())):
        return EnvironmentCredentials(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.subscription_key,
            sandbox.msn,
            "",
            (not embedded and other) or sandbox.other_msn,
            _phone(env),
            known=False,
            other_named=embedded or bool(other),
        )
    missing = [name for name in ("VIPPS_SUBSCRIPTION_KEY", "VIPPS_MSN") if not found[name]]
    if not found["VIPPS_ACCESS_TOKEN"]:
        missing += [name for name in ("VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET") if not found[name]]
    if missing:
        raise TargetUsageError(f"{', '.join(missing)} must be set in the environment to test this target.")
    return EnvironmentCredentials(
        found["VIPPS_CLIENT_ID"],
        found["VIPPS_CLIENT_SECRET"],
        found["VIPPS_SUBSCRIPTION_KEY"],
        found["VIPPS_MSN"],
        found["VIPPS_ACCESS_TOKEN"],
        other or ("999999" if found["VIPPS_MSN"] != "999999" else "888888"),
        _phone(env),
        known=True,
        other_named=bool(other),
    )


def _phone(env: Mapping[str, str]) -> str:
    return env.get("VIPPS_TEST_PHONE", "") or PHONE


@dataclass
class Session:
    """What is known of a target once it was spoken to."""

    target: Transport
    credentials: Credentials
    market: Market
    nonce: str
    today: date
    capabilities: Capabilities
    office: TokenStore
    other_named: bool = False
    offered: dict[Profile, frozenset[str]] = field(default_factory=dict)
    distinguishes_units: dict[Profile, bool] = field(default_factory=dict)

    def driver(
        self,
        profile: Profile,
        order_id: str,
        link: Connection,
        record: RecordExchange,
        beside: Connection | None = None,
    ) -> HttpDriver:
        """Return a player for one history, under a fresh order id. Beside ``link`` it may have a second connection."""
        return self.player_for(profile, OrderIdentifiers(order_id, self.today, self.market), link, record, beside)

    def player_for(
        self,
        profile: Profile,
        ticket: OrderIdentifiers,
        link: Connection,
        record: RecordExchange,
        beside: Connection | None = None,
    ) -> HttpDriver:
        """Return a player for an order whose identifiers are on a ticket of the caller's."""
        wire = WIRES[profile](self.credentials, ticket, self.capabilities.of(profile).actions)
        return HttpDriver(wire, link, record, beside if self.target.concurrent else None, self.office)


async def open_session(
    target: Transport,
    keys: EnvironmentCredentials,
    market: Market,
    nonce: str,
    today: date,
    learn_secret: Callable[[str], None],
    record: RecordExchange,
) -> Session:
    """Start a target, fetch a token and ask what the target offers.

    Raises:
        TargetError: it cannot be reached, refuses the credentials, or its test control API answers something else.

    """
    await target.start()
    link = target.link()
    try:
        given = Token(keys.token) if keys.token else None
        token = given or await _token(target, link, keys, learn_secret, record)
        credentials = Credentials(keys.subscription_key, keys.msn, token.text, keys.other_msn, keys.phone)
        capabilities = await _capabilities(target, link, record) if target.control else Capabilities()

        async def renew(record: RecordExchange) -> Token:
            link = target.link()
            try:
                return await _token(target, link, keys, learn_secret, record)
            finally:
                await link.close()

        office = TokenStore(
            target.name,
            token,
            None if given else renew,
            paced=target.paced,
            resends=target.remote,
            pause=target.pause,
            loopback=target.loopback,
        )
        return Session(target, credentials, market, nonce, today, capabilities, office, keys.other_named)
    finally:
        await link.close()


def token_call(keys: EnvironmentCredentials) -> Call:
    """Return the call that asks for a token."""
    headers = (
        ("client_id", keys.client_id),
        ("client_secret", keys.client_secret),
        ("Ocp-Apim-Subscription-Key", keys.subscription_key),
        ("Merchant-Serial-Number", keys.msn),
        *SYSTEM_HEADERS,
    )
    return Call(Request("POST", TOKEN_PATH, headers), "prepare")


async def _token(
    target: Transport,
    link: Connection,
    keys: EnvironmentCredentials,
    learn_secret: Callable[[str], None],
    record: RecordExchange,
) -> Token:
    call = token_call(keys)

    async def ask() -> ResponseOrNone:
        answer = await link.send(call)
        told = dig(content(answer), "access_token")
        if isinstance(told, str):
            learn_secret(told)
        record(call, answer)
        return answer

    answer = await patiently(ask, target, link)
    if isinstance(answer, Response):
        refuse_production(target.name, answer, loopback=target.loopback)
    said = content(answer)
    token = dig(said, "access_token")
    if isinstance(answer, NoResponse):
        hint = "is it running, and is the address right?" if target.kind == "url" else "correct the application."
        raise TargetError(f"{target.name} does not answer ({answer.cause}): {hint}")
    if answer.status in (401, 403):
        hint = "check VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_SUBSCRIPTION_KEY"
        if not keys.known:
            hint = (
                "none are set in the environment, so the embedded provider's own were tried; "
                "set VIPPS_CLIENT_ID and so on"
            )
        raise TargetError(
            f"{target.name} refused the credentials (POST /accesstoken/get answered {answer.status}): {hint}."
        )
    if answer.status != 200 or not isinstance(token, str) or not token:
        raise TargetError(f"No access token from {target.name}: POST /accesstoken/get answered {described(answer)}.")
    if not token.isascii() or not token.isprintable():
        raise TargetError(f"The access token from {target.name} has letters that no HTTP header carries.")
    return Token(token, _end(dig(said, "expires_in")))


async def patiently(
    ask: Callable[[], Awaitable[ResponseOrNone]], target: Transport, link: Connection
) -> ResponseOrNone:
    """Ask what cannot do harm again where a network lost it, or the server had an error."""
    answer = await ask()
    for attempt in range(1, PATIENCE + 1):
        if not target.remote or (isinstance(answer, Response) and answer.status < 500):
            break
        await link.pause(target.pause * 5 * attempt)
        answer = await ask()
    return answer


def _end(lifetime: object) -> float | None:
    """Return when a token is to be renewed that holds for so many seconds, or None where nobody knows."""
    try:
        seconds = float(lifetime) if isinstance(lifetime, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return None
    return time.monotonic() + seconds - min(EARLY, seconds / 2) if 0 < seconds < 1e9 else None


async def _capabilities(target: Transport, link: Connection, record: RecordExchange) -> Capabilities:
    call = Call(Request("GET", "/v1/capabilities"), "control")

    async def ask() -> ResponseOrNone:
        answer = await link.send(call)
        record(call, answer)
        return answer

    answer = await patiently(ask, target, link)
    where = f"the test control API at {target.control}"
    if isinstance(answer, NoResponse):
        raise TargetError(f"{where} does not answer ({answer.cause}): check --control-url.")
    body = content(answer)
    if answer.status != 200 or not isinstance(body, Mapping):
        raise TargetError(f"{where} answered {described(answer)} to GET /v1/capabilities: check --control-url.")
    if body.get("version") != 1:
        raise TargetError(
            f"{where} speaks version {json.dumps(body.get('version'))[:40]}; this suite speaks version 1."
        )
    offers = {}
    actions = body.get("actions")
    listed = body.get("profiles")
    if not isinstance(listed, list) or not isinstance(actions, Mapping):
        raise TargetError(f"{where} does not list its 'profiles' and 'actions' as the contract says.")
    for profile in Profile:
        if profile.value in listed:
            named = actions.get(profile.value)
            known = frozenset(one for one in named if isinstance(one, str)) if isinstance(named, list) else frozenset()
            ages = frozenset({"age"}) if body.get("age") is True else frozenset()
            offers[profile] = ControlOffer(profile, known | ages, "as its test control API says")
    return Capabilities(offers, controlled=True)


def described(answer: Response) -> str:
    """Say what an answer was, for a sentence about one that is not as it should be."""
    kind = (answer.header("content-type") or "no content type").partition(";")[0]
    location = answer.header("location")
    if location:
        return f"{answer.status}, a redirect to {location}"
    size = f"{len(answer.body)} bytes" if answer.body else "an empty body"
    return f"{answer.status} with {size} ({kind})"
