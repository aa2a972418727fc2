from __future__ import annotations

import pytest

from conformance.sandbox import Market, Options

from .sandbox_client import MISSING, OTHER, Ecom, EPayment, error_code, fixed_now, sums

FINISHED = [("reject",), ("expire",), ("start_3ds", "fail_3ds"), ("start_3ds", "expire")]


@pytest.mark.parametrize("body", [MISSING, {}, {"cancelTransactionOnly": False}, {"cancelTransactionOnly": True}])
def test_a_cancel_before_the_approval_terminates(body):
    api = EPayment()
    api.create()
    answer = api.cancel(body).json()
    assert sums(answer) == ("TERMINATED", 0, 0, 0, 1000)
    assert sums(api.get()) == ("TERMINATED", 0, 0, 0, 1000)
    created, terminated = api.events()
    assert (created["name"], terminated["name"]) == ("CREATED", "TERMINATED")
    assert answer["pspReference"] == created["pspReference"] != terminated["pspReference"]


@pytest.mark.parametrize("captures", [(), (250,), (100, 100, 50)])
def test_a_cancel_after_the_approval_releases_what_was_not_captured(captures):
    api = EPayment()
    api.authorized(captures=captures)
    taken = sum(captures)
    answer = api.cancel().json()
    assert sums(answer) == ("AUTHORIZED", 1000, taken, 0, 1000 - taken)
    events = api.events()
    assert events[-1]["name"] == "CANCELLED"
    assert events[-1]["amount"] == {"currency": "NOK", "value": 1000 - taken}
    assert len({event["pspReference"] for event in events}) == len(events)
    assert answer["pspReference"] == events[0]["pspReference"]
    assert error_code(api.capture(1)) == (400, "6070")
    if taken:
        assert api.refund(taken).status == 200
        assert error_code(api.refund(1)) == (400, "6210")
    else:
        assert error_code(api.refund(1)) == (400, "6150")


def test_a_cancel_after_a_refund_leaves_the_refund_alone():
    api = EPayment()
    api.authorized(captures=(400,))
    api.refund(100)
    assert sums(api.cancel().json()) == ("AUTHORIZED", 1000, 400, 100, 600)


def refused_unchanged(api, body=MISSING, **headers):
    before = api.get(), api.events()
    response = api.cancel(body, **headers)
    assert (api.get(), api.events()) == before
    return response


def test_what_is_fully_captured_is_not_cancelled():
    api = EPayment()
    api.authorized(captures=(1000,))
    assert error_code(refused_unchanged(api)) == (400, "6040")


@pytest.mark.parametrize("captures", [(), (250,)])
def test_only_the_transaction_cannot_be_cancelled_once_authorized(captures):
    api = EPayment()
    api.authorized(captures=captures)
    assert error_code(refused_unchanged(api, {"cancelTransactionOnly": True})) == (400, "6060")
    no_op = EPayment(Options(transaction_only_on_authorized="no-op"))
    no_op.authorized(captures=captures)
    assert refused_unchanged(no_op, {"cancelTransactionOnly": True}).status == 200


@pytest.mark.parametrize("status", [409, 423, 500])
def test_a_three_d_secure_session_prevents_a_cancel(status):
    api = EPayment(Options(threeds_status=status))
    api.create()
    api.act("epayment", "reference-1", "start_3ds")
    assert error_code(refused_unchanged(api, idempotency_key="same")) == (status, "6250")
    assert error_code(api.capture(1)) == (400, "6050")
    api.act("epayment", "reference-1", "finish_3ds")
    assert sums(api.cancel(idempotency_key="same").json()) == ("AUTHORIZED", 1000, 0, 0, 1000)


@pytest.mark.parametrize("ending", FINISHED)
def test_an_ended_payment_refuses_a_cancel(ending):
    api = EPayment()
    api.create()
    for action in ending:
        assert api.act("epayment", "reference-1", action) == 204
    state = "EXPIRED" if ending[-1] == "expire" else "ABORTED"
    assert sums(api.get()) == (state, 0, 0, 0, 0)
    assert api.names() == ["CREATED", state]
    assert error_code(refused_unchanged(api)) == (400, "6190")
    assert error_code(api.capture(1)) == (400, "6070")
    assert error_code(api.approve()) == (400, "10010")


