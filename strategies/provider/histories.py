"""Hypothesis strategies: amounts, captures, ages, cancels, and whole histories around the grid's situations.

A history takes the same draws whatever it becomes, so that each of them shrinks without changing the others; each is a
number, or an index into something laid out beforehand, which keeps generation fast. Nothing is assumed or filtered.
Smaller numbers are plainer choices, so that Hypothesis shrinks to what a person would write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from conformance.domain.api_table import spec_of
from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.domain.steps import (
    RACERS,
    Addressee,
    Age,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Defect,
    Enter3DS,
    Expire,
    Fail,
    History,
    Initiate,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reserve,
    StartProcessing,
    Step,
    Together,
    name_of,
)
from conformance.model import ModelContext
from conformance.strategies.provider.ages import (
    FRESH,
    OPENING,
    REFUND_BEYOND,
    REFUND_WITHIN,
    Ageing,
    Moment,
    age_in_words,
    age_limits,
)
from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.drafts import FORMS, MOST_CHANGES, REPEATED, SOME_TIME, Draft, Variation
from conformance.strategies.provider.grid import FLAG_DEFECTS, FLAGS, defects_of
from conformance.strategies.provider.money import (
    LEAST_TOTAL,
    MOST_TOTAL,
    NUMBERED,
    PART_FORMS,
    SIMPLEST,
    TOTAL_FORMS,
    part_of,
    split,
    total_of,
    without_trigger,
)
from conformance.strategies.provider.recipe import Recipe, captures_over_time, whole_refund
from conformance.strategies.provider.situations import Extent, Situation, needs
from conformance.strategies.provider.systematic import recipes
from conformance.strategies.provider.tails import NOTHING_MORE, OrderAtCancel, Tail
from conformance.strategies.provider.walk import reached

__all__ = ["MOST_CHANGES", "ages", "amounts", "cancels", "captures", "flags", "histories", "reaching"]

RACING: Final = 12
"""One of this many histories sends its cancel together with something else, where the target takes both at once."""
MOST_BEFORE: Final = 3
"""So many things happen before the cancel, apart from what makes its situation."""
MOST_AFTER: Final = 4
"""So many things happen after it."""
LONGEST: Final = timedelta(days=400)
"""The longest period that is drawn, apart from the known ones."""

_NUMBER: Final = st.integers(LEAST_TOTAL, MOST_TOTAL)
_FORM: Final = st.integers(0, FORMS - 1)
_PART_FORM: Final = st.integers(0, PART_FORMS)
_AMOUNT: Final = st.builds(total_of, st.integers(0, TOTAL_FORMS - 1), _NUMBER)
_MOMENT: Final = st.sampled_from(tuple(Moment))
_MEMBER: Final = st.integers(0, 63)
_Happening: TypeAlias = tuple[int, int]
"""Something that happens, as its place among the kinds and within its kind."""
_KIND: Final = st.integers(0, 23)
_NOTHING: Final = 8
"""Below this kind nothing happens."""
_MINUTES: Final = st.integers(1, LONGEST // timedelta(minutes=1))
_EARLY: Final = (*[None] * 18, *((steps_back, with_flag) for steps_back in (1, 2, 4) for with_flag in (False, True)))
"""A cancel so many steps earlier, with the flag of the last one or without it; or none."""
_PIECES: Final = ((1, False), (1, False), (1, False), *((n, False) for n in (2, 3, 4, 5)), *((n, True) for n in (2, 3)))
"""In how many pieces an amount is captured, and whether they differ much."""
_EARLIER: Final = st.sampled_from(_EARLY)
_SPLIT: Final = st.sampled_from(_PIECES)
_SWARM: Final = st.sampled_from((0, 0, 0, 0, 0x5555, 0xAAAA, 0x3333, 0xCCCC, 0x0F0F, 0xF0F0, 0x3C3C, 0xC3C3))
"""Which places on the menu a history leaves out, as bits; often none."""

ACTION: Final = "action"
BEFORE: Final[Mapping[str, int]] = {"another cancel": 4}
AFTER: Final[Mapping[str, int]] = {"same cancel": 2, "fresh cancel": 2, "refund": 3, "capture": 2, ACTION: 2}
"""How often each kind of step is on the menu before and after the cancel; once, where nothing is said."""
FOLLOWED: Final[Mapping[type[object], tuple[type[Step], ...]]] = {
    Enter3DS: (Leave3DS, Expire),
    BecomeDue: (StartProcessing, Reserve, Charge, Fail),
    StartProcessing: (Reserve, Charge, Fail),
}
"""What is begun, and what brings it to an end."""


def amounts() -> SearchStrategy[int]:
    """Draw an order's total in minor units, of any magnitude. The simplest is 10.00."""
    return _AMOUNT


