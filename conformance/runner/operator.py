"""A person at the terminal who does what no API does: approves, rejects, and stops inside 3-D Secure.

A person is slow and gets tired, so that only a few histories are chosen that need one, and they are played one after
the other. What a person did is written down as such.
"""

from __future__ import annotations

import asyncio
import select
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TextIO

from conformance.domain.expectation import ACCEPTED, LOST
from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, Step, action_of
from conformance.strategies.provider.case import Case
from conformance.targets.target import ProbeResult, RecordExchange, Target, Worker
from conformance.wire.base import ObservedFields
from conformance.wire.driver import Driver

ACTIONS: Final[Mapping[str, str]] = {
    "approve": "open the test app and approve the payment",
    "reject": "open the test app and reject the payment",
    "start_3ds": "in the test app, pay with a card that asks for 3-D Secure, and stop when its page is shown",
    "finish_3ds": "finish the 3-D Secure page",
    "fail_3ds": "give up on the 3-D Secure page, so that it fails",
}
"""What a person can do, and what they are told. To let a payment time out needs nobody."""
SECONDS: Final = 300.0
MOST: Final = 12
"""So many histories of one profile need a person at most."""
ABILITIES_NEEDED: Final = 3
DONE: Final = "done"
DECLINED: Final = "declined"
LATE: Final = "late"

RecordManualStep = Callable[..., None]
"""Takes what a person was asked and what they did."""


class Person(Protocol):
    """Somebody who can be asked to do something."""

    async def ask(self, text: str) -> str:
        """Ask; return ``done``, ``declined`` or ``late``."""


