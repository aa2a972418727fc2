"""Hypothesis strategies: amounts, captures, ages, cancels, and whole histories around the grid's situations.

A history takes few draws, each an index into something laid out beforehand: that keeps generation fast. Nothing is
assumed or filtered. Smaller indices are plainer choices, so that Hypothesis shrinks to what a person would write.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from conformance.domain.api_table import spec_of
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
from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.grid import FLAG_DEFECTS, FLAGS, defects_of
from conformance.strategies.provider.money import AMOUNTS, SIMPLEST, Share, without_trigger
from conformance.strategies.provider.recipe import Recipe
from conformance.strategies.provider.situations import Extent, Situation, needs
from conformance.strategies.provider.systematic import recipes
from conformance.strategies.provider.tails import NOTHING_MORE, OrderAtCancel, Tail
from conformance.strategies.provider.walk import reached

MOST_CANCELS: Final = 5
"""Cancels of one order within a minute that the documentation allows."""

MOST_TAILS: Final = 3
"""Continuations of a drawn history after its cancel."""

RACING: Final = 12
"""One of this many histories sends its cancel together with something else, where the target takes both at once."""

_NUMBERS: Final = 4096
_PLAIN: Final = 64
_NUMBER: Final = st.integers(0, _NUMBERS - 1)
"""One draw. The plain numbers stand for prepared choices, and other numbers shrink to them."""


def amounts() -> SearchStrategy[int]:
    """Draw an order's total in minor units. The simplest is 10.00."""
    return _NUMBER.map(_amount)


def captures(amount: int, profile: Profile, extent: Extent = Extent.PART) -> SearchStrategy[tuple[int, ...]]:
    """Draw the captures of a part of the amount, or of all of it, in minor units. The simplest is half, at once."""
    situation = Situation("", captured=extent)
    return _NUMBER.map(
        lambda number: _share_of(situation, amount, spec_of(profile).least_capture, number).pieces(amount)
    )


def ages(profile: Profile, context: ModelContext) -> SearchStrategy[timedelta]:
    """Draw an age, on either side of every limit or anywhere else. The simplest is none."""
    return st.builds(_age, st.sampled_from(_known_ages(profile, context)), _NUMBER)


def flags(profile: Profile) -> SearchStrategy[bool | None]:
    """Draw a cancel's flag: left out, false or true, in this order. Recurring has none."""
    return st.sampled_from(_flags(profile))


def cancels(profile: Profile, *, wire: bool = True) -> SearchStrategy[Cancel]:
    """Draw a cancel. Most are of the order itself, with a fresh key and a well-formed request."""
    return st.sampled_from(_cancels(profile, wire=wire))


