"""Only the races of a plan are played, and nobody waits long between two reads."""

import asyncio

import pytest

from conformance.targets.http.remote import RemoteTransport

from .running import races


@pytest.fixture(autouse=True)
def _only_races(monkeypatch):
    monkeypatch.setattr("conformance.runner.schedule.plan_cases", races)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    async def sleep(seconds):
        await asyncio.sleep(seconds / 50)

    monkeypatch.setattr(RemoteTransport, "sleep", staticmethod(sleep))
