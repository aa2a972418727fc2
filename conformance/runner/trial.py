"""A trial: one history, played against one target, judged step by step.

After every step the order is read back and compared as a whole. The model carries every order that is still possible; a
trial ends at its first violation, or as soon as an answer proves nothing. What a request did that was not answered is
settled by reading: the trial then goes on with all that is possible, and is inconclusive whatever follows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from conformance.domain.citation import Citation
from conformance.domain.expectation import ACCEPTED, PENDING, Expectation, Observation, told_apart
from conformance.domain.steps import (
    Cancel,
    Capture,
    History,
    Initiate,
    Refund,
    Step,
    StopAgreement,
    Together,
    action_of,
    name_of,
    parts_of,
)
from conformance.judging.ambiguity import assess
from conformance.judging.judge import OUTCOMES, Finding, Judgement, StepStatus, judge
from conformance.judging.observability import observable
from conformance.judging.verdicts import ANOTHER_PERMITTED_RESPONSE
from conformance.model import ModelContext, PossibleOrders, advance, expect, initial_expectation
from conformance.wire.base import ObservedFields
from conformance.wire.driver import Driver

POLLS: Final = 10
"""How often an order is read again after a 202, before its outcome is given up on."""
SECOND_LOOKS: Final = 2
"""How often an order is read again when it is not as expected right after an answer."""


class TrialStatus(StrEnum):
    """How a trial ended."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    INCONCLUSIVE = "inconclusive"


@dataclass(slots=True)
class TrialResult:
    """What a trial showed. ``steps`` counts the steps that were played, the opening included."""

    ending: TrialStatus = TrialStatus.CONFORMS
    steps: int = 0
    findings: tuple[Finding, ...] = ()
    cause: str = ""
    examples: list[str] = field(default_factory=list)

    def missing(self, goals: Sequence[str]) -> tuple[list[str], str]:
        """Return the rules of which the history was to be an example and is none, and why it is none."""
        broken = {finding.rule for finding in self.findings}
        names = (Citation.parse(goal).rule for goal in goals if goal not in self.examples)
        rules = [name for name in dict.fromkeys(names) if name not in broken]
        if self.cause or not self.findings:
            return rules, self.cause or ANOTHER_PERMITTED_RESPONSE
        return rules, f"{self.findings[0].rule} was violated first"

    @property
    def own_findings(self) -> tuple[Finding, ...]:
        """What the history itself broke, and not the ones that were played in its place to explain a lost race."""
        return () if self.cause else self.findings


RecordJudgement = Callable[..., None]
"""Where judgements are written: called with the step's index and the judgement's content."""
RunElsewhere = Callable[[History], Awaitable[TrialResult]]
"""Plays another history, on an order of its own."""


async def run_trial(
    history: History, driver: Driver, context: ModelContext, note: RecordJudgement, elsewhere: RunElsewhere
) -> TrialResult:
    """Play a history and judge every step.

    Args:
        history: what to play.
        driver: plays the steps against the target.
        context: the market and the readings in force.
        note: takes each judgement as it is made.
        elsewhere: plays what is needed to know what a violation is about.

    """
    trial = TrialResult()
    possible: PossibleOrders = ()
    doubtful = False
    for index, step in enumerate(history.all_steps):
        trial.steps = index + 1
        if isinstance(step, Initiate):
            expectation = initial_expectation(history.profile, step, context)
        else:
            expectation = expect(possible, step, context)
        observed = await _observe(step, driver, expectation)
        assessment = assess(step, expectation, observed, possible, context, complete=driver.complete, doubtful=doubtful)
        judgement, doubtful = assessment.judgement, assessment.doubtful
        if judgement.status is StepStatus.VIOLATES and isinstance(step, Together):
            other = await _one_after_the_other(history, index, elsewhere)
            if other is not None:
                cause = f"sent one after the other, the two requests do not conform either: {other.cause}"
                judgement = Judgement(StepStatus.INCONCLUSIVE, cause=cause)
                said = judgement.as_json(expectation)
                note(
                    index,
                    do=name_of(step),
                    seen=observation_in_words(observed),
                    observed=observed,
                    superseded=True,
                    **said,
                )
                trial.ending, trial.findings, trial.cause = other.ending, other.findings, cause
                return trial
        note(
            index,
            do=name_of(step),
            seen=observation_in_words(observed),
            observed=observed,
            **judgement.as_json(expectation),
        )
        if judgement.status is StepStatus.VIOLATES:
            trial.ending, trial.findings = TrialStatus.VIOLATES, judgement.findings
            return trial
        if judgement.status is StepStatus.INCONCLUSIVE:
            trial.ending, trial.cause = TrialStatus.INCONCLUSIVE, trial.cause or judgement.cause
            if not assessment.goes_on:
                return trial
            possible = advance(step, possible, assessment.left, observed)
            continue
        trial.examples.extend(judgement.examples)
        trial.examples.extend(judgement.records)
        possible = advance(step, possible, assessment.left, observed)
    return trial


