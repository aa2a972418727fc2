"""The histories of a run, all chosen before the first one is played."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.alike import whatever_is_imported
from conformance.model import World
from conformance.order import Profile
from conformance.steps import History, history_as_json
from strategies.histories import histories
from strategies.plan import Planned
from strategies.systematic import systematic

ROUNDS = 8
"""How often Hypothesis is asked for what is still missing."""
SPARE = 10
"""How many more it is asked for each time: its first draws are the same every time."""


def planned(
    profile: Profile, world: World, offered: frozenset[str], *, wire: bool, seed: int, count: int
) -> list[Planned]:
    """Return the systematic set, followed by ``count`` histories drawn from the seed."""
    fixed = systematic(profile, world, offered, wire=wire)
    drawn = draw(profile, world, offered, wire=wire, seed_=seed, count=count)
    return [*fixed, *(Planned(history, "drawn", {}, (), generated=True) for history in drawn)]


def draw(
    profile: Profile, world: World, offered: frozenset[str], *, wire: bool, seed_: int, count: int
) -> list[History]:
    """Draw different histories from the strategy; the same seed gives the same ones.

    Hypothesis repeats itself sometimes, so what is still missing is drawn again, from seeds that follow from the first.
    """
    found: dict[str, History] = {}
    for again in range(ROUNDS):
        missing = count - len(found)
        if missing <= 0:
            break

        @seed(seed_ * ROUNDS + again)
        @settings(
            max_examples=missing + SPARE,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(histories(profile, world, offered, wire=wire))
        def collect(history: History) -> None:
            if len(found) < count:
                found.setdefault(json.dumps(history_as_json(history)), history)

        with whatever_is_imported():
            collect()
    return list(found.values())
