"""``python -m tests.merchant.power``: how soon each faulty merchant is caught, and whether a correct one ever is.

Every faulty merchant runs the plan of a quick run: the systematic set, which is the same for every seed, and then what
the seed draws, up to the first history that breaks the merchant's obligation. Every correct one runs what some seeds
draw: what it does in the systematic set is in the golden matrix.
Prints a table, and exits with 1 where something is not as it should be; ``--write`` writes the package's figures anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.evidence.consistency import digest_of
from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.merchant.protocol import OPTIONAL
from conformance.obligations.history import CLOCK, TOGETHER, ZONE, merchant_history_as_json
from conformance.obligations.judge import CAUSE_ORDER
from conformance.reports.detection_power import MERCHANTS_FILE
from conformance.strategies.merchant.plan import BUDGETS, SYSTEMATIC, MerchantCase, plan_merchant_cases
from tests.merchant.catalogue import BY_NAME, FAULTY, INDEPENDENT, REFERENCES, sentence_of
from tests.merchant.helpers import harness_of, required
from tests.museum.power_table import PAGE, percentile, put

FILE = Path(__file__).parents[2] / "reports" / MERCHANTS_FILE
SEEDS = 20
JOBS = 2
"""Merchants that are measured at the same time, each in a process of its own."""
DRAWN = BUDGETS["quick"]
CORRECT_SEEDS = 5
"""How many seeds the correct merchants run: each takes all of its histories."""
SYSTEMATIC_SEEDS = 2
"""How many seeds run the systematic set; it is the same for all of them but for the orders' names."""
SETTING = "in process"
LEAST = ("cancel", "create", "local_view")
OPTIONAL_ACTIONS = frozenset(OPTIONAL)


@dataclass
class Catch:
    """How one seed caught a faulty merchant.

    Attributes:
        soon: After how many histories any decisive obligation was broken.
        blamed: The obligation that a run that ended there would name first.
        after: After how many histories the right obligation was broken.
        needs: The optional actions of the history that broke the right obligation.

    """

    soon: int | None = None
    blamed: str = ""
    after: int | None = None
    needs: set[str] = field(default_factory=set)


def plan_of(adapter: type[Any], offered: frozenset[str], seed: int) -> list[MerchantCase]:
    """Return the plan of a quick run."""
    return plan_merchant_cases(Profile(adapter.profiles[0]), offered, seed, DRAWN, SYSTEMATIC["quick"])


def catch(
    adapter: type[Any], seed: int, cases: Sequence[MerchantCase], harness: MerchantHarness, before: int = 0
) -> Catch:
    """Run cases up to the one that breaks the obligation which a merchant is known to break.

    ``before`` is how many cases of the plan were run already.
    """
    decisive = bool(required([adapter.first]))
    result = Catch()
    for number, case in enumerate(cases, before + 1):
        broken = sorted(
            harness.run(case.history, f"p{seed}-{number}", CountingSink()).broken, key=CAUSE_ORDER.__getitem__
        )
        blamed = required(broken) if decisive else broken
        if blamed:
            result.soon = result.soon or number
            result.blamed = min(filter(None, (result.blamed, blamed[0])), key=CAUSE_ORDER.__getitem__)
        if adapter.first in broken:
            result.after = number
            steps = {step.do for step in case.history.steps}
            actions = steps | case.history.needs | ({"deliver"} if "deliver" in " ".join(steps) else set())
            result.needs = actions & OPTIONAL_ACTIONS & harness.open().actions
            break
    return result


def measure(adapter: type[Any], seeds: int) -> dict[str, Any]:
    """Return the figures of one faulty merchant."""
    catches: list[Catch] = []
    systematic: list[Catch] = []
    for seed in range(seeds):
        if len(systematic) == SYSTEMATIC_SEEDS and systematic[0].after is not None and _agree(systematic):
            # The systematic set catches it with every seed.
            catches.append(systematic[0])
        else:
            catches.append(_catch_with_seed(adapter, seed, systematic))
    needs = sorted(set().union(*(result.needs for result in catches)))
    return {
        "profile": adapter.profiles[0],
        "sentence": sentence_of(adapter),
        "first": adapter.first,
        "needs": needs,
        "soon": _short([result.soon for result in catches]),
        "right": sum(result.blamed == adapter.first for result in catches),
        "after": {SETTING: {adapter.first: _short([result.after for result in catches])}},
    }


def _agree(catches: list[Catch]) -> bool:
    return len({result.after for result in catches}) == 1


def _catch_with_seed(adapter: type[Any], seed: int, systematic: list[Catch]) -> Catch:
    """Run the systematic set for the first seeds, adding to ``systematic``, then what the seed draws if needed."""
    with harness_of(adapter, seed=seed) as harness:
        plan = plan_of(adapter, harness.open().actions, seed)
        size = sum(not case.generated for case in plan)
        first = catch(adapter, seed, plan[:size] if len(systematic) < SYSTEMATIC_SEEDS else [], harness)
        if len(systematic) < SYSTEMATIC_SEEDS:
            systematic.append(first)
        if first.after is not None:
            return first
        drawn = catch(adapter, seed, plan[size:], harness, size)
        blamed = sorted(filter(None, (first.blamed, drawn.blamed)), key=CAUSE_ORDER.__getitem__)
        return Catch(first.soon or drawn.soon, (blamed or [""])[0], drawn.after, drawn.needs)


def _short(figures: list[int | None]) -> Any:
    return figures[0] if len(set(figures)) == 1 else figures


