"""``python -m tests.museum.power``: how soon each fault is caught, over many seeds, and by how small a history.

Every fault is met by the run's own plan: the systematic set, which is the same for every seed, and then what the seed
draws. What a target without a test control API can be asked is measured as well. Apart from that, the drawn histories
are played alone, to see what random exploration would catch without the systematic set, and the first one of each seed
that fails is minimised and compared with the history that a person wrote.

What was measured is kept in a folder fault by fault, so that a measurement that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.domain.steps import History, Together, history_as_json
from conformance.evidence.consistency import digest_of
from conformance.judging.judge import FailureKey
from conformance.rulebook import load
from conformance.runner.settings import BUDGETS
from conformance.strategies.provider.shrink import amounts_cost
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.target import ProbeResult, RecordExchange

from . import memo, stage
from .exhibits import BENIGN, FAULTS
from .fault import Fault
from .power_table import put, table

FILE = Path(__file__).parents[2] / "reports" / "power.json"
SEEDS = 20
DRAWN = BUDGETS["standard"]
QUICK = BUDGETS["quick"]
WITHOUT_CONTROL = frozenset({"approve", "concurrent", "units"})
"""What a sandbox without a test control API offers."""
AT_ONCE = frozenset({"concurrent"})
SYSTEMATIC_SEEDS = 2
"""With so many seeds the systematic set is played; it is the same for all of them but for the orders' names."""

FEWER = 2
"""So many seeds are enough where nothing is claimed with certainty: without a control API, and for drawn histories."""

Measured = dict[str, Any]


class Uncontrolled(stage.OneAtATime):
    """A seat in front of a provider whose clock and user nobody can move."""

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        probe = await super().probe(profile, record)
        return replace(probe, offered=probe.offered & WITHOUT_CONTROL)


def uncontrolled(provider: Any) -> Uncontrolled:
    """Return such a seat."""
    return Uncontrolled(EmbeddedTransport(provider), credentials_from(embedded=True))


SETTINGS: Mapping[str, Callable[[Any], stage.OneAtATime]] = {
    "with test control": stage.seat_of,
    "without test control": uncontrolled,
}


async def stage_of(fault: Fault, target: Callable[[Any], stage.OneAtATime]) -> stage.Stage:
    """Look at a fault."""
    return await stage.stage_for(fault.provider(), fault.profile, fault.readings, fault.market, target=target)


def plan_of(on: stage.Stage, seed: int, drawn: int | None = None) -> stage.Plan:
    """Return the plan of a standard run, races included: they are counted, and not played, one request at a time."""
    return stage.planned(on.profile, on.context, on.offered | AT_ONCE, seed, DRAWN if drawn is None else drawn)


def is_race(history: History) -> bool:
    return any(isinstance(step, Together) for step in history.steps)


async def first_reds(on: stage.Stage, plan: Iterable[Any], wanted: frozenset[str]) -> dict[str, int]:
    """Return for each wanted rule after how many histories of a plan it turned red, as far as it did."""
    found: dict[str, int] = {}
    for number, one in enumerate(plan, 1):
        if not is_race(one.history):
            for finding in await on.findings(one.history):
                found.setdefault(finding.rule, number)
            if wanted <= found.keys():
                break
    return found


async def after(fault: Fault, target: Callable[[Any], stage.OneAtATime], seeds: int) -> Measured:
    """Return for each rule that a fault breaks, and each seed, after how many histories it turned red.

    Rules that need what is not offered are left out: such a target never passes them either.
    """
    offers = (await stage_of(fault, target)).offered | AT_ONCE | {"wire"}
    wanted = frozenset(rule for rule in fault.red if offers.issuperset(load().rule(rule).needs))
    fixed: list[dict[str, int]] = []
    for seed in range(min(seeds, SYSTEMATIC_SEEDS)):
        on = await stage_of(fault, target)
        size = len(plan_of(on, seed)) - DRAWN
        fixed.append(await first_reds(on, plan_of(on, seed)[:size], wanted))
    agreed = all(one == fixed[0] for one in fixed)
    rows = []
    for seed in range(seeds):
        if not agreed and seed >= len(fixed):
            on = await stage_of(fault, target)
            fixed.append(await first_reds(on, plan_of(on, seed)[:size], wanted))
        row = dict(fixed[0] if agreed else fixed[seed])
        missing = wanted - row.keys()
        if missing:
            later = await first_reds_drawn(fault, target, seed, missing)
            row |= {rule: size + number for rule, number in later.items() if rule not in row}
        rows.append(row)
    return {rule: short([row.get(rule) for row in rows]) for rule in sorted(wanted)}


