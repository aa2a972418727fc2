"""Harvesting: planted orders that are old enough are judged by the model, as histories in which time has passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from conformance.ageing import clock
from conformance.ageing.plant import unit_of
from conformance.ageing.planted_orders import PlantedOrder, PlantedOrders, PlantedOrdersError
from conformance.domain.expectation import ACCEPTED
from conformance.domain.steps import Age, History, Refund, Step, history_as_json
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import Journal, read_journal
from conformance.judging.tracker import Tracker
from conformance.model import AgeLimit, ModelContext, age_for_cancel, age_for_refund
from conformance.results.audit import audit
from conformance.results.partial_runs import AGE
from conformance.results.result import Result, result_of
from conformance.results.selfcheck import check_oracle
from conformance.runner.executor import CaseExecutor
from conformance.runner.finish import recorded_ending
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
    """Return the orders that are old enough to be judged: clearly on one side of every limit that applies to them.

    What is planted to become too old is left alone until it is. Around a limit, nothing is judged.
    """
    found = []
    for one in orders:
        age = now - one.at
        if one.harvested is None and age >= youngest:
            side = _side(one, context, age)
            if side is AgeLimit.BEYOND or (side is AgeLimit.WITHIN and not one.beyond):
                found.append(DueOrder(one, age))
    return found


def _side(one: PlantedOrder, context: ModelContext, age: timedelta) -> AgeLimit:
    order = tracked(one, replace(context, market=one.market)).orders[0].older(age)
    refund = any(isinstance(step, Refund) for step in one.then.steps)
    return age_for_refund(order) if refund else age_for_cancel(order, replace(context, market=one.market))


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


def history_of(one: DueOrder) -> History:
    """Return the whole history of an order: how it was made, the time that passed, and what is tried now."""
    planted = one.planted
    passed = Age(timedelta(seconds=int(one.age.total_seconds())))
    return History(planted.profile, planted.history.opening, (*planted.history.steps, passed, *planted.then.steps))


class _PlantedDriver:
    """Plays a history whose first steps were played when it was planted, and whose time has passed by itself."""

    complete = True

    def __init__(self, planted: PlantedOrder, live: HttpDriver) -> None:
        self._recorded = list(planted.observed)
        self._view: ObservedFields | None = None
        self._live = live

    async def perform(self, step: Step) -> ObservedFields:
        if self._recorded:
            observed = self._recorded.pop(0)
            self._view = {name: value for name, value in observed.items() if name.startswith(("view.", "answer.psp"))}
            return {name: value for name, value in observed.items() if name not in self._view}
        self._view = None
        if isinstance(step, Age):
            return {"answer.outcome": ACCEPTED}
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
        profiles = tuple(dict.fromkeys(one.planted.profile for one in picked))
        self._run_session = RunSession(
            target, replace(settings, profiles=profiles, focus=AGE), granted=frozenset({"age"})
        )
        self._directory = directory
        self._ledgers = ledgers
        self._picked = list(picked)
        self._note = note
        self._journal = Journal(directory)
        self._started = datetime.now(UTC)

    async def run(self) -> Result:
        """Judge everything that was picked; return the result as it stands in the journal."""
        async with recorded_ending(self._run_session, self._journal, self._started):
            check_oracle()
            await start_journal(self._run_session, self._journal, self._started)
            await self._judge()
            audit(read_journal(self._directory))
        return result_of(read_journal(self._directory))

    async def _judge(self) -> None:
        target = self._run_session.target
        if not isinstance(target, HttpTarget):
            raise TargetError(f"{target.name} is called without HTTP: nothing can have been planted there.")
        unit = unit_of(target.session.credentials.msn)
        strangers = [one.planted.id for one in self._picked if one.planted.unit != unit]
        if strangers:
            raise TargetError(
                f"{strangers[0]} was planted by another sales unit: set the VIPPS_MSN that it was planted with."
            )
        named = {f"{one.planted.profile.value}-{number:05d}": one for number, one in enumerate(self._picked, 1)}
        histories = {name: history_of(one) for name, one in named.items()}
        self._journal.append(
            "plan",
            histories=list(named),
            digest=digest_of((name, history_as_json(history)) for name, history in histories.items()),
        )
        picker = _Picker(target, target.session.transport.connect())
        playing = CaseExecutor(self._run_session, self._journal)
        try:
            for name, one in named.items():
                picker.planted = one.planted
                label = f"{one.planted.situation}; planted {one.planted.at:%Y-%m-%d}, {one.age.days} days old"
                # It is spent as soon as anything is tried on it, however that turns out.
                self._spend(one.planted)
                planned = Case(histories[name], label, {}, ())
                self._note(one, await playing.play(planned, name, "systematic", picker))
        finally:
            await picker.close()

    def _spend(self, planted: PlantedOrder) -> None:
        for ledger in self._ledgers:
            if any(one.id == planted.id for one in ledger.orders):
                ledger.orders = [
                    replace(one, harvested=clock.now()) if one.id == planted.id else one for one in ledger.orders
                ]
                ledger.write()
