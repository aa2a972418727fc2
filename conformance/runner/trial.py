"""A trial: one history, run against one target, and judged step by step.

After every step the order is read back and compared as a whole. A trial ends at its first violation that leaves open
what became of the order, or as soon as no order is possible any more. After a request without a response, it goes on
with every order that is possible, and is inconclusive whatever follows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from conformance.domain.citation import Citation
from conformance.domain.expectation import ACCEPTED, PENDING, Expectation, Observation, observations_of_each
from conformance.domain.observation import Field
from conformance.domain.order import CLOSED
from conformance.domain.steps import (
    AnotherCharge,
    Cancel,
    Capture,
    History,
    Initiate,
    Read,
    Refund,
    Step,
    StopAgreement,
    Together,
    action_of,
    name_of,
    parts_of,
)
from conformance.judging.judge import OUTCOMES, Finding, Judgement, StepStatus
from conformance.judging.rule_verdicts import ANOTHER_PERMITTED_RESPONSE
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext, PossibleOrders
from conformance.wire.base import ObservedFields
from conformance.wire.driver import Driver

POLLS: Final = 10
"""How often an order is read again, at most, after a step whose effect may take time, such as a 202."""
SECOND_LOOKS: Final = 3
"""How often an order is read again, at most, when it is not as expected right after a response.

At a network target that takes 1.2 seconds: its reads may be a second behind its changes.
"""
_LOGGED_STEPS: Final = (Cancel, Capture, Refund, StopAgreement)
"""The steps after which the event log is read, too."""
_SLOW_STEPS: Final = (Initiate, StopAgreement, AnotherCharge)
"""The steps without a documented time limit: a charge is reserved some time after its agreement was accepted, and
cancelled some time after its agreement was stopped. A test action has none either."""


class TrialStatus(StrEnum):
    """How a trial ended."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    INCONCLUSIVE = "inconclusive"


