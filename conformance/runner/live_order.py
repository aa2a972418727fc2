"""A live order: one order that is taken through its steps one at a time, each judged as soon as it is done.

A trial knows its history before it begins. Here somebody else decides what the next step is, and the history is what
was done by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.domain.expectation import Expectation
from conformance.domain.order import Order, Profile
from conformance.domain.steps import History, Initiate, Step, name_of
from conformance.evidence.record_parts import Record
from conformance.judging.judge import Judgement
from conformance.judging.tracker import Tracker
from conformance.runner.session import RunSession
from conformance.runner.trial import observation_in_words, observe
from conformance.targets.target import Worker


@dataclass(slots=True)
class RecordList:
    """Keeps the records of one order in memory."""

    records: list[Record] = field(default_factory=list)

    def append(self, record: Record) -> None:
        """Keep one record."""
        self.records.append(record)


class LiveOrder:
    """One order at a target, with the orders that the model holds for possible.

    Args:
        run_session: the session, with the order's API probed.
        profile: the API.
        identifier: the name of the history that comes about.
        worker: executes the steps.

    """

    def __init__(self, run_session: RunSession, profile: Profile, identifier: str, worker: Worker) -> None:
        self.identifier = identifier
        self.profile = profile
        self.steps: list[Step] = []
        self.sink = RecordList()
        self._redactor = run_session.redactor
        self._exchanges = run_session.exchanges(self.sink, identifier)
        self._driver = worker.driver(profile, run_session.order_id(identifier), self._exchanges)
        self._tracker = Tracker(profile, run_session.contexts[profile], complete=self._driver.complete)

    @property
    def history(self) -> History:
        """What was done so far.

        Raises:
            ValueError: the order was not initiated yet.

        """
        if not self.steps or not isinstance(self.steps[0], Initiate):
            raise ValueError("the order was not initiated yet")
        return History(self.profile, self.steps[0], tuple(self.steps[1:]))

    @property
    def possible(self) -> tuple[Order, ...]:
        """The orders that everything observed so far permits; usually one."""
        return self._tracker.orders

    def expectation(self, step: Step) -> Expectation:
        """Return what the model would permit of a step."""
        return self._tracker.expectation(step)

    async def do(self, step: Step) -> tuple[Judgement, str]:
        """Execute a step, read the order back, and judge it; return also what was observed, in words."""
        index = self._exchanges.step = len(self.steps)
        self.steps.append(step)
        expectation = self._tracker.expectation(step)
        observation = await observe(step, self._driver, self._tracker)
        judgement = self._tracker.observe(step, observation)
        response = observation_in_words(observation)
        record = judgement.as_record(
            expectation, history=self.identifier, step=index, do=name_of(step), response=response, observed=observation
        )
        self.sink.append(self._redactor.clean_record(record))
        return judgement, response
