from __future__ import annotations

import pytest

from conformance.sandbox import Market, Options

from .sandbox_client import MSN, OTHER, Ecom, code


def test_a_cancel_before_the_approval_leaves_no_sums_and_shares_the_transaction_id():
    api = Ecom()
    api.initiate()
    answer = api.cancel().json()
    assert answer["transactionInfo"]["status"] == "Cancelled"
    assert answer["transactionInfo"]["transactionText"] == "no socks"
    assert "transactionId" not in answer["transactionInfo"]
    assert "paymentInstrument" not in answer
    details = api.details()
    assert "transactionSummary" not in details
    newest, oldest = details["transactionLogHistory"]
    assert (newest["operation"], oldest["operation"]) == ("CANCEL", "INITIATE")
    assert newest["transactionId"] == oldest["transactionId"]
    assert api.status() == "CANCEL"


@pytest.mark.parametrize("flag", [False, True])
def test_a_cancel_of_a_reservation_is_void(flag):
    api = Ecom()
    api.reserved()
    answer = api.cancel(flag).json()
    assert set(answer["transactionSummary"].values()) == {0}
    assert answer["transactionInfo"]["amount"] == 1000
    assert answer["paymentInstrument"]
    assert api.operations() == ["VOID", "RESERVE", "INITIATE"]
    assert api.sums() == (0, 0, 0, 0)


def test_after_a_partial_capture_the_flag_releases_the_rest():
    api = Ecom()
    api.reserved(amount=20000, captures=(6000, 4000))
    api.refund(500)
    answer = api.cancel(True).json()
    assert answer["transactionInfo"]["amount"] == 20000
    assert api.sums() == (10000, 500, 0, 9500)
    assert api.operations()[0] == "VOID"
    assert api.details()["transactionLogHistory"][0]["amount"] == 10000
    assert code(api.capture(1)) == (400, "VippsError", "91")
    assert api.refund(9500).status == 200
    assert code(api.refund(1)) == (400, "Payment", "71")


@pytest.mark.parametrize(("captured", "flag"), [(400, False), (1000, False), (1000, True)])
def test_captured_money_is_not_cancelled(captured, flag):
    api = Ecom()
    api.reserved(captures=(captured,))
    before = api.details()
    assert code(api.cancel(flag)) == (400, "Payment", "51")
    assert api.details() == before


def test_an_absent_flag_is_false():
    api = Ecom()
    api.reserved(captures=(400,))
    assert code(api.cancel()) == (400, "Payment", "51")


@pytest.mark.parametrize("status", [409, 423, 500])
def test_a_three_d_secure_session_prevents_a_cancel(status):
    api = Ecom(Options(threeds_status=status))
    api.initiate()
    assert api.act("ecom", "order-1", "start_3ds") == 204
    assert api.cancel().status == status
    assert code(api.capture()) == (400, "Payment", "62")
    assert api.operations() == ["INITIATE"]
    assert api.act("ecom", "order-1", "finish_3ds") == 204
    assert api.cancel().status == 200


@pytest.mark.parametrize(
    ("market", "days", "status"),
    [("no", 179, 200), ("no", 181, 400), ("dk", 13, 200), ("dk", 15, 400), ("fi", 15, 400)],
)
def test_the_market_decides_when_it_is_too_late(market, days, status):
    api = Ecom(Options(market=Market(market), auto_cancel_at_deadline=False))
    api.reserved()
    api.age("ecom", "order-1", days)
    before = api.sums()
    response = api.cancel()
    assert response.status == status
    if status == 400:
        assert code(response) == (400, "Payment", "98")
        assert api.sums() == before == (0, 0, 1000, 0)
        assert code(api.capture()) == (400, "Payment", "98")


def test_other_limits_can_be_asked_for():
    six_months = Ecom(Options(age_limit_days=183))
    six_months.reserved()
    six_months.age("ecom", "order-1", 182)
    assert six_months.cancel().status == 200
    flat = Ecom(Options(market=Market.DK, age_limit_days=180))
    flat.reserved()
    flat.age("ecom", "order-1", 20)
    assert flat.cancel().status == 200


def test_age_can_count_from_the_initiation():
    for origin, status in (("initiation", 400), ("reservation", 200)):
        api = Ecom(Options(age_from=origin))
        api.initiate()
        api.act("ecom", "order-1", "start_3ds")
        api.age("ecom", "order-1", 2)
        api.act("ecom", "order-1", "finish_3ds")
        api.age("ecom", "order-1", 179)
        assert api.cancel().status == status


def test_what_is_reserved_at_the_deadline_is_released():
    api = Ecom()
    api.reserved(captures=(400,))
    api.age("ecom", "order-1", 181)
    assert api.sums() == (400, 0, 0, 400)
    assert api.operations()[0] == "VOID"
    assert code(api.cancel(True)) == (400, "Payment", "98")
    assert api.refund(400).status == 200


