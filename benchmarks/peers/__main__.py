"""``python -m benchmarks.peers``: let every peer judge the museum, and print what each one caught.

Faults and correct providers of the Norwegian market and the documented readings take part: a test that was written for
them would be wrong about the others. What was measured is kept in a file, so that a measurement can be taken up again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.peers.judging import EVERY, PEERS, Subject
from conformance.order import Market, Profile
from conformance.rulebook import Readings
from tests.museum.exhibits import BENIGN, FAULTS
from tests.museum.power_table import put

Row = dict[str, Any]


def exhibits() -> dict[str, tuple[bool, Subject]]:
    """Return who takes part: whether it is faulty, and how it is made."""
    plain = (Market.NO, Readings.documented())
    faults = {f"fault {one.id}": (True, one) for one in FAULTS}
    benign = {f"correct {one.id}": (False, one) for one in BENIGN}
    return {
        name: (faulty, Subject(one.profile, one.provider))
        for name, (faulty, one) in {**faults, **benign}.items()
        if (one.market, one.readings) == plain
    }


def tasks() -> Iterator[tuple[str, str]]:
    """Return which peer judges whom: the ones that take long judge a sample, spread over the APIs."""
    everybody = exhibits()
    for peer in PEERS:
        for profile in Profile:
            for kind in (True, False):
                names = [name for name, (faulty, one) in everybody.items() if faulty is kind and one.profile is profile]
                yield from ((peer, name) for name in names[:: EVERY.get(peer, 1)])


def judged(task: tuple[str, str]) -> Row:
    """Let one peer judge one exhibit."""
    peer, name = task
    faulty, subject = exhibits()[name]
    return {"peer": peer, "name": name, "faulty": faulty, **PEERS[peer](subject).as_json()}


def measured(file: Path, jobs: int) -> list[Row]:
    """Measure what the file does not hold yet; return everything."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    known = {(row["peer"], row["name"]) for row in rows}
    waiting = [task for task in tasks() if task not in known]
    file.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool, file.open("a", encoding="utf-8") as out:
        for number, row in enumerate(pool.map(judged, waiting), 1):
            rows.append(row)
            print(json.dumps(row), file=out, flush=True)
            print(f"{number} of {len(waiting)}: {row['peer']}, {row['name']}", file=sys.stderr, flush=True)
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the table of the peers, as Markdown."""
    lines = [
        "| judged by | faults caught | correct ones blamed | requests (median) | seconds (median) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for peer in PEERS:
        mine = [row for row in rows if row["peer"] == peer]
        if not mine:
            continue
        sides = []
        for faulty in (True, False):
            side = [row for row in mine if row["faulty"] is faulty]
            sides.append(f"{sum(row['alarm'] for row in side)} of {len(side)}")
        requests = statistics.median(row["requests"] for row in mine)
        seconds = statistics.median(row["seconds"] for row in mine)
        lines.append(f"| {peer} | {' | '.join(sides)} | {requests:,.0f} | {seconds:,.1f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (one a core)")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/peers.jsonl"), metavar="FILE", help="goes on from here"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/power.md")
    chosen = parser.parse_args(arguments)
    found = table(measured(chosen.keep, max(1, chosen.jobs)))
    if chosen.write:
        put("peers", found)
    print(found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
