"""Answers that the documentation permits, and answers that it forbids: neither may be taken for the other.

Each row is a provider that is right, or one that is wrong in one place.
"""

import pytest

from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Defect,
    Enter3DS,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    StopAgreement,
)
from conformance.judging.judge import StepStatus, judge
from conformance.model import advance, expect
from tests.model.on_paper import (
    DAY,
    DIRECT,
    OLD,
    E,
    P,
    R,
    accepting,
    arrive,
    blamed,
    context,
    judged,
    refusing,
    shown_by,
    shown_rules,
    untouched,
)

FULLY = (Approve(), Capture(1000))
PARTLY = (Approve(), Capture(300))
ONLY_THE_ORDER = dict.fromkeys(
    ("state", "text", "amount", "captured", "refunded", "to_capture", "to_refund", "instrument"), None
)


def test_an_ecom_answer_with_nothing_but_the_order_id_is_complete():
    bare = {f"answer.{name}": value for name, value in ONLY_THE_ORDER.items()}
    assert judged(E, (Approve(), Cancel()), bare).status is StepStatus.CONFORMS


def test_an_approval_that_has_no_effect_yet_proves_nothing():
    waiting = {"view.state": "CREATED", "view.authorized": 0}
    assert judged(P, (Approve(),), waiting).status is StepStatus.INCONCLUSIVE


def test_a_capture_that_is_accepted_and_not_done_proves_nothing():
    later = {"answer.outcome": "pending", "answer.status": 202}
    assert untouched(R, (Capture(300),), later).status is StepStatus.INCONCLUSIVE


@pytest.mark.parametrize(("profile", "status", "code"), [(P, 423, "6160"), (P, 400, "6250"), (E, 409, "94")])
def test_a_locked_order_proves_nothing(profile, status, code):
    assert untouched(profile, (Approve(), Cancel()), refusing(status, code)).status is not StepStatus.VIOLATES


@pytest.mark.parametrize("profile", [E, P])
def test_credentials_that_are_refused_in_the_middle_of_a_run_prove_nothing(profile):
    assert untouched(profile, (Approve(), Cancel()), refusing(401)).status is StepStatus.INCONCLUSIVE


@pytest.mark.parametrize(
    ("profile", "steps", "defect", "status"),
    [(E, FULLY, Defect.NO_TEXT, 402), (P, FULLY, Defect.MALFORMED_JSON, 409)],
)
def test_of_two_reasons_to_refuse_either_may_come_first(profile, steps, defect, status):
    assert untouched(profile, (*steps, Cancel(defect=defect)), refusing(status)).status is not StepStatus.VIOLATES


@pytest.mark.parametrize(("profile", "to"), [(P, Addressee.UNKNOWN), (P, Addressee.FOREIGN), (R, Addressee.UNKNOWN)])
def test_a_used_key_towards_another_order_may_be_a_conflict(profile, to):
    start = () if profile is R else (Approve(),)
    judgement = untouched(profile, (*start, Cancel(), Cancel(to=to, key=Key.SAME)), refusing(409))
    assert judgement.status is not StepStatus.VIOLATES


def test_a_refund_after_a_cancel_is_refused_with_any_code():
    assert "EP-34" in untouched(P, (Approve(), Cancel(), Refund(300)), refusing(400, "6190")).examples


def test_a_late_epayment_refund_is_refused_with_any_status():
    judgement = untouched(P, (*FULLY, Age(400 * DAY), Refund(100)), refusing(409, "6220"))
    assert "EP-37" in judgement.examples


@pytest.mark.parametrize("step", [Capture(100), Refund(100)])
def test_a_capture_or_refund_of_a_cancelled_charge_is_refused_in_any_form(step):
    assert untouched(R, (Cancel(), step), refusing(404)).status is StepStatus.CONFORMS


@pytest.mark.parametrize("profile", [E, P])
def test_a_refund_within_a_year_of_the_last_capture_may_succeed(profile):
    steps = (*PARTLY, Age(100 * DAY), Capture(200), Age(300 * DAY), Refund(100))
    view = {"view.refunded": 100, "view.log.refunded": 100, "view.to_refund": 400}
    assert untouched(profile, steps, {**accepting(), **view}).status is not StepStatus.VIOLATES


def test_a_created_payment_of_two_hundred_days_may_be_too_old():
    there = context("C20=kept")
    assert untouched(P, (Age(OLD), Cancel()), refusing(400, "6030"), in_world=there).status is not StepStatus.VIOLATES


