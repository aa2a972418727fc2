"""Only the races of a plan are played, and nobody waits long between two reads."""

import asyncio

import pytest

from .running import races


@pytest.fixture(autouse=True)
def _only_races(monkeypatch):
    monkeypatch.setattr("conformance.runner.session.plan_cases", races)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    async def pause(self, seconds):
        await asyncio.sleep(seconds / 50)

    monkeypatch.setattr("conformance.targets.http.remote._Connection.pause", pause)
