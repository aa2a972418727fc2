"""Merchants in processes of their own: a shop in PHP, strangers behind a hook and a command, and real seconds."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.obligations.history import Fault
from tests.merchant.stage import history

ROOT = Path(__file__).parents[2]
OUTSIDE = (sys.executable, "-m", "tests.merchant.strangers.outside")
BUSY = Fault("cancel", "busy-429", seconds=30)
LOST = Fault("cancel", "lost-after")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def served(command: Sequence[str], port: int) -> Iterator[str]:
    """Run a service until the end of the block; yield where it is."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with socket.socket() as line:
                    if line.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/hook"
        finally:
            process.kill()


def broken(integration: str, *histories: Any) -> set[str]:
    stand = MerchantHarness(integration)
    try:
        played = [stand.play(one, f"outside-{number}", CountingSink()) for number, one in enumerate(histories)]
    finally:
        stand.close()
    return {rule for one in played for rule in one.broken}


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP")
def test_the_shop_in_php_owes_nothing():
    port = free_port()
    shop = ("php", "-S", f"127.0.0.1:{port}", str(ROOT / "examples/merchants/php/hook.php"))
    plan = [
        history("create approve deliver capture:400 cancel"),
        history("create approve cancel", LOST),
        history("create cancel approve tick", Fault("cancel", "error-500")),
        history("create approve cancel cancel", BUSY),
        history("create approve deliver_reversed cancel", Fault("create", "lost-after")),
    ]
    with served(shop, port) as base:
        assert broken(base, *plan) == set()


@pytest.mark.parametrize("name", ["strangers.correct:OutboxEpayment", "strangers.asked:FlagFirst"])
def test_a_stranger_behind_a_hook(name: str):
    port = free_port()
    with served((*OUTSIDE, "hook", name, str(port)), port) as base:
        assert (
            broken(base, history("create approve cancel tick", LOST), history("create cancel approve", BUSY)) == set()
        )


def test_a_stranger_as_a_command():
    command = f"exec:{' '.join(OUTSIDE)} exec strangers.correct:OutboxEcom"
    made = history("create approve capture:400 cancel", LOST, profile="ecom")
    assert broken(command, made) == set()


@pytest.mark.parametrize(("name", "rules"), [("Impatient", {"M27b"}), ("Counting", set())])
def test_who_waits_for_a_second_of_his_own_is_seen_to(name: str, rules: set[str]):
    port = free_port()
    with served((*OUTSIDE, "hook", f"faulty_more:{name}", str(port)), port) as base:
        assert broken(base, history("create approve cancel", BUSY)) == rules