def test_a_surviving_charge_of_a_stopped_agreement_may_be_refused():
    steps = (Capture(300), StopAgreement(), Cancel())
    judgement = untouched(R, steps, refusing(409, "conflict"))
    assert judgement.status is not StepStatus.VIOLATES


def test_a_stop_may_leave_a_reservation_that_is_too_old_to_be_cancelled():
    there = context("C20=kept")
    assert untouched(R, (Age(OLD), StopAgreement()), accepting(204), in_world=there).status is not StepStatus.VIOLATES


def test_the_release_of_a_remainder_may_leave_no_entry():
    assert judged(E, (*PARTLY, Cancel(flag=True)), {"view.log.cancels": 0}).status is StepStatus.CONFORMS


def test_a_success_without_effect_may_leave_an_entry_that_stays():
    steps, there = (*FULLY, Cancel(flag=True), Read()), context("C8=no-op")
    assert judged(E, steps, {"view.log.cancels": 1}, in_world=there).status is StepStatus.CONFORMS


def test_a_missing_subscription_key_in_recurring_is_refused_in_any_form():
    cancel = (Cancel(defect=Defect.NO_SUBSCRIPTION_KEY),)
    assert untouched(R, cancel, refusing(403)).status is StepStatus.CONFORMS


def test_an_order_is_nobody_elses_where_there_is_one_sales_unit():
    there = context(units=False)
    cancel = Cancel(to=Addressee.FOREIGN)
    assert judged(P, (Approve(), cancel), branch="released", in_world=there).status is StepStatus.CONFORMS
    body = {"answer.state": "Cancelled", "answer.order": "same", "answer.text": "same"}
    view = {"view.to_capture": 0, "view.log.newest": "VOID", "view.log.cancels": 1}
    judgement = untouched(E, (Approve(), cancel), {**accepting(), **body, **view}, in_world=there)
    assert judgement.status is not StepStatus.VIOLATES


def test_a_partly_captured_charge_that_was_refunded_may_be_partially_refunded():
    judgement = judged(R, (Capture(300), Refund(300)), {"view.state": "PARTIALLY_REFUNDED"})
    assert judgement.status is not StepStatus.VIOLATES


def test_a_direct_charge_is_never_reserved():
    judgement = judged(R, (BecomeDue(), Reserve()), {"view.state": "RESERVED"}, start=DIRECT)
    assert judgement.status is not StepStatus.CONFORMS


def test_a_refusal_during_3ds_need_not_be_repeated_for_its_key():
    steps = (Enter3DS(), Cancel(), Leave3DS(), Cancel(key=Key.SAME))
    there = context("C13=sales-unit-scope")
    assert judged(P, steps, branch="released", in_world=there).status is StepStatus.CONFORMS


def test_accepting_a_delete_without_a_key_does_not_forbid_to_refuse_it():
    there = context("C13=any")
    assert untouched(R, (Cancel(defect=Defect.NO_KEY),), refusing(400), in_world=there).status is StepStatus.CONFORMS


LAPSED = {"view.state": "CANCELLED", "view.cancelled": 1000, "view.log.cancels": 1, "view.log.cancelled": 1000}


@pytest.mark.parametrize("answer", [refusing(400), refusing(409, "conflict"), accepting(204)])
def test_a_charge_that_the_provider_ended_is_too_old_and_has_ended(answer):
    possible = arrive(R, ())
    aged = expect(possible, Age(OLD), context())
    left = judge(aged, {**shown_by(aged.branches[0]), **LAPSED})[1]
    assert {branch.name for branch in left} == {"lapsed"}
    lapsed = advance(Age(OLD), possible, left, LAPSED)
    judgement, _ = judge(expect(lapsed, Cancel(), context()), {**LAPSED, "view.captured": 0, **answer})
    assert judgement.status is not StepStatus.VIOLATES
    assert ("RE-18" in shown_rules(judgement)) == (answer["answer.outcome"] == "refused")


def test_a_refunded_charge_that_is_too_old_is_refused_for_either_reason():
    there = context("C20=kept")
    steps = (Capture(300), Refund(100), Age(OLD))
    assert "RE-18" in shown_rules(untouched(R, (*steps, Cancel()), refusing(409, "conflict"), in_world=there))
    assert untouched(R, (*steps, Capture(100)), refusing(409), in_world=there).status is StepStatus.CONFORMS


def test_a_refunded_charge_may_end_charged_or_refunded_when_its_rest_is_released():
    for state in ("CHARGED", "PARTIALLY_REFUNDED"):
        steps = (Capture(300), Refund(100), Cancel())
        assert judged(R, steps, {"view.state": state}).status is StepStatus.CONFORMS
    assert "INV-9" in blamed(judged(R, (Capture(300), Refund(100), Cancel()), {"view.state": "CANCELLED"}))


