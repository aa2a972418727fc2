"""Money at stake at the end of a history: what somebody loses, from the provider's truth and the books."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.domain.order import Profile
from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.declarations import Declarations
from conformance.obligations.history import MerchantHistory, MerchantStep
from conformance.obligations.loss import loss_of
from conformance.obligations.observation import Action, BookSnapshot, MerchantTrace, PaymentKey, ProviderEvent

PAYMENT: PaymentKey = ("epayment", "p-1")


def payment(**changes: Any) -> ProviderRecord:
    amounts = {"amount": 1000, "authorized": 1000, "captured": 0, "cancelled": 0, "remaining": 1000}
    states = {"stage": "reserved", "payable": False, "pending": False, "late": False, "currency": "NOK"}
    return ProviderRecord(**{**amounts, **states, **changes})


def trace_of(
    *actions: str, status: str, truth: ProviderRecord, declared: Declarations | None = None, **also: Any
) -> MerchantTrace:
    """Return the trace of an order with actions such as ``capture:400`` or ``capture:400!``, which raised."""
    history = MerchantHistory(Profile.EPAYMENT, (1000,), tuple(MerchantStep(word.strip("!")) for word in actions))
    trace = MerchantTrace(history, frozenset(), declared or Declarations(), **also)
    for n, word in enumerate(actions):
        name, _, number = word.strip("!").partition(":")
        ending = "raised" if word.endswith("!") else "returned"
        trace.actions.append(Action(n, n, name, 0, int(number or 0), ending, "", 0.0, ""))
    trace.snapshots.append(BookSnapshot(99, trace.last_step, 0, {"status": status}, truth))
    return trace


RELEASED = payment(cancelled=1000, remaining=0)
HALF = payment(captured=400, cancelled=600, remaining=0)
PAID = payment(captured=1000, remaining=0)


@pytest.mark.parametrize(
    ("actions", "status", "truth", "amount", "words"),
    [
        (["cancel"], "cancelled", payment(), 1000, "10.00 NOK of the customer’s money stays reserved."),
        (["cancel"], "cancelled", payment(authorized=0, remaining=0, payable=True), 1000, "can still pay 10.00 NOK"),
        (["capture:400", "cancel"], "cancelled", PAID, 600, "paid 6.00 NOK for goods that were not delivered"),
        (["complete:400"], "captured", PAID, 600, "paid 6.00 NOK"),
        (["capture:400!", "cancel"], "cancelled", HALF, 400, "paid 4.00 NOK"),
        (["cancel", "capture:400"], "cancelled", HALF, 400, "paid 4.00 NOK"),
        (["capture:400", "cancel"], "captured", RELEASED, 1000, "no payment of it is left"),
        (["capture:1000", "cancel"], "cancelled", HALF, 600, "delivered goods for 6.00 NOK that it did not take"),
        (["capture:400", "refund:400"], "captured", HALF, 400, "paid 4.00 NOK"),
        ([], "authorized", RELEASED, 1000, "takes an order of 10.00 NOK for paid"),
        ([], "captured", PAID, 1000, "paid 10.00 NOK"),
    ],
)
def test_somebody_loses(actions, status, truth, amount, words):
    loss = loss_of(trace_of(*actions, status=status, truth=truth))
    assert loss is not None
    assert (loss.order, loss.amount, loss.currency) == (0, amount, "NOK")
    assert words in loss.sentence


@pytest.mark.parametrize(
    ("actions", "status", "truth"),
    [
        ([], "authorized", payment()),
        (["cancel"], "cancelled", RELEASED),
        (["abandon"], "authorized", payment()),
        (["capture:400", "cancel"], "captured", HALF),
        (["complete:400"], "captured", HALF),
        (["capture:400", "refund:400"], "captured", payment(captured=400, refunded=400, remaining=600)),
        (["cancel"], "cancelling", payment(pending=True)),
        (["cancel"], "cancelled", payment(late=True)),
    ],
)
def test_nobody_loses(actions, status, truth):
    assert loss_of(trace_of(*actions, status=status, truth=truth)) is None


def test_a_shop_that_declares_to_capture_at_approval_takes_nothing_too_much():
    declared = Declarations(captures_on_approval=True)
    assert loss_of(trace_of(status="captured", truth=PAID, declared=declared)) is None
    assert loss_of(trace_of("cancel", status="cancelled", truth=PAID, declared=declared)) is not None


def test_an_order_that_nobody_ended_was_given_up():
    events = [ProviderEvent(5, 0, 0, PAYMENT, "release", 1000, 30.0, "shop")]
    loss = loss_of(trace_of(status="cancelled", truth=RELEASED, events=events))
    assert loss is not None
    assert loss.sentence == "The shop gave up 10.00 NOK of an order that was paid and wanted."


def test_a_payment_that_is_not_the_latest_counts_as_well():
    trace = trace_of("cancel", status="cancelled", truth=RELEASED)
    forgotten = {("epayment", "p-0"): payment(), PAYMENT: RELEASED}
    trace.snapshots[-1] = BookSnapshot(99, trace.last_step, 0, {"status": "cancelled"}, RELEASED, forgotten)
    loss = loss_of(trace)
    assert loss is not None
    assert loss.amount == 1000
