"""The smoke test: one order is taken through its life before anything is judged.

What is wrong with the target or its configuration shows here, as one sentence that says what to change.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from conformance.domain.expectation import ACCEPTED, BROKEN, BUSY, LOST, ODD, PENDING, REFUSED
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import Approve, Cancel, Initiate
from conformance.targets.http.driver import HttpDriver, RecordExchange
from conformance.targets.http.session import Session, described
from conformance.targets.transport import Connection, TargetError
from conformance.wire import WIRES, Call, Credentials, NoResponse, OrderIdentifiers, ResponseOrNone
from conformance.wire.base import content, is_page

AMOUNT: Final = 1000
TRIES: Final = 3
"""How often it is tried where an answer is lost on the way."""
AT_ONCE: Final = (5, 10.0)
"""How often two requests are sent at once before a target is taken to answer one at a time, and in how many seconds."""
_NO_ANSWER: Final = frozenset({LOST, BROKEN, BUSY, ODD})
"""Outcomes from which nothing is learnt of what a target offers."""


async def smoke_test(session: Session, profile: Profile, record: RecordExchange) -> str:
    """Take one order through its life, and learn what has to be known before anything is judged.

    Returns a sentence about what was found. Nothing in it is a verdict.

    Raises:
        TargetError: the target is not one that can be tested, for a reason that the message names.

    """
    link = session.target.link()
    try:
        for number in range(1, TRIES):
            smoke = _Smoke(session, profile, record, link, number)
            try:
                return await smoke.run()
            except TargetError:
                if not smoke.may_be_luck:
                    raise
                await link.pause(session.target.pause * 5 * number)
        return await _Smoke(session, profile, record, link, TRIES).run()
    finally:
        await link.close()


class _Smoke:
    def __init__(
        self, session: Session, profile: Profile, record: RecordExchange, link: Connection, number: int
    ) -> None:
        self.session = session
        self.order_id = f"{session.nonce}-{profile.value[0]}smoke{number}"
        self.profile = profile
        self.link = link
        self.last: tuple[Call, ResponseOrNone] | None = None

        def remember(call: Call, answer: ResponseOrNone, *flight: tuple[float, float], **more: bool) -> None:
            self.last = (call, answer)
            record(call, answer, *flight, **more)

        self.remember = remember

    @property
    def may_be_luck(self) -> bool:
        """Whether the trouble is one of the network or of the moment."""
        if self.last is None or not self.session.target.remote:
            return False
        answer = self.last[1]
        return isinstance(answer, NoResponse) or answer.status >= 500 or answer.status == 429 or is_page(answer)

    def driver(self, beside: Connection) -> HttpDriver:
        return self.session.driver(self.profile, self.order_id, self.link, self.remember, beside)

    async def run(self) -> str:
        control = self.session.capabilities.of(self.profile).actions
        beside = self.session.target.link()
        try:
            return await self._life(control, self.driver(beside))
        finally:
            await beside.close()

    async def _life(self, control: frozenset[str], driver: HttpDriver) -> str:
        opening = Initiate(AMOUNT, Kind.INITIAL_RESERVE if self.profile is Profile.RECURRING else Kind.PAYMENT)
        created = await driver.perform(opening)
        if created.get("answer.outcome") not in (ACCEPTED, PENDING):
            raise TargetError(self._trouble("an order could not be initiated"))
        view = await driver.look("read", log=True)
        if view.get("view.outcome") != ACCEPTED or len(view) <= 2:
            raise TargetError(self._trouble("an order that was initiated could not be read back"))
        offered = set(control)
        if self.profile is not Profile.RECURRING:
            approved = (await driver.perform(Approve())).get("answer.outcome")
            if approved in _NO_ANSWER:
                raise TargetError(self._trouble("it could not be found out whether an order can be approved"))
            offered = offered | {"approve"} if approved == ACCEPTED else offered - {"approve"}
        cancelled = await driver.perform(Cancel())
        await driver.look("read", log=True)
        if await self._takes_two(driver):
            offered.add("concurrent")
        self.session.offered[self.profile] = frozenset(offered)
        await self._sales_units()
        approved = "" if "approve" in offered or self.profile is Profile.RECURRING else "; nobody can approve"
        return f"one order initiated, read, cancelled ({cancelled.get('answer.outcome')}){approved}"

    @staticmethod
    async def _takes_two(driver: HttpDriver) -> bool:
        # A server with one thread does not even see the second connection while the first one is kept.
        times, seconds = AT_ONCE
        try:
            async with asyncio.timeout(seconds):
                for _ in range(times):
                    if await driver.takes_two():
                        return True
        except TimeoutError:
            pass
        return False

    async def _sales_units(self) -> None:
        # A target with one sales unit answers under any; an order cannot be somebody else's there.
        credentials = self.session.credentials
        ticket = OrderIdentifiers(self.order_id, self.session.today, self.session.market)
        if self.profile is Profile.RECURRING:
            self.session.distinguishes_units[self.profile] = True
            return
        foreign = Credentials(
            credentials.subscription_key, credentials.other_msn, credentials.token, credentials.msn, credentials.phone
        )
        wire = WIRES[self.profile](foreign, ticket)
        seen = await HttpDriver(wire, self.link, self.remember).look("read", log=False)
        if seen.get("view.outcome") in _NO_ANSWER:
            raise TargetError(self._trouble("it could not be found out whether it tells sales units apart"))
        # Where somebody says that it is another's number, a target that does not mind is wrong, and not of one unit.
        told_apart = self.session.other_named or seen.get("view.outcome") == REFUSED
        self.session.distinguishes_units[self.profile] = told_apart

    def _trouble(self, what: str) -> str:
        name = self.session.target.name
        if self.last is None:
            return f"{name}: {what}."
        call, answer = self.last
        # With an order's id in it that may be of any length.
        asked = f"{call.request.method} {call.request.path.partition('?')[0]:.300}"
        if isinstance(answer, NoResponse):
            return f"{name}: {what}: {asked} was not answered ({answer.cause})."
        said = f"{name}: {what}: {asked} answered {described(answer)}"
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
