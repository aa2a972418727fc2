"""``python -m tests.merchant.matrix``: runs every merchant, and compares what it breaks with the golden matrix.

The matrix has a line for each merchant: the obligations that it breaks in the first histories of the systematic set,
the one that is blamed first in front. With ``--write`` it is written anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.merchant.catalogue import BY_NAME
from tests.merchant.helpers import broken_by, required

FILE = Path(__file__).with_name("matrix.json")
FIRST = 48
"""How many histories of the systematic set each merchant runs, as an integration in real time gets them."""
JOBS = 2
"""Merchants that run at the same time, each in a process of its own."""


def row_of(name: str) -> str:
    """Return a merchant's line: the required obligations that it breaks, then the recommended ones."""
    broken = list(broken_by(BY_NAME[name], first=FIRST))
    decisive = required(broken)
    return " ".join([*decisive, *(rule for rule in broken if rule not in decisive)])


def read() -> dict[str, str]:
    """Return the golden matrix."""
    rows: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return rows


def as_text(rows: Mapping[str, str]) -> str:
    """Return the matrix as the content of its file: one line for each merchant."""
    return json.dumps(dict(sorted(rows.items())), indent=1) + "\n"


def differences(computed: Mapping[str, str], golden: Mapping[str, str]) -> list[str]:
    """Return where the computed matrix differs from the golden one, a line each."""
    return [
        f"{name}: {computed.get(name, 'is not there')!r}, and not {golden.get(name, 'is not there')!r}"
        for name in sorted({*computed, *golden})
        if computed.get(name) != golden.get(name)
    ]


def _all_rows(names: Iterable[str], jobs: int) -> dict[str, str]:
    rows, asked = {}, list(names)
    with ProcessPoolExecutor(jobs) as pool:
        for name, row in zip(asked, pool.map(row_of, asked), strict=True):
            rows[name] = row
            print(f"{name}: {row or 'nothing'}", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 where every merchant breaks what the golden matrix says."""
    parser = argparse.ArgumentParser(prog="python -m tests.merchant.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the golden matrix anew")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"merchants at the same time ({JOBS})")
    options = parser.parse_args(arguments)
    rows = _all_rows(BY_NAME, options.jobs)
    complaints = differences(rows, read()) if FILE.exists() else []
    if options.write:
        FILE.write_text(as_text(rows), encoding="utf-8")
    print("\n".join(complaints) or f"{len(rows)} merchants are as in the matrix")
    return 1 if complaints and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
