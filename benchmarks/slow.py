"""``python -m benchmarks.slow``: the quick budget of one profile against a target that takes its time for each request.

The embedded provider is served by a process of its own, with a delay. Printed is how long the run took, beside what it
had to take: the longest history, which is played in a row, and the delays of all requests shared by the workers.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from conformance.api import RunOptions
from conformance.evidence.journal import read_journal
from conformance.evidence.records import ExchangeRecord
from conformance.runner.campaign import Campaign


def main() -> int:
    """Run it; return 1 if the run took more than three times what it had to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    parser.add_argument("--profile", default="epayment")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds for each request")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--budget", default="quick")
    asked = parser.parse_args()
    words = ("sandbox", "--port", "0", "--option", f"delay_seconds={asked.delay}", "--option", "rate_limit=false")
    command = [sys.executable, "-u", "-m", "conformance", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = _address(server)
            target, settings = RunOptions(
                url,
                [asked.profile],
                f"{url}/control",
                budget=asked.budget,
                concurrency=asked.concurrency,
            ).prepare()
            folder = Path(tempfile.mkdtemp(prefix="cancel-slow-"))
            begun = time.monotonic()
            result = asyncio.run(Campaign(target, settings, folder / "out").run())
            took = time.monotonic() - begun
        finally:
            server.terminate()
    exchanges = list(read_journal(folder / "out").of(ExchangeRecord))
    each: defaultdict[str, float] = defaultdict(float)
    for exchange in exchanges:
        each[exchange.history] += exchange.ms / 1000 if exchange.history else 0.0
    longest, transfer = max(each.values()), len(exchanges) * asked.delay / asked.concurrency
    ratio = took / (longest + transfer)
    played = sum(result.histories.values())
    sys.stdout.write(
        f"{result.verdict.value}: {played} histories, {len(exchanges)} requests of "
        f"{asked.delay * 1000:.0f} ms, {asked.concurrency} at a time: {took:.1f} s\n"
        f"the longest history took {longest:.1f} s, all delays shared by the workers are {transfer:.1f} s: "
        f"ratio {ratio:.2f}\n"
    )
    return 0 if ratio <= 3 else 1


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        found = [word.rstrip("/.,") for word in line.split() if word.startswith("http://")]
        if found:
            return found[0].removesuffix("/control")
    raise SystemExit("the embedded provider did not start")


if __name__ == "__main__":
    sys.exit(main())
