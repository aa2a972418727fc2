"""A run that is killed, or ended by its user, at any moment leaves an interrupted run, and never a wrong one."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from conformance.evidence.journal import JOURNAL_NAME
from tests.audit.stage import command

from .command import ROOT, environment

DESCRIPTION = str(ROOT / "conformance" / "sandbox" / "openapi.json")
SHOP = "python:conformance.examples.merchants.epayment:Adapter"
COMMANDS = {
    "run": ("run", "--target", "embedded", "--profile", "recurring", "--histories", "5", "--out", "out"),
    "merchant": ("merchant", "--integration", SHOP, "--budget", "quick", "--histories", "5", "--out", "out"),
    "fuzz": (
        *("fuzz", "--target", "embedded", "--profile", "epayment", "--openapi", DESCRIPTION),
        *("--max-time", "8", "--max-requests", "400", "--out", "out"),
    ),
}
KILLS = int(os.environ.get("CANCEL_KILLS", "1"))
"""How many moments are tried of each command. The figure in docs/explanation/robustness.md is of 50."""
LATEST = 2.5
"""Seconds until which a command is stopped: after its journal is there, and every fourth time after its start."""
PATIENCE = 20.0
"""Seconds in which a command that its user stops has ended, on a machine that does other things as well."""
MOMENTS = [pytest.param(name, moment, id=f"{name}-{moment}") for name in COMMANDS for moment in range(KILLS)]


@pytest.fixture(autouse=True)
def short_quick_run():
    """Plan as the commands do, which are processes of their own: the whole of a merchant's quick run."""


def stopped(folder, name, moment, number):
    """Start a command, and send it a signal at a moment, if it still runs; return exit code, output and errors."""
    words = [sys.executable, "-m", "conformance", *COMMANDS[name]]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, cwd=folder, env=environment(), **pipes) as process:
        until = time.monotonic() + (0 if moment % 4 == 3 else 60)
        while not (folder / "out" / JOURNAL_NAME).exists() and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(random.Random(f"{name} {moment} {number}").uniform(0, LATEST))
        began = time.monotonic()
        process.send_signal(number)
        try:
            out, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    return process.returncode, out, errors, time.monotonic() - began


def assert_interrupted(directory):
    """A run that was stopped is reported as interrupted, and verified as incomplete."""
    reported, verified = command("report", directory), command("verify", directory)
    assert (reported.code, verified.code) == (130, 4), (reported, verified)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize(("name", "moment"), MOMENTS)
def test_a_command_that_is_killed_leaves_an_interrupted_run(tmp_path, name, moment):
    code, *_ = stopped(tmp_path, name, moment, signal.SIGKILL)
    if code == -signal.SIGKILL and (tmp_path / "out" / JOURNAL_NAME).exists():
        assert_interrupted(tmp_path / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize(("name", "moment"), MOMENTS)
def test_a_command_that_its_user_ends_has_ended_at_once(tmp_path, name, moment):
    code, out, errors, seconds = stopped(tmp_path, name, moment, signal.SIGINT)
    assert "Traceback" not in out + errors
    if code not in (0, 4):
        assert (code, seconds < PATIENCE) == (130, True), (seconds, out, errors)
        if (tmp_path / "out" / JOURNAL_NAME).exists():
            assert_interrupted(tmp_path / "out")


@pytest.mark.parametrize("name", ["merchant", "fuzz"])
def test_who_cannot_resume_a_run_is_told_why(tmp_path, name):
    assert command(*COMMANDS[name][:-1], tmp_path / "out").code in (0, 4)
    path = tmp_path / "out" / JOURNAL_NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    reported, resumed = command("report", tmp_path / "out"), command("run", "--resume", tmp_path / "out")
    assert resumed.code == 2
    for said in (reported.out, resumed.errors):
        assert "is not resumed, because" in said
        assert "begin another one" in said
