"""A run's session with a target: credentials, token, capabilities, and a smoke test before anything is judged.

Everything that is wrong with the configuration shows here, as one sentence that says what to change.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from conformance.exchange import Request, Response
from conformance.expectation import (
    ACCEPTED,
    BROKEN,
    BUSY,
    LOST,
    ODD,
    PENDING,
    REFUSED,
    SENT_TOGETHER,
    of_the_other,
)
from conformance.order import Kind, Market, Profile
from conformance.profiles import WIRES, Answer, Call, Calls, Credentials, Lost, Observed, Ticket, Wire
from conformance.profiles.wire import SYSTEM_HEADERS, content, dig
from conformance.sandbox import Options
from conformance.steps import Approve, Cancel, Initiate, Step, Together
from conformance.targets.base import Capabilities, HttpTarget, Link, Offer, TargetError, TargetUsageError
from conformance.targets.line import Flight, Line

Recorder = Callable[..., None]
"""Takes every call and its answer as soon as there is one. Of two that raced it takes the times of the flight, too."""

CREDENTIAL_NAMES: Final = (
    "VIPPS_CLIENT_ID",
    "VIPPS_CLIENT_SECRET",
    "VIPPS_SUBSCRIPTION_KEY",
    "VIPPS_MSN",
    "VIPPS_ACCESS_TOKEN",
)
AMOUNT: Final = 1000
READS: Final = 3
"""How often an order is read back until there is an orderly answer."""
AT_ONCE: Final = (5, 10.0)
"""How often two requests are sent at once before a target is taken to answer one at a time, and in how many seconds."""
_UNREADABLE: Final = frozenset({LOST, BROKEN, BUSY, ODD})


@dataclass(frozen=True, slots=True)
class Keys:
    """The credentials as the environment gives them. ``known`` is False where the sandbox's own are used instead."""

    client_id: str
    client_secret: str
    subscription_key: str
    msn: str
    token: str
    other_msn: str
    phone: str
    known: bool

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be written down."""
        return tuple(one for one in (self.client_secret, self.subscription_key, self.token, self.client_id) if one)


def keys_from(environment: Mapping[str, str] | None = None, *, embedded: bool = False, loopback: bool = False) -> Keys:
    """Read the credentials from the environment.

    A target on this machine is given the embedded provider's public test credentials where the environment has none.

    Raises:
        TargetUsageError: some are missing; the message names them.

    """
    env = os.environ if environment is None else environment
    sandbox = Options()
    found = {name: env.get(name, "") for name in CREDENTIAL_NAMES}
    if embedded or (loopback and not any(found.values())):
        return Keys(
            sandbox.client_id,
            sandbox.client_secret,
            sandbox.subscription_key,
            sandbox.msn,
            "",
            sandbox.other_msn,
            _phone(env),
            known=False,
        )
    missing = [name for name in ("VIPPS_SUBSCRIPTION_KEY", "VIPPS_MSN") if not found[name]]
    if not found["VIPPS_ACCESS_TOKEN"]:
        missing += [name for name in ("VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET") if not found[name]]
    if missing:
        raise TargetUsageError(f"{', '.join(missing)} must be set in the environment to test this target.")
    return Keys(
        found["VIPPS_CLIENT_ID"],
        found["VIPPS_CLIENT_SECRET"],
        found["VIPPS_SUBSCRIPTION_KEY"],
        found["VIPPS_MSN"],
        found["VIPPS_ACCESS_TOKEN"],
        env.get("VIPPS_OTHER_MSN", "") or ("999999" if found["VIPPS_MSN"] != "999999" else "888888"),
        _phone(env),
        known=True,
    )


def _phone(env: Mapping[str, str]) -> str:
    return env.get("VIPPS_TEST_PHONE", "") or "4712345678"


class HttpPlayer:
    """Plays a history's steps over HTTP messages."""

    complete = True

    def __init__(
        self, wire: Wire, link: Link, record: Recorder, beside: Link | None = None, step_pause: float = 0.2
    ) -> None:
        self._wire = wire
        self._link = link
        self._beside = beside
        self._record = record
        self._step_pause = step_pause
        self._cause = ""

    async def perform(self, step: Step) -> Observed:
        """Make a step happen; return what its answer says."""
        if not isinstance(step, Together):
            return await self._run(self._wire.perform(step))
        if self._beside is None:
            return {"answer.outcome": LOST, "answer.cause": "the target takes one request at a time"}
        return await self._race(step, self._beside)

    async def _race(self, step: Together, beside: Link) -> Observed:
        # The second connection is opened by a read, so that what it carries has no longer way than the other request.
        await self._run(self._wire.read("prepare", log=False), beside)
        line, first, second = await self._both(self._wire.perform(step.first), self._wire.perform(step.second), beside)
        answers = first.observed | {of_the_other(name): value for name, value in second.observed.items()}
        return {**answers, SENT_TOGETHER: line.together}

    async def takes_two(self) -> bool:
        """Tell whether two reads are answered that are under way together."""
        if self._beside is None:
            return False
        reads = self._wire.read("prepare", log=False), self._wire.read("prepare", log=False)
        line, *both = await self._both(*reads, self._beside)
        return line.together and not any(isinstance(one.answer, Lost) for one in both)

    async def _both(self, first: Calls, second: Calls, beside: Link) -> tuple[Line, _Flown, _Flown]:
        line = Line()
        one, other = line.flights
        flown = await asyncio.gather(self._fly(first, self._link, one), self._fly(second, beside, other))
        # Written down in the order in which they are told, whoever came back first.
        for each, flight in zip(flown, line.flights, strict=True):
            self._record(each.call, each.answer, (line.began(flight), flight.took))
        return line, *flown

    async def _fly(self, calls: Calls, link: Link, flight: Flight) -> _Flown:
        call = next(calls)
        answer = await link.race(call, flight)
        try:
            calls.send(answer)
        except StopIteration as stop:
            return _Flown(call, answer, stop.value)
        raise RuntimeError(f"{call.request.method} {call.request.path} is not all that this step takes")

    async def look(self, purpose: str, *, log: bool) -> Observed:
        """Read the order back.

        Where reading itself gets no orderly answer, the step's answer is given as such a one too: what cannot be read
        proves nothing, however the step was answered.
        """
        view: Observed = {}
        for attempt in range(1, READS + 1):
            view = await self._run(self._wire.read(purpose, log=log))
            if view.get("view.outcome") not in _UNREADABLE:
                return view
            if attempt < READS:
                await self.pause(attempt)
        cause = f"the order could not be read back: {self._cause or 'no orderly answer'}"
        return {**view, "answer.outcome": view["view.outcome"], "answer.cause": cause}

    async def pause(self, attempt: int) -> None:
        """Wait a little longer each time."""
        await self._link.pause(self._step_pause * attempt)

    async def _run(self, calls: Calls, link: Link | None = None) -> Observed:
        try:
            call = next(calls)
            while True:
                answer = await (link or self._link).send(call)
                self._record(call, answer)
                self._cause = answer.cause if isinstance(answer, Lost) else f"status {answer.status}"
                call = calls.send(answer)
        except StopIteration as stop:
            observed: Observed = stop.value
            return observed


