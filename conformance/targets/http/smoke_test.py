"""The smoke test of one API.

An order is taken through its life before anything is judged. What is wrong with the target or its configuration shows
here, as one sentence that says what to change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED, BROKEN, BUSY, LOST, ODD, PENDING, REFUSED
from conformance.domain.messages import Call, NoResponse, ResponseOrNone
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, Initiate
from conformance.targets.http.driver import HttpDriver
from conformance.targets.http.in_between import is_foreign_refusal
from conformance.targets.http.likely_causes import Place, advice_on, described
from conformance.targets.http.session import HttpSession
from conformance.targets.target import RecordExchange
from conformance.targets.transport import Connection, TargetError
from conformance.wire import WIRES, Credentials, OrderIdentifiers
from conformance.wire.base import is_page, json_body

AMOUNT: Final = 1000
"""In minor units."""
TRIES: Final = 3
"""How often the smoke test runs if responses get lost."""
AT_ONCE: Final = (5, 10.0)
"""Attempts to have two requests answered at once before a target counts as answering one at a time, and seconds."""
MOST_NAMES: Final = 6
"""So many names of fields are shown of a response that has none of the documented ones."""
_NO_ANSWER: Final = frozenset({LOST, BROKEN, BUSY, ODD})
"""Outcomes that show nothing of what a target offers."""


async def smoke_test(session: HttpSession, profile: Profile, record: RecordExchange) -> str:
    """Take one order through its life and note in the session what the target offers.

    Returns a sentence about what was done. Nothing in it is a verdict.

    Raises:
        TargetError: the target cannot be tested; the message says why.

    """
    connection = session.transport.connect()
    try:
        for number in range(1, TRIES):
            smoke = _SmokeTest(session, profile, record, connection, number)
            try:
                return await smoke.run()
            except TargetError:
                if not smoke.may_pass_next_time:
                    raise
                await connection.pause(session.transport.pause * 5 * number)
        return await _SmokeTest(session, profile, record, connection, TRIES).run()
    finally:
        await connection.close()


class _SmokeTest:
    def __init__(
        self, session: HttpSession, profile: Profile, record: RecordExchange, connection: Connection, number: int
    ) -> None:
        self._session = session
        self._order_id = session.naming.order_id(profile, f"smoke{number}")
        self._profile = profile
        self._connection = connection
        self._record = record
        self._last: tuple[Call, ResponseOrNone] | None = None
        self._reads: list[tuple[Call, ResponseOrNone]] = []

    def _remember(
        self,
        call: Call,
        answer: ResponseOrNone,
        timing: tuple[float, float] | None = None,
        /,
        *,
        resent: bool = False,
        waited: float | None = None,
    ) -> None:
        self._last = (call, answer)
        if call.purpose == "read":
            self._reads.append(self._last)
        self._record(call, answer, timing, resent=resent, waited=waited)

    @property
    def may_pass_next_time(self) -> bool:
        """Whether a failure may be due to the network or to a moment's trouble."""
        if self._last is None or not self._session.transport.remote:
            return False
        answer = self._last[1]
        return isinstance(answer, NoResponse) or answer.status >= 500 or answer.status == 429 or is_page(answer)

    async def run(self) -> str:
        """Run the smoke test; return what was done."""
        beside = self._session.transport.connect()
        try:
            return await self._run(
                self._session.driver(self._profile, self._order_id, self._connection, self._remember, beside)
            )
        finally:
            await beside.close()

    async def _run(self, driver: HttpDriver) -> str:
        await self._initiate(driver)
        offered = await self._approve(driver, self._session.capabilities.of(self._profile).actions)
        cancelled = await driver.perform(Cancel())
        await driver.look("read", log=True)
        if await self._takes_two(driver):
            offered |= {"concurrent"}
        self._session.offered[self._profile] = offered
        await self._compare_sales_units()
        unapproved = "" if "approve" in offered or not spec_of(self._profile).user_approves else "; nobody can approve"
        return f"one order initiated, read, cancelled ({cancelled.get(Field.ANSWER_OUTCOME)}){unapproved}"

    async def _initiate(self, driver: HttpDriver) -> None:
        opening = Initiate(AMOUNT, spec_of(self._profile).reserved_kind)
        created = await driver.perform(opening)
        if created.get(Field.ANSWER_OUTCOME) not in (ACCEPTED, PENDING):
            raise self._fault("an order could not be initiated")
        view = await driver.look("read", log=True)
        if view.get(Field.VIEW_OUTCOME) != ACCEPTED or len(view) <= 2:
            raise self._fault("an order that was initiated could not be read back")
        self._check_form()

    def _check_form(self) -> None:
        """Check that the order, when read, has some of its documented fields.

        Those that are missing from among others are for the rules to judge.

        Raises:
            TargetError: it has none of them; the message has both lists.

        """
        documented = WIRES[self._profile].documented
        # The order itself is read before its log.
        paths = [call.request.path for call, _ in self._reads]
        call, answer = next(read for read in reversed(self._reads) if read[0].request.path == paths[0])
        body = json_body(answer)
        names = list(body) if isinstance(body, Mapping) else []
        if not documented or not set(names).isdisjoint(documented):
            return
        self._last = (call, answer)
        shown = f"has {', '.join(f'{name:.30}' for name in names[:MOST_NAMES])}" if names else "has no field"
        raise self._fault(
            f"an order that was initiated has none of its documented fields: {', '.join(documented)} should be there, "
            f"and the response {shown}"
        )

    async def _approve(self, driver: HttpDriver, offered: frozenset[str]) -> frozenset[str]:
        """Approve the payment.

        Returns what the target offers, with ``approve`` if that was possible.
        """
        if not spec_of(self._profile).user_approves:
            return offered
        outcome = (await driver.perform(Approve())).get(Field.ANSWER_OUTCOME)
        if outcome in _NO_ANSWER:
            raise self._fault("it could not be found out whether an order can be approved")
        return offered | {"approve"} if outcome == ACCEPTED else offered - {"approve"}

    @staticmethod
    async def _takes_two(driver: HttpDriver) -> bool:
        # A server with one thread does not accept the second connection while the first one is kept open.
        times, seconds = AT_ONCE
        try:
            async with asyncio.timeout(seconds):
                for _ in range(times):
                    if await driver.takes_two():
                        return True
        except TimeoutError:
            pass
        return False

    async def _compare_sales_units(self) -> None:
        """Note whether the target refuses the order to another sales unit.

        A target with a single sales unit accepts any number; no order can belong to somebody else there.
        """
        if spec_of(self._profile).belongs_to_agreement:
            self._session.distinguishes_units[self._profile] = True
            return
        own_unit = self._session.credentials
        foreign = Credentials(
            own_unit.subscription_key, own_unit.other_msn, own_unit.token, own_unit.msn, own_unit.phone
        )
        identifiers = OrderIdentifiers(self._order_id, self._session.today, self._session.market)
        wire = WIRES[self._profile](foreign, identifiers)
        driver = HttpDriver(wire, self._connection, self._remember)
        view = await driver.look("read", log=False)
        # A gateway's refusal would say of the target that it tells them apart.
        for attempt in range(1, TRIES if self._session.transport.doubted else 1):
            if self._last is None or not is_foreign_refusal(self._profile, self._last[1]):
                break
            await driver.pause(attempt)
            view = await driver.look("read", log=False)
        if view.get(Field.VIEW_OUTCOME) in _NO_ANSWER:
            raise self._fault("it could not be found out whether it tells sales units apart")
        # If the user configured the number as another sales unit's, a target that accepts it is wrong.
        refuses = self._session.other_named or view.get(Field.VIEW_OUTCOME) == REFUSED
        self._session.distinguishes_units[self._profile] = refuses

    def _fault(self, trouble: str) -> TargetError:
        """Return an error that says what went wrong, and what to change."""
        name = self._session.transport.name
        if self._last is None:
            return TargetError(f"{name}: {trouble}.")
        call, answer = self._last
        # The path contains an order id, which may be of any length.
        request = f"{call.request.method} {call.request.path.partition('?')[0]:.300}"
        advice = advice_on(answer, Place.API, name, own=self._session.own_credentials)
        crash = answer.crash if isinstance(answer, NoResponse) else ""
        return TargetError(f"{name}: {trouble}: {request} {described(answer)}: {advice}", crash)