def test_a_log_that_is_not_read_says_nothing_about_a_repeated_cancel():
    there = context("C10=replay")
    for step in (Age(DAY), Approve(), Read()):
        unread = {"view.log.terminated": None}
        assert judged(P, (Cancel(), Cancel(), step), unread, in_world=there).status is StepStatus.CONFORMS


@pytest.mark.parametrize(("profile", "state"), [(E, {}), (P, {"view.state": "EXPIRED"})])
def test_a_payment_that_nobody_opened_may_have_timed_out_when_the_cancel_arrives(profile, state):
    late = (Age(DAY), Cancel())
    judgement = judged(profile, late, {**refusing(400), **state}, branch="timed out")
    assert judgement.status is StepStatus.CONFORMS
    assert not {"KB-01", "KB-04", "EC-01", "EP-01"} & shown_rules(judgement)


def test_the_answer_to_a_key_may_be_given_again_whatever_the_flag():
    steps = (Approve(), Cancel(), Cancel(flag=True, key=Key.SAME))
    assert untouched(P, steps, accepting()).status is not StepStatus.VIOLATES
    honoured = context("C13=sales-unit-scope")
    assert "EP-23" in blamed(untouched(P, steps, accepting(), in_world=honoured))


# What is blamed on rules that were kept


@pytest.mark.parametrize(
    ("profile", "steps", "answer", "guilty"),
    [
        (E, (*FULLY, Cancel()), refusing(400, "61"), {"EC-09"}),
        (P, (*FULLY, Cancel()), refusing(400, "6190"), {"EP-07"}),
        (P, (Approve(), Age(OLD), Cancel()), refusing(400, "6190"), {"EP-14", "EP-15"}),
    ],
)
def test_a_wrong_code_breaks_only_the_rule_that_names_the_code(profile, steps, answer, guilty):
    there = context("C20=kept")
    assert blamed(untouched(profile, steps, answer, in_world=there)) == guilty


def test_a_refusal_does_not_break_the_rule_about_how_much_is_released():
    assert blamed(untouched(P, (*PARTLY, Cancel()), refusing(400, "6190"))) == {"EP-06"}
    wrong = {"view.cancelled": 699, "view.log.cancelled": 699, "answer.cancelled": 699}
    assert {"EP-06", "EP-08"} <= blamed(judged(P, (*PARTLY, Cancel()), wrong))


def test_a_second_cancel_that_changes_the_state_breaks_the_rule_about_the_state():
    there = context("C10=replay")
    changed = {"view.state": "TERMINATED", "view.cancelled": 1000}
    assert "EP-10" in blamed(judged(P, (Reject(), Cancel()), changed, in_world=there))


def test_a_refusal_never_breaks_the_rule_against_a_success():
    assert "INV-7" not in blamed(untouched(E, (*PARTLY, Cancel()), refusing(404)))


@pytest.mark.parametrize("profile", [E, P])
def test_a_cancel_that_a_later_read_shows_undone_breaks_the_rule_about_undoing(profile):
    undone = {"view.cancelled": 0, "view.to_capture": 1000}
    assert "INV-5" in blamed(judged(profile, (Approve(), Cancel(), Read()), undone))


# What is shown without having been seen


def test_what_could_not_be_read_is_no_example():
    unread = {f"view.log.{name}": None for name in ("captured", "refunded", "cancelled", "psp", "key")}
    unread |= {"answer.psp": None}
    assert not {"EP-30", "EP-32"} & shown_rules(judged(P, (Approve(), Cancel()), unread))


def test_a_rejection_alone_says_nothing_about_a_cancel():
    assert "EP-10" not in shown_rules(judged(P, (Reject(),)))


# What is documented and was not looked at


@pytest.mark.parametrize("field", ["answer.amount", "view.amount"])
def test_the_amount_of_a_payment_is_the_one_it_was_created_with(field):
    assert "INV-10" in blamed(judged(P, (Approve(), Cancel()), {field: 1001}))


@pytest.mark.parametrize("amount", [0, 300, 1000])
def test_the_event_of_a_cancel_has_the_amount_that_was_released(amount):
    assert "RE-21" in blamed(judged(R, (Capture(300), Cancel()), {"view.log.cancelled": amount}))