async def first_reds_drawn(
    fault: Fault, target: Callable[[Any], stage.OneAtATime], seed: int, wanted: frozenset[str]
) -> dict[str, int]:
    """Return the same of what is drawn for a standard run.

    A quick run draws other histories, and not the first ones of these: a number that it would have too is of those.
    """
    at_quick, at_standard = [
        await first_reds(on, plan_of(on, seed, drawn)[-drawn:], wanted)
        for drawn in (QUICK, DRAWN)
        for on in [await stage_of(fault, target)]
    ]
    return {rule: at_quick.get(rule, max(number, QUICK + 1)) for rule, number in at_standard.items()}


def short(each: Sequence[int | None]) -> Any:
    """Write what is the same for every seed once."""
    return each[0] if len(set(each)) == 1 else list(each)


async def alone(fault: Fault, seeds: int) -> Measured:
    """Return after how many drawn histories a fault is caught, seed by seed, and what the first ones minimise to.

    A history is compared with the person's where it fails for the same reason.
    """
    on = await stage_of(fault, stage.seat_of)
    key: FailureKey = (await on.findings(fault.least))[0].failure_key
    minimiser = on.minimiser()
    soon: list[int | None] = []
    tried = least = slipped = 0
    for seed in range(seeds):
        on = await stage_of(fault, stage.seat_of)
        caught, alike = None, None
        for number, one in enumerate(plan_of(on, seed)[-DRAWN:], 1):
            findings = () if is_race(one.history) else await on.findings(one.history)
            caught = caught or (number if findings else None)
            if any(finding.failure_key == key for finding in findings):
                alike = one.history
                break
        soon.append(await as_at_quick(fault, seed, caught))
        if alike is None:
            continue
        smallest = await minimiser.minimise(alike, key)
        again = await (await stage_of(fault, stage.seat_of)).findings(smallest)
        tried += 1
        least += len(smallest.steps) <= len(fault.least.steps) and amounts_cost(smallest) <= amounts_cost(fault.least)
        slipped += not any(finding.failure_key == key for finding in again)
    return {"soon": short(soon), "tried": tried, "least": least, "slipped": slipped}


async def as_at_quick(fault: Fault, seed: int, caught: int | None) -> int | None:
    """Return after how many of a quick run's drawn histories a fault is caught, or else of a standard run's."""
    if caught is None:
        return None
    on = await stage_of(fault, stage.seat_of)
    for number, one in enumerate(plan_of(on, seed, QUICK)[-QUICK:], 1):
        if not is_race(one.history) and await on.findings(one.history):
            return number
    return max(caught, QUICK + 1)


def measure(seeds: int, identifier: str) -> Measured:
    """Measure one fault."""
    fault = next(one for one in FAULTS if one.id == identifier)
    return {
        "profile": fault.profile.value,
        "sentence": fault.sentence,
        "depth": fault.depth.value,
        "first": fault.first,
        "after": {
            "with test control": asyncio.run(after(fault, stage.seat_of, seeds)),
            "without test control": asyncio.run(after(fault, uncontrolled, min(seeds, FEWER))),
        },
        "drawn": asyncio.run(alone(fault, min(seeds, FEWER))),
    }


def false_alarms(seeds: int, identifier: str) -> list[str]:
    """Play a standard run against a correct provider, and what every other seed draws for a quick one.

    Returns what was said against it.
    """
    one = next(variant for variant in BENIGN if variant.id == identifier)

    async def play() -> list[str]:
        said = []
        for seed in range(seeds):
            on = await stage.stage_for(one.provider(), one.profile, one.readings, one.market)
            for each in plan_of(on, seed, QUICK)[-QUICK:] if seed else plan_of(on, seed):
                if not is_race(each.history):
                    said += [f"seed {seed}: {found.rule}: {found.reason}" for found in await on.findings(each.history)]
        return said

    return asyncio.run(play())


