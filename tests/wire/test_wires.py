"""Answers of any kind become observations of the right types, and never an exception."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.messages import Response
from conformance.domain.order import Market, Profile
from conformance.domain.steps import (
    Addressee,
    Approve,
    Cancel,
    Capture,
    Defect,
    Initiate,
    Key,
    Read,
    Refund,
    StopAgreement,
)
from conformance.judging.judge import StepStatus, judge
from conformance.model import ModelContext, expect
from conformance.wire import WIRES, Credentials, NoResponse, OrderIdentifiers
from conformance.wire.base import json_body, observed_amount, observed_name
from conformance.wire.ecom import _order
from tests.model.on_paper import PROFILES, E, P, R, arrive, final_steps, opening

KEYS = Credentials("subscription-key", "123456", "token", "654321")


def wire(profile, offered=()):
    ticket = OrderIdentifiers("cctest-0001", date(2026, 11, 23), Market.NO)
    ticket.agreement_id, ticket.charge_id = "agr_1", "chr-1"
    return WIRES[profile](KEYS, ticket, frozenset(offered))


def exchange(calls, *answers):
    """Answer a step's calls in turn, the last answer again and again; return the calls and the observation."""
    asked, remaining = [], list(answers)
    try:
        call = next(calls)
        while True:
            asked.append(call)
            call = calls.send(remaining.pop(0) if len(remaining) > 1 else remaining[0])
    except StopIteration as stop:
        return asked, stop.value


NAMES = [
    "orderId",
    "transactionInfo",
    "transactionSummary",
    "status",
    "amount",
    "transactionText",
    "capturedAmount",
    "refundedAmount",
    "remainingAmountToCapture",
    "remainingAmountToRefund",
    "transactionLogHistory",
    "operation",
    "operationSuccess",
    "timeStamp",
    "paymentInstrument",
    "reference",
    "state",
    "aggregate",
    "authorizedAmount",
    "cancelledAmount",
    "value",
    "currency",
    "pspReference",
    "name",
    "success",
    "extraDetails",
    "reason",
    "type",
    "detail",
    "summary",
    "history",
    "event",
    "captured",
    "refunded",
    "cancelled",
    "agreementId",
    "chargeId",
    "errorCode",
    "errorGroup",
    "errorMessage",
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(("CANCEL", "INITIATE", "CAPTURED", "Cancelled", "RESERVED", "300", "", "#", "ErrorCode", "\ud800")),
)
BODIES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=30,
)
STATUSES = st.sampled_from((200, 201, 202, 204, 302, 400, 401, 404, 409, 423, 429, 500, 503, 100, 999))


def as_bytes(body):
    return json.dumps(body).encode("utf-8", "surrogatepass")


ANSWERS = st.one_of(
    st.builds(lambda status, body: Response(status, (), as_bytes(body)), STATUSES, BODIES),
    st.builds(lambda status, body: Response(status, (), body), STATUSES, st.binary(max_size=40)),
    st.builds(NoResponse, st.text(max_size=10)),
)
TEXTS = {"answer.outcome", "view.outcome", "answer.state", "view.state", "view.currency", "answer.code", "answer.cause"}
WHOLE = {"view.captured", "view.refunded", "view.cancelled", "view.authorized", "answer.amount", "answer.cancelled"}
WHOLE |= {"answer.status", "view.status", "view.to_capture", "view.to_refund"}


def plausible(observed):
    for name, value in observed.items():
        assert name.startswith(("answer.", "view."))
        assert value is None or isinstance(value, str | int | bool)
        if name in TEXTS:
            assert value is None or isinstance(value, str)
        if name in WHOLE:
            assert value is None or (isinstance(value, int) and not isinstance(value, bool))


