"""``python -m tests.merchant.power``: how soon each faulty merchant is caught, and whether a correct one ever is.

Every faulty merchant meets the plan of a standard run: the systematic set, which is the same for every seed, and then
what the seed draws, up to the first history in which the obligation that it breaks is broken. Every correct one meets
all of it. Prints a table, and exits with 1 where something is not as it should be; ``--write`` writes the package's
figures anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.evidence.consistency import digest_of
from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.obligations.history import merchant_history_as_json
from conformance.obligations.judge import CAUSE_ORDER
from conformance.reports.detection_power import MERCHANTS_FILE
from conformance.strategies.merchant.plan import BUDGETS, MerchantCase, plan_merchant_cases
from tests.merchant.exhibits import CORRECT, REFERENCES, STRANGERS, WRONG, name_of, sentence_of
from tests.merchant.stage import required
from tests.museum.power_table import PAGE, percentile, put

FILE = Path(__file__).parents[2] / "reports" / MERCHANTS_FILE
SEEDS = 20
DRAWN = BUDGETS["standard"]
SYSTEMATIC_SEEDS = 2
"""With so many seeds the systematic set is played; it is the same for all of them but for the orders' names."""
SETTING = "in process"
LEAST = ("cancel", "create", "local_view")
ASKED = frozenset({"abandon", "capture", "tick", "deliver", "restart"})


@dataclass
class Catch:
    """How one seed caught a merchant: after how many histories anything was broken, and after how many the right one.

    ``blamed`` is what a run that ended there would name first, ``needs`` the actions of the history that showed the
    right one.
    """

    soon: int | None = None
    blamed: str = ""
    after: int | None = None
    needs: set[str] = field(default_factory=set)


def plan_of(made: type[Any], offered: frozenset[str], seed: int) -> list[MerchantCase]:
    """Return the plan of a standard run."""
    return plan_merchant_cases(Profile(made.profiles[0]), offered, seed, DRAWN)


def caught(made: type[Any], seed: int, plan: Sequence[MerchantCase], stand: MerchantHarness, before: int = 0) -> Catch:
    """Play a plan up to the history that shows the obligation which a merchant is known to break."""
    decides = bool(required([made.first]))
    found = Catch()
    for number, one in enumerate(plan, before + 1):
        broken = sorted(
            stand.play(one.history, f"p{seed}-{number}", CountingSink()).broken, key=CAUSE_ORDER.__getitem__
        )
        blamed = required(broken) if decides else broken
        if blamed:
            found.soon = found.soon or number
            found.blamed = min(filter(None, (found.blamed, blamed[0])), key=CAUSE_ORDER.__getitem__)
        if made.first in broken:
            found.after = number
            found.needs = {step.do.partition("_")[0] for step in one.history.steps} & ASKED & stand.open().actions
            break
    return found


def measure(made: type[Any], seeds: int) -> dict[str, Any]:
    """Measure one faulty merchant."""
    rows: list[Catch] = []
    fixed: list[Catch] = []
    for seed in range(seeds):
        if seed < SYSTEMATIC_SEEDS or fixed[0].after is None or fixed[0].after != fixed[1].after:
            stand = MerchantHarness(made, seed=seed)
            try:
                plan = plan_of(made, stand.open().actions, seed)
                size = len(plan) - DRAWN
                one = caught(made, seed, plan[:size] if len(fixed) < SYSTEMATIC_SEEDS else [], stand)
                if len(fixed) < SYSTEMATIC_SEEDS:
                    fixed.append(one)
                if one.after is None:
                    later = caught(made, seed, plan[size:], stand, size)
                    both = sorted(filter(None, (one.blamed, later.blamed)), key=CAUSE_ORDER.__getitem__)
                    one = Catch(one.soon or later.soon, (both or [""])[0], later.after, later.needs)
                rows.append(one)
            finally:
                stand.close()
        else:
            rows.append(fixed[0])
    needs = sorted(set().union(*(one.needs for one in rows)))
    return {
        "profile": made.profiles[0],
        "sentence": sentence_of(made),
        "first": made.first,
        "needs": needs,
        "soon": _short([one.soon for one in rows]),
        "right": sum(one.blamed == made.first for one in rows),
        "after": {SETTING: {made.first: _short([one.after for one in rows])}},
    }


def _short(each: list[int | None]) -> Any:
    return each[0] if len(set(each)) == 1 else each


