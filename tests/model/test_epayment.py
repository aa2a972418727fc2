"""What ePayment's documentation says, row by row: given a payment, when it is cancelled, then answer and state."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.order import Attempt, Kind, Market, Order, Stage
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    Cancel,
    Capture,
    Defect,
    Enter3DS,
    Expire,
    Key,
    Refund,
    Reject,
)
from conformance.judging.judge import StepStatus
from conformance.model import expect
from tests.model.on_paper import (
    DAY,
    LATER,
    OLD,
    P,
    accepting,
    blamed,
    context,
    judged,
    refusing,
    shown_rules,
    untouched,
)

RESERVED = (Approve(),)
PARTLY = (Approve(), Capture(300))
FULLY = (Approve(), Capture(1000))
VOIDED = (Approve(), Cancel())
RELEASED = (*PARTLY, Cancel())
KEPT = context("C20=kept")
PAYMENT = Order(P, Kind.PAYMENT, 1000, "NOK", Stage.INITIATED)

SUCCEEDS = [
    ("EP-01/absent", (), None, {"view.state": "TERMINATED", "view.authorized": 0, "view.cancelled": 1000}),
    ("EP-01/false", (), False, {"view.state": "TERMINATED", "view.captured": 0}),
    ("EP-02", (), True, {"view.state": "TERMINATED", "view.cancelled": 1000}),
    ("EP-29", (), None, {"view.log.terminated": 1}),
    ("EP-05", RESERVED, None, {"view.state": "AUTHORIZED", "view.cancelled": 1000}),
    ("EP-03", RESERVED, False, {"view.state": "AUTHORIZED", "view.cancelled": 1000}),
    ("EP-06", PARTLY, None, {"view.state": "AUTHORIZED", "view.cancelled": 700, "view.captured": 300}),
    ("EP-08", PARTLY, False, {"view.cancelled": 700}),
    ("EP-30", PARTLY, None, {"view.log.cancelled": 700}),
    ("EP-42", (*PARTLY, Refund(100)), None, {"view.cancelled": 700, "view.refunded": 100}),
    ("INV-8", RESERVED, None, {"view.state": "AUTHORIZED"}),
    ("KB-02/within", (*RESERVED, Age(178 * DAY)), None, {"view.cancelled": 1000}),
]


@pytest.mark.parametrize(("rule", "steps", "flag", "then"), SUCCEEDS)
def test_a_documented_success_is_an_example_of_its_rule(rule, steps, flag, then):
    judgement = judged(P, (*steps, Cancel(flag=flag)), then)
    assert judgement.status is StepStatus.CONFORMS
    assert rule in judgement.examples


@pytest.mark.parametrize(("rule", "steps", "flag", "then"), SUCCEEDS)
def test_a_success_that_is_read_back_otherwise_is_a_violation(rule, steps, flag, then):
    for field, value in then.items():
        wrong = {"TERMINATED": "AUTHORIZED", "AUTHORIZED": "TERMINATED"}.get(value, 7)
        assert judged(P, (*steps, Cancel(flag=flag)), {field: wrong}).status is StepStatus.VIOLATES, field


@pytest.mark.parametrize(("rule", "steps", "flag", "then"), SUCCEEDS[:7])
def test_a_refusal_where_success_is_documented_is_a_violation(rule, steps, flag, then):
    judgement = untouched(P, (*steps, Cancel(flag=flag)), refusing(400, "6050"))
    assert judgement.status is StepStatus.VIOLATES
    assert {"EP-01", "EP-02", "EP-05", "EP-06"} & blamed(judgement)


@pytest.mark.parametrize("amount", [0, 699, 701, 1000])
def test_the_whole_remainder_is_released_and_nothing_else(amount):
    judgement = judged(P, (*PARTLY, Cancel()), {"answer.cancelled": amount, "view.cancelled": amount})
    assert {"EP-06", "EP-08"} <= blamed(judgement)


REFUSED = [
    ("EP-04", RESERVED, True, refusing(400, "6060")),
    ("EP-04", PARTLY, True, refusing(409, "6060")),
    ("EP-04", FULLY, True, refusing(400, "6040")),
    ("EP-07", FULLY, None, refusing(400, "6040")),
    ("EP-07", FULLY, False, refusing(422, "6040")),
    ("EP-07", FULLY, None, refusing(400, None)),
    ("KB-08", FULLY, None, refusing(409, "6040")),
    ("EP-09", (Enter3DS(),), None, refusing(423, "6250")),
    ("EP-09", (Enter3DS(),), True, refusing(409, "6160")),
    ("EP-10", (Reject(),), None, refusing(400, "6190")),
    ("EP-11", (Expire(),), None, refusing(409, "6050")),
    ("EP-12", (Cancel(),), None, refusing(400, "6190")),
    ("EP-13", VOIDED, None, refusing(400, "6040")),
    ("EP-13", RELEASED, None, refusing(400, None)),
    ("EP-14", (*RESERVED, Age(OLD)), None, refusing(400, "6030")),
    ("EP-15", (*PARTLY, Age(OLD)), None, refusing(400, None)),
]


@pytest.mark.parametrize(("rule", "steps", "flag", "answer"), REFUSED)
def test_a_documented_refusal_that_changes_nothing_is_an_example(rule, steps, flag, answer):
    judgement = untouched(P, (*steps, Cancel(flag=flag)), answer, in_world=KEPT)
    assert judgement.status is StepStatus.CONFORMS
    assert {rule, "INV-1"} - {"INV-1"} <= shown_rules(judgement)


@pytest.mark.parametrize("rule", ["EP-10", "EP-11", "EP-12", "EP-13"])
def test_a_finished_payment_may_answer_with_a_success_that_does_nothing(rule):
    steps = {"EP-10": (Reject(),), "EP-11": (Expire(),), "EP-12": (Cancel(),), "EP-13": VOIDED}[rule]
    assert rule in untouched(P, (*steps, Cancel()), accepting()).examples
    strict = context("C10=reject")
    assert rule in blamed(untouched(P, (*steps, Cancel()), accepting(), in_world=strict))


@pytest.mark.parametrize(
    ("choice", "answer", "conforms"),
    [
        ("C15=any", {**accepting(), "answer.cancelled": 0}, True),
        ("C15=refuse-6060", {**accepting(), "answer.cancelled": 0}, False),
        ("C15=unchanged-200", refusing(400, "6060"), False),
        ("C21=error-code", refusing(400, "6060"), True),
        ("C21=error-code", refusing(400, None), False),
        ("C21=type-only", refusing(400, None), True),
    ],
)
def test_a_reading_decides_what_a_flag_on_an_authorized_payment_gets(choice, answer, conforms):
    judgement = untouched(P, (*RESERVED, Cancel(flag=True)), answer, in_world=context(choice))
    assert (judgement.status is StepStatus.CONFORMS) == conforms
    assert conforms or "EP-04" in blamed(judgement)


@pytest.mark.parametrize("steps", [RESERVED, PARTLY])
def test_the_flag_never_releases_what_was_authorized(steps):
    released = {**accepting(), "view.cancelled": 1000, "view.log.cancelled": 1000}
    assert "EP-04" in blamed(untouched(P, (*steps, Cancel(flag=True)), released))


AFTERWARDS = [
    ("EP-33", VOIDED, Capture(100), refusing(400, "6070")),
    ("EP-33", RELEASED, Capture(100), refusing(409, "6090")),
    ("EP-33", (Cancel(),), Capture(100), refusing(400, "6050")),
    ("EP-34", VOIDED, Refund(100), refusing(400, "6150")),
    ("EP-34", VOIDED, Refund(100), refusing(400, "6210")),
    ("EP-36", (*RESERVED, Age(OLD)), Capture(100), refusing(400, "6100")),
    ("EP-37", (*FULLY, Age(400 * DAY)), Refund(100), refusing(400, "6220")),
]


@pytest.mark.parametrize(("rule", "steps", "step", "answer"), AFTERWARDS)
def test_what_is_refused_around_a_cancel_is_an_example(rule, steps, step, answer):
    assert rule in untouched(P, (*steps, step), answer, in_world=KEPT).examples
    assert rule in blamed(untouched(P, (*steps, step), accepting(), in_world=KEPT))


def test_a_refund_of_what_was_captured_succeeds_after_the_release():
    assert "EP-35" in judged(P, (*RELEASED, Refund(300))).examples
    assert "EP-35" in blamed(untouched(P, (*RELEASED, Refund(300)), refusing()))
    assert untouched(P, (*RELEASED, Refund(301)), refusing(400, "6210")).status is StepStatus.CONFORMS


@pytest.mark.parametrize(
    ("rule", "cancel", "answer"),
    [
        ("EP-16", Cancel(to=Addressee.UNKNOWN), refusing(404, "5090")),
        ("EP-16", Cancel(to=Addressee.FOREIGN), refusing(404, None)),
        ("EP-16", Cancel(to=Addressee.FOREIGN), refusing(403, None)),
        ("EP-17", Cancel(defect=Defect.MALFORMED_ID), refusing(400)),
        ("EP-18", Cancel(defect=Defect.MALFORMED_JSON), refusing(400)),
        ("EP-18", Cancel(defect=Defect.ARRAY_BODY), refusing(400)),
        ("EP-18", Cancel(defect=Defect.FLAG_NOT_BOOLEAN), refusing(400)),
        ("EP-19", Cancel(defect=Defect.NO_MSN), refusing(400, "4140")),
        ("EP-19", Cancel(defect=Defect.NO_SUBSCRIPTION_KEY), refusing(401)),
        ("EP-20", Cancel(defect=Defect.NO_TOKEN), refusing(401)),
    ],
)
def test_a_cancel_that_should_not_reach_the_payment_is_refused(rule, cancel, answer):
    assert rule in untouched(P, (*RESERVED, cancel), answer).examples
    assert rule in blamed(untouched(P, (*RESERVED, cancel), accepting()))
    assert "INV-1" in blamed(untouched(P, (*RESERVED, cancel), {**answer, "view.cancelled": 1000}))


@pytest.mark.parametrize("defect", [Defect.UNKNOWN_FIELD, Defect.NO_KEY])
def test_a_defect_of_which_nothing_is_said_may_be_refused_or_overlooked(defect):
    cancel = (*RESERVED, Cancel(defect=defect))
    assert untouched(P, cancel, refusing(400)).status is StepStatus.CONFORMS
    plain = judged(P, (*RESERVED, Cancel(defect=defect)), branch="released")
    assert plain.status is StepStatus.CONFORMS
    assert not plain.examples


SAME = Cancel(key=Key.SAME)


@pytest.mark.parametrize(
    ("rule", "steps", "repeat", "answer"),
    [
        ("EP-22", VOIDED, SAME, accepting()),
        ("EP-22", VOIDED, SAME, refusing(400, "6190")),
        ("EP-22", (*PARTLY, Cancel()), SAME, accepting()),
        ("EP-23", VOIDED, Cancel(flag=True, key=Key.SAME), refusing(409, "4020")),
        ("EP-24", (*FULLY, Cancel()), SAME, refusing(400, "6040")),
    ],
)
def test_a_repeated_key_has_no_second_effect(rule, steps, repeat, answer):
    assert rule in untouched(P, (*steps, repeat), answer).examples


def test_a_repeated_key_that_must_count_repeats_the_answer():
    scope = context("C13=sales-unit-scope")
    assert "EP-22" in blamed(untouched(P, (*VOIDED, SAME), refusing(400, "6190"), in_world=scope))
    assert "EP-24" in blamed(untouched(P, (*FULLY, Cancel(), SAME), refusing(409, "6040"), in_world=scope))


@pytest.mark.parametrize("choice", ["C13=sales-unit-scope", "C13=operation-scope"])
def test_a_spent_key_is_a_conflict_only_where_keys_reach_that_far(choice):
    judgement = untouched(P, (*RESERVED, Cancel(key=Key.SPENT)), refusing(409, "4020"), in_world=context(choice))
    assert (judgement.status is StepStatus.CONFORMS) == (choice == "C13=sales-unit-scope")
    there = context(choice)
    assert "EP-05" in judged(P, (*RESERVED, Cancel(key=Key.SPENT)), branch="released", in_world=there).examples


@pytest.mark.parametrize(
    ("market", "choice", "age", "refused", "accepted"),
    [
        (Market.NO, "C1=any", 178 * DAY, False, True),
        (Market.NO, "C1=any", 180 * DAY, True, True),
        (Market.NO, "C1=any", 183 * DAY, True, False),
        (Market.DK, "C1=any", LATER, True, True),
        (Market.DK, "C1=market-deadline", LATER, True, False),
        (Market.DK, "C1=reservation", LATER, False, True),
    ],
)
def test_the_market_and_the_reading_decide_what_is_too_old(market, choice, age, refused, accepted):
    there = context(choice, "C20=kept", market=market)
    steps = (*RESERVED, Age(age), Cancel())
    assert (untouched(P, steps, refusing(400, "6030"), in_world=there).status is StepStatus.CONFORMS) == refused
    body = {f"answer.{name}": value for name, value in (("authorized", 1000), ("cancelled", 1000))}
    body |= {"answer.captured": 0, "answer.refunded": 0, "answer.state": "AUTHORIZED", "answer.order": "same"}
    body |= {"answer.currency": market.currency, "view.cancelled": 1000, "view.log.cancelled": 1000}
    assert (untouched(P, steps, accepting() | body, in_world=there).status is StepStatus.CONFORMS) == accepted


def test_an_order_that_the_provider_ended_at_its_deadline_is_refused_and_otherwise_unjudged():
    aged = (*RESERVED, Age(OLD))
    assert judged(P, aged, branch="lapsed").status is StepStatus.CONFORMS
    for shown in ({"view.state": "TERMINATED"}, {"view.state": "EXPIRED", "view.cancelled": 1000}):
        assert judged(P, aged, shown, branch="lapsed").status is StepStatus.CONFORMS
    assert judged(P, aged, {"view.state": "EXPIRED"}, in_world=KEPT).status is StepStatus.VIOLATES


@pytest.mark.parametrize(("status", "again"), [(423, True), (429, True), (424, False), (409, False)])
def test_a_refusal_for_the_moment_need_not_be_given_again_for_its_key(status, again):
    attempt = Attempt(None, "refused", status, None, Stage.RESERVED)
    order = replace(PAYMENT, stage=Stage.RESERVED, since_reserved=timedelta(), attempt=attempt)
    there = context("C13=operation-scope", "C26=excludes-transient")
    ways = {branch.name for branch in expect((order,), Cancel(key=Key.SAME), there).branches}
    assert ("released" in ways) is again
