"""What the shop was asked for: what it shipped, what came back, and when its orders were to end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.history import SHIPPING_STEPS
from conformance.obligations.observation import Action, BookSnapshot, MerchantTrace

HONOURED: Final = ("authorized", "captured")
"""The merchant's statuses of an order that goes on."""


@dataclass(frozen=True, slots=True)
class AskedAmount:
    """An amount that the shop was asked to capture or to refund, in one step of the history.

    Attributes:
        n: The number of the record of the first request for it; ``step`` is the step.
        amount: Minor units.
        confirmed: Whether the action returned, in that step or when it was asked for again at the end.
        confirmed_in_step: Whether it returned in that step.
        possible: Whether the payment could bear it when it was first asked for.
        times: For how many shipments or refunds a careful shop can take it: one, and one more each time that it was
            asked for again and the shop had looked at the payment since it had sent the request before.

    """

    n: int
    step: int
    amount: int
    confirmed: bool
    confirmed_in_step: bool
    possible: bool
    times: int


def shipments(trace: MerchantTrace, order: int) -> list[AskedAmount]:
    """Return what was shipped of an order: a step counts once, however often it was asked for again."""
    return _amounts(trace, order, SHIPPING_STEPS)


def refunds(trace: MerchantTrace, order: int) -> list[AskedAmount]:
    """Return what was to be given back of an order."""
    return _amounts(trace, order, ("refund",))


def _amounts(trace: MerchantTrace, order: int, names: tuple[str, ...]) -> list[AskedAmount]:
    of_step: dict[int, list[Action]] = {}
    for action in trace.actions_of(order, *names):
        of_step.setdefault(action.step, []).append(action)
    at_rest = of_step.pop(trace.last_step, [])
    late = [(each.action, each.number) for each in at_rest if each.ending == "returned"]
    amounts = []
    for step, actions in of_step.items():
        first = actions[0]
        in_step = any(each.ending == "returned" for each in actions)
        confirmed_late = not in_step and (first.action, first.number) in late
        if confirmed_late:
            late.remove((first.action, first.number))
        again = [each for each in at_rest if (each.action, each.number) == (first.action, first.number)]
        amounts.append(
            AskedAmount(
                n=first.n,
                step=step,
                amount=first.number,
                confirmed=in_step or confirmed_late,
                confirmed_in_step=in_step,
                possible=_could_bear(trace, order, first),
                times=1 + _knowing_repetitions(trace, order, [*actions, *([] if in_step else again)]),
            )
        )
    return amounts


def _knowing_repetitions(trace: MerchantTrace, order: int, actions: list[Action]) -> int:
    """Count how often an action was asked for again and the shop had looked at the payment before it sent more.

    Nothing says whether the second request of a clerk is the first one again or another shipment of the same amount.
    A shop that looks decides; one that sends again without a look does not know what it does.
    """
    operation = "refund" if actions[0].action == "refund" else "capture"
    sent = [each for each in trace.requests_of(order) if each.operation == operation]
    reads = [each.n for each in trace.reads_of(order) if each.status == 200]
    knowing = 0
    for former, again in pairwise(actions):
        own = next((each.n for each in sent if former.n < each.n < again.n and each.action == again.action), None)
        earlier = [each.n for each in sent if own is not None and each.n < own]
        knowing += bool(earlier) and any(earlier[-1] < n < (own or 0) for n in reads)
    return knowing


def _could_bear(trace: MerchantTrace, order: int, action: Action) -> bool:
    snapshot = trace.snapshot_before(order, action.n)
    payments = [] if snapshot is None else snapshot.all_payments
    if action.action == "refund":
        return any(payment.captured - payment.refunded >= action.number for payment in payments)
    return any(payment.remaining >= action.number for payment in payments)


def end_was_requested(trace: MerchantTrace, order: int) -> bool:
    """Return whether the shop asked for the end of an order."""
    return bool(trace.end_actions(order))


def end_was_in_force(trace: MerchantTrace, order: int, before: int) -> bool:
    """Return whether the end of an order had been asked for before a record, and the books did not go on with it."""
    asked = [each for each in trace.end_actions(order) if each.n < before and each.ending == "returned"]
    snapshot = trace.snapshot_before(order, before)
    return bool(asked) and (snapshot is None or snapshot.status != "authorized")


def wanted_shipments(trace: MerchantTrace, order: int) -> list[AskedAmount]:
    """Return what was shipped of an order before its end was in force: that is what the customer has to pay."""
    return [each for each in shipments(trace, order) if not end_was_in_force(trace, order, each.n)]


def outstanding_before(trace: MerchantTrace, order: int, n: int, step: int) -> int:
    """Return the minor units that were to be captured before the record with a number, or in the same step.

    Those that failed count, and those that were never confirmed, as far as the payment could bear them. One that the
    shop refused without a request to the provider does not count, unless the release is what it did instead; one that
    failed and was asked for again counts once.
    """
    asked = [each for each in wanted_shipments(trace, order) if each.possible and (each.n < n or each.step == step)]
    confirmed = [each for each in asked if each.confirmed_in_step]
    failed = [
        each
        for each in asked
        if not each.confirmed_in_step
        and (_was_tried(trace, order, each) or (each.step == step and _was_to_be_completed(trace, order, step)))
    ]
    repeated = [each for each in failed if any(each.n < other.n and each.amount == other.amount for other in asked)]
    return sum(each.amount for each in (*confirmed, *failed) if each not in repeated)


def _was_tried(trace: MerchantTrace, order: int, asked: AskedAmount) -> bool:
    return any(each.operation == "capture" and each.step == asked.step for each in trace.requests_of(order))


def _was_to_be_completed(trace: MerchantTrace, order: int, step: int) -> bool:
    """Return whether a step is the first to ask for an order's end, by completing it."""
    ends = trace.end_actions(order)
    return bool(ends) and ends[0].step == step and ends[0].action == "complete"


def net_captured(payment: ProviderRecord) -> int:
    """Return what the customer has paid: captured less refunded."""
    return payment.captured - payment.refunded


def approved_before_end(trace: MerchantTrace, order: int) -> bool:
    """Return whether the payment was approved before the shop first asked for its end."""
    earlier = trace.snapshot_before(order, trace.end_actions(order)[0].n)
    return earlier is not None and earlier.payment is not None and earlier.payment.authorized > 0


def may_be_honoured(trace: MerchantTrace, order: int) -> bool:
    """Return whether the order may go on although the shop asked for its end.

    It may where the shop only abandoned it, and where the approval came after the shop had asked for the cancel.
    """
    ended = [each for each in trace.end_actions(order) if each.action != "abandon"]
    return not ended or not approved_before_end(trace, order)


def was_honoured(trace: MerchantTrace, order: int, snapshot: BookSnapshot) -> bool:
    """Return whether an order goes on at the end although the shop asked for its end, as it may."""
    payment = snapshot.payment
    return (
        payment is not None
        and may_be_honoured(trace, order)
        and snapshot.status in HONOURED
        and not payment.cancelled
        and payment.authorized > 0
    )


def is_closed(trace: MerchantTrace, order: int, snapshot: BookSnapshot) -> bool:
    """Return whether an order was to end, and does not go on as an order may that was approved meanwhile."""
    return end_was_requested(trace, order) and not was_honoured(trace, order, snapshot)