def accused(made: type[Any], seeds: int) -> list[str]:
    """Return what is said against a correct merchant with any seed."""
    everything = made in REFERENCES or made in STRANGERS
    said: list[str] = []
    for seed in range(seeds):
        stand = MerchantHarness(made, seed=seed)
        try:
            plan = plan_of(made, stand.open().actions, seed)
            # Once the systematic set, and what every seed draws for a quick run; a reference meets all of it.
            drawn = plan[-DRAWN:] if made in REFERENCES else plan[-DRAWN:][: BUDGETS["quick"]]
            for number, one in enumerate([*(plan[:-DRAWN] if seed == 0 else ()), *drawn]):
                broken = stand.play(one.history, f"p{seed}-{number}", CountingSink()).broken
                said += [
                    f"seed {seed}: {rule}: {broken[rule]}" for rule in (broken if everything else required(broken))
                ]
        finally:
            stand.close()
    return said


def measured(seeds: int, only: str) -> dict[str, Any]:
    """Measure everything whose name has the text; say so as it goes on."""
    faults, correct, began = {}, {}, commit()
    for made in WRONG:
        if only in name_of(made):
            faults[name_of(made)] = measure(made, seeds)
            print(f"{name_of(made)}: {faults[name_of(made)]}", file=sys.stderr, flush=True)
    for made in CORRECT:
        if only in name_of(made):
            correct[name_of(made)] = accused(made, seeds)
            print(f"{name_of(made)}: {correct[name_of(made)][:1] or 'nothing'}", file=sys.stderr, flush=True)
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "commit": began,
        "seeds": seeds,
        "drawn": DRAWN,
        "settings": {SETTING: {profile.value: list(LEAST) for profile in Profile}},
        "plans": {SETTING: plans()},
        "faults": faults,
        "benign": correct,
    }


def plans() -> dict[str, Any]:
    """Return the size of the systematic set of a shop that has every action, and what it is known by."""
    found = {}
    for profile in Profile:
        fixed = [one.history for one in plan_merchant_cases(profile, frozenset({*LEAST, *ASKED}), 0, 0)]
        numbered = ((f"{number:05d}", merchant_history_as_json(one)) for number, one in enumerate(fixed, 1))
        found[profile.value] = {"systematic": len(fixed), "digest": digest_of(numbered)}
    return found


def commit() -> str:
    """Return the commit that is measured."""
    said = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False, cwd=FILE.parent
    )
    return said.stdout.strip() or "unknown"


def table(found: dict[str, Any]) -> str:
    """Return everything that is worth a line, as Markdown."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    seeds, faults = found["seeds"], found["faults"]
    yield f"Measured {found['measured']} at {found['commit']}: {len(faults)} faulty merchants, {seeds} seeds."
    yield ""
    yield "| | faulty | caught at standard | caught at quick | right one first | median histories | 95th percentile |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name in [*(profile.value for profile in Profile), "all"]:
        rows = [one for one in faults.values() if name in ("all", one["profile"])]
        each = [number for one in rows for number in numbers(one["soon"], seeds)]
        if not rows:
            continue
        size = max(found["plans"][SETTING][one["profile"]]["systematic"] for one in rows)
        tries = len(each)
        share = [
            f"{sum(n is not None and n <= size + BUDGETS[budget] for n in each) / tries:.1%}"
            for budget in ("standard", "quick")
        ]
        right = f"{sum(one['right'] for one in rows) / tries:.1%}"
        known = [float("inf") if number is None else float(number) for number in each]
        shown = [f"{percentile(known, part):g}" for part in (0.5, 0.95)]
        yield f"| {name} | {len(rows)} | {share[0]} | {share[1]} | {right} | {shown[0]} | {shown[1]} |"
    yield ""
    alarms = {name: said for name, said in found["benign"].items() if said}
    yield f"Correct merchants: {len(found['benign'])}, of which {len(alarms)} were accused with some seed."
    yield from (f"- {name}: {said[0]}" for name, said in alarms.items())


def numbers(short: Any, seeds: int) -> list[int | None]:
    """Return one number for each seed."""
    return short if isinstance(short, list) else [short] * seeds


def wrong(found: dict[str, Any]) -> list[str]:
    """Return what is not as it should be, a line each."""
    seeds = found["seeds"]
    said = [f"{name}: {lines[0]}" for name, lines in found["benign"].items() if lines]
    for name, one in found["faults"].items():
        each = numbers(one["soon"], seeds)
        if None in each or one["right"] < seeds:
            said.append(
                f"{name}: caught after {one['soon']}, {one['first']} first with {one['right']} of {seeds} seeds"
            )
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the figures into the package if asked to, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.merchant.power", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"seeds ({SEEDS})")
    parser.add_argument("--only", default="", metavar="TEXT", help="merchants that have this in their names")
    parser.add_argument("--write", action="store_true", help="write the package's figures anew")
    chosen = parser.parse_args(arguments)
    if chosen.write and chosen.only:
        parser.error("figures of some merchants only are not written")
    found = measured(max(SYSTEMATIC_SEEDS, chosen.seeds), chosen.only)
    if chosen.write:
        FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        put("merchants", table(found))
        print(f"{FILE.name} and {PAGE.name} are written")
    print(table(found))
    complaints = wrong(found)
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