@pytest.mark.parametrize("captures", [None, (), (400,)])
def test_a_second_cancel_is_refused_or_repeated(captures):
    for reading in ("refuse", "repeat"):
        api = EPayment(Options(second_cancel=reading))
        if captures is None:
            api.create()
        else:
            api.authorized(captures=captures)
        first = api.cancel()
        second = refused_unchanged(api)
        if reading == "refuse":
            assert error_code(second) == (400, "6190")
        else:
            assert second == first


def test_a_user_ended_payment_can_be_cancelled_again_without_effect():
    api = EPayment(Options(second_cancel="repeat"))
    api.create()
    api.act("epayment", "reference-1", "reject")
    assert sums(refused_unchanged(api).json()) == ("ABORTED", 0, 0, 0, 0)


@pytest.mark.parametrize(("market", "days"), [("no", 181), ("dk", 15), ("fi", 15)])
def test_an_old_payment_is_not_cancelled(market, days):
    api = EPayment(Options(market=Market(market), auto_cancel_at_deadline=False))
    api.authorized(captures=(400,))
    api.age("epayment", "reference-1", days)
    assert error_code(refused_unchanged(api)) == (400, "6030")
    assert error_code(api.capture(1)) == (400, "6100")
    young = EPayment(Options(market=Market(market)))
    young.authorized()
    young.age("epayment", "reference-1", days - 2)
    assert young.cancel().status == 200


def test_what_is_authorized_at_the_deadline_is_released():
    api = EPayment()
    api.authorized(captures=(400,))
    api.age("epayment", "reference-1", 181)
    assert sums(api.get()) == ("AUTHORIZED", 1000, 400, 0, 600)
    assert api.names()[-1] == "CANCELLED"
    assert error_code(api.cancel()) == (400, "6030")


def test_a_refund_has_a_year():
    api = EPayment()
    api.authorized(captures=(1000,))
    api.age("epayment", "reference-1", 364)
    assert api.refund(1).status == 200
    api.age("epayment", "reference-1", 2)
    assert error_code(api.refund(1)) == (400, "6220")


def test_a_payment_expires_after_ten_minutes_or_when_it_was_asked_to():
    api = EPayment(now=fixed_now)
    api.create()
    api.create("reference-2", expiresAt="2026-03-05T12:00:00+01:00")
    for id_ in ("reference-1", "reference-2"):
        api.age("epayment", id_, seconds=601)
    assert sums(api.get()) == ("EXPIRED", 0, 0, 0, 0)
    assert api.events()[-1]["timestamp"] == "2026-03-01T11:59:59.000Z"
    assert api.get("reference-2")["state"] == "CREATED"
    api.age("epayment", "reference-2", 4)
    assert api.get("reference-2")["state"] == "EXPIRED"
    assert error_code(api.cancel(id_="reference-2")) == (400, "6190")


def test_unknown_and_foreign_payments_are_not_found():
    api = EPayment()
    api.create()
    assert error_code(api.cancel(id_="reference-2")) == (404, "5090")
    assert error_code(api.cancel(merchant_serial_number=OTHER)) == (404, "5090")
    assert api.names() == ["CREATED"]
    assert api.create("reference-1").status == 409


@pytest.mark.parametrize(("msn", "status", "code"), [(None, 400, "4140"), ("12", 400, None), ("999999", 403, None)])
def test_the_sales_unit_is_required(msn, status, code):
    api = EPayment()
    api.create()
    response = api.cancel(merchant_serial_number=msn)
    assert response.status == status
    if status == 400:
        assert error_code(response) == (400, code)
    assert api.names() == ["CREATED"]


@pytest.mark.parametrize(
    "id_", ["short", "x" * 65, "with%20space", "%C3%A5%C3%A5%C3%A5%C3%A5%C3%A5%C3%A5%C3%A5%C3%A5", "%2F" * 9]
)
def test_a_malformed_reference_is_named_without_a_code(id_):
    response = EPayment().cancel(id_=id_)
    assert error_code(response) == (400, None)
    assert response.json()["extraDetails"][0]["name"] == "reference"


