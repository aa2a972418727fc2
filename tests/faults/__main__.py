"""``python -m tests.faults --plans 500``: a correct provider behind so many disturbed ways; no plan may accuse it.

With ``--faulty``, providers with one defect: each plan must find it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from conformance.domain.order import Profile
from conformance.sandbox import Options
from tests.museum.exhibits import FAULTS

from .disturbed import Plan, Provider, play, running_server, showing

ATTEMPTS = 4
"""So often a run is begun that ends because the target seems unhealthy."""


def correct(folder, seeds):
    """Play plans against a correct provider; yield what came of each, and why it is wrong, if it is."""
    with running_server(Provider(Options(rate_limit=False))) as provider:
        for seed in seeds:
            profile = list(Profile)[seed % 3]
            came = play(folder / str(seed), Plan(seed), profile, provider)
            trouble = f"{profile.value} is accused: {'; '.join(came.reasons)[:2000]}" if came.violated else ""
            yield seed, came, trouble


def faulty(folder, seeds):
    """Play plans against providers with one defect each; yield what came of each, and why it is wrong, if it is."""
    for seed in seeds:
        fault = random.Random(seed).choice(FAULTS)
        came = detected(fault, seed, folder / str(seed))
        trouble = "" if came.violated & fault.red else f"{fault.id} was not found ({came.verdict})"
        yield seed, came, trouble


def detected(fault, seed, folder):
    """Test a faulty provider, and once more where its health check did not come through."""
    for attempt in range(ATTEMPTS):
        with running_server(fault.provider()) as provider:
            plan, chosen = Plan(seed + attempt * 1000), {"readings": fault.readings, "market": fault.market}
            came = play(folder / str(attempt), plan, fault.profile, provider, showing(fault.least), **chosen)
        if came.verdict != "ENVIRONMENT ERROR":
            break
    return came


@contextmanager
def new_folder():
    """Yield a folder that stays if something is left in it."""
    folder = Path(tempfile.mkdtemp(prefix="cancel-faults-"))
    yield folder
    if not any(folder.iterdir()):
        folder.rmdir()


def main() -> int:
    """Play every plan; say what came of all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--plans", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first plan")
    parser.add_argument("--faulty", action="store_true", help="test faulty providers instead of a correct one")
    asked = parser.parse_args()
    verdicts, judgements, disturbed, wrong, once = Counter(), Counter(), Counter(), [], 0
    begun = time.monotonic()
    with new_folder() as folder:
        seeds = range(asked.first, asked.first + asked.plans)
        for seed, came, trouble in (faulty if asked.faulty else correct)(folder, seeds):
            verdicts[came.verdict] += 1
            judgements += came.judgements
            disturbed += came.disturbed
            once += bool(came.seen - came.violated)
            if trouble:
                wrong.append(seed)
                sys.stdout.write(f"plan {seed}: {trouble}\n")
            else:
                shutil.rmtree(folder / str(seed))
            if (seed + 1) % 25 == 0:
                sys.stdout.write(f"{seed + 1 - asked.first} plans, {time.monotonic() - begun:.0f} s\n")
                sys.stdout.flush()
    for name, counted in (("verdicts", verdicts), ("judgements", judgements), ("requests", disturbed)):
        sys.stdout.write(f"{name}: {dict(counted.most_common())}\n")
    what = "miss the fault" if asked.faulty else "accuse the correct provider"
    sys.stdout.write(f"{asked.plans} plans, {len(wrong)} {what}: {wrong}; {once} saw a violation once; {folder}\n")
    return 1 if wrong or judgements["conforms"] < asked.plans else 0


if __name__ == "__main__":
    sys.exit(main())
