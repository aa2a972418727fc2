"""``python -m benchmarks.slow``: a quick run of one API at a provider that takes 100 ms and enforces the limits.

The settings are those of a user who names nothing but the target. Printed is how long the run took, how many histories
ran at once in the end, and how many requests were answered 429.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.limited import REFUSED
from benchmarks.places import PATIENCE, free_port
from conformance.api import RunOptions
from conformance.runner.campaign import Campaign

DELAY = 0.1
"""Seconds that each request takes."""


def main() -> int:
    """Run it and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    parser.add_argument("--profile", default="epayment")
    parser.add_argument("--delay", type=float, default=DELAY, help="seconds for each request")
    parser.add_argument("--concurrency", type=int, help="histories at a time; adapts where it is left out")
    parser.add_argument("--budget", default="quick")
    asked = parser.parse_args()
    run = slow_run(asked.profile, asked.delay, asked.budget, asked.concurrency)
    sys.stdout.write(
        f"{run['verdict']}: {run['histories']} histories, {run['requests']} requests of {asked.delay * 1000:.0f} ms: "
        f"{run['seconds']:.1f} s ({run['cpu_seconds']:.1f} s of CPU), {run['at_once']} at once in the end, "
        f"{run['refused']} requests answered 429\n"
    )
    return 0


def slow_run(
    profile: str, delay: float = DELAY, budget: str = "quick", concurrency: int | None = None
) -> dict[str, Any]:
    """Measure one whole run, from the token to the result."""
    with limited(delay) as url, tempfile.TemporaryDirectory() as folder:
        options = RunOptions(url, [profile], f"{url}/control", budget=budget, concurrency=concurrency)
        target, settings = options.prepare()
        start, cpu = time.monotonic(), time.process_time()
        result = asyncio.run(Campaign(target, settings, Path(folder)).run())
        took, cpu = time.monotonic() - start, time.process_time() - cpu
        refused = int(httpx.get(url + REFUSED, timeout=PATIENCE, trust_env=False).text)
    return {
        "profile": profile,
        "delay": delay,
        "seconds": took,
        "cpu_seconds": cpu,
        "histories": sum(result.histories.values()),
        "requests": result.exchanges,
        "at_once": target.throttle.limit,
        "refused": refused,
        "verdict": result.verdict.value,
    }


@contextmanager
def limited(delay: float) -> Iterator[str]:
    """Serve the provider for a while; yield its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.limited", str(port), str(delay)]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, process)
            yield url
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return httpx.get(url + REFUSED, timeout=PATIENCE, trust_env=False).raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
