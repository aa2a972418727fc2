"""Hypothesis strategies for merchant histories: the lives of one or two orders interleaved, with faults."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import AFTER, BEFORE, ZONE, Behaviour, Fault, MerchantHistory, MerchantStep
from conformance.strategies.merchant.drawn_orders import OrderDraw
from conformance.strategies.merchant.surroundings import FAR_AWAY, OTHER_MARKETS, has_other_markets, of_second_order
from conformance.strategies.provider.money import AMOUNTS

MOST_FAULTS: Final = 3
_ON_CANCEL: Final = (*BEFORE, *AFTER, "approve-before", "approve-after", "twice")
_ON_READ: Final = ("missing-404", "error-500", "forbidden-403", "html-200", "empty-200", "lost-before", "approve-after")
_ON_CREATE: Final = ("error-500", "error-500-after", "lost-before", "lost-after", "busy-429", "timeout-408", "html-200")
_ON_CAPTURE: Final = (
    "error-500", "lost-before", "lost-after", "locked-423", "busy-429", "forbidden-403", "sticky-400",
    "error-500-after", "slow-after",
)  # fmt: skip
_KINDS: Final = {
    "cancel": _ON_CANCEL,
    "read": _ON_READ,
    "capture": _ON_CAPTURE,
    "create": _ON_CREATE,
    "refund": _ON_CAPTURE,
}
_WITH_SECONDS: Final = ("busy-429", "error-503", "slow-after")
"""Faults that have a number of seconds."""
_ZONES_ONE_IN: Final = 12
"""One in so many histories is about a time zone, where the merchant's can be changed."""


@st.composite
def faults(draw: st.DrawFn, operations: tuple[str, ...], *, captures_recover: bool = False) -> Fault:
    """Draw a fault of one of the operations; with ``captures_recover`` none of a capture lasts until the end."""
    on = draw(st.sampled_from(operations))
    kinds = _KINDS.get(on, ("error-500", "lost-before"))
    kind = draw(st.sampled_from(kinds))
    at, times = draw(st.sampled_from(((1, 1), (1, 2), (1, 0), (2, 1), (2, 2), (3, 1))))
    if kind.startswith("approve"):
        times = 1
    if on == "create":
        # Without a payment there is nothing to cancel, so creating it succeeds after the first attempts.
        at, times = 1, times or 2
    if on == "capture" and captures_recover:
        times = times or 2
    seconds = draw(st.sampled_from((1, 5, 30, 120))) if kind in _WITH_SECONDS else 0
    return Fault(on, kind, at, times, seconds)


@st.composite
def behaviours(draw: st.DrawFn, profile: Profile, orders: int) -> Behaviour:
    """Draw how the provider behaves where the documentation leaves a choice; several orders may share an agreement."""
    spec = spec_of(profile)
    other_markets = OTHER_MARKETS if has_other_markets(profile) else ()
    return Behaviour(
        key_scope=draw(st.sampled_from(("sales-unit", "operation"))),
        second_cancel=draw(st.sampled_from(("refuse", "refuse", "repeat"))),
        keys_on_cancel=spec.cancel_key is not CancelKey.DISPUTED or draw(st.sampled_from((True, True, False))),
        accepts=spec.may_cancel_later and draw(st.sampled_from((False, False, True))),
        market=draw(st.sampled_from(("", "", "", "", *other_markets))),
        one_agreement=spec.belongs_to_agreement and orders > 1 and draw(st.sampled_from((False, False, True))),
    )


@st.composite
def merchant_histories(draw: st.DrawFn, profile: Profile, offered: frozenset[str]) -> MerchantHistory:
    """Draw a history of one or two orders that a merchant with the ``offered`` actions can run."""
    amounts = tuple(draw(st.lists(st.sampled_from(AMOUNTS), min_size=1, max_size=2)))
    behaviour = draw(behaviours(profile, len(amounts)))
    if ZONE in offered and draw(st.sampled_from(range(_ZONES_ONE_IN))) == _ZONES_ONE_IN - 1:
        amounts = (amounts[0], amounts[0])
        steps = _in_two_zones(draw, OrderDraw(draw, profile, offered, 0, amounts[0], alone=False).life())
    else:
        alone = not behaviour.one_agreement
        orders = [OrderDraw(draw, profile, offered, order, amount, alone) for order, amount in enumerate(amounts)]
        steps = _interleaved(draw, [order.life() for order in orders])
    drawn_faults = draw(_faults_for(steps))
    return MerchantHistory(profile, amounts, tuple(steps), tuple(_without_contradictions(drawn_faults)), behaviour)


def _without_contradictions(drawn: list[Fault]) -> list[Fault]:
    """Return different faults of which none says that an operation is refused for good that another one lets happen.

    No provider refuses under a key what it has carried out under it: a shop may believe the refusal.
    """
    carried_out = {fault.on for fault in drawn if fault.kind in AFTER and fault.on != "cancel"}
    return [
        fault
        for fault in dict.fromkeys(drawn)
        if not (fault.on in carried_out and fault.kind in ("sticky-400", "forbidden-403", "missing-404"))
    ]


def _faults_for(steps: list[MerchantStep]) -> st.SearchStrategy[list[Fault]]:
    """Return the faults of operations that the steps have; what is to be refunded is captured in the end."""
    names = {step.do for step in steps}
    operations = ["cancel", "cancel", "cancel", "read", "token", "create"]
    if names & {"capture", "complete"}:
        operations += ["capture", "capture"]
    if "refund" in names:
        operations += ["refund", "refund"]
    return st.lists(faults(tuple(operations), captures_recover="refund" in names), max_size=MOST_FAULTS)


def _interleaved(draw: st.DrawFn, lives: list[list[MerchantStep]]) -> list[MerchantStep]:
    """Interleave orders at random; the steps of each stay in sequence."""
    steps: list[MerchantStep] = []
    while any(lives):
        unfinished = draw(st.sampled_from([life for life in lives if life]))
        steps.append(unfinished.pop(0))
    return steps


def _in_two_zones(draw: st.DrawFn, life: list[MerchantStep]) -> list[MerchantStep]:
    """Let a second order have the same life in another time zone; return all steps."""
    zone = MerchantStep(draw(st.sampled_from(FAR_AWAY)))
    return [*life, zone, *(of_second_order(step) for step in life)]
