"""``python -m tests.museum``: play everything against every provider, and compare with the golden matrix."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import matrix


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when what was played, what the exhibits declare and the golden matrix are the same."""
    parser = argparse.ArgumentParser(prog="python -m tests.museum", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the golden matrix anew")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (one for each core)"
    )
    parser.add_argument(
        "--whole", action="store_true", help="play the whole plan against a faulty provider that broke all its rules"
    )
    chosen = parser.parse_args(arguments)
    played = matrix.played(max(1, chosen.jobs), whole=chosen.whole or chosen.write)
    if chosen.write:
        matrix.FILE.write_text(played.written(), encoding="utf-8")
    complaints = [f"played, not as declared: {line}" for line in matrix.differences(played, matrix.declared())]
    complaints += [f"played, not as in the matrix: {line}" for line in matrix.differences(played, matrix.read())]
    complaints += [
        f"{profile.value}: no fault turns {rule} red alone"
        for profile, rule in matrix.uncovered(played.faults)
        if (profile, rule) not in matrix.NEVER_RED
    ]
    print(
        "\n".join(complaints)
        or f"{len(played.faults)} faults and {len(played.benign)} benign providers are as declared"
    )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
