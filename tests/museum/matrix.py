"""The golden matrix: which rules every faulty provider turns red, and that no benign one turns any.

It is computed from the systematic set and the default seed's drawn histories, so that it is the same every time, and
kept as a file with one line for each provider.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.rulebook import Rulebook, RuleStatus, load
from conformance.runner.settings import BUDGETS

from . import memo, stage
from .exhibits import BENIGN, FAULTS

FILE = Path(__file__).with_name("matrix.json")
DRAWN = BUDGETS["quick"]
"""How many histories are drawn after the systematic set."""
CONFORMS = "conforms"

NEVER_RED = {
    (Profile.ECOM, "KB-04"): "a cancel before approval may fail or succeed, and what then is wrong is another rule's",
    (Profile.ECOM, "EC-02"): "a race, as the next",
    **{(profile, "INV-11"): "what only a race shows is in tests/races, behind a port" for profile in Profile},
}
"""Checked rules that the model never blames, and why there is nothing that could break them alone."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """For every faulty provider the rules that it turns red; for every benign one whether it conforms."""

    faults: Mapping[str, tuple[str, ...]]
    benign: Mapping[str, str]

    def written(self) -> str:
        """Return the file's content: one line for each provider."""
        rows = {
            "faults": {name: " ".join(rules) for name, rules in sorted(self.faults.items())},
            "benign": dict(sorted(self.benign.items())),
        }
        return json.dumps(rows, indent=1) + "\n"


def read() -> Matrix:
    """Read the golden matrix."""
    rows: Any = json.loads(FILE.read_text(encoding="utf-8"))
    return Matrix({name: tuple(rules.split()) for name, rules in rows["faults"].items()}, rows["benign"])


def declared() -> Matrix:
    """Return the matrix as the exhibits declare it."""
    faults = {fault.id: (fault.first, *sorted(fault.red - {fault.first})) for fault in FAULTS}
    benign = {one.id: f"open: {' '.join(sorted(one.open))}" if one.open else CONFORMS for one in BENIGN}
    return Matrix(faults, benign)


def played(jobs: int, *, whole: bool) -> Matrix:
    """Play everything against everybody.

    Unless the ``whole`` plan is asked for, a faulty provider has had enough once it broke every rule that it declares.
    """
    faults, benign = [fault.id for fault in FAULTS], [one.id for one in BENIGN]
    with ProcessPoolExecutor(jobs, get_context("spawn"), memo.remember) as pool:
        red = pool.map(partial(red_rules, whole=whole), faults, chunksize=4)
        told = pool.map(verdict_on, benign, chunksize=4)
        return Matrix(dict(zip(faults, red, strict=True)), dict(zip(benign, told, strict=True)))


def red_rules(name: str, *, whole: bool) -> tuple[str, ...]:
    """Return the rules that a faulty provider turns red, the one that its smallest history names first in front."""
    fault = next(fault for fault in FAULTS if fault.id == name)

    async def play() -> tuple[str, ...]:
        on = await stage.stage_for(fault.provider(), fault.profile, fault.readings, fault.market)
        least = await on.findings(fault.least)
        red = {found.rule for found in least}
        for one in on.plan(0, DRAWN):
            if not whole and red >= fault.red:
                break
            red |= {found.rule for found in await on.findings(one.history)}
        first = least[0].rule if least else ""
        return (first, *sorted(red - {first}))

    return asyncio.run(play())


def verdict_on(name: str) -> str:
    """Say how a run against a benign provider ends: that it conforms, which rules stay open, or what is wrong."""
    one = next(variant for variant in BENIGN if variant.id == name)
    result = asyncio.run(stage.result_for(one.provider(), one.profile, one.readings, one.market, DRAWN))
    worst = (RuleVerdict.VIOLATED, RuleVerdict.INCONCLUSIVE)
    wrong = [f"{rule.rule.id} {rule.verdict}: {rule.reason}" for rule in result.rules if rule.verdict in worst]
    if wrong:
        return "; ".join(wrong)
    missing = [rule.rule.id for rule in result.rules if blocks_conformance(rule)]
    if missing:
        return f"open: {' '.join(sorted(missing))}"
    return CONFORMS if result.verdict is RunVerdict.CONFORMANT else result.reason


def differences(one: Matrix, other: Matrix) -> list[str]:
    """Return where two matrices differ, a line each."""
    rows = ((one.faults, other.faults), (one.benign, other.benign))
    return [
        f"{name}: {_row(here.get(name))}, and not {_row(there.get(name))}"
        for here, there in rows
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    ]


def _row(row: tuple[str, ...] | str | None) -> str:
    return "nothing" if row is None else row if isinstance(row, str) else " ".join(row)


def uncovered(faults: Mapping[str, Iterable[str]], book: Rulebook | None = None) -> list[tuple[Profile, str]]:
    """Return the checked rules that no fault turns red alone, that is with nothing but their neighbours."""
    book = book or load()
    missing = []
    for profile in Profile:
        rows = [set(rules) for name, rules in faults.items() if name.startswith(f"{profile.value}-")]
        for rule in book.governing(profile):
            near = {rule.id, *rule.neighbours}
            if rule.status is RuleStatus.CHECKED and not any(rule.id in row <= near for row in rows):
                missing.append((profile, rule.id))
    return missing