def histories(
    profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> SearchStrategy[History]:
    """Draw whole histories: a situation, an age, a cancel, and what happens before and after it.

    Args:
        profile: the API.
        context: the market and the interpretations in force; its limits decide the ages.
        offered: the target's capabilities, in the words of the test control API.
        wire: whether requests can be malformed, which needs HTTP.

    """
    return _histories(_Choices.of(profile, context, offered, wire=wire))


def reaching(
    rule: str, profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> SearchStrategy[History]:
    """Draw histories that exercise a rule: cells of the grid that do so by construction, with other amounts.

    ``rule`` is a rule's id, with a side of its boundary after a slash where only that side is meant.

    Raises:
        LookupError: No history with the target's capabilities exercises the rule.

    """
    wanted = Citation.parse(rule)
    matching = [
        recipe
        for recipe, history in recipes(profile, context, offered, wire=wire)
        if any(wanted.covers(Citation.parse(text)) for text in reached(history, context))
    ]
    if not matching:
        can = ", ".join(sorted(offered)) or "nothing"
        raise LookupError(f"no history of {profile.value} reaches {rule} where the target offers {can}")
    return st.builds(_with_amount, st.sampled_from(matching), amounts())


def _with_amount(recipe: Recipe, amount: int) -> History:
    return (replace(recipe, amount=amount) if recipe.fits(amount) else recipe).history()


def _amount(number: int) -> int:
    if number < _PLAIN:
        return AMOUNTS[number % len(AMOUNTS)]
    return AMOUNTS[number // 4 % len(AMOUNTS)] if number % 4 == 0 else without_trigger(100 + number * 16)


def _share_of(situation: Situation, amount: int, least: int, number: int) -> Share:
    if number < _PLAIN or number % 2 or situation.captured is Extent.NOTHING:
        share = situation.shares[number % len(situation.shares)]
        return share if share.fits(amount, least) else situation.share
    whole = situation.captured is Extent.ALL
    total = amount if whole else min(max(amount * (1 + number * 31 % 998) // 1000, least), amount - 1)
    count = min(1 + number % 5, total // least)
    size, remainder = divmod(total, count)
    pieces = (size + remainder, *(size,) * (count - 1))
    return Share("drawn", lambda _: pieces)


def _known_ages(profile: Profile, context: ModelContext) -> tuple[timedelta | None, ...]:
    # None stands for any other age. It comes after the known ones, so that it shrinks to the smallest that still fails.
    limits = age_limits(profile, context)
    judged = sorted({*limits.within, *limits.beyond, *REFUND_WITHIN, *REFUND_BEYOND})
    return (*[timedelta()] * len(judged), *judged, *[None] * len(judged), *limits.open, OPENING.by)


def _age(known: timedelta | None, number: int) -> timedelta:
    return DAY * (number % 400) + timedelta(minutes=number * 17 % 1440) if known is None else known


def _flags(profile: Profile) -> tuple[bool | None, ...]:
    return (None,) if spec_of(profile).cancel_flag is None else FLAGS


def _cancels(profile: Profile, *, wire: bool) -> tuple[Cancel, ...]:
    flag_values = _flags(profile)
    plain = [Cancel(flag=flag) for flag in flag_values]
    special = [replace(cancel, key=Key.SPENT) for cancel in plain]
    special += [replace(cancel, to=Addressee.UNKNOWN) for cancel in plain]
    if wire:
        special += [replace(cancel, to=Addressee.FOREIGN) for cancel in plain]
        special += [_broken(defect, turn, flag_values) for turn, defect in enumerate(defects_of(profile))]
    # Two of three cancels are plain.
    return (*plain * (2 * len(special) // len(plain) + 1), *special)


def _broken(defect: Defect, turn: int, flag_values: tuple[bool | None, ...]) -> Cancel:
    return Cancel(flag=True if defect in FLAG_DEFECTS else flag_values[turn % len(flag_values)], defect=defect)


@dataclass(frozen=True, slots=True)
class _EarlyCancel:
    """A cancel so many steps before the end, without the flag or with that of the last cancel; or none."""

    steps_back: int = 0
    with_flag: bool = False

    def insert_into(self, steps: tuple[Step, ...], flag: bool | None) -> tuple[Step, ...]:
        """Return the steps with the cancel among them."""
        if not self.steps_back:
            return steps
        place = max(len(steps) - self.steps_back, 0)
        return (*steps[:place], Cancel(flag=flag if self.with_flag else None), *steps[place:])


@dataclass(frozen=True, slots=True)
class _Choices:
    """Everything that a target's histories can be made of, built once: building costs more than drawing."""

    profile: Profile
    situation: SearchStrategy[Situation] = field(repr=False)
    cancel: SearchStrategy[Cancel] = field(repr=False)
    early: SearchStrategy[_EarlyCancel] = field(repr=False)
    tail: SearchStrategy[Tail] = field(repr=False)
    rival: SearchStrategy[Tail] = field(repr=False)
    age: SearchStrategy[timedelta | None] = field(repr=False)

    @classmethod
    def of(cls, profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool) -> _Choices:
        """Lay out what a target with these capabilities can run."""
        situations = _runnable_situations(profile, offered, wire=wire)
        tails = [
            tail for tail in CASES[profile].tails if _tail_needs(profile, tail) <= offered and (wire or not tail.wire)
        ]
        can_race = "concurrent" in offered
        rivals = [rival for rival in CASES[profile].rivals if can_race and _tail_needs(profile, rival) <= offered]
        early = [_EarlyCancel(steps_back, with_flag) for steps_back in (1, 2, 4) for with_flag in (False, True)]
        return cls(
            profile=profile,
            situation=st.sampled_from(situations),
            cancel=cancels(profile, wire=wire),
            early=st.sampled_from([*[_EarlyCancel()] * 3 * len(early), *early]),
            tail=st.sampled_from([*[NOTHING_MORE] * (len(tails) // 2), *tails]),
            rival=st.sampled_from([*[NOTHING_MORE] * (RACING - 1) * max(len(rivals), 1), *rivals]),
            age=st.sampled_from(_known_ages(profile, context)) if "age" in offered else st.just(timedelta()),
        )


def _runnable_situations(profile: Profile, offered: frozenset[str], *, wire: bool) -> list[Situation]:
    # Situations with a cancel are left out: cancels before and after the one in the middle make them anyway.
    return [
        situation
        for situation in CASES[profile].situations
        if Cancel not in map(type, (*situation.lead, *situation.close))
        and needs(Recipe(profile, situation, situation.share).history()) <= offered
        and (wire or not situation.wire)
    ]


def _tail_needs(profile: Profile, tail: Tail) -> frozenset[str]:
    orders = [OrderAtCancel(profile, SIMPLEST, 0, 0, SIMPLEST, Cancel(), direct) for direct in (False, True)]
    return frozenset().union(*(needs(History(profile, Initiate(), tail.steps(order))) for order in orders))


@st.composite
def _histories(draw: DrawFn, choices: _Choices) -> History:
    # Every history takes the same draws, needed or not, so that each can shrink without changing the others.
    situation, cancel, early = draw(choices.situation), draw(choices.cancel), draw(choices.early)
    amount, share_number = _amount(draw(_NUMBER)), draw(_NUMBER)
    known_age, age_number = draw(choices.age), draw(_NUMBER)
    share = _share_of(situation, amount, spec_of(choices.profile).least_capture, share_number)
    ageing = _ageing(known_age, age_number, situation)
    drawn_rival = draw(choices.rival)
    rival = drawn_rival if cancel == Cancel(flag=cancel.flag) else NOTHING_MORE
    recipe = Recipe(choices.profile, situation, share, ageing, cancel, NOTHING_MORE, amount, rival)
    history = recipe.history()
    steps = early.insert_into(history.steps, cancel.flag)
    order = recipe.order_at_cancel()
    for _ in range(MOST_TAILS):
        further_steps = draw(choices.tail).steps(order)
        # After two cancels at the same time it is unknown which of their keys was accepted first, if any.
        steps += further_steps if rival is NOTHING_MORE else tuple(map(_with_fresh_key, further_steps))
    return replace(history, steps=_within_limit(steps))


def _with_fresh_key(step: Step) -> Step:
    return replace(step, key=Key.FRESH) if isinstance(step, Cancel) and step.key in (Key.SAME, Key.FIRST) else step


def _ageing(known: timedelta | None, number: int, situation: Situation) -> Ageing:
    by = _age(known, number)
    if not by or situation.waits:
        return FRESH
    moments = tuple(Moment) if situation.captured is not Extent.NOTHING else (Moment.LAST,)
    return Ageing(by, moments[number // 64 % len(moments)])


def _within_limit(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    places = [place for place, step in enumerate(steps) for part in parts_of(step) if isinstance(part, Cancel)]
    return steps[: places[MOST_CANCELS]] if len(places) > MOST_CANCELS else steps
