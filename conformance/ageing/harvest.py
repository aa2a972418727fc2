"""Harvesting: planted orders that are old enough are judged by the model, as histories in which time has passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from conformance.ageing import clock
from conformance.ageing.plant import unit_of
from conformance.ageing.planted_orders import PlantedOrder, PlantedOrders, PlantedOrdersError
from conformance.domain.expectation import ACCEPTED
from conformance.domain.observation import Field
from conformance.domain.steps import Age, History, Refund, Step
from conformance.evidence.journal import Journal
from conformance.evidence.records import PlanRecord
from conformance.judging.tracker import Tracker
from conformance.model import AgeLimit, ModelContext, age_for_cancel, age_for_refund
from conformance.results.partial_runs import AGE
from conformance.results.result import Result
from conformance.runner.executor import CaseExecutor
from conformance.runner.recorded_run import RecordedRun
from conformance.runner.schedule import ScheduledCase, digest_of_cases
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import Settings
from conformance.runner.trial import TrialResult
from conformance.strategies.provider.case import Case
from conformance.targets.http.driver import HttpDriver
from conformance.targets.http.target import HttpTarget
from conformance.targets.target import RecordExchange, Target
from conformance.targets.transport import Connection, TargetError
from conformance.wire.base import ObservedFields, OrderIdentifiers
from conformance.wire.driver import Driver

YOUNGEST: Final = timedelta(days=1)
"""An order that may be judged while it is young is at least so old."""


@dataclass(frozen=True, slots=True)
class DueOrder:
    """A planted order that can be judged now, and its age since it was planted."""

    planted: PlantedOrder
    age: timedelta


def due_orders(
    orders: Sequence[PlantedOrder], context: ModelContext, now: datetime, youngest: timedelta = YOUNGEST
) -> list[DueOrder]:
    """Return the orders that are clearly on one side of every limit that applies.

    What is planted to become too old is left alone until it is. Around a limit, nothing is judged.
    """
    due = []
    for order in orders:
        age = now - order.at
        if order.harvested is None and age >= youngest:
            side = _side(order, context, age)
            if side is AgeLimit.BEYOND or (side is AgeLimit.WITHIN and not order.beyond):
                due.append(DueOrder(order, age))
    return due


def _side(planted: PlantedOrder, context: ModelContext, age: timedelta) -> AgeLimit:
    context = replace(context, market=planted.market)
    order = tracked(planted, context).orders[0].older(age)
    refund = any(isinstance(step, Refund) for step in planted.then.steps)
    return age_for_refund(order) if refund else age_for_cancel(order, context)


def tracked(planted: PlantedOrder, context: ModelContext) -> Tracker:
    """Return a tracker of a planted order, as it was observed when it was planted.

    Raises:
        PlantedOrdersError: it was planted under interpretations that are not in force now.

    """
    tracker = Tracker(planted.profile, context)
    for step, observation in zip(planted.history.all_steps, planted.observed, strict=True):
        _, branches = tracker.compare(step, observation)
        tracker.advance(step, branches, observation)
        if not tracker.orders:
            raise PlantedOrdersError(f"The order {planted.id} was planted under readings that are not in force now.")
    return tracker


def history_of(due: DueOrder) -> History:
    """Return the whole history of an order: its making, the time since, what is tried."""
    planted = due.planted
    passed = Age(timedelta(seconds=int(due.age.total_seconds())))
    return History(planted.profile, planted.history.opening, (*planted.history.steps, passed, *planted.then.steps))


class _PlantedDriver:
    """Plays a history whose first steps and whose time were played before it runs."""

    complete = True

    def __init__(self, planted: PlantedOrder, live: HttpDriver) -> None:
        self._recorded = list(planted.observed)
        self._view: ObservedFields | None = None
        self._live = live

    async def perform(self, step: Step) -> ObservedFields:
        if self._recorded:
            observed = self._recorded.pop(0)
            self._view = {
                name: value for name, value in observed.items() if name.startswith(("view.", Field.ANSWER_PSP))
            }
            return {name: value for name, value in observed.items() if name not in self._view}
        self._view = None
        if isinstance(step, Age):
            return {Field.ANSWER_OUTCOME: ACCEPTED}
        return await self._live.perform(step)

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        return dict(self._view) if self._view is not None else await self._live.look(purpose, log=log)

    async def pause(self, attempt: int) -> None:
        await self._live.pause(attempt)


class _Picker:
    """A worker that gives each history the order that was planted for it."""

    def __init__(self, target: HttpTarget, link: Connection) -> None:
        self._session = target.session
        self._link = link
        self.planted: PlantedOrder | None = None

    def driver(self, profile: object, order_id: str, record: RecordExchange) -> Driver:
        planted = self.planted
        if planted is None:
            raise RuntimeError("no order was picked")
        ids = planted.ids
        ticket = OrderIdentifiers(
            planted.id,
            self._session.today,
            self._session.market,
            keys=int(ids["keys"]) + 50,
            cancel_keys=None,
            aged=True,
            agreement_id=ids["agreement_id"],
            charge_id=ids["charge_id"],
        )
        live = self._session.driver_for(planted.profile, ticket, self._link, record)
        # A wire that was not there when the order was made learns of it from the ticket.
        return _PlantedDriver(planted, live)

    async def close(self) -> None:
        await self._link.close()


class Harvest:
    """A run over planted orders, from the first request to the last record."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        ledgers: Sequence[PlantedOrders],
        picked: Sequence[DueOrder],
        note: Callable[[DueOrder, TrialResult], None],
    ) -> None:
        profiles = tuple(dict.fromkeys(due.planted.profile for due in picked))
        self._run_session = RunSession(
            target, replace(settings, profiles=profiles, focus=AGE), granted=frozenset({"age"})
        )
        self._run = RecordedRun(Journal(directory), self._run_session.redactor.clean)
        self._ledgers = ledgers
        self._picked = list(picked)
        self._note = note

    async def run(self) -> Result:
        """Judge everything that was picked; return the result as the journal gives it."""
        with self._run.recording() as journal:
            async with self._run_session:
                await start_journal(self._run_session, journal, self._run.started)
                await self._judge(journal)
        return self._run.result()

    async def _judge(self, journal: Journal) -> None:
        target = self._run_session.target
        if not isinstance(target, HttpTarget):
            raise TargetError(f"{target.name} is called without HTTP: nothing can have been planted there.")
        unit = unit_of(target.session.credentials.msn)
        strangers = [due.planted.id for due in self._picked if due.planted.unit != unit]
        if strangers:
            raise TargetError(
                f"{strangers[0]} was planted by another sales unit: set the VIPPS_MSN that it was planted with."
            )
        cases = [_scheduled(due, number) for number, due in enumerate(self._picked, 1)]
        names = [scheduled.identifier for scheduled in cases]
        journal.append(PlanRecord(histories=tuple(names), digest=digest_of_cases(cases)))
        picker = _Picker(target, target.session.transport.connect())
        executor = CaseExecutor(self._run_session, journal)
        try:
            for due, scheduled in zip(self._picked, cases, strict=True):
                picker.planted = due.planted
                # It is spent as soon as anything is tried on it, however that turns out.
                self._spend(due.planted)
                self._note(due, await executor.play(scheduled.case, scheduled.identifier, "systematic", picker))
        finally:
            await picker.close()

    def _spend(self, planted: PlantedOrder) -> None:
        """Note in its ledger that an order was judged."""
        for ledger in self._ledgers:
            if any(order.id == planted.id for order in ledger.orders):
                ledger.orders = [
                    replace(order, harvested=clock.now()) if order.id == planted.id else order
                    for order in ledger.orders
                ]
                ledger.write()


def _scheduled(due: DueOrder, number: int) -> ScheduledCase:
    planted = due.planted
    label = f"{planted.situation}; planted {planted.at:%Y-%m-%d}, {due.age.days} days old"
    return ScheduledCase(f"{planted.profile.value}-{number:05d}", Case(history_of(due), label, {}, ()))