@pytest.mark.parametrize("body", [[], "x", None, 1, {"cancelTransactionOnly": "true"}, {"cancelTransactionOnly": 1}])
def test_a_malformed_cancel_is_refused_without_a_code(body):
    api = EPayment()
    api.create()
    assert error_code(api.cancel(body)) == (400, None)
    assert api.names() == ["CREATED"]


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("amount", {"amount": 1000}),
        ("amount.value", {"amount": {"value": 0, "currency": "NOK"}}),
        ("amount.value", {"amount": {"value": 1.5, "currency": "NOK"}}),
        ("amount.value", {"amount": {"value": 10**20, "currency": "NOK"}}),
        ("amount.currency", {"amount": {"value": 1, "currency": "nok"}}),
        ("paymentMethod.type", {"paymentMethod": {}}),
        ("reference", {"reference": "short"}),
        ("userFlow", {"userFlow": "PIGEON"}),
        ("returnUrl", {"returnUrl": 1}),
        ("paymentDescription", {"paymentDescription": "x"}),
        ("customer.phoneNumber", {"customer": {"phoneNumber": "1"}}),
        ("expiresAt", {"expiresAt": "tomorrow"}),
        ("expiresAt", {"expiresAt": "2026-99-01T12:00:00Z"}),
        ("expiresAt", {"expiresAt": "2026-03-01T12:01:00Z"}),
        ("expiresAt", {"expiresAt": "2027-03-01T12:01:00Z"}),
    ],
)
def test_a_creation_is_checked_field_by_field(field, more):
    response = EPayment(now=fixed_now).create(**more)
    assert error_code(response) == (400, None)
    assert field in [detail["name"] for detail in response.json()["extraDetails"]]


@pytest.mark.parametrize("amount", [0, -1, "5", None, 1.0])
def test_amounts_are_positive_integers(amount):
    api = EPayment()
    api.authorized()
    assert error_code(api.capture(amount)) == (400, None)
    assert api.names() == ["CREATED", "AUTHORIZED"]


def test_the_currency_must_be_the_payments():
    api = EPayment()
    api.authorized()
    body = {"modificationAmount": {"currency": "EUR", "value": 1}}
    response = api.send("POST", f"{api.BASE}/reference-1/capture", body, idempotency_key="k")
    assert response.json()["extraDetails"][0]["name"] == "modificationAmount.currency"


def test_captures_add_up():
    api = EPayment()
    api.authorized(captures=(300, 300))
    assert error_code(api.capture(401)) == (400, "6090")
    assert sums(api.capture(400).json()) == ("AUTHORIZED", 1000, 1000, 0, 0)
    assert error_code(api.capture(1)) == (400, "6090")
    assert api.names() == ["CREATED", "AUTHORIZED", "CAPTURED", "CAPTURED", "CAPTURED"]


def test_a_key_is_required_except_for_a_cancel():
    api = EPayment()
    assert error_code(api.send("POST", api.BASE, {})) == (400, "4140")
    api.authorized()
    for verb in ("capture", "refund"):
        body = {"modificationAmount": {"currency": "NOK", "value": 1}}
        for key, expected in ((None, "4140"), ("", "4140"), ("x" * 51, None)):
            response = api.send("POST", f"{api.BASE}/reference-1/{verb}", body, idempotency_key=key)
            assert error_code(response) == (400, expected)
    assert error_code(api.cancel(idempotency_key="x" * 51)) == (400, None)
    assert api.cancel().status == 200
    assert api.events()[-1]["idempotencyKey"] is None


def test_the_same_key_and_request_are_carried_out_once():
    api = EPayment()
    created = api.create(key="create")
    assert api.create(key="create") == created
    api.approve()
    first = api.capture(300, key="capture")
    assert api.capture(300, key="capture") == first
    cancelled = api.cancel({"cancelTransactionOnly": False}, idempotency_key="cancel")
    again = api.send(
        "POST", f"{api.BASE}/reference-1/cancel", raw=b'{ "cancelTransactionOnly" : false }', idempotency_key="cancel"
    )
    assert again == cancelled
    assert api.names() == ["CREATED", "AUTHORIZED", "CAPTURED", "CANCELLED"]
    assert [event["idempotencyKey"] for event in api.events()] == ["create", None, "capture", "cancel"]


