"""Hypothesis strategies: amounts, captures, ages, cancels, and whole histories around the grid's situations.

A history takes few draws, each of them an index into something that was laid out beforehand: that is what keeps
generation fast. Nothing is assumed or filtered. Smaller indices are plainer choices, so that what Hypothesis shrinks to
is what a person would have written by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.domain.steps import Addressee, Cancel, Defect, History, Initiate, Key, Step, parts_of
from conformance.model import ModelContext
from conformance.model.context import DAY
from conformance.strategies.provider.ages import (
    FRESH,
    OPENING,
    REFUND_BEYOND,
    REFUND_WITHIN,
    Ageing,
    Moment,
    age_limits,
)
from conformance.strategies.provider.grid import DEFECTS, FLAG_DEFECTS, FLAGS
from conformance.strategies.provider.money import AMOUNTS, LEAST, SIMPLEST, Share, untriggered
from conformance.strategies.provider.recipe import Recipe
from conformance.strategies.provider.situations import SITUATIONS, Extent, Situation, needs
from conformance.strategies.provider.systematic import recipes
from conformance.strategies.provider.tails import MENUS, NOTHING_MORE, RIVALS, Paper, Tail
from conformance.strategies.provider.walk import reached

MOST_CANCELS: Final = 5
"""Cancels of one order in one minute that the documentation allows."""

MOST_TAILS: Final = 3

RACING: Final = 12
"""One of so many histories sends its cancel together with something else, where the target takes both at once."""

_NUMBERS: Final = 4096
_PLAIN: Final = 64
_NUMBER: Final = st.integers(0, _NUMBERS - 1)
"""One draw. The plain numbers stand for what was thought of beforehand, so that this is what others shrink to."""


def amounts() -> SearchStrategy[int]:
    """Draw an order's total in minor units. The simplest is 10.00."""
    return _NUMBER.map(_amount)


def captures(amount: int, profile: Profile, extent: Extent = Extent.PART) -> SearchStrategy[tuple[int, ...]]:
    """Draw one to many captures of a part of the amount, or of all of it. The simplest is half of it, at once."""
    situation = Situation("", captured=extent)
    return _NUMBER.map(lambda number: _share(situation, amount, LEAST[profile], number).pieces(amount))


def ages(profile: Profile, context: ModelContext) -> SearchStrategy[timedelta]:
    """Draw an age, on either side of every limit or anywhere else. The simplest is none."""
    return st.builds(_age, st.sampled_from(_known_ages(profile, context)), _NUMBER)


def flags(profile: Profile) -> SearchStrategy[bool | None]:
    """Draw a cancel's flag: left out, false or true, in this order. Recurring has none."""
    return st.sampled_from(_flags(profile))


def cancels(profile: Profile, *, wire: bool = True) -> SearchStrategy[Cancel]:
    """Draw a cancel. Most are addressed to the order itself, with a fresh key and nothing wrong on the wire."""
    return st.sampled_from(_cancels(profile, wire=wire))