@given(st.sampled_from(PROFILES), st.data())
def test_any_answer_to_a_cancel_or_a_read_becomes_an_observation(profile, data):
    tested = wire(profile)
    cancel = Cancel(
        flag=data.draw(st.sampled_from((None, True, False))),
        key=data.draw(st.sampled_from(list(Key))),
        to=data.draw(st.sampled_from(list(Addressee))),
        defect=data.draw(st.none() | st.sampled_from(list(Defect))),
    )
    answers = data.draw(st.lists(ANSWERS, min_size=1, max_size=4))
    observed = exchange(tested.perform(cancel), *answers)[1]
    observed |= exchange(
        tested.read(log=data.draw(st.booleans())), *data.draw(st.lists(ANSWERS, min_size=1, max_size=2))
    )[1]
    plausible(observed)
    judgement = judge(expect(arrive(profile, ()), cancel, ModelContext()), observed)[0]
    assert isinstance(judgement.status, StepStatus)


@given(st.sampled_from(PROFILES), st.data())
def test_any_answer_to_any_other_step_becomes_an_observation(profile, data):
    step = data.draw(st.sampled_from([opening(profile), *final_steps(profile)]))
    offered = data.draw(st.sampled_from(((), ("approve",))))
    observed = exchange(wire(profile, offered).perform(step), *data.draw(st.lists(ANSWERS, min_size=1, max_size=3)))[1]
    plausible(observed)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_lost_answer_is_lost_in_every_api(profile):
    assert exchange(wire(profile).cancel(Cancel()), NoResponse("reset"))[1]["answer.outcome"] == "lost"
    assert exchange(wire(profile).read(), NoResponse("reset"))[1] == {"view.outcome": "lost", "view.cause": "reset"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "accepted"),
        (204, "accepted"),
        (202, "pending"),
        (400, "refused"),
        (423, "refused"),
        (429, "busy"),
        (500, "broken"),
        (302, "odd"),
        (199, "odd"),
        (600, "odd"),
    ],
)
def test_a_status_is_understood_in_the_models_words(status, outcome):
    observed = exchange(wire(E).cancel(Cancel()), Response(status))[1]
    assert (observed["answer.outcome"], observed["answer.status"]) == (outcome, status)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_body_that_is_nested_without_end_is_no_json(profile):
    deep = Response(200, (), b"[" * 200_000)
    plausible(exchange(wire(profile).read(), deep)[1])


@pytest.mark.parametrize("body", [b"", b"null", b"\xff\xfe", b"{", b"1" * 5000, b'"text"'])
def test_a_body_that_is_no_object_says_nothing(body):
    assert json_body(Response(200, (), body)) is None or not isinstance(json_body(Response(200, (), body)), dict)
    for profile in PROFILES:
        assert exchange(wire(profile).read(), Response(200, (), body))[1]["view.outcome"] == "accepted"


def test_an_ecom_answer_is_read_field_by_field():
    body = {
        "orderId": "cctest-0001",
        "paymentInstrument": "Visa",
        "transactionInfo": {"amount": 1000, "status": "Cancelled", "transactionText": "Conformance test"},
        "transactionSummary": {
            "capturedAmount": 300,
            "refundedAmount": 0,
            "remainingAmountToCapture": 0,
            "remainingAmountToRefund": 300,
        },
    }
    observed = exchange(wire(E).cancel(Cancel()), Response(200, (), as_bytes(body)))[1]
    assert observed["answer.order"] == observed["answer.text"] == "same"
    assert (observed["answer.state"], observed["answer.amount"], observed["answer.to_refund"]) == (
        "Cancelled",
        1000,
        300,
    )


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["VOID", "RESERVE", "INITIATE"], "newest-first"),
        (["INITIATE", "RESERVE", "VOID"], "oldest-first"),
        (["INITIATE"], "one-entry"),
        ([], "one-entry"),
    ],
)
def test_the_order_of_a_history_shows_in_where_it_begins(names, order):
    assert _order(names, [None] * len(names)) == order


