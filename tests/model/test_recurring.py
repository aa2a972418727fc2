"""What Recurring's documentation says, row by row: given a charge, when it is cancelled, then answer and state."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.order import Attempt, Kind, Market, Order, Stage
from conformance.domain.steps import (
    Addressee,
    Age,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Defect,
    Fail,
    Key,
    Refund,
    Reserve,
    StartProcessing,
    StopAgreement,
)
from conformance.judging.judge import StepStatus
from conformance.model import expect
from tests.model.on_paper import (
    DAY,
    DIRECT,
    DUE_LATER,
    INITIAL,
    LATER,
    OLD,
    R,
    accepting,
    arrive,
    blamed,
    context,
    judged,
    refusing,
    untouched,
)

DUE = (BecomeDue(),)
HELD = (BecomeDue(), Reserve())
KEPT = context("C20=kept")
RESERVED = Order(R, Kind.INITIAL_RESERVE, 1000, "NOK", Stage.RESERVED, since_reserved=timedelta())
CANCELLED = {"view.state": "CANCELLED", "view.cancelled": 1000, "view.log.cancels": 1, "view.log.cancelled": 1000}
REST_RELEASED = {"view.state": "CHARGED", "view.cancelled": 700, "view.log.cancels": 1, "view.log.cancelled": 700}
LATER_202 = {"answer.outcome": "pending", "answer.status": 202}

SUCCEEDS = [
    ("RE-01", DUE_LATER, (), CANCELLED),
    ("RE-01", DIRECT, (), {**CANCELLED, "view.cancelled": 0}),
    ("RE-29", DIRECT, (), CANCELLED),
    ("RE-02", DUE_LATER, DUE, CANCELLED),
    ("RE-29", DIRECT, DUE, CANCELLED),
    ("RE-03", DUE_LATER, HELD, CANCELLED),
    ("RE-03", INITIAL, (), CANCELLED),
    ("KB-01/initiated", DUE_LATER, (), CANCELLED),
    ("KB-01/reserved", INITIAL, (), CANCELLED),
    ("KB-02b/within", INITIAL, (Age(178 * DAY),), CANCELLED),
    ("RE-04", INITIAL, (Capture(300),), {"view.state": "CHARGED", "view.cancelled": 700}),
    ("INV-9", INITIAL, (Capture(300),), {"view.state": "CHARGED"}),
    ("RE-21", INITIAL, (Capture(300),), {"view.log.cancels": 1}),
]


@pytest.mark.parametrize("answer", [accepting(204), LATER_202])
@pytest.mark.parametrize(("rule", "start", "steps", "then"), SUCCEEDS)
def test_a_documented_success_is_an_example_done_at_once_or_later(rule, start, steps, then, answer):
    judgement = judged(R, (*steps, Cancel()), {**answer, **then}, start=start)
    assert judgement.status is StepStatus.CONFORMS
    assert rule in judgement.examples


@pytest.mark.parametrize(("rule", "start", "steps", "then"), SUCCEEDS)
def test_accepted_and_not_done_when_nobody_asks_any_more_proves_nothing(rule, start, steps, then):
    judgement = untouched(R, (*steps, Cancel()), LATER_202, start=start)
    assert judgement.status is StepStatus.INCONCLUSIVE
    assert rule in judgement.examples


@pytest.mark.parametrize(("rule", "start", "steps", "then"), SUCCEEDS)
def test_done_but_not_cancelled_is_a_violation(rule, start, steps, then):
    assert untouched(R, (*steps, Cancel()), accepting(204), start=start).status is StepStatus.VIOLATES


@pytest.mark.parametrize(("rule", "start", "steps", "then"), SUCCEEDS)
def test_a_refusal_where_success_is_documented_is_a_violation(rule, start, steps, then):
    judgement = untouched(R, (*steps, Cancel()), refusing(409, "conflict"), start=start)
    assert judgement.status is StepStatus.VIOLATES


def test_a_partly_captured_charge_never_ends_cancelled():
    judgement = judged(R, (Capture(300), Cancel()), {"view.state": "CANCELLED"})
    assert {"RE-04", "INV-9"} <= blamed(judgement)


REFUSED = [
    ("RE-05", DIRECT, (*DUE, Charge()), "CHARGED"),
    ("KB-08", INITIAL, (Capture(1000),), "CHARGED"),
    ("RE-05", INITIAL, (Capture(1000), Refund(400)), "PARTIALLY_REFUNDED"),
    ("RE-05", INITIAL, (Capture(1000), Refund(1000)), "REFUNDED"),
    ("RE-06", DUE_LATER, (*DUE, Fail()), "FAILED"),
    ("RE-19", DUE_LATER, (*DUE, Fail()), "FAILED"),
]


@pytest.mark.parametrize("status", [400, 409, 422])
@pytest.mark.parametrize("kind", ["cancel-charge-failed", "conflict", "operation-failed", None])
@pytest.mark.parametrize(("rule", "start", "steps", "named"), REFUSED)
def test_the_wrong_status_is_refused_with_any_fitting_problem(rule, start, steps, named, kind, status):
    answer = {**refusing(status, kind), "answer.detail": f"The charge is {named.lower()}."}
    assert rule in untouched(R, (*steps, Cancel()), answer, start=start).examples


@pytest.mark.parametrize(("rule", "start", "steps", "named"), REFUSED)
def test_the_problem_names_the_charges_status(rule, start, steps, named):
    answer = {**refusing(409, "conflict"), "answer.detail": "It cannot be cancelled."}
    assert blamed(untouched(R, (*steps, Cancel()), answer, start=start)) == {"RE-19"}


@pytest.mark.parametrize(("rule", "start", "steps", "named"), REFUSED)
def test_a_success_in_the_wrong_status_is_a_violation(rule, start, steps, named):
    judgement = untouched(R, (*steps, Cancel()), accepting(204), start=start)
    assert {"RE-05", "RE-06"} & blamed(judgement)


@pytest.mark.parametrize("answer", [refusing(409, "conflict"), refusing(423), {**accepting(204), **CANCELLED}])
def test_a_processing_charge_may_be_refused_or_cancelled(answer):
    judgement = untouched(R, (*DUE, StartProcessing(), Cancel()), answer, start=DUE_LATER)
    assert "RE-07" in judgement.examples


def test_a_processing_charge_is_afterwards_what_the_answer_says():
    steps = (*DUE, StartProcessing(), Cancel())
    assert "RE-07" in blamed(untouched(R, steps, accepting(204), start=DUE_LATER))
    assert "INV-1" in blamed(untouched(R, steps, {**refusing(409), **CANCELLED}, start=DUE_LATER))


@pytest.mark.parametrize("answer", [refusing(409, "conflict"), accepting(204), LATER_202])
def test_a_second_cancel_is_refused_or_does_nothing(answer):
    assert "RE-09" in untouched(R, (Cancel(), Cancel()), answer).examples


SAME = Cancel(key=Key.SAME)


def test_a_key_repeats_its_success():
    assert "RE-10" in untouched(R, (Cancel(), SAME), accepting(204)).examples
    assert "RE-10" in blamed(untouched(R, (Cancel(), SAME), refusing(409, "conflict")))


def test_a_key_repeats_its_refusal():
    charged = (Capture(1000), Cancel(), SAME)
    assert "RE-12" in untouched(R, charged, refusing(400, "conflict")).examples
    assert "RE-12" in blamed(untouched(R, charged, refusing(409, "conflict")))
    assert "RE-12" in blamed(untouched(R, charged, accepting(204)))


def test_the_refusal_of_a_charge_that_was_being_processed_need_not_be_repeated():
    steps = (*DUE, StartProcessing(), Cancel(), Reserve(), SAME)
    released = {**accepting(204), **CANCELLED}
    assert untouched(R, steps, released, start=DUE_LATER).status is StepStatus.CONFORMS
    literal = context("C26=literal")
    assert "RE-12" in blamed(untouched(R, steps, released, start=DUE_LATER, in_world=literal))


@pytest.mark.parametrize(
    ("choice", "conflict", "success"),
    [("C13=any", True, True), ("C13=sales-unit-scope", True, False), ("C13=operation-scope", False, True)],
)
def test_a_spent_key_is_a_conflict_where_keys_reach_that_far(choice, conflict, success):
    there, cancel = context(choice), (Cancel(key=Key.SPENT),)
    refused = untouched(R, cancel, refusing(409, "idempotency-conflict"), in_world=there)
    assert ("RE-11" in refused.examples) == conflict
    done = untouched(R, cancel, {**accepting(204), **CANCELLED}, in_world=there)
    assert ("RE-11" in done.examples) == success


@pytest.mark.parametrize(
    ("rule", "cancel", "answer"),
    [
        ("RE-14", Cancel(to=Addressee.UNKNOWN), refusing(404, "resource-not-found")),
        ("RE-14", Cancel(to=Addressee.FOREIGN), refusing(404, None)),
        ("RE-13", Cancel(defect=Defect.NO_KEY), refusing(400, "missing-request-header")),
        ("RE-13", Cancel(defect=Defect.LONG_KEY), refusing(422, "idempotency-key-header")),
        ("RE-13", Cancel(defect=Defect.ILLEGAL_KEY), refusing(400)),
        ("RE-15", Cancel(defect=Defect.MALFORMED_AGREEMENT), refusing(400, "invalid-agreement-id")),
        ("RE-16", Cancel(defect=Defect.NO_TOKEN), refusing(401)),
    ],
)
def test_a_cancel_that_should_not_reach_the_charge_is_refused(rule, cancel, answer):
    assert rule in untouched(R, (cancel,), answer).examples
    assert rule in blamed(untouched(R, (cancel,), accepting(204)))
    assert "INV-1" in blamed(untouched(R, (cancel,), {**answer, **CANCELLED}))


def test_a_delete_without_a_key_succeeds_where_that_page_is_followed():
    there = context("C13=delete-without-key")
    judgement = judged(R, (Cancel(defect=Defect.NO_KEY),), in_world=there)
    assert "RE-03" in judgement.examples


@pytest.mark.parametrize(
    ("market", "choice", "age", "refused", "accepted"),
    [
        (Market.NO, "C1=any", OLD, True, False),
        (Market.NO, "C1=any", 178 * DAY, False, True),
        (Market.DK, "C1=any", LATER, True, True),
        (Market.DK, "C1=market-deadline", LATER, True, False),
        (Market.FI, "C1=reservation", LATER, False, True),
    ],
)
def test_the_market_and_the_reading_decide_what_is_too_old(market, choice, age, refused, accepted):
    there = context(choice, "C20=kept", market=market)
    steps = (Age(age), Cancel())
    assert (untouched(R, steps, refusing(400), in_world=there).status is StepStatus.CONFORMS) == refused
    done = {**accepting(204), **CANCELLED}
    assert (untouched(R, steps, done, in_world=there).status is StepStatus.CONFORMS) == accepted


def test_beyond_the_deadline_only_400_is_documented():
    assert "RE-18" in blamed(untouched(R, (Age(OLD), Cancel()), refusing(409), in_world=KEPT))


AFTERWARDS = [
    ("RE-30", (Cancel(),), Capture(100), refusing(409, "charge-capture-failed")),
    ("RE-30", (Cancel(),), Refund(100), refusing(400)),
    ("RE-30", (Capture(300), Cancel()), Capture(100), refusing(409)),
    ("RE-32", (Age(OLD),), Capture(100), refusing(400)),
]


@pytest.mark.parametrize(("rule", "steps", "step", "answer"), AFTERWARDS)
def test_what_is_refused_around_a_cancel_is_an_example(rule, steps, step, answer):
    assert rule in untouched(R, (*steps, step), answer, in_world=KEPT).examples
    assert rule in blamed(untouched(R, (*steps, step), accepting(204), in_world=KEPT))


def test_a_refund_of_what_was_captured_succeeds_after_the_release():
    steps = (Capture(300), Cancel(), Refund(300))
    assert "RE-31" in judged(R, steps).examples
    assert "RE-31" in blamed(untouched(R, steps, refusing()))


STOPPED = {"view.state": "CANCELLED", "view.cancelled": 1000}


@pytest.mark.parametrize(
    ("side", "start", "steps"),
    [
        ("RE-22/pending", DUE_LATER, ()),
        ("RE-22/pending", DUE_LATER, DUE),
        ("RE-22/reserved", DUE_LATER, HELD),
        ("RE-22/reserved", INITIAL, ()),
    ],
)
def test_a_stop_of_the_agreement_cancels_its_open_charges(side, start, steps):
    assert side in judged(R, (*steps, StopAgreement()), STOPPED, start=start).examples
    assert "RE-22" in blamed(untouched(R, (*steps, StopAgreement()), accepting(204), start=start))
    assert untouched(R, (*steps, StopAgreement()), LATER_202, start=start).status is StepStatus.INCONCLUSIVE


@pytest.mark.parametrize(
    "shown", [{}, {"view.state": "CHARGED", "view.cancelled": 700, "view.log.cancels": 1, "view.log.cancelled": 700}]
)
def test_what_a_stop_does_to_a_partly_captured_charge_is_recorded(shown):
    judgement = untouched(R, (Capture(300), StopAgreement()), {**accepting(204), **shown})
    assert judgement.status is StepStatus.RECORDED
    assert judgement.records == ("RE-23",)


@pytest.mark.parametrize("answer", [accepting(204), refusing(400, "illegal-agreement-update")])
def test_a_second_stop_has_no_effect(answer):
    assert "RE-26" in untouched(R, (StopAgreement(), StopAgreement()), answer).examples


def test_a_stop_with_another_change_is_refused_and_cancels_nothing():
    both = (StopAgreement(with_other_change=True),)
    assert "RE-27" in untouched(R, both, refusing(400)).examples
    assert "RE-27" in blamed(untouched(R, both, {**accepting(204), **STOPPED}))
    assert "RE-27" in blamed(untouched(R, both, {**refusing(400), **STOPPED}))


def test_where_no_reading_says_what_a_spent_key_does_the_cancel_is_one_like_any_other():
    there, possible = context("C13=delete-without-key"), arrive(R, ())
    spent = expect(possible, Cancel(key=Key.SPENT), there)
    assert [one.name for one in spent.branches] == [one.name for one in expect(possible, Cancel(), there).branches]


@pytest.mark.parametrize("stage", ["pending", "due", "processing"])
def test_a_waiting_charge_that_grows_older_may_go_on_waiting(stage):
    assert judged(R, (Age(LATER),), start=DUE_LATER, branch=stage).status is StepStatus.CONFORMS


def test_a_waiting_charge_that_grows_older_and_is_processed_proves_nothing():
    moved = judged(R, (Age(LATER),), start=DUE_LATER, branch="the charge run moved it on")
    assert moved.status is StepStatus.INCONCLUSIVE


@pytest.mark.parametrize(("status", "again"), [(423, True), (429, True), (430, False)])
def test_a_charge_that_was_refused_for_the_moment_need_not_be_refused_again(status, again):
    attempt = Attempt(None, "refused", status, None, Stage.RESERVED)
    order = replace(RESERVED, attempt=attempt)
    ways = {
        branch.name for branch in expect((order,), Cancel(key=Key.SAME), context("C26=excludes-transient")).branches
    }
    assert ("cancelled" in ways) is again


def test_a_cancel_that_needs_no_key_is_recorded_as_one_with_a_key_is():
    order = replace(RESERVED, agreement_stopped=True)
    there = context("C13=delete-without-key")
    assert expect((order,), Cancel(defect=Defect.NO_KEY), there).records == ("RE-28",)
    assert expect((order,), Cancel(), there).records == ("RE-28",)
