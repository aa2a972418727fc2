"""``python -m tests.museum.unplanned``: how soon faults are found that the plan was not made for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from conformance.runner.settings import BUDGETS

from .. import memo
from .measuring import soon, table
from .rooms import SETS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one set of faults; print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.museum.unplanned", description=__doc__)
    parser.add_argument("--set", choices=sorted(SETS), default="unplanned", help="which faults (unplanned)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds (3)")
    parser.add_argument("--budget", choices=sorted(BUDGETS), default="standard", help="so much is drawn (standard)")
    parser.add_argument("--only", default="", metavar="TEXT", help="faults with this text in their names")
    chosen = parser.parse_args(arguments)
    memo.remember()
    rows = []
    for fault in SETS[chosen.set]:
        if chosen.only in fault.id:
            rows.append(soon(fault, range(max(1, chosen.seeds)), chosen.budget))
            print(f"{len(rows)}: {fault.id}", file=sys.stderr, flush=True)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
