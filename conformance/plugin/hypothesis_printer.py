"""The printer of Hypothesis, which the extra for fuzzing would otherwise silence in a user's own tests."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Final

import pytest

_PRINTER: Final = "RepresentationPrinter"
"""What Hypothesis calls the class that prints the arguments of a failing test."""


class HypothesisPrinter:
    """Lets a user's failing Hypothesis tests print their arguments, although the extra for fuzzing is installed.

    The plugin of schemathesis replaces Hypothesis' printer by one that prints nothing, in every test of the session.
    Its own tests keep that one: it makes them faster.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test with the printer that Hypothesis came with."""
        core = vars(sys.modules.get("hypothesis.core", sys))
        original = vars(sys.modules.get("hypothesis.vendor.pretty", sys)).get(_PRINTER)
        replaced = core.get(_PRINTER)
        if original is None or replaced is None or type(item).__module__.startswith("schemathesis."):
            return (yield)
        core[_PRINTER] = original
        try:
            return (yield)
        finally:
            core[_PRINTER] = replaced
