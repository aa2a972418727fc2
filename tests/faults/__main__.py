"""``python -m tests.faults --plans 500``: a correct provider behind so many disturbed ways; no plan may accuse it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from conformance.domain.order import Profile
from conformance.sandbox import Options

from .disturbed import Plan, Provider, play, running_server


def main() -> int:
    """Play every plan; say what came of all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--plans", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first plan")
    asked = parser.parse_args()
    folder, begun = Path(tempfile.mkdtemp(prefix="cancel-faults-")), time.monotonic()
    verdicts, judgements, disturbed, accused = Counter(), Counter(), Counter(), []
    with running_server(Provider(Options(rate_limit=False))) as provider:
        for seed in range(asked.first, asked.first + asked.plans):
            profile = list(Profile)[seed % 3]
            came = play(folder / str(seed), Plan(seed), profile, provider)
            verdicts[came.verdict] += 1
            judgements += came.judgements
            disturbed += came.disturbed
            if came.violated:
                accused.append(seed)
                sys.stdout.write(f"plan {seed} ({profile.value}) accuses: {'; '.join(came.reasons)[:2000]}\n")
            else:
                shutil.rmtree(folder / str(seed))
            if (seed + 1) % 25 == 0:
                sys.stdout.write(f"{seed + 1 - asked.first} plans, {time.monotonic() - begun:.0f} s\n")
                sys.stdout.flush()
    for name, counted in (("verdicts", verdicts), ("judgements", judgements), ("requests", disturbed)):
        sys.stdout.write(f"{name}: {dict(counted.most_common())}\n")
    sys.stdout.write(f"{asked.plans} plans, {len(accused)} accuse the correct provider: {accused}; {folder}\n")
    return 1 if accused or judgements["conforms"] < asked.plans else 0


if __name__ == "__main__":
    sys.exit(main())
