"""``python -m benchmarks.peers``: let every peer judge the museum, and print what each one caught.

Faults and correct providers of the Norwegian market and the documented readings take part: a test that was written for
them would be wrong about the others. What was measured is kept in a file, so that a measurement can be taken up again.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.judging import PEERS
from benchmarks.peers.museum import Row, measured
from tests.museum.power_table import put


def table(rows: Sequence[Row]) -> str:
    """Return the table of the peers, as Markdown."""
    lines = [
        "| judged by | faults caught | correct ones blamed | requests (median) | CPU seconds (median) |",
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
        lines.append(f"| {peer} | {' | '.join(sides)} | {requests:,.0f} | {seconds:,.2f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (one a core)")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/peers.jsonl"), metavar="FILE", help="goes on from here"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/explanation/power.md")
    chosen = parser.parse_args(arguments)
    found = table(measured(chosen.keep, max(1, chosen.jobs)))
    if chosen.write:
        put("peers", found)
    print(found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
