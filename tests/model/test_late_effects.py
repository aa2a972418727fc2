"""What is wrong only later: a refused cancel that is carried out after all, and money moved that is not there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from conformance.domain.order import Kind
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Defect,
    Enter3DS,
    Initiate,
    Leave3DS,
    Read,
    Refund,
    Reserve,
    StartProcessing,
    StopAgreement,
)
from conformance.judging.judge import StepStatus, judge
from conformance.model import ModelContext, advance, expect
from tests.model.on_paper import DAY, E, P, R, accepting, arrive, blamed, context, refusing, shown_by

A_DAY = Age(timedelta(days=1))
PARTLY = (Approve(), Capture(500))
DONE = {
    E: {"view.to_capture": 0, "view.log.cancels": 1, "view.log.newest": "VOID"},
    P: {"view.cancelled": 1000, "view.log.cancelled": 1000},
    R: {"view.state": "CANCELLED", "view.cancelled": 1000, "view.log.cancels": 1, "view.log.cancelled": 1000},
}
"""How an order looks whose cancel was carried out after its reservation."""


def after_refusal(profile, before, cancel, start=None, in_world=None, answer=None):
    """Return what is believed after a cancel that was refused, of an order that did not change."""
    in_world = in_world or ModelContext()
    possible = arrive(profile, before, in_world, start)
    view = shown_by(expect(possible, Read(), in_world).branches[0])
    shown = {name: value for name, value in view.items() if name.startswith("view.")}
    shown |= answer or refusing(409)
    left = judge(expect(possible, cancel, in_world), shown)[1]
    assert left
    return advance(cancel, possible, left, shown)


def judged_after(possible, step, changes, in_world=None):
    """Judge a step that turns out in the first way open to it, but for the changes."""
    expectation = expect(possible, step, in_world or ModelContext())
    return judge(expectation, {**shown_by(expectation.branches[0]), **changes})[0]


def charge_in_processing():
    """Return what is believed of a charge whose cancel was refused while it was being processed."""
    return after_refusal(R, (BecomeDue(), StartProcessing()), Cancel(), Initiate(1000, Kind.CHARGE_RESERVE))


LATER = [
    pytest.param(P, (Enter3DS(),), Cancel(), Leave3DS(), id="ePayment, after 3-D Secure"),
    pytest.param(E, (Enter3DS(),), Cancel(), Leave3DS(), id="eCom, after 3-D Secure"),
    pytest.param(P, (Approve(),), Cancel(flag=True), A_DAY, id="ePayment, a day later"),
    pytest.param(P, (Approve(),), Cancel(defect=Defect.NO_TOKEN), A_DAY, id="ePayment, a broken request"),
    pytest.param(P, (Approve(),), Cancel(to=Addressee.FOREIGN), A_DAY, id="ePayment, somebody else's"),
    pytest.param(P, (Approve(),), Cancel(flag=True), Read(), id="ePayment, at the next read"),
    pytest.param(P, (Approve(),), Cancel(flag=True), Approve(), id="ePayment, at a second approval"),
    pytest.param(E, PARTLY, Cancel(), A_DAY, id="eCom, a day later"),
]


@pytest.mark.parametrize(("profile", "before", "cancel", "later"), LATER)
def test_a_refused_cancel_that_is_carried_out_later_is_a_violation(profile, before, cancel, later):
    status = 401 if cancel.defect is not None else 404 if cancel.to is Addressee.FOREIGN else 409
    possible = after_refusal(profile, before, cancel, answer=refusing(status, "6060" if cancel.flag else None))
    assert judged_after(possible, later, {}).status is StepStatus.CONFORMS
    found = judged_after(possible, later, DONE[profile])
    assert found.status is StepStatus.VIOLATES
    assert "INV-1" in blamed(found)
    assert found.findings[0].rule == "INV-1"


def test_a_charge_whose_refused_cancel_is_carried_out_later_is_a_violation():
    possible = charge_in_processing()
    assert judged_after(possible, Reserve(), {}).status is StepStatus.CONFORMS
    assert blamed(judged_after(possible, Reserve(), DONE[R])) == {"INV-1"}


@pytest.mark.parametrize(
    ("profile", "seen"),
    [
        pytest.param(
            P, {"view.state": "ABORTED", "view.authorized": 0, "view.cancelled": 1000}, id="ePayment, aborted"
        ),
        pytest.param(
            P, {"view.state": "EXPIRED", "view.authorized": 0, "view.cancelled": 1000}, id="ePayment, expired"
        ),
        pytest.param(
            E, {"view.summary": False, "view.log.newest": "CANCEL", "view.log.cancels": 1}, id="eCom, without a summary"
        ),
    ],
)
def test_what_the_user_may_have_ended_is_nobodys_violation(profile, seen):
    """A person who was to finish 3-D Secure may have done something else (EC-15, EC-18, EP-10)."""
    possible = after_refusal(profile, (Enter3DS(),), Cancel())
    found = judged_after(possible, Leave3DS(), seen)
    assert found.status is StepStatus.INCONCLUSIVE
    assert found.cause == "ended, and not by a cancel"


def test_an_order_that_its_user_ended_meanwhile_is_nobodys_violation():
    possible = after_refusal(P, (), Cancel(defect=Defect.NO_TOKEN), answer=refusing(401))
    aborted = {"view.state": "ABORTED", "view.authorized": 0, "view.cancelled": 1000}
    assert judged_after(possible, Age(timedelta(minutes=1)), aborted).status is StepStatus.INCONCLUSIVE
    terminated = {**aborted, "view.state": "TERMINATED"}
    assert blamed(judged_after(possible, Age(timedelta(minutes=1)), terminated)) == {"INV-1"}


def test_a_charge_run_that_failed_is_nobodys_violation():
    possible = charge_in_processing()
    assert judged_after(possible, Reserve(), {"view.state": "FAILED"}).status is StepStatus.INCONCLUSIVE


def test_without_a_refused_cancel_an_order_that_ended_proves_nothing():
    possible = arrive(P, (Enter3DS(),))
    assert judged_after(possible, Leave3DS(), DONE[P]).status is StepStatus.INCONCLUSIVE
    unknown = refusing(404) | {"answer.code": "5090"}
    shown = shown_by(expect(possible, Read(), ModelContext()).branches[0]) | unknown
    cancel = Cancel(to=Addressee.UNKNOWN)
    possible = advance(cancel, possible, judge(expect(possible, cancel, ModelContext()), shown)[1], shown)
    assert judged_after(possible, Leave3DS(), DONE[P]).status is StepStatus.INCONCLUSIVE


@pytest.mark.parametrize(("days", "status"), [(179, StepStatus.VIOLATES), (180, StepStatus.INCONCLUSIVE)])
def test_near_its_deadline_the_provider_may_end_a_reservation_whatever_was_refused(days, status):
    """Also where only the reading is in force by which it does not: then nothing was proved, and INV-1 is not it."""
    kept = context("C20=kept")
    possible = after_refusal(P, (Approve(),), Cancel(flag=True), in_world=kept)
    assert judged_after(possible, Age(days * DAY), DONE[P], kept).status is status


def test_a_deadline_may_be_counted_from_the_beginning_of_the_order():
    """A benign provider of the museum does (`C1`), and ends what was reserved only lately."""
    possible = after_refusal(P, (Approve(),), Cancel(flag=True))
    older = tuple(replace(order, since_initiated=100 * DAY) for order in possible)
    assert judged_after(older, Age(79 * DAY), DONE[P]).status is StepStatus.VIOLATES
    assert judged_after(older, Age(80 * DAY), DONE[P]).status is StepStatus.INCONCLUSIVE


def test_what_ends_with_its_agreement_is_no_late_cancel():
    possible = tuple(replace(order, agreement_stopped=True) for order in charge_in_processing())
    assert judged_after(possible, Reserve(), DONE[R]).status is StepStatus.INCONCLUSIVE
    stopped = judged_after(charge_in_processing(), StopAgreement(), {})
    assert stopped.status is StepStatus.CONFORMS


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
