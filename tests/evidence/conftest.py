"""The runs that are verified here: made once."""

from __future__ import annotations

import pytest

from conformance.domain.order import Profile

from .runs import Unrefusing, embedded, played


@pytest.fixture(scope="session")
def right(tmp_path_factory):
    """A run that finds nothing."""
    return played(tmp_path_factory.mktemp("right") / "run", embedded(), Profile.EPAYMENT)


@pytest.fixture(scope="session")
def wrong(tmp_path_factory):
    """A run that finds violations, and has counterexamples."""
    return played(tmp_path_factory.mktemp("wrong") / "run", embedded(Unrefusing), Profile.EPAYMENT)
