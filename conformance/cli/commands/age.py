"""``age``: plants orders now, and judges them when they have grown old."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.ageing import clock
from conformance.ageing.harvest import YOUNGEST, DueOrder, Harvest, due_orders
from conformance.ageing.plant import Planting
from conformance.ageing.planted_orders import KEY_NAME, PlantedOrder, PlantedOrders, key_file, merged, new_or_old, read
from conformance.api import RunOptions
from conformance.cli.exit_codes import INCOMPLETE
from conformance.cli.operator import add_operator
from conformance.cli.run_and_report import fresh_directory, run_and_report, write_results
from conformance.cli.signals import Stopper, stopper
from conformance.errors import UsageError
from conformance.evidence.journal import BufferedSink
from conformance.model import ModelContext
from conformance.runner.session import RunSession
from conformance.runner.settings import Settings
from conformance.runner.trial import TrialResult
from conformance.targets.target import Target

LEDGER: Final = "age-ledger.json"
COPIES: Final = 3
"""A rule needs three examples on each side of its limit."""


def main(arguments: argparse.Namespace) -> int:
    """Plant or harvest; return the exit code."""
    return _plant(arguments) if arguments.what == "plant" else _harvest(arguments)


def _asked(arguments: argparse.Namespace) -> RunOptions:
    if arguments.target is None or arguments.target.strip().lower() == "embedded":
        raise UsageError("--target is missing: name a server that will still be there when its orders are old.")
    if not arguments.target.strip().lower().startswith(("http://", "https://")):
        raise UsageError(f"{arguments.target} lives in this process only: name a server by its base URL.")
    return RunOptions(
        arguments.target,
        arguments.profile,
        arguments.control_url,
        arguments.market or "no",
        arguments.reading or (),
        seed=arguments.seed or 0,
        waive=arguments.waive or (),
    )


def _plant(arguments: argparse.Namespace) -> int:
    for name in ("out", "older_than", "waive"):
        if getattr(arguments, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} is for age harvest: leave it out of age plant.")
    paths = [Path(one) for one in arguments.ledger or [LEDGER]]
    if len(paths) != 1:
        raise UsageError("age plant writes one ledger: name one --ledger.")
    target, settings = _asked(arguments).prepare()
    add_operator(arguments, target)
    ledger = new_or_old(paths[0])
    run_session = RunSession(target, settings)
    planted: Counter[str] = Counter()
    copies = arguments.copies or COPIES
    short = False

    def note(one: PlantedOrder) -> None:
        planted[f"{one.profile.value}: {one.situation}"] += 1

    async def planting() -> None:
        nonlocal short
        held = BufferedSink()
        async with run_session:
            for profile in await run_session.open(held):
                await run_session.look(profile, held)
            work = Planting(run_session, ledger, note)
            for profile in run_session.contexts:
                wanted = len(work.wanted(profile, copies))
                if not wanted:
                    say(f"{profile.value}: nothing was planted, since nobody can approve (see --operator).")
                if times := work.approvals(profile, copies):
                    say(f"{profile.value}: a person is asked to approve {times} payments; --copies says how many.")
                if (count := await work.plant(profile, copies)) < wanted:
                    short = True
                    say(f"{profile.value}: {count} of {wanted} orders were planted; the person approves no more.")

    with stopper() as stopping:
        try:
            stopping.play(planting())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for name, count in planted.items():
                sys.stdout.write(f"{name}: {count} planted\n")
            if planted:
                sys.stdout.write(f"Keep the ledger: {paths[0]}\n")
                if key_file(paths[0]).exists():
                    sys.stdout.write(f"and its key, apart from it: {key_file(paths[0])} (or set {KEY_NAME})\n")
    return 0 if planted and not short else INCOMPLETE


def say(line: str) -> None:
    """Write a line at once: somebody may wait for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _harvest(arguments: argparse.Namespace) -> int:
    for name in ("copies", "operator", "operator_timeout"):
        if getattr(arguments, name):
            raise UsageError(f"--{name.replace('_', '-')} is for age plant: leave it out of age harvest.")
    paths = list(dict.fromkeys(Path(one).resolve() for one in arguments.ledger or [LEDGER]))
    ledgers = [read(path) for path in paths]
    target, settings = _asked(arguments).prepare()
    profiles = settings.profiles
    orders = [
        one
        for one in merged(ledgers)
        if one.target == target.name and one.market is settings.market and (not profiles or one.profile in profiles)
    ]
    youngest = YOUNGEST if arguments.older_than is None else timedelta(days=arguments.older_than)
    context = ModelContext(settings.market, settings.readings)
    now = clock.now()
    if any(one.at > now for one in orders):
        raise UsageError("An order of the ledger was planted in the future: is this machine's clock right?")
    picked = due_orders(orders, context, now, youngest)
    waiting = [one for one in orders if one.harvested is None and one.id not in {each.planted.id for each in picked}]
    total = sum(len(one.orders) for one in ledgers)
    sys.stdout.write(
        f"{total} orders in {len(ledgers)} ledgers; "
        f"{len(picked)} of {target.name} are old enough, {len(waiting)} wait\n"
    )
    if waiting:
        sys.stdout.write(f"The oldest that waits was planted {min(one.at for one in waiting):%Y-%m-%d}\n")
    if not picked:
        sys.stdout.write("Nothing was judged: come back later.\n")
        return INCOMPLETE
    return _judged(arguments, target, replace(settings, command=_command(arguments)), ledgers, picked)


def _judged(
    arguments: argparse.Namespace,
    target: Target,
    settings: Settings,
    ledgers: list[PlantedOrders],
    picked: list[DueOrder],
) -> int:
    directory = fresh_directory(arguments.out)

    def note(one: DueOrder, trial: TrialResult) -> None:
        said = trial.findings[0].reason if trial.findings else trial.cause or "as documented"
        planted = one.planted
        sys.stdout.write(
            f"  {planted.id} ({planted.situation}), {one.age.days} days old: {trial.ending.value}: {said}\n"
        )
        sys.stdout.flush()

    def play(stopping: Stopper) -> None:
        stopping.play(Harvest(target, settings, directory, ledgers, picked, note).run())

    return write_results(run_and_report(play, directory, debug=arguments.debug))


def _command(arguments: argparse.Namespace) -> str:
    asked = _asked(arguments)
    ledgers = " ".join(f"--ledger {one}" for one in arguments.ledger or [LEDGER])
    options = " ".join(f"--{name} {value}" for name, value in asked.options() if name != "seed")
    return f"cancel-conformance age harvest {options} {ledgers}"
