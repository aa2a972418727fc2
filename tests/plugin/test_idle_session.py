"""A session of somebody else's, in which nobody asks for us: it imports nothing for us, and loses nothing."""

import pytest

from .test_plugin import WORKERS, Folder

PLAIN = """
import pytest

@pytest.mark.parametrize("number", range(200))
def test_plain(number):
    assert number >= 0
"""
DRAWN = """
from hypothesis import given, strategies as st

@given(n=st.integers())
def test_drawn(n):
    assert n < 100
"""
MODULES = """
import sys

def pytest_unconfigure():
    print("modules:", *sorted(sys.modules), file=sys.__stdout__)
"""
HYPOTHESIS = ("hypothesispytest",)
PLUGIN = {"conformance", "conformance.plugin", "conformance.plugin.options"}


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_an_idle_session_imports_neither_hypothesis_nor_anything_of_ours_but_the_plugin(folder):
    (folder.path / "conftest.py").write_text(MODULES)
    (folder.path / "test_plain.py").write_text(PLAIN)
    done = folder.pytest("-q", plugins=HYPOTHESIS)
    assert "200 passed" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "modules:" in line)
    names = line.partition("modules:")[2].split()
    assert {name for name in names if name.startswith("conformance")} == PLUGIN
    assert not {"hypothesis", "httpx", "msgspec", "rich", "click"} & set(names)


@pytest.mark.parametrize("workers", [(), WORKERS], ids=["one process", "two workers"])
def test_hypothesis_says_all_that_it_has_to_say(folder, workers):
    (folder.path / "test_plain.py").write_text(PLAIN)
    (folder.path / "test_drawn.py").write_text(DRAWN)
    done = folder.pytest("--hypothesis-show-statistics", *workers, plugins=HYPOTHESIS)
    assert "1 failed, 200 passed" in done.stdout
    assert "n=100" in done.stdout
    assert "Hypothesis Statistics" in done.stdout
    assert "test_drawn.py::test_drawn:" in done.stdout
