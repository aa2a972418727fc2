"""The example adapter is not part of the package: it is found in the repository, behind what is installed."""

import sys
from pathlib import Path

import pytest

from conformance.targets.http.remote import RemoteTransport

sys.path.append(str(Path(__file__).parents[2]))


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch):
    """Servers on this machine need no time to recover."""
    monkeypatch.setattr(RemoteTransport, "pause", 0.01)
