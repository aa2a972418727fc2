"""A small run against a hostile target, through the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.domain.order import Profile
from conformance.sandbox import options
from conformance.targets.http.remote import RemoteTransport

from ..audit import stage
from .answers import Hostile, hostile
from .server import serving

HISTORIES = 5
PROFILES = tuple(Profile)


@dataclass(frozen=True)
class Played:
    target: Hostile
    directory: Path
    completed: stage.Said


def played(seed: int, directory: Path) -> Played:
    """Test the target of a seed. The profiles take turns; waits are cut short, and few histories are played.

    They are played one at a time: a target answers by the order in which it is asked.
    """
    target = hostile(seed)
    profile = PROFILES[seed // 3 % 3]
    with pytest.MonkeyPatch.context() as patch, serving(target) as url:
        for name in ("CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_KEY", "MSN"):
            patch.setenv(f"VIPPS_{name}", getattr(options, name))
        patch.setattr("conformance.runner.schedule.plan_cases", few)
        patch.setattr(RemoteTransport, "sleep", staticmethod(do_not_wait))
        words = ("--target", url, "--control-url", f"{url}/control", "--concurrency", "1")
        completed = stage.run(directory, *words, profile=profile)
    return Played(target, directory, completed)


def few(*arguments, **named):
    """Return a few histories of the small plan, from all of its parts."""
    plan = stage.small_plan(*arguments[:3], named["wire"])
    return plan[:: max(len(plan) // HISTORIES, 1)]


async def do_not_wait(seconds):
    return