def test_a_repeated_cancel_adds_nothing_to_the_total_of_a_charges_history():
    judgement = judged(R, (Cancel(), Cancel()), {"view.log.cancels": 2, "view.log.cancelled": 2000}, branch="repeated")
    assert blamed(judgement) == {"RE-09"}
    without = judged(R, (Cancel(), Cancel()), {"view.log.cancels": 2}, branch="repeated")
    assert without.status is StepStatus.CONFORMS


def test_a_stop_takes_nothing_back_of_what_was_captured():
    taken = {"view.captured": 0, "view.log.captured": 0, "view.state": "CANCELLED"}
    assert "INV-3" in blamed(judged(R, (Capture(1000), StopAgreement()), taken))


@pytest.mark.parametrize(
    ("steps", "code", "group"),
    [
        ((*FULLY, Cancel()), "51", "VippsError"),
        ((Approve(), Cancel(to=Addressee.UNKNOWN)), "35", "Payment"),
        ((Approve(), Cancel(defect=Defect.NO_TEXT)), "51", "Payment"),
    ],
)
def test_an_ecom_error_of_the_wrong_group_is_a_violation(steps, code, group):
    answer = {**refusing(400, code), "answer.group": group}
    assert untouched(E, steps, answer).status is StepStatus.VIOLATES


@pytest.mark.parametrize(("status", "code"), [(400, "conflict"), (404, "cancel-charge-failed"), (400, None)])
def test_a_malformed_agreement_is_named_by_its_problem_type(status, code):
    cancel = (Cancel(defect=Defect.MALFORMED_AGREEMENT),)
    assert "RE-15" in blamed(untouched(R, cancel, refusing(status, code)))


@pytest.mark.parametrize(("status", "code"), [(400, "invalid-agreement-id"), (404, "resource-not-found"), (404, None)])
def test_a_malformed_agreement_may_be_one_that_is_not_found(status, code):
    cancel = (Cancel(defect=Defect.MALFORMED_AGREEMENT),)
    assert "RE-15" in shown_rules(untouched(R, cancel, refusing(status, code)))


@pytest.mark.parametrize(("status", "code"), [(400, "5090"), (404, None), (409, "6040")])
def test_a_malformed_reference_is_a_bad_request_without_an_error_code(status, code):
    cancel = (*FULLY, Cancel(defect=Defect.MALFORMED_ID))
    assert "EP-17" in blamed(untouched(P, cancel, refusing(status, code)))


@pytest.mark.parametrize(("profile", "rule"), [(E, "EC-03"), (P, "EP-05"), (R, "RE-03")])
def test_a_success_has_the_documented_status(profile, rule):
    steps = () if profile is R else (Approve(),)
    assert rule in blamed(judged(profile, (*steps, Cancel()), {"answer.status": 201}))


MERCHANT = ("merchantInfo", "merchantinfo.merchantSerialNumber")
TRANSACTION = ("transaction", "transaction.transactionText")


@pytest.mark.parametrize(
    ("defect", "right", "wrong"),
    [
        (Defect.NO_MERCHANT_INFO, MERCHANT, TRANSACTION),
        (Defect.NO_BODY_MSN, MERCHANT, TRANSACTION),
        (Defect.NO_TRANSACTION, TRANSACTION, MERCHANT),
        (Defect.LONG_TEXT, TRANSACTION, ("99", None)),
    ],
)
def test_an_error_about_a_field_has_the_name_of_the_field_for_its_code(defect, right, wrong):
    cancel = (Approve(), Cancel(defect=defect))
    assert all("EC-25" in shown_rules(untouched(E, cancel, refusing(400, code))) for code in right)
    assert all(blamed(untouched(E, cancel, refusing(400, code))) == {"EC-25"} for code in wrong)


@pytest.mark.parametrize("field", ["captured", "refunded", "to_capture", "to_refund"])
def test_the_answer_of_a_cancel_before_the_approval_shows_no_money(field):
    assert judged(E, (Cancel(),), {f"answer.{field}": 1000}).status is StepStatus.VIOLATES


def test_a_refusal_that_the_order_has_for_itself_is_none_for_the_sales_unit():
    cancel = Cancel(to=Addressee.FOREIGN)
    for units in (True, False):
        shown = shown_rules(untouched(E, (*FULLY, cancel), refusing(400, "51"), in_world=context(units=units)))
        assert ("EC-20" in shown) == units


def test_a_second_success_is_a_violation_where_a_refusal_was_chosen():
    there = context("C10=reject")
    assert untouched(E, (Approve(), Cancel(), Cancel()), accepting(), in_world=there).status is StepStatus.VIOLATES
