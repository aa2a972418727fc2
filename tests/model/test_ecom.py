"""What eCom's documentation says, row by row: given an order, when it is cancelled, then the answer and the state."""

import pytest

from conformance.domain.order import Market
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
    Leave3DS,
    Refund,
    Reject,
)
from conformance.judging.judge import StepStatus
from tests.model.on_paper import (
    DAY,
    FLAGS,
    LATER,
    OLD,
    E,
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
FULLY = (Approve(), Capture(400), Capture(600))
RELEASED = (*PARTLY, Cancel(flag=True))
VOIDED = (Approve(), Cancel())
CANCELLED = (Cancel(),)
SPOKEN = {"answer.state": "Cancelled", "answer.order": "same", "answer.text": "same"}

SUCCEEDS = [
    ("EC-01", "initiated, flag absent", (), None, {"view.log.newest": "CANCEL", "view.summary": False}),
    ("EC-01", "initiated, flag false", (), False, {"view.log.newest": "CANCEL"}),
    ("EC-03", "reserved, flag absent", RESERVED, None, {"view.log.newest": "VOID", "view.to_capture": 0}),
    ("EC-03", "reserved, flag false", RESERVED, False, {"view.log.newest": "VOID", "view.to_refund": 0}),
    ("EC-03", "reserved 178 days ago", (*RESERVED, Age(178 * DAY)), None, {"view.to_capture": 0}),
    ("EC-07", "partly captured, flag true", PARTLY, True, {"view.captured": 300, "view.to_refund": 300}),
    ("KB-06", "partly captured, flag true", PARTLY, True, {"view.to_capture": 0, "view.refunded": 0}),
    ("KB-10", "partly captured 100 days ago", (*PARTLY, Age(100 * DAY)), True, {"view.to_capture": 0}),
]


@pytest.mark.parametrize(("rule", "given", "steps", "flag", "then"), SUCCEEDS)
def test_a_documented_success_is_an_example_of_its_rule(rule, given, steps, flag, then):
    judgement = judged(E, (*steps, Cancel(flag=flag)), {**accepting(), **SPOKEN, **then})
    assert judgement.status is StepStatus.CONFORMS
    assert rule in shown_rules(judgement)


@pytest.mark.parametrize(("rule", "given", "steps", "flag", "then"), SUCCEEDS)
def test_a_success_that_is_read_back_otherwise_breaks_a_rule(rule, given, steps, flag, then):
    for field, value in then.items():
        wrong = {"CANCEL": "VOID", "VOID": "CANCEL", False: True}.get(value, 7)
        judgement = judged(E, (*steps, Cancel(flag=flag)), {**accepting(), **SPOKEN, **then, field: wrong})
        assert judgement.status is StepStatus.VIOLATES, field
        assert blamed(judgement) & {rule, "INV-2", "INV-3", "INV-6", "EC-37", "EC-01"}, field


@pytest.mark.parametrize(("rule", "given", "steps", "flag", "then"), SUCCEEDS[2:])
def test_a_refusal_where_success_is_documented_breaks_the_rule(rule, given, steps, flag, then):
    judgement = untouched(E, (*steps, Cancel(flag=flag)), refusing())
    assert judgement.status is StepStatus.VIOLATES
    assert rule in blamed(judgement)


def test_a_refusal_before_the_approval_is_not_guaranteed_otherwise():
    judgement = untouched(E, (Cancel(),), refusing())
    assert judgement.examples == ("KB-04",)


REFUSED = [
    ("EC-08/absent", "partly captured, flag absent", PARTLY, None, refusing(400, "51")),
    ("EC-08/false", "partly captured, flag false, 402", PARTLY, False, refusing(402, "51")),
    ("KB-07", "partly captured, another code", PARTLY, False, refusing(409, "61")),
    ("KB-09", "partly captured, flag absent", PARTLY, None, refusing(400, "51")),
    ("INV-7", "partly captured, flag absent", PARTLY, None, refusing(400, None)),
    ("EC-09/absent", "fully captured, flag absent", FULLY, None, refusing(402, "51")),
    ("EC-09/false", "fully captured, flag false", FULLY, False, refusing(400, "51")),
    ("KB-08", "fully captured, flag absent", FULLY, None, refusing(400, "51")),
    ("EC-10", "fully captured, flag true", FULLY, True, refusing(400, "51")),
    ("EC-13", "reserved 190 days ago", (*RESERVED, Age(OLD)), None, refusing(400, "98")),
    ("EC-13", "reserved 190 days ago, any code", (*RESERVED, Age(OLD)), True, refusing(400, "45")),
    ("EC-13", "partly captured 190 days ago", (*PARTLY, Age(OLD)), True, refusing(400, None)),
    ("KB-02/beyond", "reserved 190 days ago", (*RESERVED, Age(OLD)), None, refusing(400)),
    ("EC-06", "in 3-D Secure, 409", (Enter3DS(),), None, refusing(409)),
    ("KB-05", "in 3-D Secure, 423", (Enter3DS(),), True, refusing(423)),
    ("INV-1", "rejected by the user", (Reject(),), None, refusing(400, "91")),
    ("INV-1", "timed out", (Expire(),), None, refusing(402, "52")),
    ("INV-1", "cancelled already", VOIDED, None, refusing(400, "92")),
]


@pytest.mark.parametrize(("rule", "given", "steps", "flag", "answer"), REFUSED)
def test_a_documented_refusal_that_changes_nothing_is_an_example(rule, given, steps, flag, answer):
    judgement = untouched(E, (*steps, Cancel(flag=flag)), answer)
    assert judgement.status is StepStatus.CONFORMS
    assert rule in judgement.examples


@pytest.mark.parametrize(
    ("rule", "given", "steps", "flag", "answer"), [row for row in REFUSED[:14] if row[0] != "EC-10"]
)
def test_a_success_where_a_refusal_is_documented_breaks_the_rule(rule, given, steps, flag, answer):
    judgement = untouched(E, (*steps, Cancel(flag=flag)), {**accepting(), "view.to_capture": 0})
    assert judgement.status is StepStatus.VIOLATES
    assert rule.partition("/")[0] in blamed(judgement)


@pytest.mark.parametrize("steps", [PARTLY, FULLY, (Approve(),)])
def test_a_refused_cancel_that_moves_money_breaks_the_first_invariant(steps):
    if steps == (Approve(),):
        steps = (*steps, Age(OLD))
    judgement = untouched(E, (*steps, Cancel()), {**refusing(400, "51"), "view.to_refund": 7, "view.captured": 7})
    assert "INV-1" in blamed(judgement)


def test_in_3ds_a_server_error_is_a_documented_answer():
    broken = {"answer.outcome": "broken", "answer.status": 500}
    assert "EC-06" in untouched(E, (Enter3DS(), Cancel()), broken).examples
    assert untouched(E, (Approve(), Cancel()), broken).status is StepStatus.INCONCLUSIVE


def test_in_3ds_a_success_is_none():
    judgement = untouched(E, (Enter3DS(), Cancel()), {**accepting(), "view.log.newest": "CANCEL"})
    assert blamed(judgement) == {"KB-05", "EC-06"}


SILENT = [
    ("EC-04", "reserved, flag true, released", RESERVED, True, None),
    ("EC-04", "reserved, flag true, refused", RESERVED, True, "refused"),
    ("EC-05", "initiated, flag true, cancelled", (), True, None),
    ("EC-05", "initiated, flag true, refused", (), True, "flag rejected"),
    ("EC-12", "partly refunded, flag true, released", (*PARTLY, Refund(100)), True, None),
    ("EC-12", "partly refunded, flag true, refused", (*PARTLY, Refund(100)), True, "refused"),
    ("EC-14", "cancelled already, refused", VOIDED, None, "refused"),
    ("EC-14", "cancelled already, repeated", VOIDED, None, "repeated"),
    ("EC-14", "cancelled before approval, repeated", CANCELLED, None, "repeated"),
]


@pytest.mark.parametrize(("rule", "given", "steps", "flag", "branch"), SILENT)
def test_where_the_documentation_is_silent_every_orderly_answer_is_recorded(rule, given, steps, flag, branch):
    judgement = judged(E, (*steps, Cancel(flag=flag)), branch=branch)
    assert judgement.status in (StepStatus.RECORDED, StepStatus.CONFORMS)
    assert rule in judgement.records
    assert rule not in shown_rules(judgement)


def test_a_silent_success_still_leaves_nothing_to_capture():
    judgement = untouched(E, (*RESERVED, Cancel(flag=True)), {**accepting(), **SPOKEN})
    assert "INV-2" in blamed(judgement)


READINGS = [
    ("C3=exact", RESERVED, None, {"answer.state": "CANCELLED"}, {"KB-03"}),
    ("C3=tolerant", RESERVED, None, {"answer.state": "CANCELLED"}, set()),
    ("C9=order-amount", PARTLY, True, {"answer.amount": 700}, {"EC-07"}),
    ("C9=released-amount", PARTLY, True, {"answer.amount": 700}, set()),
    ("C9=released-amount", PARTLY, True, {"answer.amount": 1000}, {"EC-07"}),
]


@pytest.mark.parametrize(("choice", "steps", "flag", "changes", "broken"), READINGS)
def test_a_reading_decides_what_a_success_says(choice, steps, flag, changes, broken):
    found = blamed(judged(E, (*steps, Cancel(flag=flag)), changes, in_world=context(choice)))
    assert broken <= found
    assert bool(broken) == bool(found)


@pytest.mark.parametrize(
    ("choice", "status", "conforms"),
    [
        ("C4=any-4xx", 402, True),
        ("C4=any-4xx", 409, True),
        ("C4=400-or-402", 402, True),
        ("C4=400-or-402", 409, False),
        ("C4=exactly-400", 400, True),
        ("C4=exactly-400", 402, False),
    ],
)
def test_a_reading_decides_the_status_of_a_refusal(choice, status, conforms):
    judgement = untouched(E, (*PARTLY, Cancel()), refusing(status, "51"), in_world=context(choice))
    assert (judgement.status is StepStatus.CONFORMS) == conforms


@pytest.mark.parametrize("entry", ["CANCEL", "INITIATE"])
@pytest.mark.parametrize("end", [Reject(), Expire()])
def test_an_ending_by_the_user_leaves_a_cancel_entry_or_none(end, entry):
    judgement = judged(E, (end,), {"view.log.newest": entry})
    assert judgement.status is StepStatus.CONFORMS
    assert ("EC-15" if end == Reject() else "EC-16") in judgement.examples
    strict = context("C11=cancel-entry")
    assert (judged(E, (end,), {"view.log.newest": entry}, in_world=strict).status is StepStatus.CONFORMS) == (
        entry == "CANCEL"
    )


def test_failed_3ds_ends_like_a_rejection():
    assert "KB-12/rejected" in judged(E, (Enter3DS(), Leave3DS(success=False))).examples


@pytest.mark.parametrize(
    ("market", "choice", "age", "refused", "accepted"),
    [
        (Market.NO, "C1=any", 178 * DAY, False, True),
        (Market.NO, "C1=any", 180 * DAY, True, True),
        (Market.NO, "C1=any", 183 * DAY, True, True),
        (Market.NO, "C1=any", OLD, True, False),
        (Market.NO, "C1=reservation", 183 * DAY, True, False),
        (Market.NO, "C1=six-months", 183 * DAY, True, True),
        (Market.DK, "C1=any", 12 * DAY, False, True),
        (Market.DK, "C1=any", LATER, True, True),
        (Market.FI, "C1=market-deadline", LATER, True, False),
        (Market.FI, "C1=reservation,initiation", LATER, False, True),
    ],
)
def test_the_market_and_the_reading_decide_what_is_too_old(market, choice, age, refused, accepted):
    there = context(choice, "C20=kept", market=market)
    steps = (*RESERVED, Age(age), Cancel())
    assert (untouched(E, steps, refusing(400), in_world=there).status is not StepStatus.VIOLATES) == refused
    released = {**accepting(), **SPOKEN, "answer.order": "same", "view.to_capture": 0, "view.log.newest": "VOID"}
    released |= {"view.log.cancels": 1}
    assert (untouched(E, steps, released, in_world=there).status is not StepStatus.VIOLATES) == accepted


AFTERWARDS = [
    ("EC-31", VOIDED, Capture(100), refusing(400, "91")),
    ("EC-31", CANCELLED, Capture(100), refusing(400, "62")),
    ("EC-32", VOIDED, Refund(100), refusing(400, "73")),
    ("EC-33", RELEASED, Capture(100), refusing(402, "61")),
    ("EC-35", (*RESERVED, Age(OLD)), Capture(100), refusing(400, "98")),
    ("EC-36", (*FULLY, Age(400 * DAY)), Refund(100), refusing(400, "95")),
]


@pytest.mark.parametrize(("rule", "steps", "step", "answer"), AFTERWARDS)
def test_what_is_refused_around_a_cancel_is_an_example(rule, steps, step, answer):
    there = context("C20=kept")
    assert rule in untouched(E, (*steps, step), answer, in_world=there).examples
    assert rule in blamed(untouched(E, (*steps, step), accepting(), in_world=there))


def test_a_refund_of_what_was_captured_succeeds_after_the_release():
    assert "EC-34" in judged(E, (*RELEASED, Refund(300))).examples
    assert "EC-34" in blamed(untouched(E, (*RELEASED, Refund(300)), refusing()))


@pytest.mark.parametrize(
    ("rule", "cancel", "answer"),
    [
        ("EC-19", Cancel(to=Addressee.UNKNOWN), refusing(404, "35")),
        ("EC-19", Cancel(to=Addressee.UNKNOWN), refusing(400, "35")),
        ("EC-20", Cancel(to=Addressee.FOREIGN), refusing(404, "35")),
        ("EC-20", Cancel(to=Addressee.FOREIGN), refusing(403)),
        ("EC-23", Cancel(defect=Defect.NO_TOKEN), refusing(401)),
        ("EC-23", Cancel(defect=Defect.NO_BEARER), refusing(401)),
        ("EC-23", Cancel(defect=Defect.BAD_SUBSCRIPTION_KEY), refusing(401)),
        ("EC-25", Cancel(defect=Defect.NO_TEXT), refusing(400, "transactionText")),
        ("EC-25", Cancel(defect=Defect.LONG_TEXT), refusing(400, "transactionText")),
        ("EC-25", Cancel(defect=Defect.NO_MERCHANT_INFO), refusing(400, "merchantInfo")),
    ],
)
def test_a_cancel_that_should_not_reach_the_order_is_refused(rule, cancel, answer):
    assert rule in untouched(E, (*RESERVED, cancel), answer).examples
    assert rule in blamed(untouched(E, (*RESERVED, cancel), accepting()))
    released = {**answer, "view.to_capture": 0, "view.log.newest": "VOID", "view.log.cancels": 1}
    assert "INV-1" in blamed(untouched(E, (*RESERVED, cancel), released))


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("key", [Key.SAME, Key.SPENT])
def test_a_repeated_request_id_is_recorded_and_not_judged(flag, key):
    for branch in (None, "refused for its key"):
        judgement = judged(E, (*RESERVED, Cancel(), Cancel(flag=flag, key=key)), branch=branch)
        assert judgement.status is not StepStatus.VIOLATES
        assert "EC-29" in judgement.records
