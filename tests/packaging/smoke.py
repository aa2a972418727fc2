"""What an installation has to do with any supported Python and any supported versions of what it depends on.

    python tests/packaging/smoke.py

It runs in the environment that is tried, in a folder of its own, and takes neither pytest's configuration nor a module
of this checkout. `nox -s compat` makes such environments.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXTRAS = importlib.util.find_spec("schemathesis") is not None
TOLD = ("click", "httpx", "hypothesis", "msgspec", "pytest", "pytest-xdist", "rich", "schemathesis", "uvicorn")
FEW = ("--profile", "epayment", "--histories", "3")
IDLE = """
import sys

def pytest_unconfigure():
    names = [name for name in sys.modules if name.partition(".")[0] == "conformance"]
    assert sorted(names) == ["conformance", "conformance.plugin"], names
"""
THEIRS = """
from hypothesis import given, strategies as st

@given(n=st.integers())
def test_theirs(n):
    assert n < 100
"""
SHOP = """
from conformance.examples.merchants.epayment import Adapter

def test_shop(cancel_conformance):
    cancel_conformance(Adapter, histories=0, budget="quick")
"""
INTERNALS = "from conformance.strategies.sampling import draw_different"


def command(*words: str, code: int = 0) -> str:
    """Return what a module prints; it has to exit with a code."""
    done = subprocess.run(
        [sys.executable, *words],
        env={**{name: text for name, text in os.environ.items() if name != "PYTHONPATH"}, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}: {done.stdout}"
    return done.stdout


def ours(*words: str, code: int = 0) -> str:
    """Return what our command line prints."""
    return command("-m", "conformance", *words, code=code)


def the_command_line() -> None:
    """Help is printed, and a misspelled option is answered with the right one."""
    assert "merchant" in ours("--help")
    assert "--integration" in ours("merchant", "--help")
    assert "--histories" in ours("run", "--target", "embedded", "--historys", "1", code=2)


def a_run_and_its_evidence() -> None:
    """A run is conformant, and its evidence says so again."""
    ours("run", "--target", "embedded", *FEW, "--out", "run")
    assert json.loads(Path("run/report.json").read_text(encoding="utf-8"))["verdict"] == "CONFORMANT"
    ours("verify", "run")
    ours("report", "run")
    ours("diff", "run", "run")


def a_run_through_pytest() -> None:
    """Pytest plays the same run, on two workers."""
    ours("run", "--target", "embedded", *FEW, "--out", "through", "-n", "2")


def a_merchant() -> None:
    """The example of a shop is conformant, from the command line and from a test."""
    adapter = "python:conformance.examples.merchants.epayment:Adapter"
    ours("merchant", "--integration", adapter, "--budget", "quick", "--histories", "0", "--out", "merchant")
    Path("test_shop.py").write_text(SHOP, encoding="utf-8")
    assert "1 passed" in command("-m", "pytest", "-q", "test_shop.py")


def an_idle_plugin() -> None:
    """In somebody's own session the plugin imports nothing, and a failing test prints its arguments."""
    Path("idle").mkdir()
    Path("idle/conftest.py").write_text(IDLE, encoding="utf-8")
    Path("idle/test_theirs.py").write_text(THEIRS, encoding="utf-8")
    assert "n=100" in command("-m", "pytest", "-q", "idle", code=1)


def the_inside_of_hypothesis() -> None:
    """Hypothesis still takes the backend that makes a seed's histories the same everywhere."""
    command("-c", INTERNALS)


def the_extras() -> None:
    """With the extras there is fuzzing; without them a sentence says what to install."""
    words = ("fuzz", "--target", "embedded", "--profile", "epayment", "--max-requests", "400", "--out", "fuzz")
    if EXTRAS:
        assert "rules passed" in ours(*words)
    else:
        assert 'pip install "cancel-conformance[fuzz]"' in ours(*words, code=2)
        signed = ("bundle", "run", "--to", "bundle.zip", "--sign", "key.pem")
        assert 'pip install "cancel-conformance[sign]"' in ours(*signed, code=2)


def main() -> None:
    """Try everything, and print how long each part took."""
    versions = {name.lower(): version for name, version in installed()}
    print(sys.version.split()[0], *(f"{name} {versions[name]}" for name in TOLD if name in versions), sep=", ")
    parts = (
        the_command_line,
        a_run_and_its_evidence,
        a_run_through_pytest,
        a_merchant,
        an_idle_plugin,
        the_inside_of_hypothesis,
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for part in (*parts, the_extras):
            began = time.monotonic()
            part()
            print(f"  {part.__name__.replace('_', ' ')}: {time.monotonic() - began:.1f} s")
        os.chdir("/")


def installed() -> list[tuple[str, str]]:
    """Return the names and versions of the packages in the environment."""
    return [(str(each.metadata["Name"]), each.version) for each in importlib.metadata.distributions()]


if __name__ == "__main__":
    main()
