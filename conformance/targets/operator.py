"""A person who does what a target does not offer: approves, rejects, and stops inside 3-D Secure.

This is one more way of controlling the provider's state, beside the test control API. What a person did is recorded as
such.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Protocol

from conformance.domain.expectation import ACCEPTED, LOST
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.domain.steps import Initiate, Step, action_of, actions_of
from conformance.wire.base import ObservedFields

ACTIONS: Final[Mapping[str, str]] = {
    "approve": "open the test app and approve the payment",
    "reject": "open the test app and reject the payment",
    "start_3ds": "in the test app, pay with a card that asks for 3-D Secure, and stop when its page is shown",
    "finish_3ds": "finish the 3-D Secure page",
    "fail_3ds": "give up on the 3-D Secure page, so that it fails",
}
"""What a person can do, and how they are asked for it. To let a payment time out needs nobody."""
DONE: Final = "done"
DECLINED: Final = "declined"
LATE: Final = "late"


class RecordManualStep(Protocol):
    """Takes what a person was asked and what they did."""

    def __call__(self, *, order: str, action: str, reply: str, seconds: float) -> None:
        """Record one manual step: the order, what was asked for, what was said to it, and after how many seconds."""


class Person(Protocol):
    """Somebody who can be asked to do something."""

    async def ask(self, text: str) -> str:
        """Ask; return ``done``, ``declined`` or ``late``."""


class Operator:
    """Asks a person for one thing at a time, and remembers what they could not do."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._lock = asyncio.Lock()
        self._cannot: dict[str, str] = {}
        self.asked = 0
        self.resting = False
        """Whether nobody is to be asked any more: failures are shrunk without a person."""
        self.record: RecordManualStep = _ignore

    def cannot(self, action: str) -> str:
        """Return why a person is not asked for an action any more; nothing where they are."""
        return self._cannot.get(action, "")

    async def act(self, action: str, order: str, amount: str) -> ObservedFields:
        """Have an action done to an order; return the response in the model's words."""
        if self.resting or action in self._cannot:
            cause = self._cannot.get(action, "nobody is asked again")
            return {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: cause}
        async with self._lock:
            self.asked += 1
            began = time.monotonic()
            text = f"[{self.asked}] Order {order} of {amount}: {ACTIONS[action]}."
            reply = await self._person.ask(text)
            self.record(order=order, action=action, reply=reply, seconds=round(time.monotonic() - began, 1))
        if reply == DONE:
            return {Field.ANSWER_OUTCOME: ACCEPTED}
        self._cannot[action] = "nobody did it in time" if reply == LATE else "the person could not do it"
        return {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: self._cannot[action]}


def manual_actions(profile: Profile, offered: frozenset[str]) -> frozenset[str]:
    """Return the actions that a target leaves to an operator."""
    return (frozenset(ACTIONS) & actions_of(profile)) - offered


class ManualSteps:
    """The steps of one order that an operator carries out."""

    def __init__(self, operator: Operator, actions: frozenset[str], order_id: str, currency: str) -> None:
        self._operator = operator
        self._actions = actions
        self._order_id = order_id
        self._currency = currency
        self._amount = ""

    async def perform(self, step: Step) -> ObservedFields | None:
        """Have a step done; return its response, or None where the step is not manual."""
        if isinstance(step, Initiate):
            self._amount = f"{step.amount // 100}.{step.amount % 100:02d} {self._currency}"
        action = action_of(step)
        if action is None or action not in self._actions:
            return None
        return await self._operator.act(action, self._order_id, self._amount)


def _ignore(*_: object, **__: object) -> None:
    return