def accusations(adapter: type[Any], seeds: int) -> list[str]:
    """Return what a correct merchant is accused of in the histories that any seed draws."""
    recommendations_count = adapter in REFERENCES or adapter in INDEPENDENT
    lines: list[str] = []
    for seed in range(seeds):
        with harness_of(adapter, seed=seed) as harness:
            plan = plan_of(adapter, harness.open().actions, seed)
            for number, case in enumerate(case for case in plan if case.generated):
                broken = harness.run(case.history, f"p{seed}-{number}", CountingSink()).broken
                rules = broken if recommendations_count else required(broken)
                lines += [f"seed {seed}: {rule}: {broken[rule]}" for rule in rules]
    return lines


def _measured(name: str, seeds: int) -> tuple[str, Any]:
    """Return a merchant's name and what was measured of it."""
    adapter = BY_NAME[name]
    return name, measure(adapter, seeds) if adapter in FAULTY else accusations(adapter, min(seeds, CORRECT_SEEDS))


def measure_all(seeds: int, only: str, jobs: int) -> dict[str, Any]:
    """Measure every merchant whose name contains a text, several at a time, and print each result."""
    names = [name for name in BY_NAME if only in name]
    results, measured_commit = {}, commit()
    with ProcessPoolExecutor(jobs) as pool:
        for name, result in pool.map(_measured, names, repeat(seeds)):
            results[name] = result
            print(f"{name}: {(result[:1] if isinstance(result, list) else result) or 'nothing'}", file=sys.stderr)
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "commit": measured_commit,
        "seeds": seeds,
        "drawn": DRAWN,
        "settings": {SETTING: {profile.value: list(LEAST) for profile in Profile}},
        "plans": {SETTING: plans()},
        "faults": {name: result for name, result in results.items() if BY_NAME[name] in FAULTY},
        "benign": {name: result for name, result in results.items() if BY_NAME[name] not in FAULTY},
    }


def plans() -> dict[str, Any]:
    """Return the size and the digest of the systematic set of a merchant that has every action."""
    result = {}
    for profile in Profile:
        cases = plan_merchant_cases(profile, frozenset({*LEAST, *OPTIONAL, CLOCK, ZONE, TOGETHER}), 0, 0)
        numbered = ((f"{number:05d}", merchant_history_as_json(case.history)) for number, case in enumerate(cases, 1))
        result[profile.value] = {"systematic": len(cases), "digest": digest_of(numbered)}
    return result


def commit() -> str:
    """Return the commit that is measured."""
    git = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False, cwd=FILE.parent
    )
    return git.stdout.strip() or "unknown"


def table(figures: dict[str, Any]) -> str:
    """Return the table of the figures as Markdown."""
    return "\n".join(_table_lines(figures)) + "\n"


def _table_lines(figures: dict[str, Any]) -> Iterator[str]:
    faults = figures["faults"]
    measured = f"Measured {figures['measured']} at {figures['commit']}"
    yield f"{measured}: {len(faults)} faulty merchants, {figures['seeds']} seeds."
    yield ""
    yield "| | faulty | caught at quick | right one first | median histories | 95th percentile |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name in [*(profile.value for profile in Profile), "all"]:
        rows = [fault for fault in faults.values() if name in ("all", fault["profile"])]
        if rows:
            yield _table_row(name, rows, figures)
    yield ""
    alarms = {name: lines for name, lines in figures["benign"].items() if lines}
    correct = len(figures["benign"])
    yield f"Correct merchants: {correct}, of which {len(alarms)} were accused with one of {CORRECT_SEEDS} seeds."
    yield from (f"- {name}: {lines[0]}" for name, lines in alarms.items())


def _table_row(name: str, rows: list[dict[str, Any]], figures: dict[str, Any]) -> str:
    counts = [number for row in rows for number in numbers(row["soon"], figures["seeds"])]
    caught = f"{sum(count is not None for count in counts) / len(counts):.1%}"
    right = f"{sum(row['right'] for row in rows) / len(counts):.1%}"
    known = [float("inf") if count is None else float(count) for count in counts]
    median, high = (f"{percentile(known, part):g}" for part in (0.5, 0.95))
    return f"| {name} | {len(rows)} | {caught} | {right} | {median} | {high} |"


def numbers(short: Any, seeds: int) -> list[int | None]:
    """Return one number for each seed."""
    return short if isinstance(short, list) else [short] * seeds


def problems(figures: dict[str, Any]) -> list[str]:
    """Return the merchants that are not caught, not blamed rightly, or accused wrongly, a line each."""
    seeds = figures["seeds"]
    lines = [f"{name}: {accusations[0]}" for name, accusations in figures["benign"].items() if accusations]
    for name, fault in figures["faults"].items():
        if None in numbers(fault["soon"], seeds) or fault["right"] < seeds:
            lines.append(
                f"{name}: caught after {fault['soon']}, {fault['first']} first with {fault['right']} of {seeds} seeds"
            )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the figures into the package if asked to, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.merchant.power", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"seeds ({SEEDS})")
    parser.add_argument("--only", default="", metavar="TEXT", help="merchants that have this in their names")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"merchants at the same time ({JOBS})")
    parser.add_argument("--write", action="store_true", help="write the package's figures anew")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("figures of some merchants only are not written")
    figures = measure_all(max(SYSTEMATIC_SEEDS, options.seeds), options.only, options.jobs)
    if options.write:
        FILE.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        put("merchants", table(figures))
        print(f"{FILE.name} and {PAGE.name} are written")
    print(table(figures))
    complaints = problems(figures)
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