def plans() -> dict[str, dict[str, Measured]]:
    """Return the size of the systematic set in each setting, and what it is known by."""
    found: dict[str, dict[str, Measured]] = {}
    for name, target in SETTINGS.items():
        for profile in Profile:
            on = asyncio.run(stage.stage_for_correct(profile, target=target))
            histories = [one.history for one in plan_of(on, 0)[:-DRAWN]]
            numbered = ((f"{number:05d}", history_as_json(one)) for number, one in enumerate(histories, 1))
            found.setdefault(name, {})[profile.value] = {"systematic": len(histories), "digest": digest_of(numbered)}
    return found


def offered() -> dict[str, dict[str, list[str]]]:
    """Return what a target offers in each setting."""
    return {
        name: {
            profile.value: sorted(asyncio.run(stage.stage_for_correct(profile, target=target)).offered)
            for profile in Profile
        }
        for name, target in SETTINGS.items()
    }


class Kept:
    """What was measured already, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return the names of which nothing is kept."""
        return [name for name in names if not self._file(name).exists()]

    def keep(self, name: str, measured: Any) -> None:
        """Keep what was measured."""
        part = self._file(name).with_suffix(".part")
        part.write_text(json.dumps(measured), encoding="utf-8")
        part.replace(self._file(name))

    def read(self, name: str) -> Any:
        """Return what was measured."""
        return json.loads(self._file(name).read_text(encoding="utf-8"))

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def measured(kept: Kept, seeds: int, jobs: int) -> Measured:
    """Measure everything that is not kept yet; return all of it."""
    faults, benign = [fault.id for fault in FAULTS], [one.id for one in BENIGN]
    with ProcessPoolExecutor(jobs, get_context("spawn"), memo.remember) as pool:
        parts = (("fault", faults, measure, seeds), ("correct", benign, false_alarms, min(seeds, FEWER)))
        for kind, names, function, with_seeds in parts:
            missing = [name for name in names if kept.missing([f"{kind}-{name}"])]
            waiting = {pool.submit(function, with_seeds, name): name for name in missing}
            for number, done in enumerate(as_completed(waiting), 1):
                name = waiting[done]
                kept.keep(f"{kind}-{name}", done.result())
                print(f"{number} of {len(waiting)}: {name}", file=sys.stderr, flush=True)
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "seeds": seeds,
        "fewer": min(seeds, FEWER),
        "drawn": DRAWN,
        "settings": offered(),
        "plans": plans(),
        "faults": {name: kept.read(f"fault-{name}") for name in faults},
        "benign": {name: kept.read(f"correct-{name}") for name in benign},
    }


def commit() -> str:
    """Return the commit that is measured."""
    said = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False, cwd=FILE.parent
    )
    return said.stdout.strip() or "unknown"


WEIGHED = ("domain", "judging", "model", "rulebook", "runner", "sandbox", "targets", "wire")
"""The packages on which the figures depend."""


def digest() -> str:
    """Return what the figures depend on, as one digest: the museum, the oracle and the strategies."""
    root = Path(__file__).parents[2]
    folders = (*(root / "conformance" / name for name in WEIGHED), root / "strategies", Path(__file__).parent)
    sources = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in {".py", ".toml"}]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the figures into the package if asked to, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.museum.power", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"seeds ({SEEDS})")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (one a core)")
    parser.add_argument("--write", action="store_true", help="write the package's figures anew")
    parser.add_argument("--keep", type=Path, default=Path("build/power"), metavar="DIR", help="where it goes on from")
    chosen = parser.parse_args(arguments)
    kept = Kept(chosen.keep / f"{digest()}-{chosen.seeds}")
    found = measured(kept, max(1, chosen.seeds), max(1, chosen.jobs))
    if chosen.write:
        FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        put("power", table(found))
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