@dataclass(frozen=True, slots=True)
class _Flown:
    """One of two requests that were sent together: what was asked, what came back, and what that says."""

    call: Call
    answer: Answer
    observed: Observed


@dataclass
class Session:
    """What is known of a target once it was spoken to."""

    target: HttpTarget
    credentials: Credentials
    market: Market
    nonce: str
    today: date
    capabilities: Capabilities
    offered: dict[Profile, frozenset[str]] = field(default_factory=dict)
    distinguishes_units: dict[Profile, bool] = field(default_factory=dict)

    def player(
        self, profile: Profile, order_id: str, link: Link, record: Recorder, beside: Link | None = None
    ) -> HttpPlayer:
        """Return a player for one history, under a fresh order id. Beside ``link`` it may have a second connection."""
        ticket = Ticket(order_id, self.today, self.market)
        wire = WIRES[profile](self.credentials, ticket, self.capabilities.of(profile).actions)
        return HttpPlayer(wire, link, record, beside if self.target.concurrent else None)


async def open_session(
    target: HttpTarget,
    keys: Keys,
    market: Market,
    nonce: str,
    today: date,
    learn_secret: Callable[[str], None],
    record: Recorder,
) -> Session:
    """Start a target, fetch a token and ask what the target offers.

    Raises:
        TargetError: it cannot be reached, refuses the credentials, or its test control API answers something else.

    """
    await target.start()
    link = target.link()
    try:
        token = keys.token or await _token(target, link, keys, learn_secret, record)
        credentials = Credentials(keys.subscription_key, keys.msn, token, keys.other_msn, keys.phone)
        capabilities = await _capabilities(target, link, record) if target.control else Capabilities()
        return Session(target, credentials, market, nonce, today, capabilities)
    finally:
        await link.close()


