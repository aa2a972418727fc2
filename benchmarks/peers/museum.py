"""Who is judged by the peers, by whom, and what was kept of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.peers.judging import EVERY, ONLY, PEERS, Subject
from conformance.domain.order import Market, Profile
from conformance.rulebook import Readings
from tests.museum.exhibits import BENIGN, FAULTS

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
        for profile in [ONLY[peer]] if peer in ONLY else list(Profile):
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