@pytest.mark.parametrize(
    "times",
    [
        ["2026-01-01T10:00:00.5Z", "2026-01-01T10:00:00Z", "2026-01-01T09:59:59Z"],
        ["2026-01-01T10:00:00.123Z", "2026-01-01T10:00:00.12Z", "2026-01-01T10:00:00.1Z"],
        ["2026-10-25T02:10:00+01:00", "2026-10-25T02:50:00+02:00", "2026-10-25T02:40:00+02:00"],
    ],
)
def test_the_times_of_a_history_are_compared_as_times(times):
    assert _order(["VOID", "RESERVE", "INITIATE"], times) == "newest-first"


def test_an_epayment_error_is_known_by_its_code():
    body = {"extraDetails": [{"name": "x", "reason": "y"}, {"name": "ErrorCode", "reason": "6040"}]}
    assert exchange(wire(P).cancel(Cancel()), Response(400, (), as_bytes(body)))[1]["answer.code"] == "6040"


def test_a_recurring_problem_is_known_by_the_end_of_its_type():
    body = {"type": "https://example.com/problems#conflict", "detail": "The charge is CHARGED."}
    observed = exchange(wire(R).cancel(Cancel()), Response(409, (), as_bytes(body)))[1]
    assert (observed["answer.code"], observed["answer.detail"]) == ("conflict", "The charge is CHARGED.")


def key_of(call):
    names = {"idempotency-key", "x-request-id"}
    return next((value for name, value in call.request.headers if name.lower() in names), None)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_key_is_the_one_of_the_cancel_before(profile):
    tested = wire(profile)
    first, again, fresh = (
        exchange(tested.cancel(Cancel(key=key)), Response(400))[0][-1] for key in (Key.FRESH, Key.SAME, Key.FRESH)
    )
    assert key_of(first) == key_of(again) != key_of(fresh)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_spent_key_was_just_used_for_another_order(profile):
    calls, _ = exchange(wire(profile).cancel(Cancel(key=Key.SPENT)), Response(200, (), b'{"chargeId":"chr-2"}'))
    helper, own = calls[-2:]
    assert (helper.purpose, own.purpose) == ("prepare", "act")
    assert key_of(helper) == key_of(own)
    assert helper.request.path != own.request.path


@pytest.mark.parametrize(
    "to",
    [Addressee.UNKNOWN, Addressee.FOREIGN],
)
def test_a_spent_key_in_recurring_is_sent_to_the_addressee(to):
    calls, _ = exchange(wire(R).cancel(Cancel(key=Key.SPENT, to=to)), Response(200, (), b'{"agreementId":"agr_2"}'))
    assert not calls[-1].request.path.endswith("/agreements/agr_1/charges/chr-1")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("defect", [None, *Defect])
def test_every_defect_changes_the_request_in_one_place_or_not_at_all(profile, defect):
    first, other = wire(profile), wire(profile)
    plain = exchange(first.cancel(Cancel()), Response(400))[0][-1].request
    broken = exchange(other.cancel(Cancel(defect=defect)), Response(400))[0][-1].request
    differing = [
        plain.path != broken.path,
        {name for name, _ in plain.headers} ^ {name for name, _ in broken.headers} != set()
        or plain.headers != broken.headers,
        plain.body != broken.body,
    ]
    assert sum(differing) <= 1


@pytest.mark.parametrize("profile", PROFILES)
def test_every_identifier_and_key_keeps_to_the_common_range(profile):
    tested = wire(profile)
    for _ in range(12):
        calls, _ = exchange(tested.cancel(Cancel(key=Key.SPENT)), Response(200, (), b"{}"))
        assert all(len(key_of(call) or "") <= 40 for call in calls)


def test_a_step_that_is_nothing_to_the_wire_asks_nothing():
    for profile in PROFILES:
        assert exchange(wire(profile).act(Read()), Response(200)) == ([], {})


@pytest.mark.parametrize(
    ("profile", "steps"), [(E, (Approve(), Capture(5), Refund(5))), (R, (Capture(5), StopAgreement()))]
)
def test_a_step_of_the_merchant_is_one_request_to_the_api(profile, steps):
    for step in steps:
        calls, observed = exchange(wire(profile).perform(step), Response(200))
        assert [call.to_control for call in calls] == [False]
        assert observed["answer.outcome"] == "accepted"


