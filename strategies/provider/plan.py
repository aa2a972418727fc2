"""The cases of a run, all chosen before the first one is run."""

from __future__ import annotations

import json

from conformance.domain.order import Profile
from conformance.domain.steps import History, history_as_json
from conformance.model import ModelContext
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.histories import histories
from conformance.strategies.provider.systematic import systematic
from conformance.strategies.sampling import draw_different


def plan_cases(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool, seed: int, count: int
) -> list[Case]:
    """Return the systematic set, followed by up to ``count`` histories drawn from the seed.

    Args:
        profile: the API.
        context: the market and the interpretations in force.
        offered: the target's capabilities, in the words of the test control API.
        wire: whether requests can be malformed, which needs HTTP.
        seed: decides which histories are drawn.
        count: how many histories to draw.

    """
    systematic_cases = systematic(profile, context, offered, wire=wire)
    drawn = draw_cases(profile, context, offered, wire=wire, seed_=seed, count=count)
    return [*systematic_cases, *(Case(history, "drawn", {}, (), generated=True) for history in drawn)]


def draw_cases(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool, seed_: int, count: int
) -> list[History]:
    """Return up to ``count`` different drawn histories; the same seed returns the same ones."""
    strategy = histories(profile, context, offered, wire=wire)
    return draw_different(strategy, seed_, count, key=_as_text, playable=lambda _: True)


def _as_text(history: History) -> str:
    return json.dumps(history_as_json(history))
