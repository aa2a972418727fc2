"""One history of the systematic set as it is written down: a name, a label, steps in words, faults, and a behaviour.

A history's steps are written as text, one word each: ``create approve deliver cancel``. A number follows a colon
(``capture:400`` captures 4.00), and the number of another order than the first follows an at-sign (``cancel@1``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.domain.order import Profile
from conformance.obligations.history import SIMPLEST_AMOUNT, Behaviour, Fault, MerchantHistory, MerchantStep

RETRY_AFTER: Final = 30
"""Seconds that ``Retry-After`` asks the merchant to wait."""

HALF_AN_HOUR: Final = 1_800
DAY: Final = 86_400
WEEK: Final = 7 * DAY

APPROVED: Final = "create approve deliver tick cancel"
UNAPPROVED: Final = "create cancel"
LATE: Final = "create cancel approve deliver tick"
CLOSED: Final = "create approve deliver capture:400 cancel"
COMPLETED: Final = "create approve deliver complete:400"
PAID: Final = "create approve deliver tick"
"""The steps of an order that was paid, and of which the shop knows it."""
DEFAULT: Final = Behaviour()

UNTIL: Final = {1: "", 2: " twice", 0: " until the end"}
"""How often a fault occurs, in words."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One history of the set, before its steps are parsed.

    ``name`` is the course that it belongs to, and ``label`` says in words what the history tries. Orders without an
    amount of their own have the simplest.
    """

    name: str
    label: str
    steps: str
    faults: tuple[Fault, ...] = ()
    behaviour: Behaviour = DEFAULT
    amounts: tuple[int, ...] = ()

    def history(self, profile: Profile) -> MerchantHistory:
        """Return the cell's history in an API."""
        steps = tuple(steps_of(self.steps))
        amounts = self.amounts or (SIMPLEST_AMOUNT,) * (1 + max(step.order for step in steps))
        return MerchantHistory(profile, amounts, steps, self.faults, self.behaviour)


def fault(on: str, kind: str, times: int = 1, at: int = 1) -> Fault:
    """Return a fault, with a number of seconds where its kind has one."""
    seconds = RETRY_AFTER if kind in ("busy-429", "error-503", "slow-after") else 0
    return Fault(on, kind, at, times, seconds)


def courses(*written: tuple[str, str]) -> list[Cell]:
    """Return cells without a fault from pairs of name and steps."""
    return [Cell(name, name, steps) for name, steps in written]


def with_faults(name: str, steps: str, on: str, kinds: Sequence[str], *times: int) -> Iterator[Cell]:
    """Return a course with each kind of fault of an operation, as often as ``times`` says; once without it."""
    what = "" if on == "cancel" else f"{on} "
    for often in times or (1,):
        for kind in kinds:
            yield Cell(name, f"{name}, {what}with {kind}{UNTIL[often]}", steps, (fault(on, kind, often),))


def steps_of(text: str) -> list[MerchantStep]:
    """Return the steps of words such as ``create capture:400@1``."""
    return [_step(word) for word in text.split()]


def text_of(steps: Iterable[MerchantStep]) -> str:
    """Return the words of steps."""
    return " ".join(map(_word, steps))


def _step(word: str) -> MerchantStep:
    word, _, order = word.partition("@")
    name, _, number = word.partition(":")
    return MerchantStep(name, int(order or 0), int(number or 0))


def _word(step: MerchantStep) -> str:
    number = f":{step.number}" if step.number else ""
    return f"{step.do}{number}@{step.order}" if step.order else f"{step.do}{number}"
