"""A recipe for a history: a situation, amounts, an age, a cancel and what follows.

The systematic set and the random draws both make their histories from recipes, so that they speak of the
same situations in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

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
from conformance.strategies.provider.ages import FRESH, Ageing, Moment, spoken
from conformance.strategies.provider.money import LEAST, NOTHING, SIMPLEST, TRIGGERS, Share, untriggered
from conformance.strategies.provider.situations import Extent, Situation
from conformance.strategies.provider.tails import NOTHING_MORE, Paper, Tail

PLAIN = Cancel()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that distinguishes one history from another. With ``beside``, the cancel is sent together with it."""

    profile: Profile
    situation: Situation
    share: Share = NOTHING
    ageing: Ageing = FRESH
    cancel: Cancel = PLAIN
    tail: Tail = NOTHING_MORE
    amount: int = SIMPLEST
    beside: Tail = NOTHING_MORE

    def history(self) -> History:
        """Put the history together."""
        early, late = self._ages()
        steps: list[Step] = [*self.situation.lead, *_aged(early)]
        pieces = self.share.pieces(self.amount)
        steps += [Capture(piece) for piece in pieces]
        refund = self._refunded()
        if refund:
            steps.extend(Refund(part) for part in _refunds(refund))
        paper = self.paper()
        steps += [*self.situation.close, *_aged(late), self._sent(paper), *self.tail.steps(paper)]
        return History(self.profile, Initiate(self.amount, self.situation.kind), tuple(steps))

    def _sent(self, paper: Paper) -> Step:
        rivals = (step for step in self.beside.steps(paper) if isinstance(step, RACERS))
        return next((Together(self.cancel, rival) for rival in rivals), self.cancel)

    def paper(self) -> Paper:
        """Return what the history says of its order when the cancel has been sent."""
        captured = self._captured()
        left = self.amount - captured if self.situation.reserved or captured else self.amount
        direct = self.situation.kind is Kind.CHARGE_DIRECT
        return Paper(self.profile, self.amount, captured, self._refunded(), left, self.cancel, direct)

    def fits(self, amount: int) -> bool:
        """Tell whether the same can be told of another amount."""
        return self.share.fits(amount, min(LEAST[self.profile], *self.share.pieces(self.amount), self.amount))

    def label(self) -> str:
        """Say in words what the history tries."""
        parts = [self.situation.name]
        if self.share is not self.situation.share:
            parts.append(f"captured: {self.share.name}")
        if self.amount != SIMPLEST:
            parts.append(f"of {self.amount}")
        if self.ageing.by:
            moment = "" if self.ageing.moment is Moment.LAST else f", {self.ageing.moment.value}"
            parts.append(f"{spoken(self.ageing.by)} old{moment}")
        beside = f" at the same time as {self.beside.name}" if self.beside.name else ""
        parts.append(_cancel_in_words(self.cancel, self.profile) + beside)
        if self.tail.name:
            parts.append(f"then {self.tail.name}")
        return ", ".join(parts)

    def cell(self) -> dict[str, str]:
        """Say where the history stands in the coverage grid."""
        return {
            "situation": self.situation.name,
            "age": self.ageing.name,
            "flag": flag_name(self.cancel.flag, self.profile),
            "share": self.share.name,
        }

    def _ages(self) -> tuple[timedelta, timedelta]:
        by = self.ageing.by
        if self.ageing.moment is Moment.EARLY:
            return by, timedelta()
        if self.ageing.moment is Moment.SPLIT:
            return by // 2, by - by // 2
        return timedelta(), by

    def _captured(self) -> int:
        return self.amount if self.situation.charged else sum(self.share.pieces(self.amount))

    def _refunded(self) -> int:
        captured = self._captured()
        if self.situation.refunded is Extent.PART:
            return untriggered(max(captured // 2, 1))
        return captured if self.situation.refunded is Extent.ALL else 0


def flag_name(flag: bool | None, profile: Profile) -> str:
    """Return how a cancel's flag is called in the grid."""
    if profile is Profile.RECURRING:
        return "none"
    return "absent" if flag is None else str(flag).lower()


def _aged(by: timedelta) -> tuple[Step, ...]:
    return (Age(by),) if by else ()


def _cancel_in_words(cancel: Cancel, profile: Profile) -> str:
    words = ["cancel"]
    if profile is not Profile.RECURRING:
        words.append(f"with the flag {flag_name(cancel.flag, profile)}")
    if cancel.to is not Addressee.OWN:
        words.append(f"of an {cancel.to.value} order" if cancel.to is Addressee.UNKNOWN else "by somebody else")
    if cancel.key is not Key.FRESH:
        words.append(f"with a {cancel.key.value} key")
    if cancel.defect is not None:
        words.append(f"broken by {cancel.defect.value}")
    return " ".join(words)


def _refunds(amount: int) -> tuple[int, ...]:
    """Return the refunds that make up an amount: two where a test environment gives the amount a meaning of its own."""
    return (amount,) if amount not in TRIGGERS else (amount // 2, amount - amount // 2)
