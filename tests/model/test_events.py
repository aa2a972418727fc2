"""What happens to an order from outside: cancels that were refused and are carried out later, and time that passes."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.order import Kind, Order, Stage
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
    Reserve,
    StartProcessing,
    StopAgreement,
)
from conformance.judging.judge import StepStatus, judge
from conformance.model import ModelContext, advance, expect
from conformance.model.context import CANCEL_LIMIT, DEAD_ZONE, OPENING_WINDOW
from tests.model.on_paper import DAY, E, P, R, arrive, blamed, context, refusing, shown_by

CHARGE = Order(R, Kind.INITIAL_RESERVE, 1000, "NOK", Stage.RESERVED, since_reserved=14 * DAY)
PAYMENT = Order(P, Kind.PAYMENT, 1000, "NOK", Stage.INITIATED)
MOMENT = timedelta(seconds=1)
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
    # It was released with its agreement as soon as it was reserved, or never was: a check of nothing.
    ended = judged_after(possible, Reserve(), DONE[R])
    assert (ended.status, ended.examples) == (StepStatus.CONFORMS, ())
    stopped = judged_after(charge_in_processing(), StopAgreement(), {})
    assert stopped.status is StepStatus.CONFORMS


@pytest.mark.parametrize(("age", "may"), [(OPENING_WINDOW - MOMENT, False), (OPENING_WINDOW, True)])
def test_a_payment_may_have_timed_out_from_the_very_end_of_its_window(age, may):
    ways = expect((replace(PAYMENT, since_initiated=age),), Cancel(), ModelContext()).branches
    assert ("timed out" in {branch.name for branch in ways}) is may


@pytest.mark.parametrize(("by", "may"), [(OPENING_WINDOW - MOMENT, False), (OPENING_WINDOW, True)])
def test_a_payment_that_grows_older_may_time_out_at_the_very_end_of_its_window(by, may):
    ways = expect((PAYMENT,), Age(by=by), ModelContext()).branches
    assert ("timed out" in {branch.name for branch in ways}) is may


@pytest.mark.parametrize("captured", [0, 999])
def test_what_is_left_of_a_reservation_may_end_down_to_its_last_unit(captured):
    order = replace(CHARGE, captured=captured)
    older = expect((order,), Age(by=200 * DAY), ModelContext()).branches
    assert "lapsed" in {branch.name for branch in older}
    there = ModelContext(lapses_after=180 * DAY)
    kept = next(branch for branch in expect((order,), Age(by=200 * DAY), there).branches if branch.name == "older")
    assert not kept.lasting


@pytest.mark.parametrize(
    ("age", "kept"),
    [(CANCEL_LIMIT + DEAD_ZONE, False), (CANCEL_LIMIT + DEAD_ZONE + MOMENT, True)],
    ids=["near", "past"],
)
def test_a_reservation_that_stands_past_its_deadline_was_kept(age, kept):
    by = age - CHARGE.since_reserved
    (older,) = [branch for branch in expect((CHARGE,), Age(by=by), ModelContext()).branches if branch.name == "older"]
    assert (older.readings == (("C20", "kept"),)) is kept
    for other in (replace(CHARGE, captured=1000, stage=Stage.CHARGED), replace(CHARGE, since_reserved=None)):
        (same, *_) = expect((other,), Age(by=by), ModelContext()).branches
        assert same.readings == ()