def test_a_recurring_charge_without_an_agreement_is_not_asked_for():
    calls, observed = exchange(wire(R).perform(opening(R)), Response(400))
    assert len(calls) == 1
    assert observed["answer.outcome"] == "refused"
    assert isinstance(opening(R), Initiate)
    assert Profile.RECURRING is R


def money(value):
    return {"currency": "NOK", "value": value}


PAYMENT = {
    "reference": "cctest-0001",
    "pspReference": "psp-1",
    "state": "AUTHORIZED",
    "amount": money(1000),
    "aggregate": {
        "authorizedAmount": money(1000),
        "capturedAmount": money(300),
        "refundedAmount": money(0),
        "cancelledAmount": money(700),
    },
}


def event(name, amount, psp, **more):
    return {"name": name, "amount": money(amount), "pspReference": psp, **more}


EVENTS = [
    event("CREATED", 1000, "psp-1"),
    event("AUTHORIZED", 1000, "psp-2", success=True),
    event("CAPTURED", 300, "psp-3", success=True),
    event("CAPTURED", 999, "psp-4", success=False),
    event("CANCELLED", 700, "psp-5"),
]


def test_an_epayment_payment_and_its_events_are_read_field_by_field():
    tested = wire(P)
    answer = Response(200, (), as_bytes(PAYMENT))
    observed = exchange(tested.cancel(Cancel()), answer)[1]
    assert (observed["answer.state"], observed["answer.cancelled"]) == ("AUTHORIZED", 700)
    calls, view = exchange(tested.read(), answer, Response(200, (), as_bytes(EVENTS)))
    assert [call.request.path for call in calls] == [
        "/epayment/v1/payments/cctest-0001",
        "/epayment/v1/payments/cctest-0001/events",
    ]
    assert (view["view.state"], view["view.currency"], view["view.authorized"]) == ("AUTHORIZED", "NOK", 1000)
    assert (view["view.log.captured"], view["view.log.cancelled"]) == (300, 700)
    assert view["answer.psp"] == "creation"
    assert not view["view.overdrawn"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cancelledAmount": money(701)}, "view.overdrawn"),
        ({"refundedAmount": money(301)}, "view.overrefunded"),
        ({"refundedAmount": money(-1)}, "view.negative"),
    ],
)
def test_books_that_do_not_add_up_are_seen(changes, field):
    body = {**PAYMENT, "aggregate": {**PAYMENT["aggregate"], **changes}}
    assert exchange(wire(P).read(log=False), Response(200, (), as_bytes(body)))[1][field]


def test_two_currencies_in_one_payment_are_seen():
    body = {**PAYMENT, "aggregate": {**PAYMENT["aggregate"], "cancelledAmount": {"currency": "DKK", "value": 700}}}
    assert exchange(wire(P).read(log=False), Response(200, (), as_bytes(body)))[1]["view.currency"] == "DKK and NOK"


def test_a_currency_that_one_amount_lacks_is_absent_there():
    body = {**PAYMENT, "aggregate": {**PAYMENT["aggregate"], "cancelledAmount": {"value": 700}}}
    assert exchange(wire(P).read(log=False), Response(200, (), as_bytes(body)))[1]["view.currency"] == "NOK and absent"


@pytest.mark.parametrize("profile", [E, R])
def test_a_log_that_is_not_there_is_absent_and_not_empty(profile):
    _, view = exchange(wire(profile).read(), Response(200, (), b'{"status": "RESERVED"}'))
    assert [name for name, value in view.items() if name.startswith("view.log") and value is not None] == []


