"""A run's session with a target: credentials, token and capabilities.

Everything that is wrong with the configuration shows here, as one sentence that says what to change.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final

from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.targets.http.credentials import EnvironmentCredentials
from conformance.targets.http.driver import HttpDriver
from conformance.targets.http.health_monitor import HealthMonitor, refuse_production
from conformance.targets.http.in_between import ALSO_IN_BETWEEN, IN_BETWEEN, SUCCESSES
from conformance.targets.http.likely_causes import Place, advice_on, described
from conformance.targets.http.request_sender import SendPolicy
from conformance.targets.http.token_store import RENEWAL_MARGIN, Token, TokenStore
from conformance.targets.operator import ManualSteps
from conformance.targets.target import RecordExchange, busy_recorder
from conformance.targets.transport import Capabilities, Connection, ControlOffer, TargetError, Transport
from conformance.wire import WIRES, Credentials, OrderIdentifiers
from conformance.wire.base import SYSTEM_HEADERS, is_page, json_body, nested

TOKEN_PATH: Final = "/accesstoken/get"
RETRIES: Final = 2
"""How often a token or the capabilities are requested again."""


@dataclass
class HttpSession:
    """What is known of a target once it was reached.

    Attributes:
        transport: how messages get to the target.
        credentials: what every request carries.
        market: the sales unit's market.
        naming: how the orders of the run are named.
        today: the day on which the run began.
        capabilities: what the test control API offers.
        tokens: the access token, shared by all histories.
        health: whether the target is fit to be tested, shared by all histories.
        policy: how politely requests are sent.
        other_named: whether a second sales unit is configured.
        own_credentials: whether the credentials are the user's own, and not the embedded provider's.
        offered: what the smoke test of each API showed.
        distinguishes_units: whether each API refuses the other sales unit.

    """

    transport: Transport
    credentials: Credentials
    market: Market
    naming: OrderNaming
    today: date
    capabilities: Capabilities
    tokens: TokenStore
    health: HealthMonitor
    policy: SendPolicy
    other_named: bool = False
    own_credentials: bool = True
    offered: dict[Profile, frozenset[str]] = field(default_factory=dict)
    distinguishes_units: dict[Profile, bool] = field(default_factory=dict)

    def driver(
        self,
        profile: Profile,
        order_id: str,
        connection: Connection,
        record: RecordExchange,
        beside: Connection | None = None,
        manual: ManualSteps | None = None,
    ) -> HttpDriver:
        """Return the driver of a history with an order id that was never used.

        ``beside`` is a second connection, for requests that are sent at the same moment as another. ``manual`` are the
        steps that an operator carries out.
        """
        identifiers = OrderIdentifiers(order_id, self.today, self.market)
        return self.driver_for(profile, identifiers, connection, record, beside, manual)

    def driver_for(
        self,
        profile: Profile,
        identifiers: OrderIdentifiers,
        connection: Connection,
        record: RecordExchange,
        beside: Connection | None = None,
        manual: ManualSteps | None = None,
    ) -> HttpDriver:
        """Return the driver of an order whose identifiers the caller keeps."""
        wire = WIRES[profile](self.credentials, identifiers, self.capabilities.of(profile).actions)
        second = beside if self.transport.concurrent else None
        return HttpDriver(
            wire,
            connection,
            record,
            second,
            tokens=self.tokens,
            health=self.health,
            policy=self.policy,
            manual=manual,
        )


async def open_session(
    transport: Transport,
    credentials: EnvironmentCredentials,
    market: Market,
    naming: OrderNaming,
    today: date,
    learn_secret: Callable[[str], None],
    record: RecordExchange,
) -> HttpSession:
    """Start a target, fetch a token and ask the test control API what it offers.

    Raises:
        TargetError: the target cannot be reached, refuses the credentials, or its test control API is another.

    """
    await transport.start()
    connection = transport.connect()
    try:
        token = (
            Token(credentials.token)
            if credentials.token
            else await _fetch_token(transport, connection, credentials, learn_secret, record)
        )
        capabilities = await _fetch_capabilities(transport, connection, record) if transport.control else Capabilities()
    finally:
        await connection.close()
    renew = None if credentials.token else partial(_renew, transport, credentials, learn_secret)
    return HttpSession(
        transport,
        Credentials(
            credentials.subscription_key, credentials.msn, token.text, credentials.other_msn, credentials.phone
        ),
        market,
        naming,
        today,
        capabilities,
        TokenStore(token, renew, subscription_key=credentials.subscription_key),
        HealthMonitor(transport.name, loopback=transport.loopback),
        _policy(transport),
        credentials.other_named,
        credentials.known,
    )


def _policy(transport: Transport) -> SendPolicy:
    return SendPolicy(
        paced=transport.paced,
        resends=transport.remote,
        doubts=transport.doubted,
        pause=transport.pause,
        waits=transport.throttle.waits,
    )


async def _renew(
    transport: Transport,
    credentials: EnvironmentCredentials,
    learn_secret: Callable[[str], None],
    record: RecordExchange,
) -> Token:
    connection = transport.connect()
    try:
        return await _fetch_token(transport, connection, credentials, learn_secret, record, renewing=True)
    finally:
        await connection.close()


def token_call(credentials: EnvironmentCredentials) -> Call:
    """Return the call that fetches a token."""
    headers = (
        ("client_id", credentials.client_id),
        ("client_secret", credentials.client_secret),
        ("Ocp-Apim-Subscription-Key", credentials.subscription_key),
        ("Merchant-Serial-Number", credentials.msn),
        *SYSTEM_HEADERS,
    )
    return Call(Request("POST", TOKEN_PATH, headers), "prepare")


async def _fetch_token(
    transport: Transport,
    connection: Connection,
    credentials: EnvironmentCredentials,
    learn_secret: Callable[[str], None],
    record: RecordExchange,
    *,
    renewing: bool = False,
) -> Token:
    call = token_call(credentials)
    connection.busy = busy_recorder(record)

    async def send() -> ResponseOrNone:
        answer = await connection.send(call)
        access_token = nested(json_body(answer), "access_token")
        if isinstance(access_token, str):
            learn_secret(access_token)
        record(call, answer)
        return answer

    answer = await _with_retries(send, transport, connection, renewing=renewing)
    if isinstance(answer, Response):
        refuse_production(transport.name, answer, loopback=transport.loopback)
    return _token_in(answer, transport, from_environment=credentials.known)


def _token_in(answer: ResponseOrNone, transport: Transport, *, from_environment: bool) -> Token:
    """Return the token in an answer of the token endpoint.

    Raises:
        TargetError: there is none that can be used.

    """
    where = transport.name
    body = json_body(answer)
    token = nested(body, "access_token")
    if isinstance(answer, NoResponse) or answer.status != 200 or not isinstance(token, str) or not token:
        advice = advice_on(answer, Place.TOKEN, where, own=from_environment)
        if isinstance(answer, NoResponse):
            raise TargetError(f"{where} does not answer ({answer.cause}): {advice}", answer.crash)
        result = "refused the credentials" if answer.status in (401, 403) else "gave no access token"
        raise TargetError(f"{where} {result}: POST {TOKEN_PATH} {described(answer)}: {advice}")
    if not token.isascii() or not token.isprintable():
        raise TargetError(f"The access token from {transport.name} has letters that no HTTP header carries.")
    return Token(token, _renewal_time(nested(body, "expires_in")))


def _renewal_time(lifetime: object) -> float | None:
    """Return when a token with a lifetime in seconds has to be renewed.

    The result is None if the lifetime is not usable.
    """
    try:
        seconds = float(lifetime) if isinstance(lifetime, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return None
    return time.monotonic() + seconds - min(RENEWAL_MARGIN, seconds / 2) if 0 < seconds < 1e9 else None


async def _with_retries(
    send: Callable[[], Awaitable[ResponseOrNone]],
    transport: Transport,
    connection: Connection,
    *,
    renewing: bool = False,
) -> ResponseOrNone:
    """Send a harmless request again if a network lost it or changed its response, or if the server had an error.

    Returns the last answer.
    """
    answer = await send()
    for attempt in range(1, RETRIES + 1):
        if not transport.remote or _is_orderly(answer, doubted=transport.doubted, renewing=renewing):
            break
        await connection.pause(transport.pause * 5 * attempt)
        answer = await send()
    return answer


def _is_orderly(answer: ResponseOrNone, *, doubted: bool, renewing: bool) -> bool:
    """Tell whether an answer is to be believed. A token that is renewed was given by the target before."""
    if isinstance(answer, NoResponse) or answer.status >= 500:
        return False
    if not doubted:
        return True
    if 200 <= answer.status < 300:
        return answer.status in SUCCESSES and (is_page(answer) or json_body(answer) is not None)
    return answer.status not in IN_BETWEEN and not (renewing and answer.status in ALSO_IN_BETWEEN)


async def _fetch_capabilities(transport: Transport, connection: Connection, record: RecordExchange) -> Capabilities:
    call = Call(Request("GET", "/v1/capabilities"), "control")
    connection.busy = busy_recorder(record)

    async def send() -> ResponseOrNone:
        answer = await connection.send(call)
        record(call, answer)
        return answer

    return _capabilities_in(
        await _with_retries(send, transport, connection), f"the test control API at {transport.control}"
    )


def _capabilities_in(answer: ResponseOrNone, where: str) -> Capabilities:
    """Return the capabilities in an answer of a test control API, version 1.

    Raises:
        TargetError: the answer does not keep to the contract.

    """
    if isinstance(answer, NoResponse):
        advice = advice_on(answer, Place.CONTROL, where)
        raise TargetError(f"{where} does not answer ({answer.cause}): {advice}", answer.crash)
    body = json_body(answer)
    if answer.status != 200 or not isinstance(body, Mapping):
        advice = advice_on(answer, Place.CONTROL, where)
        raise TargetError(f"{where}: GET /v1/capabilities {described(answer)}: {advice}")
    if body.get("version") != 1:
        raise TargetError(
            f"{where} speaks version {json.dumps(body.get('version'))[:40]}; this suite speaks version 1."
        )
    listed, actions = body.get("profiles"), body.get("actions")
    if not isinstance(listed, list) or not isinstance(actions, Mapping):
        raise TargetError(f"{where} does not list its 'profiles' and 'actions' as the contract says.")
    age = frozenset({"age"}) if body.get("age") is True else frozenset()
    offers = {
        profile: ControlOffer(profile, _texts(actions.get(profile.value)) | age, "as its test control API says")
        for profile in Profile
        if profile.value in listed
    }
    return Capabilities(offers, controlled=True)


def _texts(value: Any) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
