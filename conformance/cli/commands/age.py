"""The command ``age``: plants orders now, judges them when they are old, and says when that will be.

As JSON, ``plant`` has ``planted`` (how many, by API and situation), ``ledger``, ``calendar`` and ``exit_code``;
``calendar`` has ``calendar`` and ``exit_code``; ``harvest`` has the document of a run, or, where no order can be judged
now, ``orders``, ``due``, ``waiting``, ``calendar`` and ``exit_code``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.ageing import clock
from conformance.ageing.calendar import Calendar, calendar_of
from conformance.ageing.calendar_text import calendar_lines
from conformance.ageing.harvest import DueOrder, Harvest, due_orders, judged_orders
from conformance.ageing.plant import Planting, to_be_planted
from conformance.ageing.planted_orders import KEY_NAME, PlantedOrder, PlantedOrders, key_file, merged, new_or_old, read
from conformance.ageing.selection import Selection
from conformance.api import RunOptions
from conformance.cli.arguments import Age
from conformance.cli.exit_codes import INCOMPLETE
from conformance.cli.operator import add_operator
from conformance.cli.output import output
from conformance.cli.run_and_report import conclude, run_and_report
from conformance.cli.run_directory import run_directory
from conformance.cli.signals import Stopper, handle_signals
from conformance.domain.order import Market, Profile
from conformance.errors import UsageError
from conformance.evidence.journal import BufferedSink
from conformance.model import ModelContext
from conformance.rulebook import Readings
from conformance.runner.session import RunSession
from conformance.runner.settings import Settings
from conformance.runner.trial import TrialResult
from conformance.targets.production_guard import base_address
from conformance.targets.target import Target

LEDGER: Final = "age-ledger.json"
_FOR_HARVEST: Final = ("out", "force", "older_than", "waive")
_FOR_PLANT: Final = ("copies", "operator", "operator_timeout")


def main(arguments: Age) -> int:
    """Plant orders, harvest them, or print their calendar; return the exit code."""
    return {"plant": _plant, "harvest": _harvest, "calendar": _calendar}[arguments.what](arguments)


def _options(arguments: Age) -> RunOptions:
    if arguments.target is None or arguments.target.strip().lower() == "embedded":
        raise UsageError("--target is missing: name a server that will still be there when its orders are old.")
    if not arguments.target.strip().lower().startswith(("http://", "https://")):
        raise UsageError(f"{arguments.target} lives in this process only: name a server by its base URL.")
    return RunOptions(
        arguments.target,
        arguments.profile or None,
        arguments.control_url,
        arguments.market,
        arguments.reading,
        seed=arguments.seed,
        waive=arguments.waive,
    )


def _refuse(arguments: Age, options: tuple[str, ...], *, of: str) -> None:
    """Refuse an option on the command line that is for the other action."""
    for name in options:
        if name in arguments.typed:
            raise UsageError(f"--{name.replace('_', '-')} is for age {of}: leave it out of age {arguments.what}.")


def _paths(arguments: Age) -> list[Path]:
    return list(dict.fromkeys(Path(name) for name in arguments.ledger or [LEDGER]))


def _plant(arguments: Age) -> int:
    _refuse(arguments, _FOR_HARVEST, of="harvest")
    paths = _paths(arguments)
    if len(paths) != 1:
        raise UsageError("age plant writes one ledger: name one --ledger.")
    target, settings = _options(arguments).prepare()
    add_operator(arguments, target)
    ledger = new_or_old(paths[0])
    if ledger.orders:
        Selection(target.name, None).of(ledger.orders, paths)
    campaign = _PlantingCampaign(RunSession(target, settings), ledger, arguments.copies)
    with handle_signals() as stopper:
        try:
            stopper.play(campaign.run())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            _print_planted(campaign, paths[0])
    orders = [order for order in ledger.orders if (order.target, order.market) == (target.name, settings.market)]
    calendar = _calendar_of(orders, settings.market, settings.readings, campaign.profiles)
    output().say("", *calendar_lines(calendar, settings.market))
    code = INCOMPLETE if campaign.incomplete or not orders else 0
    output().answer_json(
        {
            "planted": campaign.planted,
            "ledger": str(paths[0]),
            "calendar": calendar.as_json(),
            "exit_code": code,
        }
    )
    return code


class _PlantingCampaign:
    """Plants the orders that a ledger lacks, and counts them by what they are.

    ``incomplete`` is set where a person approved fewer orders than were wanted, or nobody could approve.
    """

    def __init__(self, session: RunSession, ledger: PlantedOrders, copies: int) -> None:
        self.planted: Counter[str] = Counter()
        self.incomplete = False
        self._session = session
        self._ledger = ledger
        self._copies = copies

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The APIs that were probed."""
        return tuple(self._session.contexts)

    async def run(self) -> None:
        """Plant the orders of every API that the target has, and close the target."""
        sink = BufferedSink()
        async with self._session:
            for profile in await self._session.open(sink):
                await self._session.look(profile, sink)
            planting = Planting(self._session, self._ledger, self._count)
            for profile in self._session.contexts:
                await self._plant(planting, profile)

    async def _plant(self, planting: Planting, profile: Profile) -> None:
        if not planting.approves(profile):
            self.incomplete = True
            output().say(f"{profile.value}: nothing was planted, since nobody can approve (see --operator).")
            return
        wanted = planting.wanted(profile, self._copies)
        if not wanted:
            output().say(f"{profile.value}: the ledger has {self._copies} of each kind already; nothing was planted.")
        times = planting.approvals(wanted)
        if times:
            output().say(f"{profile.value}: a person is asked to approve {times} payments; --copies says how many.")
        count = await planting.plant(wanted)
        if count < len(wanted):
            self.incomplete = True
            output().say(
                f"{profile.value}: {count} of {len(wanted)} orders were planted; the others were not approved."
            )

    def _count(self, order: PlantedOrder) -> None:
        self.planted[f"{order.profile.value}: {order.situation}"] += 1