@pytest.mark.parametrize("odd", [[], {}, ["NOK"], 7])
def test_a_currency_that_is_no_text_is_seen_as_what_it_is(odd):
    body = json.loads(json.dumps(PAYMENT))
    for amount in (body["amount"], *body["aggregate"].values()):
        amount["currency"] = odd
    view = exchange(wire(P).read(log=False), Response(200, (), as_bytes(body)))[1]
    assert "no text" in view["view.currency"]


@pytest.mark.parametrize("profile", PROFILES)
def test_amounts_that_no_money_is_can_be_written_down(profile):
    """The sum of some numbers that Python reads is one that it does not write."""
    log = [
        {"name": "CAPTURED", "amount": {"value": 10**4300 - 1}, "operation": "CAPTURE", "event": "CAPTURE"}
        for _ in range(20)
    ]
    for amount in (10**4300 - 1, {"value": 10**4300 - 1}):
        for entry in log:
            entry["amount"] = amount
        body = {"transactionLogHistory": log, "transactionSummary": {}, "history": log, "summary": {}}
        answers = [Response(200, (), as_bytes(body)), Response(200, (), as_bytes(log))]
        assert json.dumps(exchange(wire(profile).read(), *answers)[1])


def test_a_payment_that_was_never_authorized_may_have_more_cancelled_than_authorized():
    aggregate = {**PAYMENT["aggregate"], "authorizedAmount": money(0), "capturedAmount": money(0)}
    body = {**PAYMENT, "state": "TERMINATED", "aggregate": aggregate}
    assert not exchange(wire(P).read(log=False), Response(200, (), as_bytes(body)))[1]["view.overdrawn"]


@pytest.mark.parametrize("step", [Initiate(), Approve(), Capture(5), Refund(5)])
def test_an_epayment_step_is_one_request_with_a_body(step):
    calls, _ = exchange(wire(P).perform(step), Response(200))
    assert len(calls) == 1
    assert json.loads(calls[0].request.body)


def test_a_recurring_charge_is_made_under_an_agreement_that_was_accepted():
    answers = [Response(201, (), b'{"agreementId":"agr_9","chargeId":"chr-9"}')]
    for kind, count in ((opening(R).kind, 2), (opening(R).kind.CHARGE_DIRECT, 3)):
        tested = wire(R)
        calls, observed = exchange(tested.perform(Initiate(kind=kind)), *answers)
        assert len(calls) == count
        assert tested.identifier == "chr-9"
        assert observed["answer.outcome"] == "accepted"


def test_a_charge_without_the_agreement_that_was_refused_is_not_made():
    calls, observed = exchange(wire(R).perform(opening(R)), Response(201, (), b"{}"), Response(500))
    assert len(calls) == 2
    assert observed["answer.outcome"] == "broken"


@pytest.mark.parametrize(
    ("stamps", "order"),
    [
        (("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.900Z"), "newest-first"),
        (("2026-01-01T12:00:00.900Z", "2026-01-01T12:00:01Z"), "mixed"),
        (("2026-01-01T12:00:00", "2026-01-01T13:00:00+02:00"), "newest-first"),
        (("2026-01-01T12:00:00.100Z", "2026-01-01T12:00:00.900Z"), "mixed"),
        (("not a time", "2026-01-01T12:00:00Z"), "newest-first"),
    ],
)
def test_times_are_compared_as_far_as_they_can_be(stamps, order):
    assert _order(["VOID", "RESERVE"], list(stamps)) == order


def test_an_amount_of_the_wrong_type_is_not_taken_for_a_missing_one():
    assert observed_amount(None) is None
    assert observed_amount(1000) == 1000
    for value in ("1000", 10.5, True, {"value": 1000}, [], "x" * 10_000):
        assert "no whole number" in str(observed_amount(value))
        assert len(str(observed_amount(value))) < 80
    for value in (2**63, -(10**4299)):
        assert "larger than any amount" in str(observed_amount(value))
        assert len(str(observed_amount(value))) < 80
    assert observed_name("VOID") == "VOID"
    assert observed_name(None) is None
    assert "no text" in str(observed_name(7))