@dataclass(slots=True)
class TrialResult:
    """What a trial showed.

    ``steps`` counts the executed ones, the opening included. ``own_findings`` are what the history itself violated, and
    ``sequential_findings`` what the requests of its race violated, sent one after the other.
    """

    ending: TrialStatus = TrialStatus.CONFORMS
    steps: int = 0
    own_findings: tuple[Finding, ...] = ()
    sequential_findings: tuple[Finding, ...] = ()
    cause: str = ""
    examples: list[str] = field(default_factory=list)
    ended_early: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was violated."""
        return self.own_findings + self.sequential_findings

    def add(self, judgement: Judgement) -> None:
        """Take in the judgement of the next step."""
        self.own_findings += judgement.findings
        self.ended_early = not judgement.goes_on
        if judgement.status is StepStatus.INCONCLUSIVE:
            self.ending, self.cause = TrialStatus.INCONCLUSIVE, self.cause or judgement.cause
            return
        if judgement.status is StepStatus.VIOLATES:
            self.ending = TrialStatus.VIOLATES
        self.examples.extend((*judgement.examples, *judgement.records))

    def missing(self, goals: Sequence[str]) -> tuple[list[str], str]:
        """Return the rules that the history was meant to check and did not, and why not."""
        violated = {finding.rule for finding in self.findings}
        unchecked = (Citation.parse(goal).rule for goal in goals if goal not in self.examples)
        rules = [rule for rule in dict.fromkeys(unchecked) if rule not in violated]
        if self.cause or not self.findings:
            return rules, self.cause or ANOTHER_PERMITTED_RESPONSE
        return rules, f"{self.findings[0].rule} was violated first"


class RecordJudgement(Protocol):
    """Writes down the judgement of one step."""

    def __call__(
        self,
        step: int,
        do: str,
        observed: Observation,
        judgement: Judgement,
        expectation: Expectation,
        *,
        superseded: bool = False,
    ) -> None:
        """Write a judgement.

        Args:
            step: the step's place in the history; the opening is 0.
            do: the stored name of what was done.
            observed: what was observed.
            judgement: what that proves.
            expectation: what was permitted.
            superseded: whether other histories are run in place of this one, and the judgement does not count.

        """


RunElsewhere = Callable[[History], Awaitable[TrialResult]]
"""Runs another history, on an order of its own."""
Wait = Callable[[], Awaitable[None]]
"""Waits until other orders have gone through their steps."""


async def run_trial(
    history: History,
    driver: Driver,
    context: ModelContext,
    record: RecordJudgement,
    elsewhere: RunElsewhere,
    wait: Wait | None = None,
) -> TrialResult:
    """Run a history and judge every step.

    Args:
        history: what to run.
        driver: executes the steps against the target.
        context: the market and the interpretations in force.
        record: writes each judgement as it is made.
        elsewhere: runs the requests of a violated race one after the other, to know whether the race is the cause.
        wait: is waited for before a last read, where the order stays as it is meanwhile.

    """
    trial = TrialResult()
    tracker = Tracker(history.profile, context, complete=driver.complete)
    for index, step in enumerate(history.all_steps):
        trial.steps = index + 1
        if wait is not None and index == len(history.steps) and isinstance(step, Read) and _stays(tracker.orders):
            await wait()
        expectation = tracker.expectation(step)
        observation = await observe(step, driver, tracker)
        judgement = tracker.observe(step, observation)
        if judgement.status is StepStatus.VIOLATES and isinstance(step, Together):
            sequential = await _failed_in_sequence(history, index, judgement, elsewhere)
            if sequential is not None:
                cause = f"sent one after the other, the two requests do not conform either: {sequential.cause}"
                superseded = Judgement(StepStatus.INCONCLUSIVE, cause=cause)
                record(index, name_of(step), observation, superseded, expectation, superseded=True)
                trial.ending, trial.sequential_findings, trial.cause = sequential.ending, sequential.findings, cause
                return trial
        record(index, name_of(step), observation, judgement, expectation)
        trial.add(judgement)
        if not judgement.goes_on:
            break
    return trial


def _stays(orders: PossibleOrders) -> bool:
    """Tell whether an order stays as it is for the time of a run: one that nobody approved may time out."""
    return all(order.since_reserved is not None or order.stage in CLOSED for order in orders)


async def _failed_in_sequence(
    history: History, index: int, raced: Judgement, elsewhere: RunElsewhere
) -> TrialResult | None:
    """Run the two requests of a race one after the other, in both orders; return the first trial that fails, or None.

    What a target gets wrong without a race, it gets wrong in a race as well: the rules about races are not violated.
    """
    before, step = history.steps[: index - 1], history.steps[index - 1]
    for pair in (parts_of(step), parts_of(step)[::-1]):
        trial = await elsewhere(replace(history, steps=(*before, *pair)))
        if _explains(trial, raced):
            trial.cause = trial.cause or trial.findings[0].reason
            return trial
    return None


def _explains(trial: TrialResult, raced: Judgement) -> bool:
    """Tell whether a trial without the race fails where the race does, or earlier.

    One that came to its end is no explanation if only other fields were wrong in it.
    """
    if trial.ending is TrialStatus.CONFORMS or trial.ended_early or trial.cause:
        return trial.ending is not TrialStatus.CONFORMS
    return {finding.field for finding in raced.findings} <= {finding.field for finding in trial.findings}


async def observe(step: Step, driver: Driver, tracker: Tracker) -> ObservedFields:
    """Execute a step and read the order back, repeatedly if its effect may take time."""
    response = await driver.perform(step)
    log = any(isinstance(part, _LOGGED_STEPS) for part in parts_of(step))
    observation = response | await driver.look("read", log=log)
    for attempt in range(1, _most_polls(step, response, tracker) + 1):
        if _is_settled(tracker, step, observation) or _is_in_vain(tracker, step, response, observation, attempt):
            break
        await driver.pause(attempt)
        observation = observation | await driver.look("poll", log=log)
    if driver.doubted and tracker.compare(step, observation)[0].status is StepStatus.VIOLATES:
        # By now, a response that was late has come, and shows that an earlier one was another request's.
        await driver.pause(1)
        later = await driver.look("poll", log=log)
        # Only for that: what the order looked like before is not made good by what it looks like now.
        observation = observation | later if Field.ANSWER_OUTCOME in later else observation
    return observation


def _most_polls(step: Step, response: Observation, tracker: Tracker) -> int:
    """Return how often an order is read again, at most, until it is as expected."""
    outcomes = {response.get(outcome) for outcome in OUTCOMES}
    if outcomes.isdisjoint((ACCEPTED, PENDING)):
        return 0
    is_slow = any(isinstance(part, _SLOW_STEPS) or action_of(part) is not None for part in parts_of(step))
    if is_slow or (PENDING in outcomes and _may_be_pending(tracker.expectation(step))):
        return POLLS
    return SECOND_LOOKS


def _may_be_pending(expectation: Expectation) -> bool:
    claims = (claim for branch in expectation.branches for claim in branch.claims)
    return any(claim.field in OUTCOMES and claim.permitted.permits(PENDING) for claim in claims)


def _is_settled(tracker: Tracker, step: Step, observation: Observation) -> bool:
    judgement, branches = tracker.compare(step, observation)
    return judgement.is_permitted and any(branch.lasting for branch in branches)


def _is_in_vain(tracker: Tracker, step: Step, response: Observation, observation: Observation, attempt: int) -> bool:
    """Tell whether reading the order for the ``attempt``-th time again cannot help.

    What is wrong is in the response, or a field that is not there; or it decides nothing, and was read often enough.
    """
    wrong = tracker.unmet(step, observation)
    if not wrong or PENDING in {response.get(outcome) for outcome in OUTCOMES} or not wrong.isdisjoint(OUTCOMES):
        return False
    if all(name in response or observation.get(name) is None for name in wrong):
        return True
    return attempt > SECOND_LOOKS and tracker.compare(step, observation)[0].goes_on


def observation_in_words(observation: Observation) -> str:
    """Return the response to a step in words, such as ``refused 409, code conflict``."""
    each = observations_of_each(observation) if Field.OTHER_OUTCOME in observation else (observation,)
    return "; ".join(map(_response_in_words, each))


def _response_in_words(observation: Observation) -> str:
    parts = (observation.get(Field.ANSWER_OUTCOME, "read"), observation.get(Field.ANSWER_STATUS))
    words = " ".join(str(part) for part in parts if part is not None)
    code = observation.get(Field.ANSWER_CODE)
    return f"{words}, code {code}" if code else words