def test_the_same_key_and_another_request_conflict():
    api = EPayment()
    api.authorized()
    assert api.capture(300, key="same").status == 200
    assert error_code(api.capture(301, key="same")) == (409, "4020")
    assert error_code(api.cancel(idempotency_key="same")) == (409, "4020")
    assert error_code(api.cancel({}, idempotency_key="new")) == (200, None)
    assert error_code(api.cancel({"cancelTransactionOnly": True}, idempotency_key="new")) == (409, "4020")
    assert error_code(api.send("POST", f"{api.BASE}/reference-1/cancel", raw=b"{", idempotency_key="new")) == (
        409,
        "4020",
    )
    assert sums(api.get()) == ("AUTHORIZED", 1000, 300, 0, 700)


def test_a_key_can_be_unique_for_one_operation_only():
    api = EPayment(Options(key_scope="operation"))
    api.create(key="same")
    api.approve()
    assert api.capture(300, key="same").status == 200
    assert api.cancel(idempotency_key="same").status == 200
    assert error_code(api.capture(301, key="same")) == (409, "4020")


def test_keys_are_the_sales_units_own():
    api = EPayment()
    api.create(key="same")
    body = {"modificationAmount": {"currency": "NOK", "value": 1}}
    response = api.send(
        "POST", f"{api.BASE}/reference-1/capture", body, idempotency_key="same", merchant_serial_number=OTHER
    )
    assert error_code(response) == (404, "5090")


def test_a_cancel_key_can_be_ignored():
    api = EPayment(Options(cancel_key_ignored=True))
    api.authorized()
    assert api.cancel(idempotency_key="same").status == 200
    assert error_code(api.cancel(idempotency_key="same")) == (400, "6190")
    assert api.events()[-1]["idempotencyKey"] is None


@pytest.mark.parametrize("sticky", [True, False])
def test_a_refusal_sticks_to_its_key(sticky):
    api = EPayment(Options(sticky_4xx=sticky))
    api.create()
    refused = api.capture(300, key="early")
    assert api.cancel({"cancelTransactionOnly": 1}, idempotency_key="bad").status == 400
    api.approve()
    again = api.capture(300, key="early")
    assert again == refused if sticky else again.status == 200
    assert error_code(api.capture(300, key="late")) == (200, None)


def test_error_identity_can_be_the_type():
    api = EPayment(Options(error_identity="type-only", epayment_refusal_status=409))
    api.authorized(captures=(1000,))
    refused = api.cancel()
    assert error_code(refused) == (409, None)
    assert refused.json()["type"].endswith("#6040")


def test_events_can_be_newest_first():
    api = EPayment(Options(events_order="newest-first", extra_fields=True))
    api.authorized()
    assert api.names() == ["AUTHORIZED", "CREATED"]
    assert all("sandboxExtra" in event for event in api.events())


@pytest.mark.parametrize("body", [{}, {"customer": {}}, {"customer": "x"}, {"token": ""}])
def test_a_force_approval_says_who_approves(body):
    api = EPayment()
    api.create()
    response = api.send("POST", "/epayment/v1/test/payments/reference-1/approve", body)
    assert response.status == 400
    assert api.names() == ["CREATED"]


def test_an_ecom_payment_can_be_cancelled_here_and_not_the_other_way_round():
    ecom = Ecom()
    ecom.reserved(captures=(400,))
    epayment = EPayment.__new__(EPayment)
    epayment.__dict__.update(ecom.__dict__)
    ecom.initiate("order-22")
    assert sums(epayment.cancel(id_="order-22").json()) == ("TERMINATED", 0, 0, 0, 1000)
    assert ecom.operations("order-22") == ["CANCEL", "INITIATE"]
    ecom.reserved("order-33", captures=(400,))
    assert sums(epayment.cancel(id_="order-33").json()) == ("AUTHORIZED", 1000, 400, 0, 600)
    assert ecom.sums("order-33") == (400, 0, 0, 400)
    epayment.create("reference-9")
    assert ecom.cancel(id_="reference-9").status == 404