def captures(amount: int, profile: Profile, extent: Extent = Extent.PART) -> SearchStrategy[tuple[int, ...]]:
    """Draw the captures of a part of the amount, or of all of it, in minor units. The simplest is half, at once.

    For a part, the amount must be more than the API's smallest capture.
    """
    situation, least = Situation("", captured=extent), spec_of(profile).least_capture
    return st.composite(lambda draw: _captures(draw, situation, amount, least))()


def ages(profile: Profile, context: ModelContext) -> SearchStrategy[timedelta]:
    """Draw an age, on either side of every limit or anywhere else. The simplest is none."""
    others = _MINUTES.map(lambda minutes: timedelta(minutes=minutes))
    return st.sampled_from(_known_ages(profile, context)).flatmap(
        lambda known: others if known is None else st.just(known)
    )


def flags(profile: Profile) -> SearchStrategy[bool | None]:
    """Draw a cancel's flag: left out, false or true, in this order. Recurring has none."""
    return st.sampled_from(_flags(profile))


def cancels(profile: Profile, *, wire: bool = True) -> SearchStrategy[Cancel]:
    """Draw a cancel. Most are of the order itself, with a fresh key and a well-formed request."""
    plain, special = _plain_cancels(profile), _special_cancels(profile, wire=wire)
    # Three of four cancels are plain.
    return st.sampled_from((*plain * (3 * len(special) // len(plain) + 1), *special))


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
    choices = _Choices.of(profile, context, offered, wire=wire)

    # Without an argument, because Hypothesis prints those of a strategy.
    @st.composite
    def order_histories(draw: DrawFn) -> History:
        return _history(draw, choices)

    return order_histories()


def reaching(
    rule: str, profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool = True
) -> SearchStrategy[History]:
    """Draw histories that exercise a rule: cells of the grid that do so by construction, with other amounts.

    ``rule`` is a rule's id, with a side of its boundary after a slash where only that side is meant.

    Raises:
        LookupError: No history with the target's capabilities exercises the rule.

    """
    wanted = Citation.parse(rule)

    def reaches(history: History) -> bool:
        return any(wanted.covers(Citation.parse(text)) for text in reached(history, context))

    matching = [recipe for recipe, history in recipes(profile, context, offered, wire=wire) if reaches(history)]
    if not matching:
        can = ", ".join(sorted(offered)) or "nothing"
        raise LookupError(f"no history of {profile.value} reaches {rule} where the target offers {can}")

    def with_amount(recipe: Recipe, amount: int) -> History:
        """Return the history with another amount, where that still exercises the rule."""
        history = replace(recipe, amount=amount).history() if recipe.fits(amount) else recipe.history()
        return history if reaches(history) else recipe.history()

    return st.builds(with_amount, st.sampled_from(matching), amounts())


def _captures(draw: DrawFn, situation: Situation, amount: int, least: int) -> tuple[int, ...]:
    """Draw a part in some form, or all, in up to five pieces; or a share of the grid."""
    form = draw(_PART_FORM)
    if form == PART_FORMS:
        share = situation.shares[draw(_MEMBER) % len(situation.shares)]
        return (share if share.fits(amount, least) else situation.share).pieces(amount)
    whole = situation.captured is Extent.ALL
    total = amount if whole else part_of(amount, least, form, draw(_NUMBER) if form in NUMBERED else LEAST_TOTAL)
    count, uneven = draw(_SPLIT)
    return split(total, least, count=count, uneven=uneven)


def _known_ages(profile: Profile, context: ModelContext) -> tuple[timedelta | None, ...]:
    # None stands for any other age. It comes after the known ones, so that it shrinks to the smallest that still fails.
    limits, judged = age_limits(profile, context), _judged_ages(profile, context)
    return (*[timedelta()] * 3 * len(judged), *judged, *[None] * (len(judged) // 2), *limits.open, OPENING.by)


def _judged_ages(profile: Profile, context: ModelContext) -> tuple[timedelta, ...]:
    limits = age_limits(profile, context)
    return tuple(sorted({*limits.within, *limits.beyond, *REFUND_WITHIN, *REFUND_BEYOND}))


def _flags(profile: Profile) -> tuple[bool | None, ...]:
    return (None,) if spec_of(profile).cancel_flag is None else FLAGS


def _plain_cancels(profile: Profile) -> list[Cancel]:
    return [Cancel(flag=flag) for flag in _flags(profile)]


def _special_cancels(profile: Profile, *, wire: bool) -> list[Cancel]:
    """Return cancels with a key or an order that is somebody else's, and malformed ones."""
    plain = _plain_cancels(profile)
    special = [replace(cancel, key=Key.SPENT) for cancel in plain]
    special += [replace(cancel, to=Addressee.UNKNOWN) for cancel in plain]
    if wire:
        special += [replace(cancel, to=Addressee.FOREIGN) for cancel in plain]
        special += [_broken(defect, turn, _flags(profile)) for turn, defect in enumerate(defects_of(profile))]
    return special


def _broken(defect: Defect, turn: int, flag_values: tuple[bool | None, ...]) -> Cancel:
    return Cancel(flag=True if defect in FLAG_DEFECTS else flag_values[turn % len(flag_values)], defect=defect)


@dataclass(frozen=True, slots=True)
class _Menu:
    """What can happen before or after a cancel, by kind: the kinds take turns, however many members each has."""

    kinds: tuple[tuple[Tail, ...], ...]
    ends: Mapping[type[object], tuple[Tail, ...]]

    @classmethod
    def of(cls, tails: Iterable[Tail], profile: Profile, weights: Mapping[str, int]) -> _Menu:
        """Sort what can happen by its first step. Each kind is there as often as its weight says."""
        kinds: dict[str, list[Tail]] = {}
        for tail in tails:
            kinds.setdefault(_kind_of(tail, profile), []).append(tail)
        return cls(
            tuple(tuple(members) for kind, members in kinds.items() for _ in range(weights.get(kind, 1))),
            {
                begun: tuple(each for each in kinds.get(ACTION, ()) if _ends(each, profile, later))
                for begun, later in FOLLOWED.items()
            },
        )

    def choose(self, kind: int, member: int, swarm: int, unfinished: Step | None) -> Tail:
        """Return a member of a kind.

        The bits of ``swarm`` leave kinds out, so that the other ones come together more often. What is ``unfinished``,
        such as a 3-D Secure session, is mostly brought to an end.
        """
        ends = () if unfinished is None else self.ends.get(type(unfinished), ())
        if ends and kind % 3:
            return ends[member % len(ends)]
        offered = [kind for bit, kind in enumerate(self.kinds) if not swarm >> bit & 1] or self.kinds
        members = offered[kind % len(offered)]
        return members[member % len(members)]


def _kind_of(tail: Tail, profile: Profile) -> str:
    step, *_ = *tail.steps(OrderAtCancel(profile, SIMPLEST, 0, 0, SIMPLEST, Cancel())), Read()
    match step:
        case Cancel(defect=None, to=Addressee.OWN):
            return f"{step.key.value} cancel"
        case Cancel():
            return "another cancel"
        case Capture() | Refund():
            return name_of(step)
        case Age() | Read():
            return "time"
    return ACTION


def _ends(tail: Tail, profile: Profile, later: tuple[type[Step], ...]) -> bool:
    order = OrderAtCancel(profile, SIMPLEST, 0, 0, SIMPLEST, Cancel())
    return isinstance(next(iter(tail.steps(order)), None), later)


@dataclass(frozen=True, slots=True)
class _Choices:
    """Everything that a target's histories can be made of, built once: building costs more than drawing."""

    profile: Profile
    situation: SearchStrategy[Situation] = field(repr=False)
    cancel: SearchStrategy[Cancel] = field(repr=False)
    before: _Menu = field(repr=False)
    after: _Menu = field(repr=False)
    rival: SearchStrategy[Tail] = field(repr=False)
    age: SearchStrategy[timedelta | None] = field(repr=False)

    @classmethod
    def of(cls, profile: Profile, context: ModelContext, offered: frozenset[str], *, wire: bool) -> _Choices:
        """Lay out what a target with these capabilities can run."""
        tails = [
            tail for tail in CASES[profile].tails if _tail_needs(profile, tail) <= offered and (wire or not tail.wire)
        ]
        special = [cancel for cancel in _special_cancels(profile, wire=wire) if cancel.key is Key.FRESH]
        tails += map(_sending, special)
        if "age" in offered:
            tails += [_waiting(age) for age in (timedelta(), *_judged_ages(profile, context))]
        can_race = "concurrent" in offered
        rivals = [rival for rival in CASES[profile].rivals if can_race and _tail_needs(profile, rival) <= offered]
        return cls(
            profile=profile,
            situation=st.sampled_from(_runnable_situations(profile, offered, wire=wire)),
            cancel=cancels(profile, wire=wire),
            before=_Menu.of((tail for tail in tails if not _repeats(tail, profile)), profile, BEFORE),
            after=_Menu.of(tails, profile, AFTER),
            rival=st.sampled_from([*[NOTHING_MORE] * (RACING - 1) * max(len(rivals), 1), *rivals]),
            age=st.sampled_from(_known_ages(profile, context)) if "age" in offered else st.just(timedelta()),
        )


def _sending(cancel: Cancel) -> Tail:
    return Tail("another cancel", lambda _: (cancel,))


def _waiting(age: timedelta) -> Tail:
    return Tail(age_in_words(age), lambda _: (Age(age),))


def _repeats(tail: Tail, profile: Profile) -> bool:
    order = OrderAtCancel(profile, SIMPLEST, 0, 0, SIMPLEST, Cancel())
    return any(isinstance(step, Cancel) and step.key in REPEATED for step in tail.steps(order))


def _runnable_situations(profile: Profile, offered: frozenset[str], *, wire: bool) -> list[Situation]:
    # Situations with a cancel are left out: cancels before and after the one in the middle make them anyway.
    situations = [
        situation
        for situation in CASES[profile].situations
        if Cancel not in map(type, (*situation.lead, *situation.close))
        and needs(Recipe(profile, situation, situation.share).history()) <= offered
        and (wire or not situation.wire)
    ]
    # Those with money to release come three times as often.
    releasing = [each for each in situations if each.reserved and each.captured is not Extent.ALL]
    return [*situations, *releasing * 2]


def _tail_needs(profile: Profile, tail: Tail) -> frozenset[str]:
    orders = [OrderAtCancel(profile, SIMPLEST, 0, 0, SIMPLEST, Cancel(), direct) for direct in (False, True)]
    return frozenset().union(*(needs(History(profile, Initiate(), tail.steps(order))) for order in orders))


def _history(draw: DrawFn, choices: _Choices) -> History:
    # What has no effect is not drawn: Hypothesis would take histories for different ones that are the same.
    # What depends on what else was drawn comes last, so that the rest can shrink without changing it.
    situation, cancel, rival = draw(choices.situation), draw(choices.cancel), draw(choices.rival)
    total, by = draw(_AMOUNT), _age(draw, choices)
    swarm, early = draw(_SWARM), draw(_EARLIER)
    before = [_happening(draw) for _ in range(MOST_BEFORE)]
    after = [_happening(draw) for _ in range(MOST_AFTER)]
    draft = _in_situation(draw, choices, situation, total, by)
    if situation.captured is Extent.PART and cancel.flag is None and draw(st.booleans()):
        cancel = replace(cancel, flag=draft.order.right.flag)
    for happening in before:
        _add(draw, draft, choices.before, happening, swarm, wait=not situation.waits)
    draft.add(_cancel_steps(cancel, rival, draft))
    if early:
        steps_back, with_flag = early
        draft.insert(Cancel(flag=cancel.flag if with_flag else None), steps_back)
    for happening in after:
        _add(draw, draft, choices.after, happening, swarm, wait=True)
    return draft.history()


def _age(draw: DrawFn, choices: _Choices) -> timedelta:
    known = draw(choices.age)
    return timedelta(minutes=draw(_MINUTES)) if known is None else known


def _happening(draw: DrawFn) -> _Happening | None:
    kind = draw(_KIND) - _NOTHING
    return None if kind < 0 else (kind, draw(_MEMBER))


def _in_situation(draw: DrawFn, choices: _Choices, situation: Situation, total: int, by: timedelta) -> Draft:
    """Draw an order of an age, and bring it into a situation."""
    spec, parts = spec_of(choices.profile), situation.captured is Extent.PART
    amount = max(total, spec.least_capture + 1) if parts else total
    draft = Draft.of(choices.profile, situation, amount)
    ageing = FRESH if situation.waits else Ageing(by)
    if ageing.by and situation.captured is not Extent.NOTHING:
        ageing = replace(ageing, moment=draw(_MOMENT))
    early, late = ageing.parts
    draft.add([*situation.lead, *_wait(early)])
    if situation.captured is not Extent.NOTHING:
        pieces = _captures(draw, situation, amount, spec.least_capture)
        draft.add(captures_over_time(pieces, ageing.spread))
    if situation.refunded is Extent.PART and draft.captured > spec.least_refund:
        part = part_of(draft.captured, spec.least_refund, draw(_PART_FORM), draw(_NUMBER))
        draft.add([Refund(without_trigger(part))])
    elif situation.refunded is not Extent.NOTHING:
        draft.add(map(Refund, whole_refund(draft.captured)))
    draft.add([*situation.close, *_wait(late)])
    return draft


def _add(draw: DrawFn, draft: Draft, menu: _Menu, happening: _Happening | None, swarm: int, *, wait: bool) -> None:
    """Add something else that happens to a draft, if anything does, and draw its amounts.

    Args:
        draw: draws.
        draft: the history so far.
        menu: what can happen.
        happening: what does.
        swarm: which kinds are left out.
        wait: whether time may pass.

    """
    if happening is None or not menu.kinds:
        return
    steps = menu.choose(*happening, swarm, draft.unfinished).steps(draft.order)
    if not wait and any(isinstance(step, Age) for step in steps):
        return
    form = draw(_FORM) if any(isinstance(step, Capture | Refund) for step in steps) else 0
    number = draw(_NUMBER) if form in NUMBERED else LEAST_TOTAL
    by = timedelta(minutes=draw(_MINUTES)) if any(step == SOME_TIME for step in steps) else None
    draft.add(steps, Variation(form, number, by))


def _wait(by: timedelta) -> tuple[Step, ...]:
    return (Age(by),) if by else ()


def _cancel_steps(cancel: Cancel, rival: Tail, draft: Draft) -> tuple[Step, ...]:
    """Return the cancel, together with its rival where it is a plain one."""
    if cancel != Cancel(flag=cancel.flag):
        return (cancel,)
    order = replace(draft.order, cancel=cancel)
    return next(((Together(cancel, step),) for step in rival.steps(order) if isinstance(step, RACERS)), (cancel,))
