"""Merchants in processes of their own: in PHP, behind a test hook, as a command, with real seconds."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.merchant.harness import CountingSink
from conformance.obligations.history import Fault, MerchantHistory
from tests.merchant.helpers import harness_of, history

ROOT = Path(__file__).parents[2]
PROCESS = (sys.executable, "-m", "tests.merchant.independent.process")
BUSY = Fault("cancel", "busy-429", seconds=30)
LOST = Fault("cancel", "lost-after")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served(command: Sequence[str], port: int) -> Iterator[str]:
    """Run a service until the end of the block; yield the address of its test hook."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with socket.socket() as connection:
                    if connection.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/hook"
        finally:
            process.kill()


def broken_by_histories(integration: str, *histories: MerchantHistory) -> set[str]:
    with harness_of(integration) as harness:
        trials = [harness.run(each, f"outside-{number}", CountingSink()) for number, each in enumerate(histories)]
    return {rule for trial in trials for rule in trial.broken}


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP")
def test_the_example_in_php_breaks_nothing():
    port = free_port()
    command = ("php", "-S", f"127.0.0.1:{port}", str(ROOT / "examples/merchants/php/hook.php"))
    histories = [
        history("create approve deliver capture:400 cancel"),
        history("create approve cancel", LOST),
        history("create cancel approve tick", Fault("cancel", "error-500")),
        history("create approve cancel cancel", BUSY),
        history("create approve deliver_reversed cancel", Fault("create", "lost-after")),
    ]
    with served(command, port) as base:
        assert broken_by_histories(base, *histories) == set()


@pytest.mark.parametrize("name", ["patterns:OutboxEpayment", "event_driven:FlagFirst"])
def test_an_independent_merchant_behind_a_hook_breaks_nothing(name: str):
    port = free_port()
    with served((*PROCESS, "hook", f"independent.{name}", str(port)), port) as base:
        lost, busy = history("create approve cancel tick", LOST), history("create cancel approve", BUSY)
        assert broken_by_histories(base, lost, busy) == set()


def test_an_independent_merchant_as_a_command_breaks_nothing():
    command = f"exec:{' '.join(PROCESS)} exec independent.patterns:OutboxEcom"
    lost = history("create approve capture:400 cancel", LOST, profile="ecom")
    assert broken_by_histories(command, lost) == set()


@pytest.mark.parametrize(
    ("name", "rules"), [("faulty.fault_rules:Impatient", {"M27b"}), ("correct.synchronous:Counting", set())]
)
def test_real_seconds_that_a_merchant_waits_are_judged(name: str, rules: set[str]):
    port = free_port()
    with served((*PROCESS, "hook", name, str(port)), port) as base:
        assert broken_by_histories(base, history("create approve cancel", BUSY)) == rules
