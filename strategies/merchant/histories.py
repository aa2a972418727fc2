"""Random histories of a shop: the lives of its orders cut up and mixed, with trouble on the way."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from conformance.domain.order import Profile
from conformance.obligations.history import AFTER, BEFORE, Behaviour, Fault, MerchantHistory, Step
from conformance.strategies.provider.money import AMOUNTS

MOST_TROUBLE: Final = 3
_ON_CANCEL: Final = (*BEFORE, *AFTER, "approve-before", "approve-after", "twice")
_ON_READ: Final = ("missing-404", "error-500", "forbidden-403", "html-200", "empty-200", "lost-before", "approve-after")
_ON_CREATE: Final = ("error-500", "error-500-after", "lost-before", "lost-after", "busy-429", "timeout-408", "html-200")
_ON_CAPTURE: Final = ("error-500", "lost-before", "lost-after", "locked-423", "busy-429")
_KINDS: Final = {"cancel": _ON_CANCEL, "read": _ON_READ, "capture": _ON_CAPTURE, "create": _ON_CREATE}
_PATIENT: Final = ("busy-429", "error-503", "slow-after")


@st.composite
def faults(draw: st.DrawFn, captures: bool) -> Fault:
    """Draw something that goes wrong."""
    on = draw(
        st.sampled_from(
            ("cancel", "cancel", "cancel", "read", "capture", "token", "create")
            if captures
            else ("cancel", "cancel", "read", "token", "create")
        )
    )
    kinds = _KINDS.get(on, ("error-500", "lost-before"))
    kind = draw(st.sampled_from(kinds))
    at, times = draw(st.sampled_from(((1, 1), (1, 2), (1, 0), (2, 1), (2, 2), (3, 1))))
    if kind.startswith("approve"):
        times = 1
    if on == "create":
        # Without a payment there is nothing to cancel: the first tries fail, and then it is made.
        at, times = 1, times or 2
    seconds = draw(st.sampled_from((1, 5, 30, 120))) if kind in _PATIENT else 0
    return Fault(on, kind, at, times, seconds)


@st.composite
def behaviours(draw: st.DrawFn, profile: Profile) -> Behaviour:
    """Draw how the provider reads what the documentation leaves open."""
    return Behaviour(
        key_scope=draw(st.sampled_from(("sales-unit", "operation"))),
        second_cancel=draw(st.sampled_from(("refuse", "refuse", "repeat"))),
        keys_on_cancel=profile is not Profile.EPAYMENT or draw(st.sampled_from((True, True, False))),
        accepts=profile is Profile.RECURRING and draw(st.sampled_from((False, False, True))),
    )


@st.composite
def merchant_histories(draw: st.DrawFn, profile: Profile, offered: frozenset[str]) -> MerchantHistory:
    """Draw a history that a merchant with these actions can play."""
    amounts = tuple(draw(st.lists(st.sampled_from(AMOUNTS), min_size=1, max_size=2)))
    lives = [draw(_life(profile, offered, order, amount)) for order, amount in enumerate(amounts)]
    steps: list[Step] = []
    while any(lives):
        # Orders take turns by chance, and each keeps its own order.
        life = draw(st.sampled_from([one for one in lives if one]))
        steps.append(life.pop(0))
    trouble = draw(st.lists(faults("capture" in offered), max_size=MOST_TROUBLE))
    return MerchantHistory(profile, amounts, tuple(steps), tuple(dict.fromkeys(trouble)), draw(behaviours(profile)))


@st.composite
def _life(draw: st.DrawFn, profile: Profile, offered: frozenset[str], order: int, amount: int) -> list[Step]:
    steps = [Step("create", order)]
    between = ["tick", "deliver", "wait"]
    between += ["restart"] if "restart" in offered else []
    between += ["deliver_twice", "deliver_reversed"] if "deliver" in offered else []

    def pause() -> None:
        words = draw(st.lists(st.sampled_from(between), max_size=2))
        steps.extend(Step("wait", order, draw(st.sampled_from((1, 20, 65)))) if w == "wait" else Step(w) for w in words)

    ends = ["cancel", "cancel"] + (["abandon"] if "abandon" in offered else [])
    way = draw(st.sampled_from(("approved", "approved", "late", "3ds", "rejected")))
    if way == "approved":
        steps.append(Step("approve", order))
        pause()
        if "capture" in offered and draw(st.booleans()):
            part = amount // draw(st.sampled_from((2, 3, 5)))
            least = 100 if profile is Profile.ECOM else 1
            if part >= least:
                steps.append(Step("capture", order, part))
            ends = ["cancel"]
            pause()
    elif way == "3ds":
        steps.append(Step("start_3ds", order))
        pause()
    elif way == "rejected":
        steps.append(Step("reject", order))
        pause()
    steps.append(Step(draw(st.sampled_from(ends)), order))
    pause()
    if way == "late":
        steps.append(Step("approve", order))
        pause()
    if way == "3ds":
        steps.append(Step(draw(st.sampled_from(("finish_3ds", "fail_3ds"))), order))
        pause()
    if draw(st.booleans()):
        steps.append(Step("cancel", order))
        pause()
    return steps