async def _one_after_the_other(history: History, index: int, elsewhere: RunElsewhere) -> TrialResult | None:
    """Play two requests both ways round, one after the other; return the first trial that does not conform.

    What a target gets wrong without a race it gets wrong in a race as well, and that is not what the race is about.
    """
    before, step = history.steps[: index - 1], history.steps[index - 1]
    for pair in (parts_of(step), parts_of(step)[::-1]):
        trial = await elsewhere(replace(history, steps=(*before, *pair)))
        if trial.ending is not TrialStatus.CONFORMS:
            trial.cause = trial.cause or trial.findings[0].reason
            return trial
    return None


async def _observe(step: Step, driver: Driver, expectation: Expectation) -> ObservedFields:
    """Play a step and read the order back, again and again where the answer says that more is to come."""
    answer = await driver.perform(step)
    parts = parts_of(step)
    log = any(isinstance(one, Cancel | Capture | Refund | StopAgreement) for one in parts)
    observed = answer | await driver.look("read", log=log)
    outcomes = {answer.get("answer.outcome"), answer.get("other.outcome")}
    # Nothing bounds how soon an accepted agreement's charge is reserved or a stopped one's charges follow, nor how soon
    # a test action has its effect.
    patient = any(isinstance(one, Initiate | StopAgreement) or action_of(one) is not None for one in parts)
    patient = patient or (PENDING in outcomes and _may_be_pending(expectation))
    looks = 0 if outcomes.isdisjoint((ACCEPTED, PENDING)) else POLLS if patient else SECOND_LOOKS
    for attempt in range(1, looks + 1):
        if _settled(_spoken(expectation, observed, driver), observed):
            break
        await driver.pause(attempt)
        observed = observed | await driver.look("poll", log=log)
    return observed


def _may_be_pending(expectation: Expectation) -> bool:
    claims = (claim for branch in expectation.branches for claim in branch.claims)
    return any(claim.field in OUTCOMES and claim.permitted.permits(PENDING) for claim in claims)


def _settled(expectation: Expectation, observed: Observation) -> bool:
    judgement, left = judge(expectation, observed)
    return judgement.status in (StepStatus.CONFORMS, StepStatus.RECORDED) and any(branch.lasting for branch in left)


def _spoken(expectation: Expectation, observed: Observation, driver: Driver) -> Expectation:
    return observable(expectation, observed, complete=driver.complete)


def observation_in_words(observed: Observation) -> str:
    """Say in a few words how a step was answered."""
    one, other = told_apart(observed)
    return f"{_said(one)}; {_said(other)}" if "answer.outcome" in other else _said(one)


def _said(observed: Observation) -> str:
    said: list[Any] = [observed.get("answer.outcome", "read"), observed.get("answer.status")]
    words = " ".join(str(one) for one in said if one is not None)
    code = observed.get("answer.code")
    return f"{words}, code {code}" if code else words


__all__ = ["Judgement", "RecordJudgement", "TrialResult", "TrialStatus", "observation_in_words", "run_trial"]
