"""A clock that is moved, a folder without credentials, and a provider that nobody waits for."""

import asyncio

import pytest

from conformance.ageing import clock
from conformance.targets.http.remote import RemoteTransport

from .lane import Time


@pytest.fixture
def time(monkeypatch):
    moved = Time()
    monkeypatch.setattr(clock, "now", moved)
    return moved


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CANCEL_LEDGER_KEY", "VIPPS_CLIENT_ID", "VIPPS_ACCESS_TOKEN", "VIPPS_SUBSCRIPTION_KEY", "VIPPS_MSN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch):
    """An order is read again at once where it is not as expected."""
    monkeypatch.setattr(RemoteTransport, "sleep", staticmethod(lambda _: asyncio.sleep(0)))