async def _token(
    target: HttpTarget, link: Link, keys: Keys, learn_secret: Callable[[str], None], record: Recorder
) -> str:
    headers = (
        ("client_id", keys.client_id),
        ("client_secret", keys.client_secret),
        ("Ocp-Apim-Subscription-Key", keys.subscription_key),
        ("Merchant-Serial-Number", keys.msn),
        *SYSTEM_HEADERS,
    )
    call = Call(Request("POST", "/accesstoken/get", headers), "prepare")
    answer = await link.send(call)
    token = dig(content(answer), "access_token")
    if isinstance(token, str):
        learn_secret(token)
    record(call, answer)
    if isinstance(answer, Lost):
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
        raise TargetError(f"No access token from {target.name}: POST /accesstoken/get answered {_what(answer)}.")
    return token


async def _capabilities(target: HttpTarget, link: Link, record: Recorder) -> Capabilities:
    call = Call(Request("GET", "/v1/capabilities"), "control")
    answer = await link.send(call)
    record(call, answer)
    where = f"the test control API at {target.control}"
    if isinstance(answer, Lost):
        raise TargetError(f"{where} does not answer ({answer.cause}): check --control-url.")
    body = content(answer)
    if answer.status != 200 or not isinstance(body, Mapping):
        raise TargetError(f"{where} answered {_what(answer)} to GET /v1/capabilities: check --control-url.")
    if body.get("version") != 1:
        raise TargetError(f"{where} speaks version {body.get('version')!r}; this suite speaks version 1.")
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
            offers[profile] = Offer(profile, known | ages, "as its test control API says")
    return Capabilities(offers, controlled=True)


def _what(answer: Response) -> str:
    kind = (answer.header("content-type") or "no content type").partition(";")[0]
    location = answer.header("location")
    if location:
        return f"{answer.status}, a redirect to {location}"
    size = f"{len(answer.body)} bytes" if answer.body else "an empty body"
    return f"{answer.status} with {size} ({kind})"


async def smoke_test(session: Session, profile: Profile, record: Recorder) -> str:
    """Take one order through its life, and learn what has to be known before anything is judged.

    Returns a sentence about what was found. Nothing in it is a verdict.

    Raises:
        TargetError: the target is not one that can be tested, for a reason that the message names.

    """
    link = session.target.link()
    try:
        smoke = _Smoke(session, profile, record, link)
        return await smoke.run()
    finally:
        await link.close()


