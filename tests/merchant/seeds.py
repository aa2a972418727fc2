"""All merchants, with many seeds: ``python -m tests.merchant.seeds --seeds 20``.

The reference merchants and the other correct shapes must not be accused of anything that decides; every faulty merchant
must be caught, with the right obligation first. Prints a line for each merchant; exits with 1 if one is not as it
should be.
"""

from __future__ import annotations

import argparse
import sys
import time

from examples.merchants import ecom, epayment, recurring
from tests.merchant.faulty import FAULTY
from tests.merchant.shapes import SHAPES
from tests.merchant.stage import broken_by, required

REFERENCES = (ecom.Adapter, epayment.Adapter, recurring.Adapter)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--drawn", type=int, default=150, help="drawn histories for each seed")
    parser.add_argument("--only", choices=("references", "shapes", "faulty"))
    asked = parser.parse_args()
    wrong = 0
    for kind, merchants in (("references", REFERENCES), ("shapes", SHAPES), ("faulty", FAULTY)):
        if asked.only not in (None, kind):
            continue
        for made in merchants:
            began = time.monotonic()
            found = [broken_by(made, drawn=asked.drawn, seed=seed) for seed in range(asked.seeds)]
            first = [(required(one) or [*one, "nothing"])[0] for one in found]
            if kind == "faulty":
                good = sum(one == made.first for one in first)
                said = f"{made.first} first with {good} of {asked.seeds} seeds; {sorted(set(first))}"
            else:
                good = sum(not (one if kind == "references" else required(one)) for one in found)
                said = f"nothing with {good} of {asked.seeds} seeds; {sorted({rule for one in found for rule in one})}"
            wrong += good < asked.seeds
            name = f"{made.__module__.rpartition('.')[2]}.{made.__name__}"
            print(f"{kind:<10} {name:<38} {said} ({time.monotonic() - began:.0f} s)")
            sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
