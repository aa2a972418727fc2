"""A trial: one history, played against one target, judged step by step.

After every step the order is read back and compared as a whole. The model carries every order that is still possible; a
trial ends at its first violation, or as soon as an answer proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from conformance.expectation import ACCEPTED, PENDING, Expectation, Fields
from conformance.model import Belief, World, expect, open_order, settle
from conformance.profiles.player import Player
from conformance.profiles.wire import Observed
from conformance.spoken import spoken
from conformance.steps import Cancel, Capture, History, Initiate, Refund, Step, StopAgreement, action_of, name_of
from conformance.verdict import Finding, Judged, Judgement, judge

POLLS: Final = 10
"""How often an order is read again after a 202, before its outcome is given up on."""
SECOND_LOOKS: Final = 2
"""How often an order is read again when it is not as expected right after an answer."""


class Ending(StrEnum):
    """How a trial ended."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    INCONCLUSIVE = "inconclusive"


@dataclass(slots=True)
class Trial:
    """What a trial showed. ``steps`` counts the steps that were played, the opening included."""

    ending: Ending = Ending.CONFORMS
    steps: int = 0
    findings: tuple[Finding, ...] = ()
    cause: str = ""
    examples: list[str] = field(default_factory=list)


Note = Callable[..., None]
"""Where judgements are written: called with the step's index and the judgement's content."""


async def play(history: History, player: Player, world: World, note: Note) -> Trial:
    """Play a history and judge every step.

    Args:
        history: what to play.
        player: plays the steps against the target.
        world: the market and the readings in force.
        note: takes each judgement as it is made.

    """
    trial = Trial()
    belief: Belief = ()
    for index, step in enumerate(history.all_steps):
        trial.steps = index + 1
        if isinstance(step, Initiate):
            expectation = open_order(history.profile, step, world)
        else:
            expectation = expect(belief, step, world)
        observed = await _observe(step, player, expectation)
        judgement, left = judge(_spoken(expectation, observed, player), observed)
        note(index, do=name_of(step), seen=seen(observed), observed=observed, **judgement.as_json(expectation))
        if judgement.status is Judged.VIOLATES:
            trial.ending, trial.findings = Ending.VIOLATES, judgement.findings
            return trial
        if judgement.status is Judged.INCONCLUSIVE:
            trial.ending, trial.cause = Ending.INCONCLUSIVE, judgement.cause
            return trial
        trial.examples.extend(judgement.examples)
        trial.examples.extend(judgement.records)
        belief = settle(step, belief, left, observed)
    return trial


async def _observe(step: Step, player: Player, expectation: Expectation) -> Observed:
    """Play a step and read the order back, again and again where the answer says that more is to come."""
    answer = await player.perform(step)
    log = isinstance(step, Cancel | Capture | Refund | StopAgreement)
    observed = answer | await player.look("read", log=log)
    outcome = answer.get("answer.outcome")
    # Nothing bounds how soon an accepted agreement's charge is reserved or a stopped one's charges follow, nor how soon
    # a test action has its effect.
    patient = outcome == PENDING or isinstance(step, Initiate | StopAgreement) or action_of(step) is not None
    looks = 0 if outcome not in (ACCEPTED, PENDING) else POLLS if patient else SECOND_LOOKS
    for attempt in range(1, looks + 1):
        if _settled(_spoken(expectation, observed, player), observed):
            break
        await player.pause(attempt)
        observed = observed | await player.look("poll", log=log)
    return observed


def _settled(expectation: Expectation, observed: Fields) -> bool:
    judgement, _ = judge(expectation, observed)
    return judgement.status in (Judged.CONFORMS, Judged.RECORDED)


def _spoken(expectation: Expectation, observed: Fields, player: Player) -> Expectation:
    return expectation if player.complete else spoken(expectation, observed)


def seen(observed: Fields) -> str:
    """Say in a few words how a step was answered."""
    said: list[Any] = [observed.get("answer.outcome", "read"), observed.get("answer.status")]
    words = " ".join(str(one) for one in said if one is not None)
    code = observed.get("answer.code")
    return f"{words}, code {code}" if code else words


__all__ = ["Ending", "Judgement", "Note", "Trial", "play", "seen"]