@pytest.mark.parametrize(
    "ending", [("cancel",), ("reject",), ("expire",), ("start_3ds", "fail_3ds"), ("start_3ds", "expire")]
)
def test_an_ended_payment_refuses_a_cancel(ending):
    api = Ecom()
    api.initiate()
    for action in ending:
        if action == "cancel":
            api.cancel()
        else:
            assert api.act("ecom", "order-1", action) == 204
    before = api.details()
    assert code(api.cancel()) == (400, "VippsError", "92")
    assert api.details() == before
    assert api.operations() == ["CANCEL", "INITIATE"]
    assert api.status() == "CANCEL"
    assert code(api.capture()) == (400, "VippsError", "91")
    assert code(api.refund()) == (400, "Payment", "73")
    assert code(api.approve()) == (400, "VippsError", "91")


def test_a_second_cancel_can_repeat_the_first_answer():
    api = Ecom(Options(second_cancel="repeat"))
    api.reserved(captures=(400,))
    first = api.cancel(True)
    before = api.details()
    assert api.cancel(True) == first
    assert api.details() == before
    api.initiate("order-2")
    api.act("ecom", "order-2", "reject")
    assert api.cancel(id_="order-2").status == 200
    assert api.operations("order-2") == ["CANCEL", "INITIATE"]


def test_the_user_has_ten_minutes():
    api = Ecom()
    api.initiate()
    api.age("ecom", "order-1", seconds=590)
    assert api.operations() == ["INITIATE"]
    api.age("ecom", "order-1", seconds=11)
    assert api.operations() == ["CANCEL", "INITIATE"]
    assert api.act("ecom", "order-1", "approve") == 409


@pytest.mark.parametrize("action", ["reject", "expire"])
def test_endings_by_the_user_may_leave_no_entry(action):
    api = Ecom(Options(user_end_entry=False))
    api.initiate()
    api.act("ecom", "order-1", action)
    assert api.operations() == ["INITIATE"]
    assert api.status() == "REJECTED"


def test_other_readings_of_the_release_flag():
    no_op = Ecom(Options(flag_on_full_capture="no-op"))
    no_op.reserved(captures=(1000,))
    before = no_op.details()
    assert no_op.cancel(True).status == 200
    assert code(no_op.cancel(False)) == (400, "Payment", "51")
    assert no_op.details() == before
    ignored = Ecom()
    ignored.initiate()
    assert ignored.cancel(True).status == 200
    rejected = Ecom(Options(flag_on_initiated="rejected"))
    rejected.initiate()
    assert code(rejected.cancel(True)) == (400, "VippsError", "91")
    assert rejected.cancel(False).status == 200


def test_other_readings_of_the_cancel_answer():
    api = Ecom(Options(released_amount_in_answer=True, state_spelling="CANCELLED", extra_fields=True))
    api.reserved(captures=(400,))
    answer = api.cancel(True).json()
    assert answer["transactionInfo"]["amount"] == 600
    assert answer["transactionInfo"]["status"] == "CANCELLED"
    assert "sandboxExtra" in answer
    assert "sandboxExtra" in api.details()


@pytest.mark.parametrize("status", [402, 409, 422])
def test_refusals_can_have_another_status(status):
    api = Ecom(Options(ecom_refusal_status=status))
    api.reserved(captures=(1000,))
    assert code(api.cancel()) == (status, "Payment", "51")


def test_direct_capture_ends_in_a_sale():
    api = Ecom(Options(ecom_direct_capture=True))
    api.reserved()
    assert api.operations() == ["SALE", "INITIATE"]
    assert api.sums() == (1000, 0, 0, 1000)
    assert code(api.cancel()) == (400, "Payment", "51")
    assert api.refund(1000).status == 200


def test_unknown_and_foreign_orders_are_not_found():
    api = Ecom()
    api.initiate()
    assert code(api.cancel(id_="order-2")) == (404, "Merchant", "35")
    assert code(api.cancel(msn=OTHER)) == (404, "Merchant", "35")
    assert code(api.cancel(msn=OTHER, merchant_serial_number=None)) == (404, "Merchant", "35")
    assert api.operations() == ["INITIATE"]
    assert api.initiate(msn=OTHER).status == 200
    assert code(api.initiate()) == (400, "Merchant", "34")