class _Smoke:
    def __init__(self, session: Session, profile: Profile, record: Recorder, link: Link) -> None:
        self.session = session
        self.profile = profile
        self.link = link
        self.last: tuple[Call, Answer] | None = None

        def remember(call: Call, answer: Answer, *flight: tuple[float, float]) -> None:
            self.last = (call, answer)
            record(call, answer, *flight)

        self.remember = remember

    def player(self, number: int, beside: Link) -> HttpPlayer:
        order_id = f"{self.session.nonce}-{self.profile.value[0]}smoke{number}"
        return self.session.player(self.profile, order_id, self.link, self.remember, beside)

    async def run(self) -> str:
        control = self.session.capabilities.of(self.profile).actions
        beside = self.session.target.link()
        try:
            return await self._life(control, self.player(1, beside))
        finally:
            await beside.close()

    async def _life(self, control: frozenset[str], player: HttpPlayer) -> str:
        opening = Initiate(AMOUNT, Kind.INITIAL_RESERVE if self.profile is Profile.RECURRING else Kind.PAYMENT)
        created = await player.perform(opening)
        if created.get("answer.outcome") not in (ACCEPTED, PENDING):
            raise TargetError(self._trouble("an order could not be initiated"))
        view = await player.look("read", log=True)
        if view.get("view.outcome") != ACCEPTED or len(view) <= 2:
            raise TargetError(self._trouble("an order that was initiated could not be read back"))
        offered = set(control)
        if (
            self.profile is not Profile.RECURRING
            and (await player.perform(Approve())).get("answer.outcome") == ACCEPTED
        ):
            offered.add("approve")
        elif self.profile is not Profile.RECURRING:
            offered.discard("approve")
        cancelled = await player.perform(Cancel())
        await player.look("read", log=True)
        if await self._takes_two(player):
            offered.add("concurrent")
        self.session.offered[self.profile] = frozenset(offered)
        await self._sales_units()
        approved = "" if "approve" in offered or self.profile is Profile.RECURRING else "; nobody can approve"
        return f"one order initiated, read, cancelled ({cancelled.get('answer.outcome')}){approved}"

    @staticmethod
    async def _takes_two(player: HttpPlayer) -> bool:
        # A server with one thread does not even see the second connection while the first one is kept.
        times, seconds = AT_ONCE
        try:
            async with asyncio.timeout(seconds):
                for _ in range(times):
                    if await player.takes_two():
                        return True
        except TimeoutError:
            pass
        return False

    async def _sales_units(self) -> None:
        # A target with one sales unit answers under any; an order cannot be somebody else's there.
        credentials = self.session.credentials
        ticket = Ticket(f"{self.session.nonce}-{self.profile.value[0]}smoke1", self.session.today, self.session.market)
        if self.profile is Profile.RECURRING:
            self.session.distinguishes_units[self.profile] = True
            return
        foreign = Credentials(
            credentials.subscription_key, credentials.other_msn, credentials.token, credentials.msn, credentials.phone
        )
        wire = WIRES[self.profile](foreign, ticket)
        seen = await HttpPlayer(wire, self.link, self.remember).look("read", log=False)
        self.session.distinguishes_units[self.profile] = seen.get("view.outcome") == REFUSED

    def _trouble(self, what: str) -> str:
        name = self.session.target.name
        if self.last is None:
            return f"{name}: {what}."
        call, answer = self.last
        asked = f"{call.request.method} {call.request.path.partition('?')[0]}"
        if isinstance(answer, Lost):
            return f"{name}: {what}: {asked} was not answered ({answer.cause})."
        said = f"{name}: {what}: {asked} answered {_what(answer)}"
        if answer.status in (401, 403):
            return (
                f"{said}: the credentials were refused; check VIPPS_ACCESS_TOKEN, VIPPS_SUBSCRIPTION_KEY and VIPPS_MSN."
            )
        if answer.status in (404, 405):
            return (
                f"{said}: the base URL must be the one under which the API's own paths begin, "
                f"and --profile must name only what the target implements."
            )
        if 300 <= answer.status < 400:
            return f"{said}: give the address that it redirects to as --target."
        if answer.status >= 500:
            return f"{said}: the target is not healthy; try again when it is."
        if answer.status < 300:
            return f"{said}: that is not what the {self.profile.value} API answers; is this address the API's?"
        detail: Any = content(answer)
        shown = f": {detail!r:.200}" if detail is not None else ""
        return f"{said}{shown}."