def histories(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> SearchStrategy[History]:
    """Draw whole histories: a situation, an age, a cancel, and what happens before and after it.

    Args:
        profile: the API.
        context: the market and the readings in force; its limits decide the ages.
        offered: what the target lets the suite do, in the words of the test control API.
        wire: whether requests can be broken on the wire, which a target without HTTP has none of.

    """
    return _histories(_Choices.of(profile, context, offered, wire=wire))


def reaching(
    rule: str, profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> SearchStrategy[History]:
    """Draw histories that exercise a rule, by construction: cells of the grid that do, told of other amounts.

    ``rule`` is a rule's id, with a side of its boundary after a slash where only that side is meant.

    Raises:
        LookupError: nothing that the target offers leads there.

    """
    wanted = Citation.parse(rule)
    found = [
        recipe
        for recipe, history in recipes(profile, context, offered, wire=wire)
        if any(wanted.covers(Citation.parse(text)) for text in reached(history, context))
    ]
    if not found:
        can = ", ".join(sorted(offered)) or "nothing"
        raise LookupError(f"no history of {profile.value} reaches {rule} where the target offers {can}")
    return st.builds(_retold, st.sampled_from(found), amounts())


def _retold(recipe: Recipe, amount: int) -> History:
    return (replace(recipe, amount=amount) if recipe.fits(amount) else recipe).history()


def _amount(number: int) -> int:
    if number < _PLAIN:
        return AMOUNTS[number % len(AMOUNTS)]
    return AMOUNTS[number // 4 % len(AMOUNTS)] if number % 4 == 0 else untriggered(100 + number * 16)


def _share(situation: Situation, amount: int, least: int, number: int) -> Share:
    if number < _PLAIN or number % 2 or situation.captured is Extent.NOTHING:
        share = situation.shares[number % len(situation.shares)]
        return share if share.fits(amount, least) else situation.share
    whole = situation.captured is Extent.ALL
    total = amount if whole else min(max(amount * (1 + number * 31 % 998) // 1000, least), amount - 1)
    count = min(1 + number % 5, total // least)
    piece, rest = divmod(total, count)
    pieces = (piece + rest, *(piece,) * (count - 1))
    return Share("drawn", lambda _: pieces)


def _known_ages(profile: Profile, context: ModelContext) -> tuple[timedelta | None, ...]:
    # None is any other age. It stands behind the known ones, so that it shrinks to the smallest of them that will do.
    found = age_limits(profile, context)
    judged = sorted({*found.within, *found.beyond, *REFUND_WITHIN, *REFUND_BEYOND})
    return (*[timedelta()] * len(judged), *judged, *[None] * len(judged), *found.open, OPENING.by)


def _age(known: timedelta | None, number: int) -> timedelta:
    return DAY * (number % 400) + timedelta(minutes=number * 17 % 1440) if known is None else known


def _flags(profile: Profile) -> tuple[bool | None, ...]:
    return (None,) if profile is Profile.RECURRING else FLAGS


def _cancels(profile: Profile, *, wire: bool) -> tuple[Cancel, ...]:
    flagged = _flags(profile)
    plain = [Cancel(flag=flag) for flag in flagged]
    special = [replace(cancel, key=Key.SPENT) for cancel in plain]
    special += [replace(cancel, to=Addressee.UNKNOWN) for cancel in plain]
    if wire:
        special += [replace(cancel, to=Addressee.FOREIGN) for cancel in plain]
        special += [_broken(defect, turn, flagged) for turn, defect in enumerate(DEFECTS[profile])]
    # Two of three are plain ones.
    return (*plain * (2 * len(special) // len(plain) + 1), *special)


def _broken(defect: Defect, turn: int, flagged: tuple[bool | None, ...]) -> Cancel:
    return Cancel(flag=True if defect in FLAG_DEFECTS else flagged[turn % len(flagged)], defect=defect)


@dataclass(frozen=True, slots=True)
class _Early:
    """A cancel so many steps before the end, or none: without the flag, or with that of the cancel at the end."""

    back: int = 0
    flagged: bool = False

    def put_into(self, steps: tuple[Step, ...], flag: bool | None) -> tuple[Step, ...]:
        """Return the steps with the cancel among them."""
        if not self.back:
            return steps
        place = max(len(steps) - self.back, 0)
        return (*steps[:place], Cancel(flag=flag if self.flagged else None), *steps[place:])


@dataclass(frozen=True, slots=True)
class _Choices:
    """Everything that a history of one target can be made of, built once: building costs more than drawing."""

    profile: Profile
    situation: SearchStrategy[Situation] = field(repr=False)
    cancel: SearchStrategy[Cancel] = field(repr=False)
    early: SearchStrategy[_Early] = field(repr=False)
    tail: SearchStrategy[Tail] = field(repr=False)
    beside: SearchStrategy[Tail] = field(repr=False)
    age: SearchStrategy[timedelta | None] = field(repr=False)

    @classmethod
    def of(cls, profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool) -> _Choices:
        """Lay out what a target can play."""
        # An order that is cancelled already comes about by the cancels before and after the one in the middle.
        situations = [
            situation
            for situation in SITUATIONS[profile]
            if Cancel not in map(type, (*situation.lead, *situation.close))
            and needs(Recipe(profile, situation, situation.share).history()) <= offered
            and (wire or not situation.wire)
        ]
        tails = [tail for tail in MENUS[profile] if _tail_needs(profile, tail) <= offered and (wire or not tail.wire)]
        rivals = [
            rival for rival in RIVALS[profile] if "concurrent" in offered and _tail_needs(profile, rival) <= offered
        ]
        early = [_Early(back, flagged) for back in (1, 2, 4) for flagged in (False, True)]
        return cls(
            profile=profile,
            situation=st.sampled_from(situations),
            cancel=cancels(profile, wire=wire),
            early=st.sampled_from([*[_Early()] * 3 * len(early), *early]),
            tail=st.sampled_from([*[NOTHING_MORE] * (len(tails) // 2), *tails]),
            beside=st.sampled_from([*[NOTHING_MORE] * (RACING - 1) * max(len(rivals), 1), *rivals]),
            age=st.sampled_from(_known_ages(profile, context)) if "age" in offered else st.just(timedelta()),
        )


def _tail_needs(profile: Profile, tail: Tail) -> frozenset[str]:
    papers = [Paper(profile, SIMPLEST, 0, 0, SIMPLEST, Cancel(), direct) for direct in (False, True)]
    return frozenset().union(*(needs(History(profile, Initiate(), tail.steps(paper))) for paper in papers))


@st.composite
def _histories(draw: DrawFn, choices: _Choices) -> History:
    # Every history takes the same draws, needed or not, so that each of them shrinks without moving the others.
    situation, cancel, early = draw(choices.situation), draw(choices.cancel), draw(choices.early)
    amount, share_number = _amount(draw(_NUMBER)), draw(_NUMBER)
    known_age, age_number = draw(choices.age), draw(_NUMBER)
    share = _share(situation, amount, LEAST[choices.profile], share_number)
    ageing = _ageing(known_age, age_number, situation)
    beside = draw(choices.beside)
    rival = beside if cancel == Cancel(flag=cancel.flag) else NOTHING_MORE
    recipe = Recipe(choices.profile, situation, share, ageing, cancel, NOTHING_MORE, amount, rival)
    history = recipe.history()
    steps = early.put_into(history.steps, cancel.flag)
    paper = recipe.paper()
    for _ in range(MOST_TAILS):
        more = draw(choices.tail).steps(paper)
        # Which of two cancels a key would repeat that came at once, and whether it was kept, nobody knows.
        steps += more if rival is NOTHING_MORE else tuple(map(_with_fresh_key, more))
    return replace(history, steps=_within_limit(steps))


def _with_fresh_key(step: Step) -> Step:
    return replace(step, key=Key.FRESH) if isinstance(step, Cancel) and step.key is Key.SAME else step


def _ageing(known: timedelta | None, number: int, situation: Situation) -> Ageing:
    by = _age(known, number)
    if not by or situation.waits:
        return FRESH
    moments = tuple(Moment) if situation.captured is not Extent.NOTHING else (Moment.LAST,)
    return Ageing(by, moments[number // 64 % len(moments)])


def _within_limit(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    places = [place for place, step in enumerate(steps) for part in parts_of(step) if isinstance(part, Cancel)]
    return steps[: places[MOST_CANCELS]] if len(places) > MOST_CANCELS else steps
