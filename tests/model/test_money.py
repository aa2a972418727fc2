"""Captures and refunds around a cancel: what is too much, what comes too late, and what is left."""

import pytest

from conformance.domain.order import Kind, Order, Stage
from conformance.domain.steps import Approve, Cancel, Capture, Refund
from conformance.judging.judge import StepStatus, judge
from conformance.model import ModelContext, expect
from tests.model.on_paper import DAY, E, P, R, accepting, arrive, blamed, context, shown_by

PARTLY = (Approve(), Capture(500))


TOO_MUCH = [
    pytest.param(P, (*PARTLY, Cancel()), Refund(501), {"EP-35", "INV-10"}, id="ePayment, after the release"),
    pytest.param(E, (*PARTLY, Cancel(flag=True)), Refund(600), {"EC-34", "INV-10"}, id="eCom, after the release"),
    pytest.param(R, (Capture(500), Cancel()), Refund(501), {"RE-31", "INV-10"}, id="Recurring, after the release"),
    pytest.param(P, (*PARTLY, Refund(500)), Refund(1), {"INV-10"}, id="ePayment, twice"),
    pytest.param(P, PARTLY, Capture(501), {"INV-4", "INV-10"}, id="ePayment, a capture"),
    pytest.param(E, (Approve(), Capture(1000)), Capture(100), {"INV-4", "INV-10"}, id="eCom, all captured"),
]


@pytest.mark.parametrize(("profile", "before", "step", "rules"), TOO_MUCH)
def test_money_that_is_not_there_cannot_be_moved(profile, before, step, rules):
    expectation = expect(arrive(profile, before), step, ModelContext())
    refused = shown_by(expectation.branches[0])
    assert judge(expectation, refused)[0].status is StepStatus.CONFORMS
    assert judge(expectation, refused)[0].examples == ()
    assert blamed(judge(expectation, {**refused, **accepting()})[0]) == rules


def test_an_order_that_was_never_reserved_may_be_in_another_state_than_is_known():
    """A person may have approved it: that a capture succeeds then is nobody's violation."""
    expectation = expect(arrive(P, ()), Capture(500), ModelContext())
    shown = shown_by(expectation.branches[0]) | accepting()
    assert judge(expectation, shown)[0].status is StepStatus.INCONCLUSIVE


def test_a_refund_after_the_release_of_a_single_unit_is_one_after_a_release():
    order = Order(
        E, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, 999, 0, 1,
        since_reserved=DAY, since_captured=DAY, since_last_captured=DAY,
    )  # fmt: skip
    (refunded, *_) = expect((order,), Refund(amount=500), ModelContext()).branches
    assert refunded.rules


@pytest.mark.parametrize(("profile", "code"), [(E, "95"), (P, "6220")], ids=["ecom", "epayment"])
def test_a_refund_that_comes_too_late_is_refused_with_its_code(profile, code):
    late = 400 * DAY
    order = Order(
        profile, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, 1000,
        since_reserved=late, since_captured=late, since_last_captured=late,
    )  # fmt: skip
    (refusal,) = expect((order,), Refund(amount=500), context("C21=error-code")).branches
    (claim,) = [claim for claim in refusal.claims if claim.field == "answer.code"]
    assert claim.permitted.permits(code)
    assert not claim.permitted.permits("1")
