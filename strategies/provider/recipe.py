"""A recipe for a history: a situation, amounts, an age, a cancel and what follows.

The systematic set and the random draws both make their histories from recipes, so that they use the same words for the
same situations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from conformance.domain.api_table import spec_of
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    RACERS,
    Addressee,
    Age,
    Cancel,
    Capture,
    History,
    Initiate,
    Key,
    Refund,
    Step,
    Together,
)
from conformance.model.context import DAY
from conformance.strategies.provider.ages import FRESH, Ageing, Moment, age_in_words
from conformance.strategies.provider.money import NOTHING, SIMPLEST, TRIGGERS, Share, without_trigger
from conformance.strategies.provider.situations import Extent, Situation
from conformance.strategies.provider.tails import NOTHING_MORE, OrderAtCancel, Tail

PLAIN = Cancel()
_KEYS = {Key.ANOTHER_OPERATION: "with the key of a capture or refund"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that distinguishes one history from another.

    With a ``rival``, the cancel is sent together with it. What is ``tried`` comes right before the cancel, and is
    refused.
    """

    profile: Profile
    situation: Situation
    share: Share = NOTHING
    ageing: Ageing = FRESH
    cancel: Cancel = PLAIN
    tail: Tail = NOTHING_MORE
    amount: int = SIMPLEST
    rival: Tail = NOTHING_MORE
    tried: Tail = NOTHING_MORE

    def history(self) -> History:
        """Return the history."""
        early_age, late_age = self.ageing.parts
        steps: list[Step] = [*self.situation.lead, *_age_steps(early_age)]
        steps += captures_over_time(self.share.pieces(self.amount), self.ageing.spread)
        refund = self._refunded()
        if refund:
            steps.extend(Refund(part) for part in whole_refund(refund))
        order = self.order_at_cancel()
        steps += [*self.situation.close, *_age_steps(late_age), *self.tried.steps(order)]
        steps += [self._cancel_step(order), *self.tail.steps(order)]
        return History(self.profile, Initiate(self.amount, self.situation.kind), tuple(steps))

    def _cancel_step(self, order: OrderAtCancel) -> Step:
        rivals = (step for step in self.rival.steps(order) if isinstance(step, RACERS))
        return next((Together(self.cancel, rival) for rival in rivals), self.cancel)

    def order_at_cancel(self) -> OrderAtCancel:
        """Return the order as the history expects it to be when the cancel has been sent."""
        captured = self._captured()
        open_amount = self.amount - captured if self.situation.reserved or captured else self.amount
        direct = self.situation.kind is Kind.CHARGE_DIRECT
        return OrderAtCancel(self.profile, self.amount, captured, self._refunded(), open_amount, self.cancel, direct)

    def fits(self, amount: int) -> bool:
        """Return whether the same history is possible with another amount."""
        least = spec_of(self.profile).least_capture
        return self.share.fits(amount, min(least, *self.share.pieces(self.amount), self.amount))

    def label(self) -> str:
        """Return in words what the history tries."""
        parts = [self.situation.name]
        if self.share is not self.situation.share:
            parts.append(f"captured: {self.share.name}")
        if self.amount != SIMPLEST:
            parts.append(f"of {self.amount}")
        if self.ageing.by:
            moment = "" if self.ageing.moment is Moment.LAST else f", {self.ageing.moment.value}"
            parts.append(f"{age_in_words(self.ageing.by)} old{moment}")
        rival = f" at the same time as {self.rival.name}" if self.rival.name else ""
        if self.tried.name:
            parts.append(f"after {self.tried.name}")
        parts.append(_cancel_in_words(self.cancel, self.profile) + rival)
        if self.tail.name:
            parts.append(f"then {self.tail.name}")
        return ", ".join(parts)

    def cell(self) -> dict[str, str]:
        """Return where the history stands in the coverage grid."""
        return {
            "situation": self.situation.name,
            "age": self.ageing.name,
            "flag": flag_name(self.cancel.flag, self.profile),
            "share": self.share.name,
        }

    def _captured(self) -> int:
        return self.amount if self.situation.charged else sum(self.share.pieces(self.amount))

    def _refunded(self) -> int:
        captured = self._captured()
        if self.situation.refunded is Extent.PART:
            return without_trigger(max(captured // 2, 1))
        return captured if self.situation.refunded is Extent.ALL else 0


def captures_over_time(pieces: Sequence[int], spread: timedelta) -> Iterator[Step]:
    """Yield captures with these amounts, each when the order is as old again as at the one before, in whole days."""
    reached = timedelta()
    for place, piece in enumerate(pieces, 1):
        age = max(spread // 2 ** (len(pieces) - place) // DAY * DAY, reached)
        yield from _age_steps(age - reached)
        yield Capture(piece)
        reached = age


def flag_name(flag: bool | None, profile: Profile) -> str:
    """Return the name of a cancel's flag in the coverage grid."""
    if spec_of(profile).cancel_flag is None:
        return "none"
    return "absent" if flag is None else str(flag).lower()


def _age_steps(by: timedelta) -> tuple[Step, ...]:
    return (Age(by),) if by else ()


def _cancel_in_words(cancel: Cancel, profile: Profile) -> str:
    words = ["cancel"]
    if spec_of(profile).cancel_flag is not None:
        words.append(f"with the flag {flag_name(cancel.flag, profile)}")
    if cancel.to is not Addressee.OWN:
        words.append(f"of an {cancel.to.value} order" if cancel.to is Addressee.UNKNOWN else "by somebody else")
    if cancel.key is not Key.FRESH:
        words.append(_KEYS.get(cancel.key, f"with a {cancel.key.value} key"))
    if cancel.defect is not None:
        words.append(f"broken by {cancel.defect.value}")
    return " ".join(words)


def whole_refund(amount: int) -> tuple[int, ...]:
    """Return the refunds that make up an amount: two where a test environment reacts to the amount."""
    return (amount,) if amount not in TRIGGERS else (amount // 2, amount - amount // 2)