class Terminal:
    """A person at a terminal. They press Enter when they have done what they are asked for."""

    def __init__(self, seconds: float = SECONDS, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        self._seconds = seconds
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout

    async def ask(self, text: str) -> str:
        """Ask, and wait for a line until the time is over."""
        self._write(f"\n{text}\nPress Enter when it is done, or n and Enter if it cannot be ({self._seconds:g} s): ")
        deadline = time.monotonic() + self._seconds
        while (left := deadline - time.monotonic()) > 0:
            # In short pieces, so that a signal is not kept waiting.
            if await asyncio.to_thread(self._has_line, min(left, 0.5)):
                line = self._stdin.readline()
                answer = DECLINED if not line or line.strip().lower().startswith("n") else DONE
                self._write(f"{answer}.\n")
                return answer
        self._write("too late.\n")
        return LATE

    def _has_line(self, seconds: float) -> bool:
        return bool(select.select([self._stdin], [], [], seconds)[0])

    def _write(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()


class Operator:
    """Asks a person for one thing after the other, and remembers what they could not do."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._lock = asyncio.Lock()
        self._cannot: dict[str, str] = {}
        self.asked = 0
        self.resting = False
        """Whether nobody is to be asked any more: what failed is made smaller without a person."""
        self.hand: RecordManualStep = _ignored

    def cannot(self, action: str) -> str:
        """Say why a person is not asked for something any more; nothing where they are."""
        return self._cannot.get(action, "")

    async def act(self, action: str, order: str, amount: str) -> ObservedFields:
        """Have something done to an order; return the answer in the model's words."""
        if self.resting or action in self._cannot:
            cause = self._cannot.get(action, "nobody is asked again")
            return {"answer.outcome": LOST, "answer.cause": cause}
        async with self._lock:
            self.asked += 1
            began = time.monotonic()
            text = f"[{self.asked}] Order {order} of {amount}: {ACTIONS[action]}."
            said = await self._person.ask(text)
            self.hand(order=order, action=action, said=said, seconds=round(time.monotonic() - began, 1))
        if said == DONE:
            return {"answer.outcome": ACCEPTED}
        self._cannot[action] = "nobody did it in time" if said == LATE else "the person could not do it"
        return {"answer.outcome": LOST, "answer.cause": self._cannot[action]}


class OperatedTarget:
    """A seat whose target is helped by a person with what it does not offer itself."""

    def __init__(self, target: Target, operator: Operator) -> None:
        self._target = self.inner = target
        self.operator = operator
        self.by_hand: dict[Profile, frozenset[str]] = {}
        self._market = Market.NO

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    async def open(
        self, market: Market, nonce: str, learn_secret: Callable[[str], None], record: RecordExchange
    ) -> None:
        """Reach the target."""
        self._market = market
        await self._target.open(market, nonce, learn_secret, record)

    async def probe(self, profile: Profile, record: RecordExchange) -> ProbeResult:
        """Take one order through its life, and add what a person can do."""
        probe = await self._target.probe(profile, record)
        if profile is Profile.RECURRING:
            return probe
        mine = frozenset(ACTIONS) - probe.offered
        self.by_hand[profile] = mine
        source = f"{probe.source}; a person at the terminal for {', '.join(sorted(mine))}" if mine else probe.source
        return replace(probe, offered=probe.offered | mine, source=source)

    def worker(self) -> Worker:
        """Return a worker whose players ask the person."""
        return _Worker(self._target.worker(), self)

    def helped(self, driver: Driver, profile: Profile, order_id: str) -> Driver:
        """Return a player that asks the person for what is done by hand."""
        mine = self.by_hand.get(profile, frozenset())
        return _Player(driver, self.operator, mine, order_id, self._market) if mine else driver

    async def close(self) -> None:
        """Leave the target."""
        await self._target.close()


class _Worker:
    def __init__(self, worker: Worker, target: OperatedTarget) -> None:
        self._worker = worker
        self._target = target

    def driver(self, profile: Profile, order_id: str, record: RecordExchange) -> Driver:
        return self._target.helped(self._worker.driver(profile, order_id, record), profile, order_id)

    async def close(self) -> None:
        await self._worker.close()


class _Player:
    complete = True

    def __init__(self, driver: Driver, operator: Operator, mine: frozenset[str], order_id: str, market: Market) -> None:
        self._driver = driver
        self._operator = operator
        self._mine = mine
        self._order = order_id
        self._currency = market.currency
        self._amount = ""

    async def perform(self, step: Step) -> ObservedFields:
        amount = getattr(step, "amount", None)
        if not self._amount and isinstance(amount, int):
            self._amount = f"{amount // 100}.{amount % 100:02d} {self._currency}"
        action = action_of(step)
        if action is not None and action in self._mine:
            return await self._operator.act(action, self._order, self._amount)
        return await self._driver.perform(step)

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        return await self._driver.look(purpose, log=log)

    async def pause(self, attempt: int) -> None:
        await self._driver.pause(attempt)


def needs_operator(history: History, mine: frozenset[str]) -> bool:
    """Tell whether a person is needed for a history."""
    return any(action_of(step) in mine for step in history.steps)


def limited_cases(planned: Sequence[Case], mine: frozenset[str], most: int = MOST) -> list[Case]:
    """Choose the histories that a person is asked for: those that exercise what nothing else does, and no more.

    Each goal is aimed at as often as a rule needs examples. Histories with fewer things to do come first.
    """
    ordinary = Counter(goal for one in planned if not needs_operator(one.history, mine) for goal in one.goals)
    aims: Counter[str] = Counter()
    chosen: list[Case] = []
    left = [one for one in planned if needs_operator(one.history, mine) and not one.generated]

    def worth(one: Case) -> tuple[float, int]:
        new = sum(1 for goal in one.goals if ordinary[goal] < ABILITIES_NEEDED and aims[goal] < ABILITIES_NEEDED)
        asked = sum(action_of(step) in mine for step in one.history.steps)
        return new / asked, -len(one.history.steps)

    while left and len(chosen) < most:
        best = max(left, key=worth)
        if worth(best)[0] <= 0:
            break
        chosen.append(best)
        aims.update(best.goals)
        left.remove(best)
    return chosen


def _ignored(*_: object, **__: object) -> None:
    return
