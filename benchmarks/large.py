"""``python -m benchmarks.large``: what a report and a verification cost, by the size of the run.

Real runs against the embedded provider, each with more histories than the one before. Each is rendered and verified in
a process of its own, of which the processor time and the largest resident set count.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FIXED, EACH = 11_900, 14.6
"""Exchanges of the systematic set of all profiles, and of one drawn history of them, roughly."""
SIZES = (25_000, 50_000, 100_000)
COMMANDS = ("report", "verify")
_LIMIT = 1.5
"""Linear is what costs no more for an exchange of the largest run than this many times that of the smallest."""


@dataclass(frozen=True)
class Cost:
    """What one command cost. Seconds are of the processor, and of the wall; memory is the largest resident set."""

    command: str
    exchanges: int
    journal_mb: float
    page_mb: float
    wall: float
    processor: float
    memory_mb: float


def run(directory: Path, exchanges: int, seed: int) -> int:
    """Make a real run of about so many exchanges; return how many they are."""
    histories = max(round((exchanges - FIXED) / EACH / 3), 1)
    _child("run", "--target", "embedded", "--seed", str(seed), "--histories", str(histories), "--out", str(directory))
    with (directory / "journal.jsonl").open(encoding="utf-8") as lines:
        return sum('"kind":"exchange"' in line[:60] for line in lines)


def costs(sizes: Sequence[int], folder: Path, seed: int) -> Iterator[Cost]:
    """Make a run of each size, and measure what is made of it."""
    for size in sizes:
        directory = folder / str(size)
        exchanges = run(directory, size, seed)
        for command in COMMANDS:
            wall, processor, memory = _child(command, str(directory))
            yield Cost(
                command,
                exchanges,
                round((directory / "journal.jsonl").stat().st_size / 1e6, 1),
                round((directory / "report.html").stat().st_size / 1e6, 2),
                round(wall, 1),
                round(processor, 1),
                round(memory),
            )


def _child(*words: str) -> tuple[float, float, float]:
    """Give a command of the suite in a process of its own: seconds on the wall and of the processor, and MB."""
    began = time.monotonic()
    command = [sys.executable, "-m", "conformance", *words]
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(sys.executable, command, os.environ, file_actions=silent)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {code}")
    # Kilobytes where it is not macOS, which counts bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e6


def linear(found: Sequence[Cost]) -> list[str]:
    """Return what costs more for an exchange the more there are, in words."""
    out = []
    for command in COMMANDS:
        of = sorted((one for one in found if one.command == command), key=lambda one: one.exchanges)
        for name in ("processor", "memory_mb"):
            first, last = (getattr(one, name) / one.exchanges for one in (of[0], of[-1]))
            if last > first * _LIMIT:
                out.append(f"{command}: {name} grows faster than the run, {last / first:.1f} times for an exchange")
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and end with 1 if something is not linear."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--exchanges", type=int, action="append", metavar="N", help=f"repeatable; {SIZES} if left out")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the runs (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args(arguments)
    found = []
    with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as folder:
        print("| command | exchanges | journal, MB | page, MB | wall, s | processor, s | memory, MB |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for one in costs(chosen.exchanges or SIZES, Path(folder), chosen.seed):
            found.append(one)
            print(
                f"| `{one.command}` | {one.exchanges:,} | {one.journal_mb} | {one.page_mb} | {one.wall} "
                f"| {one.processor} | {one.memory_mb:.0f} |",
                flush=True,
            )
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n", encoding="utf-8")
    complaints = linear(found)
    for one in complaints:
        print(one)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