def _print_planted(campaign: _PlantingCampaign, ledger: Path) -> None:
    for name, count in campaign.planted.items():
        output().say(f"{name}: {count} planted")
    if campaign.planted:
        output().say(f"Keep the ledger: {ledger}")
        if key_file(ledger).exists():
            output().say(f"and its key, apart from it: {key_file(ledger)} (or set {KEY_NAME})")


def _calendar_of(
    orders: Sequence[PlantedOrder], market: Market, readings: Readings, profiles: tuple[Profile, ...]
) -> Calendar:
    return calendar_of(orders, profiles, ModelContext(market, readings), clock.now())


def _calendar(arguments: Age) -> int:
    """Print the calendar of a ledger; where there is none yet, that of a planting today."""
    _refuse(arguments, ("out", "force", "older_than", "waive", "operator", "operator_timeout"), of="plant or harvest")
    paths, readings = _paths(arguments), Readings.choose(arguments.reading)
    asked = tuple(map(Profile, arguments.profile)) or None
    if any(path.exists() for path in paths):
        chosen = Market(arguments.market) if "market" in arguments.typed else None
        target = base_address(arguments.target).url if arguments.target else None
        orders = Selection(target, chosen, asked).of(merged([read(path) for path in paths]), paths)
        market = orders[0].market
        output().say(f"{len(orders)} orders of {orders[0].target}.")
    else:
        market = Market(arguments.market)
        context = ModelContext(market, readings)
        orders = to_be_planted(asked or tuple(Profile), context, clock.now(), arguments.copies)
        output().say(f"There is no {paths[0]} yet. If {len(orders)} orders are planted today:")
    profiles = asked or tuple(dict.fromkeys(order.profile for order in orders))
    calendar = _calendar_of(orders, market, readings, profiles)
    output().say(*calendar_lines(calendar, market))
    output().answer_json({"calendar": calendar.as_json(), "exit_code": 0})
    return 0


def _harvest(arguments: Age) -> int:
    _refuse(arguments, _FOR_PLANT, of="plant")
    paths = list(dict.fromkeys(path.resolve() for path in _paths(arguments)))
    ledgers = [read(path) for path in paths]
    target, settings = _options(arguments).prepare()
    selection = Selection(target.name, settings.market, settings.profiles)
    orders = selection.of(merged(ledgers), [Path(path.name) for path in paths])
    now = clock.now()
    if any(order.at > now for order in orders):
        raise UsageError("An order of the ledger was planted in the future: is this machine's clock right?")
    youngest = None if arguments.older_than is None else timedelta(days=arguments.older_than)
    due = due_orders(orders, ModelContext(settings.market, settings.readings), now, youngest)
    judged = [order for order in orders if order.harvested is not None]
    waiting = len(orders) - len(due) - len(judged)
    output().say(
        f"{len(orders)} orders of {target.name}: {len(due)} can be judged now, {len(judged)} were judged before, "
        f"{waiting} wait"
    )
    if due:
        return _judge(arguments, target, replace(settings, command=_command(arguments)), ledgers, due, orders)
    profiles = tuple(dict.fromkeys(order.profile for order in orders))
    calendar = _calendar_of(orders, settings.market, settings.readings, profiles)
    output().say(*calendar_lines(calendar, settings.market))
    then = "harvest again on a day of the calendar" if waiting else "every order was judged before, and none waits"
    output().conclude(f"Nothing was judged: {then}.", "open")
    output().answer_json(
        {
            "orders": len(orders),
            "due": 0,
            "waiting": waiting,
            "calendar": calendar.as_json(),
            "exit_code": INCOMPLETE,
        }
    )
    return INCOMPLETE


def _judge(
    arguments: Age,
    target: Target,
    settings: Settings,
    ledgers: list[PlantedOrders],
    due: list[DueOrder],
    orders: list[PlantedOrder],
) -> int:
    directory = run_directory(arguments.out, force=arguments.force)

    def note(order: DueOrder, trial: TrialResult) -> None:
        outcome = trial.findings[0].reason if trial.findings else trial.cause or "as documented"
        planted = order.planted
        output().say(
            f"  {planted.id} ({planted.situation}), {order.age.days} days old: {trial.ending.value}: {outcome}"
        )

    def play(stopper: Stopper) -> None:
        stopper.play(Harvest(target, settings, directory, ledgers, due, judged_orders(orders), note).run())

    result = run_and_report(play, directory, debug=arguments.debug)
    ids = {order.key for order in orders}
    profiles = tuple(dict.fromkeys(order.profile for order in orders))
    orders = [order for order in merged(ledgers) if order.key in ids]
    calendar = _calendar_of(orders, settings.market, settings.readings, profiles)
    output().say("", *calendar_lines(calendar, settings.market))
    return conclude(result, directory)


def _command(arguments: Age) -> str:
    ledgers = " ".join(f"--ledger {name}" for name in arguments.ledger or [LEDGER])
    options = " ".join(f"--{name} {value}" for name, value in _options(arguments).options() if name != "seed")
    return f"cancel-conformance age harvest {options} {ledgers}"
