"""Merchants' runs in tests: as short as an integration in real time gets them, except where power is measured."""

from __future__ import annotations

import pytest

from conformance.merchant.campaign import FIRST
from conformance.strategies.merchant import plan


@pytest.fixture(autouse=True)
def short_quick_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a quick run have the beginning of the systematic set, of which every prefix has something of everything.

    Tests that take minutes and measure what a run detects keep all of it.
    """
    if request.node.get_closest_marker("thorough") is None:
        monkeypatch.setitem(plan.SYSTEMATIC, "quick", FIRST)
