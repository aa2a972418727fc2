"""A person who does what a target does not offer: approves, rejects, and stops inside 3-D Secure.

This is one more way of controlling the provider's state, beside the test control API. What a person did is recorded as
such. What they say proves nothing: the order is read before and after, and if nothing about it has changed, they are
asked again. A 3-D Secure session cannot be read back. Where a cancel is accepted during one, they are asked whether
they saw it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final, Protocol

from conformance.domain.expectation import ACCEPTED, LOST, PENDING
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, Initiate, Step, action_of, actions_of
from conformance.wire.base import ObservedFields

ACTIONS: Final[Mapping[str, str]] = {
    "approve": "open the test app and approve the payment",
    "reject": "open the test app and reject the payment",
    "start_3ds": "in the test app, pay with a card that asks for 3-D Secure, and stop when its page is shown",
    "finish_3ds": "finish the 3-D Secure page",
    "fail_3ds": "give up on the 3-D Secure page, so that it fails",
}
"""What a person can do, and how they are asked for it. To let a payment time out needs nobody."""
UNSEEN: Final = "start_3ds"
"""The action after which an order reads back as before."""
SAW: Final = "saw_3ds"
"""Recorded where a person is asked whether they saw what cannot be read back."""
TIMES: Final = 2
"""How often a person is asked for an action of one order while it reads back as before."""
ORDERS: Final = 3
"""After so many orders that read back as before, nobody is asked for the action any more."""
LOOKS: Final = 3
"""How often an order is read until it shows what was done to it."""
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

    async def confirm(self, text: str) -> str:
        """Ask whether something is so; return ``done`` where they say yes, else ``declined`` or ``late``."""


class Reader(Protocol):
    """Reads back the order that a person was asked about."""

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        """Return the order as it reads now."""

    async def pause(self, attempt: int) -> None:
        """Wait a little longer with each attempt."""


class Operator:
    """Asks a person for one thing at a time, and remembers what they could not do."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._lock = asyncio.Lock()
        self._cannot: dict[str, str] = {}
        self._unchanged: Counter[str] = Counter()
        self.asked = 0
        self.resting = False
        """Whether nobody is to be asked any more: failures are shrunk without a person."""
        self.record: RecordManualStep = _ignore

    def cannot(self, action: str) -> str:
        """Return why a person is not asked for an action any more; nothing where they are."""
        return self._cannot.get(action, "")

    async def act(self, action: str, order: str, amount: str, reader: Reader) -> ObservedFields:
        """Have an action done to an order; return the response in the model's words.

        It is lost where the person could not do it, or where the order reads back as before.
        """
        if self.resting or action in self._cannot:
            return _lost(self._cannot.get(action, "nobody is asked again"))
        before = await reader.look("prepare", log=True)
        wish, again = ACTIONS[action], ""
        for _ in range(TIMES):
            reply = await self._ask(action, order, f"Order {order} of {amount}: {again}{wish}.")
            if reply != DONE:
                self._cannot[action] = "nobody did it in time" if reply == LATE else "the person could not do it"
                return _lost(self._cannot[action])
            if action == UNSEEN or await _has_changed(before, reader):
                return {Field.ANSWER_OUTCOME: ACCEPTED}
            again = "it reads back as before, so that this is not done yet: "
        self._unchanged[action] += 1
        cause = "the person said that it was done, and the order reads back as before"
        if self._unchanged[action] >= ORDERS:
            self._cannot[action] = cause
        return _lost(cause)

    async def saw_it(self, order: str) -> bool:
        """Return whether a person says that they saw the 3-D Secure page of an order that was cancelled."""
        if self.resting:
            return False
        text = f"Order {order} was cancelled now. Did you see its 3-D Secure page, and was it open until now?"
        return await self._ask(SAW, order, text) == DONE

    async def _ask(self, action: str, order: str, text: str) -> str:
        async with self._lock:
            self.asked += 1
            began = time.monotonic()
            ask = self._person.confirm if action == SAW else self._person.ask
            reply = await ask(f"[{self.asked}] {text}")
            self.record(order=order, action=action, reply=reply, seconds=round(time.monotonic() - began, 1))
        return reply


async def _has_changed(before: ObservedFields, reader: Reader) -> bool:
    for attempt in range(1, LOOKS + 1):
        if await reader.look("poll", log=True) != before:
            return True
        if attempt < LOOKS:
            await reader.pause(attempt)
    return False


def _lost(cause: str) -> ObservedFields:
    return {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: cause}


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
        self._unseen = False

    async def perform(self, step: Step, reader: Reader) -> ObservedFields | None:
        """Have a step done; return its response, or None where the step is not manual."""
        if isinstance(step, Initiate):
            self._amount = f"{step.amount // 100}.{step.amount % 100:02d} {self._currency}"
        action = action_of(step)
        if action is None:
            return None
        self._unseen = False
        if action not in self._actions:
            return None
        observed = await self._operator.act(action, self._order_id, self._amount, reader)
        self._unseen = action == UNSEEN and observed[Field.ANSWER_OUTCOME] == ACCEPTED
        return observed

    async def confirmed(self, step: Step, observed: ObservedFields) -> ObservedFields:
        """Return the response to a step; a lost one where it is in doubt whether the order was as a person said."""
        done = observed.get(Field.ANSWER_OUTCOME) in (ACCEPTED, PENDING)
        if not (self._unseen and done and isinstance(step, Cancel)) or await self._operator.saw_it(self._order_id):
            return observed
        return _lost("the cancel was accepted, and the person did not see the 3-D Secure page")


def _ignore(*_: object, **__: object) -> None:
    return
