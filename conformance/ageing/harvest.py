"""Harvesting: planted orders that are old enough are judged by the model, as histories in which time has passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from conformance import __version__
from conformance.ageing import clock
from conformance.ageing.plant import unit_of
from conformance.ageing.planted_orders import PlantedOrder, PlantedOrders, PlantedOrdersError
from conformance.ageing.windows import Side, Windows, aged, windows_of
from conformance.domain.expectation import ACCEPTED, Observation, Scalar
from conformance.domain.observation import Field
from conformance.domain.steps import Age, Step
from conformance.evidence.journal import Journal, RecordSink
from conformance.evidence.record_parts import Record
from conformance.evidence.records import HistoryRecord, JudgementRecord, PlanRecord
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.results.partial_runs import AGE
from conformance.results.result import Result
from conformance.runner.executor import CaseExecutor
from conformance.runner.recorded_run import RecordedRun
from conformance.runner.schedule import ScheduledCase, digest_of_cases
from conformance.runner.session import RunSession, start_journal
from conformance.runner.settings import Settings
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.strategies.provider.case import Case
from conformance.targets.http.driver import HttpDriver
from conformance.targets.http.target import HttpTarget
from conformance.targets.target import RecordExchange, Target
from conformance.targets.transport import Connection, TargetError
from conformance.wire.base import ObservedFields, OrderIdentifiers
from conformance.wire.driver import Driver


@dataclass(frozen=True, slots=True)
class DueOrder:
    """A planted order that is judged in this run, and its age since it was planted.

    The age is the one at which it was judged where that was done before.
    """

    planted: PlantedOrder
    age: timedelta


def due_orders(
    orders: Sequence[PlantedOrder], context: ModelContext, now: datetime, older_than: timedelta | None = None
) -> list[DueOrder]:
    """Return the orders that can be judged now and were not.

    One that is kept to be judged before its limit is due in the last days before it, or from the age ``older_than`` on
    where that is named; where that was missed, once the limit is over. Around a limit, nothing is due.

    Raises:
        PlantedOrdersError: an order was planted under interpretations that are not accepted now.

    """
    due = []
    for order in orders:
        age = now - order.at
        if order.harvested is None and (older_than is None or age >= older_than):
            there = replace(context, market=order.market)
            if is_due(order.side, windows_of(order.history, order.then, there), age, early=older_than is not None):
                _check_readings(order, there)
                due.append(DueOrder(order, age))
    return due


def is_due(side: Side, windows: Windows, age: timedelta, *, early: bool = False) -> bool:
    """Return whether an order of an age can be judged.

    Args:
        side: what it is kept for.
        windows: when it can be judged.
        age: how old it is.
        early: whether one that is kept to be judged before its limit is judged as long as it is young enough.

    """
    before = windows[Side.BEFORE]
    if side is Side.BEFORE and before.until is not None and age <= before.until:
        return early or age >= before.since
    latest = windows.get(Side.LATEST) if side is Side.LATEST else None
    return (latest or windows[Side.AFTER]).has(age)


def judged_orders(orders: Sequence[PlantedOrder]) -> list[DueOrder]:
    """Return the orders that earlier runs judged, with the ages that they had then."""
    return [
        DueOrder(order, order.harvested - order.at) for order in orders if order.harvested is not None and order.judged
    ]


def _check_readings(planted: PlantedOrder, context: ModelContext) -> None:
    tracker = Tracker(planted.profile, context)
    for step, observed in zip(planted.history.all_steps, planted.observed, strict=True):
        observation = _by_its_fields(observed)
        _, branches = tracker.compare(step, observation)
        tracker.advance(step, branches, observation)
        if not tracker.orders:
            raise PlantedOrdersError(
                f"The order {planted.id} was planted under interpretations that are not accepted now: "
                f"name the --reading that it was planted with."
            )


def _by_its_fields(observed: Observation) -> dict[str, Scalar]:
    """Return an observation that is judged by the fields that it names: an older version looked for fewer of them.

    A response without an error code has always been one.
    """
    return {Field.ANSWER_CODE: None, **observed, Field.SENT_EARLIER: True}


class _PlantedDriver:
    """Plays a history whose first steps were played before it runs, or all of them."""

    complete = True

    def __init__(self, planted: PlantedOrder, live: HttpDriver) -> None:
        of_this_version = planted.judged_by == __version__
        self._recorded = [
            *map(_by_its_fields, planted.observed),
            *(observed if of_this_version else _by_its_fields(observed) for observed in planted.judged),
        ]
        self._view: ObservedFields | None = None
        self._live = live

    @property
    def doubted(self) -> bool:
        return self._view is None and self._live.doubted

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
        # What was observed before does not change.
        if self._view is None:
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


class _ObservationKeeper:
    """Passes records on to a journal, and keeps what was observed of the history that runs."""

    def __init__(self, journal: RecordSink) -> None:
        self._journal = journal
        self.observed: list[dict[str, Scalar]] = []

    def append(self, record: Record) -> None:
        """Write one record."""
        if isinstance(record, HistoryRecord):
            self.observed = []
        elif isinstance(record, JudgementRecord):
            self.observed.append(dict(record.observed))
        self._journal.append(record)


class Harvest:
    """A run over planted orders, from the first request to the last record.

    Args:
        target: where they were planted.
        settings: those of the run.
        directory: where its evidence is written.
        ledgers: the ledgers that know the orders.
        picked: the orders that can be judged now.
        earlier: the orders that earlier runs judged. They are judged again from what was observed then, so that one
            verdict covers all of them; no request is sent for them.
        note: is called with each order that was judged now.

    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        directory: Path,
        ledgers: Sequence[PlantedOrders],
        picked: Sequence[DueOrder],
        earlier: Sequence[DueOrder],
        note: Callable[[DueOrder, TrialResult], None],
    ) -> None:
        self._orders = [*earlier, *picked]
        profiles = tuple(dict.fromkeys(due.planted.profile for due in self._orders))
        self._run_session = RunSession(
            target, replace(settings, profiles=profiles, focus=AGE), granted=frozenset({"age"})
        )
        self._run = RecordedRun(Journal(directory), self._run_session.redactor.clean)
        self._ledgers = ledgers
        self._note = note

    async def run(self) -> Result:
        """Judge every order; return the result as the journal gives it."""
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
        strangers = [due.planted.id for due in self._orders if due.planted.unit != unit]
        if strangers:
            raise TargetError(
                f"{strangers[0]} was planted by another sales unit: set the VIPPS_MSN that it was planted with."
            )
        cases = [_scheduled(due, number) for number, due in enumerate(self._orders, 1)]
        names = [scheduled.identifier for scheduled in cases]
        journal.append(PlanRecord(histories=tuple(names), digest=digest_of_cases(cases)))
        keeper = _ObservationKeeper(journal)
        picker = _Picker(target, target.session.transport.connect())
        executor = CaseExecutor(self._run_session, keeper)
        try:
            for due, scheduled in zip(self._orders, cases, strict=True):
                picker.planted = due.planted
                play = executor.play(scheduled.case, scheduled.identifier, "systematic", picker)
                if due.planted.harvested is not None:
                    await play
                else:
                    await self._judge_now(due, play, keeper)
        finally:
            await picker.close()

    async def _judge_now(self, due: DueOrder, play: Awaitable[TrialResult], keeper: _ObservationKeeper) -> None:
        """Judge an order for the first time, and write in its ledgers what has become of it."""
        # It is spent as soon as anything is tried on it, however that turns out.
        spent = replace(due.planted, harvested=clock.now())
        self._write(spent)
        trial = await play
        observed = tuple(keeper.observed[len(spent.observed) :])
        if trial.ending is not TrialStatus.INCONCLUSIVE:
            self._write(replace(spent, judged=observed, judged_by=__version__))
        self._note(due, trial)

    def _write(self, planted: PlantedOrder) -> None:
        for ledger in self._ledgers:
            ledger.change(planted)


def _scheduled(due: DueOrder, number: int) -> ScheduledCase:
    planted = due.planted
    label = f"{planted.situation}; planted {planted.at:%Y-%m-%d}, {due.age.days} days old"
    if planted.harvested is not None:
        label += f" when it was judged on {planted.harvested:%Y-%m-%d}"
    history = aged(planted.history, planted.then, due.age)
    return ScheduledCase(f"{planted.profile.value}-{number:05d}", Case(history, label, {}, ()))
