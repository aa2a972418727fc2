"""``python -m tests.merchant.matrix``: every merchant against the systematic set, compared with the golden matrix.

The matrix has a line for each merchant: the obligations that it breaks, the one that is blamed first in front. With
``--write`` it is written anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.merchant.exhibits import BY_NAME
from tests.merchant.stage import broken_by, required

FILE = Path(__file__).with_name("matrix.json")


def played(name: str) -> str:
    """Return a merchant's line: what decides first, and each by its rank."""
    found = list(broken_by(BY_NAME[name]))
    decides = required(found)
    return " ".join([*decides, *(rule for rule in found if rule not in decides)])


def read() -> dict[str, str]:
    """Read the golden matrix."""
    rows: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return rows


def written(rows: Mapping[str, str]) -> str:
    """Return the file's content: one line for each merchant."""
    return json.dumps(dict(sorted(rows.items())), indent=1) + "\n"


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return where two matrices differ, a line each."""
    return [
        f"{name}: {here.get(name, 'is not there')!r}, and not {there.get(name, 'is not there')!r}"
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    ]


def _rows(names: Iterable[str]) -> dict[str, str]:
    rows = {}
    for name in names:
        rows[name] = played(name)
        print(f"{name}: {rows[name] or 'nothing'}", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when what was played is the golden matrix."""
    parser = argparse.ArgumentParser(prog="python -m tests.merchant.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the golden matrix anew")
    chosen = parser.parse_args(arguments)
    rows = _rows(BY_NAME)
    complaints = differences(rows, read()) if FILE.exists() else []
    if chosen.write:
        FILE.write_text(written(rows), encoding="utf-8")
    print("\n".join(complaints) or f"{len(rows)} merchants are as in the matrix")
    return 1 if complaints and not chosen.write else 0


if __name__ == "__main__":
    sys.exit(main())
