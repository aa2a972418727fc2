"""``python -m benchmarks``: measure, print a table and, if asked to, write everything down as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.merchant import merchants, told
from benchmarks.speed import measured
from benchmarks.table import printed
from benchmarks.targets import with_targets
from conformance.domain.order import Profile


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the options ask for. However long it takes, that is no failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--histories", type=int, default=100, metavar="N", help="histories for each profile (100)")
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="repetitions, of which the median counts (3)"
    )
    parser.add_argument("--profile", action="append", choices=list(Profile), help="repeatable; all three if left out")
    parser.add_argument("--no-port", action="store_true", help="measure in this process only")
    parser.add_argument("--no-whole-run", action="store_true", help="leave out whole runs, and the slow provider")
    parser.add_argument("--merchant", action="store_true", help="measure the merchant's side instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args(arguments)
    if chosen.histories < 1 or chosen.rounds < 1:
        parser.error("--histories and --rounds must be at least 1")
    profiles = tuple(Profile(name) for name in chosen.profile or Profile)
    if chosen.merchant:
        found: dict[str, Any] = {"merchant": merchants(profiles, chosen.rounds)}
        print(told(found["merchant"]))
    else:
        port, whole = not chosen.no_port, not chosen.no_whole_run
        found = measured(profiles, chosen.histories, chosen.rounds, port=port, whole=whole)
        print(printed(found), with_targets(found), sep="\n\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
