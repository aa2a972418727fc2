"""Hypothesis strategies for merchant histories: the lives of one or two orders interleaved, with faults."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import AFTER, BEFORE, Behaviour, Fault, MerchantHistory, MerchantStep
from conformance.strategies.provider.money import AMOUNTS

MOST_FAULTS: Final = 3
_ON_CANCEL: Final = (*BEFORE, *AFTER, "approve-before", "approve-after", "twice")
_ON_READ: Final = ("missing-404", "error-500", "forbidden-403", "html-200", "empty-200", "lost-before", "approve-after")
_ON_CREATE: Final = ("error-500", "error-500-after", "lost-before", "lost-after", "busy-429", "timeout-408", "html-200")
_ON_CAPTURE: Final = ("error-500", "lost-before", "lost-after", "locked-423", "busy-429")
_KINDS: Final = {"cancel": _ON_CANCEL, "read": _ON_READ, "capture": _ON_CAPTURE, "create": _ON_CREATE}
_WITH_SECONDS: Final = ("busy-429", "error-503", "slow-after")
"""Faults that have a number of seconds."""
_FIRST_EVENT: Final = {"approved": "approve", "3ds": "start_3ds", "rejected": "reject"}
"""What the customer does before the shop asks for the end."""


@st.composite
def faults(draw: st.DrawFn, captures: bool) -> Fault:
    """Draw a fault of one operation; captures have faults only where the merchant ``captures``."""
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
        # Without a payment there is nothing to cancel, so creating it succeeds after the first attempts.
        at, times = 1, times or 2
    seconds = draw(st.sampled_from((1, 5, 30, 120))) if kind in _WITH_SECONDS else 0
    return Fault(on, kind, at, times, seconds)


@st.composite
def behaviours(draw: st.DrawFn, profile: Profile) -> Behaviour:
    """Draw how the provider behaves where the documentation leaves a choice."""
    spec = spec_of(profile)
    return Behaviour(
        key_scope=draw(st.sampled_from(("sales-unit", "operation"))),
        second_cancel=draw(st.sampled_from(("refuse", "refuse", "repeat"))),
        keys_on_cancel=spec.cancel_key is not CancelKey.DISPUTED or draw(st.sampled_from((True, True, False))),
        accepts=spec.may_cancel_later and draw(st.sampled_from((False, False, True))),
    )


@st.composite
def merchant_histories(draw: st.DrawFn, profile: Profile, offered: frozenset[str]) -> MerchantHistory:
    """Draw a history of one or two orders that a merchant with the ``offered`` actions can run."""
    amounts = tuple(draw(st.lists(st.sampled_from(AMOUNTS), min_size=1, max_size=2)))
    lives = [draw(_life(profile, offered, order, amount)) for order, amount in enumerate(amounts)]
    steps: list[MerchantStep] = []
    while any(lives):
        # The orders are interleaved at random; the steps of each stay in sequence.
        unfinished = draw(st.sampled_from([life for life in lives if life]))
        steps.append(unfinished.pop(0))
    drawn_faults = draw(st.lists(faults("capture" in offered), max_size=MOST_FAULTS))
    return MerchantHistory(
        profile, amounts, tuple(steps), tuple(dict.fromkeys(drawn_faults)), draw(behaviours(profile))
    )


@st.composite
def _life(draw: st.DrawFn, profile: Profile, offered: frozenset[str], order: int, amount: int) -> list[MerchantStep]:
    """Draw the steps of one order: how it is approved, captured and ended, with pauses between."""

    def followed_by_pause(step: MerchantStep) -> list[MerchantStep]:
        return [step, *_pause(draw, offered, order)]

    steps = [MerchantStep("create", order)]
    course = draw(st.sampled_from(("approved", "approved", "late", "3ds", "rejected")))
    if course in _FIRST_EVENT:
        steps += followed_by_pause(MerchantStep(_FIRST_EVENT[course], order))
    ends = ["cancel", "cancel"] + (["abandon"] if "abandon" in offered else [])
    if course == "approved" and "capture" in offered and draw(st.booleans()):
        part = amount // draw(st.sampled_from((2, 3, 5)))
        if part >= spec_of(profile).least_capture:
            steps.append(MerchantStep("capture", order, part))
        ends = ["cancel"]
        steps += _pause(draw, offered, order)
    steps += followed_by_pause(MerchantStep(draw(st.sampled_from(ends)), order))
    if course == "late":
        steps += followed_by_pause(MerchantStep("approve", order))
    if course == "3ds":
        steps += followed_by_pause(MerchantStep(draw(st.sampled_from(("finish_3ds", "fail_3ds"))), order))
    if draw(st.booleans()):
        steps += followed_by_pause(MerchantStep("cancel", order))
    return steps


def _pause(draw: st.DrawFn, offered: frozenset[str], order: int) -> list[MerchantStep]:
    """Draw up to two steps that are not about an order: scheduled work, webhooks, time, or a restart."""
    between = ["tick", "deliver", "wait"]
    between += ["restart"] if "restart" in offered else []
    between += ["deliver_twice", "deliver_reversed"] if "deliver" in offered else []
    names = draw(st.lists(st.sampled_from(between), max_size=2))
    return [
        MerchantStep("wait", order, draw(st.sampled_from((1, 20, 65)))) if name == "wait" else MerchantStep(name)
        for name in names
    ]
