"""A history while it is put together: its steps so far, and how its order is expected to stand after them.

What is expected is a guess, good enough to choose the next step and its amount: what follows of a step is for the model
to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Cancel,
    Capture,
    Charge,
    History,
    Initiate,
    Key,
    Refund,
    Step,
    Together,
    action_of,
    parts_of,
)
from conformance.strategies.provider.money import MOST_TOTAL, PART_FORMS, part_of, without_trigger
from conformance.strategies.provider.situations import Situation
from conformance.strategies.provider.tails import OrderAtCancel

MOST_CHANGES: Final = 5
"""Cancels, captures or refunds of one order within a minute that the documentation allows."""
PLAIN: Final = Cancel()
REPEATED: Final = (Key.SAME, Key.FIRST)
"""Keys of an earlier cancel."""
SOME_TIME: Final = Age(timedelta())
"""Stands for a period that is drawn."""
FORMS: Final = PART_FORMS + 4
"""So many forms an amount after the cancel can have: those of a part, all there is, and three ways to ask for more."""


@dataclass(frozen=True, slots=True)
class Variation:
    """How a fragment differs from its plain form: the form of its amounts, a number for them, and its ages."""

    form: int = 0
    number: int = 0
    by: timedelta | None = None


@dataclass(slots=True)
class Draft:
    """A history that is being put together.

    Attributes:
        profile: the API.
        opening: how the order is created.
        reserved: whether its amount is expected to be reserved.
        steps: what happens to it so far.
        captured: what is expected to be captured of it, and ``refunded`` what is refunded of that.
        cancel: the last cancel; a plain one before any.
        changes: how many cancels, captures and refunds there are.
        released: whether a cancel is expected to have been carried out.
        unfinished: the last thing that the user or the charge run did, or None.
        key_unknown: whether it is unknown which cancel's key was used last, as after two at the same time.

    """

    profile: Profile
    opening: Initiate
    reserved: bool
    steps: list[Step] = field(default_factory=list)
    captured: int = 0
    refunded: int = 0
    cancel: Cancel = PLAIN
    changes: Counter[type[Step]] = field(default_factory=Counter)
    released: bool = False
    unfinished: Step | None = None
    key_unknown: bool = False

    @classmethod
    def of(cls, profile: Profile, situation: Situation, amount: int) -> Draft:
        """Return the draft of an order that is to be brought into a situation."""
        return cls(profile, Initiate(amount, situation.kind), situation.reserved)

    @property
    def order(self) -> OrderAtCancel:
        """How the order is expected to stand."""
        amount = self.opening.amount
        return OrderAtCancel(
            self.profile,
            amount,
            self.captured,
            self.refunded,
            amount - self.captured,
            self.cancel,
            self.opening.kind is Kind.CHARGE_DIRECT,
        )

    def add(self, steps: Iterable[Step], variation: Variation = Variation()) -> None:
        """Add steps, as far as the documentation allows so many changes of a kind."""
        for step in steps:
            changes = Counter(type(part) for part in parts_of(step) if isinstance(part, Cancel | Capture | Refund))
            if any(self.changes[kind] + number > MOST_CHANGES for kind, number in changes.items()):
                return
            varied = self._varied(step, variation)
            self.steps.append(varied)
            for part in parts_of(varied):
                self._expect(part)
            self.changes.update(changes)
            self.key_unknown = self.key_unknown or isinstance(step, Together)

    def insert(self, step: Cancel, steps_back: int) -> None:
        """Add a cancel so many steps before the end."""
        if self.changes[Cancel] < MOST_CHANGES:
            self.steps.insert(max(len(self.steps) - steps_back, 0), step)
            self.changes[Cancel] += 1

    def history(self) -> History:
        """Return the history."""
        return History(self.profile, self.opening, tuple(self.steps))

    def _varied(self, step: Step, variation: Variation) -> Step:
        spec, order = spec_of(self.profile), self.order
        match step:
            case Capture():
                return Capture(_amount(step.amount, order.open or order.amount, spec.least_capture, variation))
            case Refund():
                whole = order.refundable or order.amount
                return Refund(without_trigger(_amount(step.amount, whole, spec.least_refund, variation)))
            case Age() if step == SOME_TIME and variation.by:
                return Age(variation.by)
            case Cancel(key=Key.SAME | Key.FIRST) if self.key_unknown:
                return replace(step, key=Key.FRESH)
        return step

    def _expect(self, step: Step) -> None:
        order = self.order
        if action_of(step) is not None:
            self.unfinished = step
        match step:
            case Charge() if order.direct:
                self.captured = order.amount
            case Capture() if step.amount <= order.open and not self.released:
                self.captured += step.amount
            case Refund() if step.amount <= order.refundable:
                self.refunded += step.amount
            case Cancel():
                self.cancel = step
                self.released = self.released or self._releases(step)

    def _releases(self, cancel: Cancel) -> bool:
        if cancel.to is not Addressee.OWN or cancel.defect or not self.order.open:
            return False
        if spec_of(self.profile).release_flag:
            return cancel.flag is True or not self.captured
        return cancel.flag is not True or not self.reserved


def _amount(plain: int, whole: int, least: int, variation: Variation) -> int:
    """Return an amount in a form of its variation: as it is, a part of the whole, the whole, or more than it."""
    form, number = variation.form, variation.number
    beyond = {PART_FORMS: whole, PART_FORMS + 1: whole + 1, PART_FORMS + 2: whole + least, PART_FORMS + 3: whole * 2}
    if form in beyond:
        # A description may refuse what is less than the least, or greater than any order, and that is another refusal.
        return min(max(beyond[form], least), MOST_TOTAL)
    return plain if form == 0 else part_of(whole, least, form, number)