def test_the_sales_unit_must_be_the_merchants_own():
    api = Ecom()
    api.initiate()
    assert api.cancel(msn="999999").status == 403
    assert code(api.cancel(msn="999999", merchant_serial_number=None))[1:] == ("InvalidRequest", "merchantSerialNumber")
    assert code(api.cancel(msn=OTHER, merchant_serial_number=MSN))[1:] == ("InvalidRequest", "merchantSerialNumber")
    assert api.cancel(merchant_serial_number=None).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"transaction": {"transactionText": "x"}}, "merchantInfo"),
        ({"merchantInfo": {}, "transaction": {"transactionText": "x"}}, "merchantSerialNumber"),
        (
            {"merchantInfo": {"merchantSerialNumber": 123456}, "transaction": {"transactionText": "x"}},
            "merchantSerialNumber",
        ),
        (
            {"merchantInfo": {"merchantSerialNumber": "12"}, "transaction": {"transactionText": "x"}},
            "merchantSerialNumber",
        ),
        ({"merchantInfo": {"merchantSerialNumber": MSN}}, "transaction"),
        ({"merchantInfo": {"merchantSerialNumber": MSN}, "transaction": {}}, "transactionText"),
        ({"merchantInfo": {"merchantSerialNumber": MSN}, "transaction": "x"}, "transaction"),
        (
            {"merchantInfo": {"merchantSerialNumber": MSN}, "transaction": {"transactionText": "x" * 101}},
            "transactionText",
        ),
        (
            {
                "merchantInfo": {"merchantSerialNumber": MSN},
                "transaction": {"transactionText": "x"},
                "shouldReleaseRemainingFunds": "true",
            },
            "shouldReleaseRemainingFunds",
        ),
        ([], "body"),
        (None, "body"),
    ],
)
def test_a_cancel_that_is_not_as_documented_names_the_field(body, field):
    api = Ecom()
    api.initiate()
    response = api.send("PUT", "/ecomm/v2/payments/order-1/cancel", body)
    assert code(response) == (400, "InvalidRequest", field)
    assert api.operations() == ["INITIATE"]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_a_body_that_is_no_json_object_is_refused(raw):
    api = Ecom()
    api.initiate()
    response = api.send("PUT", "/ecomm/v2/payments/order-1/cancel", raw=raw)
    assert code(response) == (400, "InvalidRequest", "body")


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("transaction", "amount", 99),
        ("transaction", "amount", True),
        ("transaction", "amount", "1000"),
        ("transaction", "orderId", "no/slash"),
        ("transaction", "orderId", "x" * 51),
        ("transaction", "skipLandingPage", "yes"),
        ("merchantInfo", "fallBack", None),
        ("merchantInfo", "paymentType", "other"),
        ("customerInfo", "mobileNumber", "+4740404040"),
    ],
)
def test_an_initiation_is_checked_field_by_field(part, field, value):
    api = Ecom()
    body = {
        "merchantInfo": {"merchantSerialNumber": MSN, "callbackPrefix": "https://a.b", "fallBack": "https://a.b"},
        "customerInfo": {},
        "transaction": {"amount": 100, "orderId": "order-9", "transactionText": "x"},
    }
    assert api.send("POST", api.BASE, body).status == 200
    body["transaction"]["orderId"] = "order-10"
    body[part][field] = value
    assert code(api.send("POST", api.BASE, body)) == (400, "InvalidRequest", field)


def test_captures_add_up_and_cannot_exceed_the_reservation():
    api = Ecom()
    api.reserved(captures=(300, 300))
    assert code(api.capture(401)) == (400, "Payment", "61")
    assert api.capture(0).json()["transactionInfo"]["amount"] == 400
    assert api.sums() == (1000, 0, 0, 1000)
    assert code(api.capture()) == (400, "Payment", "61")
    assert api.refund().json()["transaction"]["amount"] == 1000
    assert code(api.refund()) == (400, "Payment", "71")
    assert api.operations() == ["REFUND", "CAPTURE", "CAPTURE", "CAPTURE", "RESERVE", "INITIATE"]


def test_money_moves_only_from_where_it_is():
    api = Ecom()
    api.initiate()
    assert code(api.capture()) == (400, "Payment", "62")
    assert code(api.refund(1)) == (400, "Payment", "72")
    api.approve()
    assert code(api.refund(1)) == (400, "Payment", "72")
    assert api.capture().status == 200
    api.age("ecom", "order-1", 366)
    assert code(api.refund(1)) == (400, "Payment", "95")


def test_a_request_id_is_carried_out_once():
    api = Ecom()
    api.reserved()
    first = api.capture(300, key="same")
    assert api.capture(300, key="same") == first
    assert code(api.capture(301, key="same")) == (400, "Payment", "93")
    assert api.sums() == (300, 0, 700, 300)
    assert api.refund(100, key="same").status == 200
    assert api.sums() == (300, 100, 700, 200)
    assert api.details()["transactionLogHistory"][0]["requestId"] == "same"
    for key in (None, "", "x" * 41):
        body = {**api.merchant(), "transaction": {"transactionText": "x"}}
        response = api.send("POST", f"{api.BASE}/order-1/capture", body, x_request_id=key)
        assert code(response) == (400, "InvalidRequest", "X-Request-Id")


def test_a_refused_capture_can_be_tried_again_with_its_request_id():
    api = Ecom()
    api.initiate()
    assert api.capture(300, key="same").status == 400
    api.approve()
    assert api.capture(300, key="same").status == 200


@pytest.mark.parametrize("body", [{}, {"customerPhoneNumber": "123"}, {"token": 1}])
def test_a_force_approval_says_who_approves(body):
    api = Ecom()
    api.initiate()
    response = api.send("POST", "/ecomm/v2/integration-test/payments/order-1/approve", body)
    assert response.status == 400
    assert api.operations() == ["INITIATE"]
