"""The command ``age``: plants orders now, and judges them when they are old.

As JSON, ``plant`` has ``planted`` (how many, by API and situation), ``ledger`` and ``exit_code``; ``harvest`` has the
document of a run, or, where no order is old enough, ``orders``, ``due``, ``waiting`` and ``exit_code``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.ageing import clock
from conformance.ageing.harvest import DueOrder, Harvest, due_orders
from conformance.ageing.plant import Planting
from conformance.ageing.planted_orders import KEY_NAME, PlantedOrder, PlantedOrders, key_file, merged, new_or_old, read
from conformance.api import RunOptions
from conformance.cli.arguments import Age
from conformance.cli.exit_codes import INCOMPLETE
from conformance.cli.operator import add_operator
from conformance.cli.output import output
from conformance.cli.run_and_report import conclude, run_and_report
from conformance.cli.run_directory import run_directory
from conformance.cli.signals import Stopper, handle_signals
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.evidence.journal import BufferedSink
from conformance.model import ModelContext
from conformance.runner.session import RunSession
from conformance.runner.settings import Settings
from conformance.runner.trial import TrialResult
from conformance.targets.target import Target

LEDGER: Final = "age-ledger.json"


def main(arguments: Age) -> int:
    """Plant orders or harvest them; return the exit code."""
    return _plant(arguments) if arguments.what == "plant" else _harvest(arguments)


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


def _plant(arguments: Age) -> int:
    _refuse(arguments, ("out", "force", "older_than", "waive"), of="harvest")
    paths = [Path(name) for name in arguments.ledger or [LEDGER]]
    if len(paths) != 1:
        raise UsageError("age plant writes one ledger: name one --ledger.")
    target, settings = _options(arguments).prepare()
    add_operator(arguments, target)
    campaign = _PlantingCampaign(RunSession(target, settings), new_or_old(paths[0]), arguments.copies)
    with handle_signals() as stopper:
        try:
            stopper.play(campaign.run())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            _print_planted(campaign.planted, paths[0])
    code = 0 if campaign.planted and not campaign.incomplete else INCOMPLETE
    output().answer_json({"planted": campaign.planted, "ledger": str(paths[0]), "exit_code": code})
    return code


class _PlantingCampaign:
    """Plants the orders that a ledger lacks, and counts them by what they are.

    ``incomplete`` is set where a person approved fewer orders than were wanted.
    """

    def __init__(self, session: RunSession, ledger: PlantedOrders, copies: int) -> None:
        self.planted: Counter[str] = Counter()
        self.incomplete = False
        self._session = session
        self._ledger = ledger
        self._copies = copies

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
        wanted = len(planting.wanted(profile, self._copies))
        if not wanted:
            output().say(f"{profile.value}: nothing was planted, since nobody can approve (see --operator).")
        times = planting.approvals(profile, self._copies)
        if times:
            output().say(f"{profile.value}: a person is asked to approve {times} payments; --copies says how many.")
        count = await planting.plant(profile, self._copies)
        if count < wanted:
            self.incomplete = True
            output().say(f"{profile.value}: {count} of {wanted} orders were planted; the person approves no more.")

    def _count(self, order: PlantedOrder) -> None:
        self.planted[f"{order.profile.value}: {order.situation}"] += 1


def _print_planted(planted: Counter[str], ledger: Path) -> None:
    for name, count in planted.items():
        output().say(f"{name}: {count} planted")
    if planted:
        output().say(f"Keep the ledger: {ledger}")
        if key_file(ledger).exists():
            output().say(f"and its key, apart from it: {key_file(ledger)} (or set {KEY_NAME})")


def _harvest(arguments: Age) -> int:
    _refuse(arguments, ("copies", "operator", "operator_timeout"), of="plant")
    paths = list(dict.fromkeys(Path(name).resolve() for name in arguments.ledger or [LEDGER]))
    ledgers = [read(path) for path in paths]
    target, settings = _options(arguments).prepare()
    orders = [order for order in merged(ledgers) if _concerns(order, target, settings)]
    now = clock.now()
    if any(order.at > now for order in orders):
        raise UsageError("An order of the ledger was planted in the future: is this machine's clock right?")
    youngest = timedelta(days=arguments.older_than)
    due = due_orders(orders, ModelContext(settings.market, settings.readings), now, youngest)
    due_ids = {order.planted.id for order in due}
    waiting = [order for order in orders if order.harvested is None and order.id not in due_ids]
    total = sum(len(ledger.orders) for ledger in ledgers)
    output().say(
        f"{total} orders in {len(ledgers)} ledgers; {len(due)} of {target.name} are old enough, {len(waiting)} wait"
    )
    if waiting:
        output().say(f"The oldest that waits was planted {min(order.at for order in waiting):%Y-%m-%d}")
    if not due:
        output().conclude("Nothing was judged: come back later.", "open")
        output().answer_json({"orders": total, "due": 0, "waiting": len(waiting), "exit_code": INCOMPLETE})
        return INCOMPLETE
    return _judge(arguments, target, replace(settings, command=_command(arguments)), ledgers, due)


def _concerns(order: PlantedOrder, target: Target, settings: Settings) -> bool:
    """Return whether an order is of the run's target, market and APIs."""
    of_run = not settings.profiles or order.profile in settings.profiles
    return order.target == target.name and order.market is settings.market and of_run


def _judge(
    arguments: Age,
    target: Target,
    settings: Settings,
    ledgers: list[PlantedOrders],
    due: list[DueOrder],
) -> int:
    directory = run_directory(arguments.out, force=arguments.force)

    def note(order: DueOrder, trial: TrialResult) -> None:
        outcome = trial.findings[0].reason if trial.findings else trial.cause or "as documented"
        planted = order.planted
        output().say(
            f"  {planted.id} ({planted.situation}), {order.age.days} days old: {trial.ending.value}: {outcome}"
        )

    def play(stopper: Stopper) -> None:
        stopper.play(Harvest(target, settings, directory, ledgers, due, note).run())

    return conclude(run_and_report(play, directory, debug=arguments.debug), directory)


def _command(arguments: Age) -> str:
    ledgers = " ".join(f"--ledger {name}" for name in arguments.ledger or [LEDGER])
    options = " ".join(f"--{name} {value}" for name, value in _options(arguments).options() if name != "seed")
    return f"cancel-conformance age harvest {options} {ledgers}"
