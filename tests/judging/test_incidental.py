"""What a step shows in passing: the order of a log, the age of a cancel, the spelling of a state. None is judged."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    Cancel,
    Defect,
    Expire,
    Initiate,
    Key,
    Leave3DS,
    Read,
    Reject,
)
from conformance.judging.incidental import QUESTIONS, incidental_findings
from conformance.judging.judge import Judgement, StepStatus
from conformance.rulebook import RuleStatus, load
from tests.model.on_paper import DAY, NOTICED, E, P, R

FINE = Judgement(StepStatus.CONFORMS)
OPEN = {"answer.outcome": "accepted", "answer.status": 200}
SHUT = {"answer.outcome": "refused", "answer.status": 400}


def reserved(profile, age=timedelta(), **changes):
    kind = Kind.INITIAL_RESERVE if profile is R else Kind.PAYMENT
    return replace(Order(profile, kind, 1000, "NOK", Stage.RESERVED, since_reserved=age), **changes)


def seen(step, order, judgement=FINE, **observed):
    fields = {name.replace("__", "."): value for name, value in observed.items()}
    return dict(incidental_findings(step, (order,) if order else (), judgement, fields))


def test_what_is_noticed_is_a_rule_of_silence_or_an_open_question():
    recorded = {
        rule.id for profile in Profile for rule in load().governing(profile) if rule.status is RuleStatus.RECORDED
    }
    assert set(NOTICED) <= recorded
    assert {switch.id for switch in load().switches} >= QUESTIONS


@pytest.mark.parametrize(
    ("profile", "rule"), [(E, "EC-27"), (P, "EP-25"), (R, "RE-17")], ids=lambda one: getattr(one, "value", one)
)
def test_that_a_cancel_was_one_too_many_is_noticed_although_it_proves_nothing(profile, rule):
    judgement = Judgement(StepStatus.INCONCLUSIVE, cause="the target asked to slow down")
    busy = {"answer__outcome": "busy", "answer__status": 429}
    assert seen(Cancel(), reserved(profile), judgement, **busy) == {rule: "answered 429"}
    assert seen(Read(), reserved(profile), judgement, **busy) == {}


@pytest.mark.parametrize(
    ("told", "said"), [("oldest-first", "oldest first"), ("newest-first", "newest first"), ("mixed", "in no order")]
)
def test_the_order_of_an_event_log_is_noticed_in_epayment_alone(told, said):
    assert seen(Read(), reserved(P), view__log__order=told) == {"EP-31": said}
    assert seen(Read(), reserved(E), view__log__order=told) == {}
    assert seen(Read(), reserved(P), view__log__order=None) == {}


@pytest.mark.parametrize(("cancelled", "form"), [(1000, "the rest cancelled"), (0, "nothing cancelled")])
def test_the_form_in_which_a_provider_ends_a_reservation_is_noticed(cancelled, form):
    ended = replace(FINE, readings=(("C20", "auto-cancelled"),))
    found = seen(Age(by=181 * DAY), reserved(P), ended, view__state="AUTHORIZED", view__cancelled=cancelled)
    assert found == {"EP-38": f"state AUTHORIZED, {form}"}
    assert seen(Age(by=181 * DAY), reserved(P), FINE, view__state="AUTHORIZED", view__cancelled=cancelled) == {}
    assert seen(Age(by=181 * DAY), reserved(E), ended, view__state="AUTHORIZED", view__cancelled=cancelled) == {}


def test_that_a_provider_leaves_a_reservation_past_its_deadline_is_noticed():
    kept = replace(FINE, readings=(("C20", "kept"),))
    assert seen(Age(by=200 * DAY), reserved(P), kept, view__state="AUTHORIZED") == {"EP-38": "left as it was"}


def test_the_state_of_a_new_charge_is_noticed_and_that_of_a_payment_is_not():
    charge = Initiate(kind=Kind.CHARGE_RESERVE)
    assert seen(charge, None, view__state="DUE") == {"RE-33": "DUE 45 days before it is due"}
    assert seen(charge, None) == {}
    assert seen(Initiate(), None, view__state="CREATED") == {}


@pytest.mark.parametrize(
    ("order", "step"),
    [
        (reserved(E, 90 * DAY), Cancel()),
        (reserved(E, 90 * DAY, captured=400), Cancel(flag=True)),
        (reserved(P, 90 * DAY), Cancel(flag=False)),
        (reserved(P, 90 * DAY, captured=400), Cancel()),
        (reserved(R, 90 * DAY), Cancel()),
    ],
)
@pytest.mark.parametrize(("answer", "said"), [(OPEN, "accepted"), (SHUT, "refused")])
def test_the_age_is_noticed_of_a_cancel_that_nothing_else_forbids(order, step, answer, said):
    found = dict(incidental_findings(step, (order,), FINE, answer))
    assert found["C1"] == f"{said} 90 days after the reservation"
    assert dict(incidental_findings(step, (replace(order, since_reserved=DAY),), FINE, answer))["C1"].startswith(
        f"{said} 1 day "
    )


@pytest.mark.parametrize(
    ("order", "step"),
    [
        (reserved(E, 90 * DAY, captured=400), Cancel()),
        (reserved(E, 90 * DAY, captured=1000), Cancel(flag=True)),
        (reserved(P, 90 * DAY), Cancel(flag=True)),
        (reserved(P, 90 * DAY, lapsed=True), Cancel()),
        (reserved(R, 90 * DAY, agreement_stopped=True), Cancel()),
        (reserved(P, 90 * DAY), Cancel(key=Key.SAME)),
        (reserved(P, 90 * DAY), Cancel(to=Addressee.UNKNOWN)),
        (reserved(P, 90 * DAY), Cancel(defect=Defect.NO_TOKEN)),
        (reserved(P, DAY / 2), Cancel()),
    ],
)
def test_no_age_is_told_where_something_else_may_be_the_reason(order, step):
    assert "C1" not in incidental_findings(step, (order,), FINE, SHUT)


def test_a_step_can_show_several_things():
    answer = {"answer__outcome": "accepted", "view__log__order": "oldest-first"}
    assert set(seen(Cancel(), reserved(P, 90 * DAY), **answer)) == {"EP-31", "C1"}


def test_how_ecom_answers_a_cancel_is_noticed():
    partly = reserved(E, captured=400)
    answer = {"answer__outcome": "accepted", "answer__status": 200, "answer__state": "CANCELLED"}
    assert seen(Cancel(), reserved(E), **answer) == {"C3": "CANCELLED"}
    amounts = {1000: "the amount of the order", 600: "the released part", None: "no amount", 7: "another amount"}
    for amount, said in amounts.items():
        assert seen(Cancel(flag=True), partly, **answer, answer__amount=amount)["C9"] == said
    first = reserved(E, stage=Stage.INITIATED, since_reserved=None)
    assert seen(Cancel(flag=True), first, **answer)["C7"] == "accepted 200"
    assert "C7" not in seen(Cancel(), first, **answer)
    text = Cancel(flag=False, defect=Defect.FLAG_AS_TEXT)
    assert seen(text, partly, **answer) == {"C17": "the flag as the text false: accepted 200"}
    assert seen(Cancel(flag=False, defect=Defect.NO_TEXT), partly, **answer) == {}


def test_how_ecom_refuses_a_cancel_is_noticed_for_the_reason_that_it_has():
    refused = {"answer__outcome": "refused", "answer__status": 402}
    late = Judgement(StepStatus.CONFORMS, examples=("EC-13", "KB-02/beyond"))
    assert seen(Cancel(), reserved(E), late, **refused, answer__code="98") == {"C2": "code 98"}
    assert seen(Cancel(), reserved(E), late, **refused) == {"C2": "no code"}
    for rule in ("EC-08/absent", "EC-09/false", "EC-10"):
        state = Judgement(StepStatus.CONFORMS, examples=(rule,))
        assert seen(Cancel(), reserved(E, captured=400), state, **refused) == {"C4": "status 402"}
    assert seen(Cancel(), reserved(E), FINE, **refused) == {}


@pytest.mark.parametrize(("code", "said"), [("6040", "an error code"), (None, "no error code")])
def test_whether_epayment_says_why_it_refuses_is_noticed(code, said):
    refused = {"answer__outcome": "refused", "answer__status": 400, "answer__code": code}
    assert seen(Cancel(), reserved(P, captured=1000), **refused) == {"C21": said}
    assert seen(Cancel(), reserved(R, captured=1000), **refused) == {}


@pytest.mark.parametrize(
    ("step", "stage", "told"),
    [
        (Reject(), Stage.INITIATED, True),
        (Expire(), Stage.IN_3DS, True),
        (Leave3DS(success=False), Stage.IN_3DS, True),
        (Leave3DS(success=True), Stage.IN_3DS, False),
        (Approve(), Stage.INITIATED, False),
        (Reject(), Stage.RESERVED, False),
    ],
)
def test_how_ecom_writes_down_that_the_user_ended_it_is_noticed(step, stage, told):
    found = seen(step, reserved(E, stage=stage), view__log__newest="CANCEL")
    assert found == ({"C11": "newest entry CANCEL"} if told else {})


@pytest.mark.parametrize("status", [StepStatus.VIOLATES, StepStatus.INCONCLUSIVE])
def test_what_violates_or_proves_nothing_shows_nothing(status):
    assert seen(Read(), reserved(P), Judgement(status), view__log__order="oldest-first") == {}


def test_of_an_order_that_may_be_one_of_several_no_question_is_answered():
    several = (reserved(P, 90 * DAY), reserved(P, 90 * DAY, captured=400))
    assert "C1" not in incidental_findings(Cancel(), several, FINE, OPEN)
