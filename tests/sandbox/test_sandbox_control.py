from __future__ import annotations

import pytest

from conformance.domain.messages import Request
from conformance.sandbox import Provider

from .sandbox_client import MSN, OTHER, Ecom, EPayment, Recurring, fixed_now

ACTIONS = {
    "ecom": ["approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds"],
    "epayment": ["approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds"],
    "recurring": ["become_due", "start_processing", "reserve", "charge", "fail"],
}


def test_capabilities():
    answer = Provider().handle(Request("GET", "/control/v1/capabilities"))
    assert answer.json() == {"version": 1, "profiles": list(ACTIONS), "age": True, "actions": ACTIONS}


LEGAL = {
    "approve": {"initiated": "reserved"},
    "reject": {"initiated": "rejected"},
    "expire": {"initiated": "expired", "in-3ds": "expired"},
    "start_3ds": {"initiated": "in-3ds"},
    "finish_3ds": {"in-3ds": "reserved"},
    "fail_3ds": {"in-3ds": "rejected"},
}
WAYS = {
    "initiated": [],
    "in-3ds": ["start_3ds"],
    "reserved": ["approve"],
    "rejected": ["reject"],
    "expired": ["expire"],
}


@pytest.mark.parametrize("api", [Ecom, EPayment])
@pytest.mark.parametrize("stage", WAYS)
@pytest.mark.parametrize("action", LEGAL)
def test_actions_happen_where_they_can(api, stage, action):
    client = api()
    client.initiate("reference-1") if api is Ecom else client.create("reference-1")
    profile = api.__name__.lower()
    for step in WAYS[stage]:
        assert client.act(profile, "reference-1", step) == 204
    payment = client.provider.apis["epayment"].find(MSN, "reference-1")
    assert payment.stage == stage
    entries = list(payment.entries)
    then = LEGAL[action].get(stage)
    assert client.act(profile, "reference-1", action) == (409 if then is None else 204)
    assert payment.stage == (then or stage)
    if then is None:
        assert payment.entries == entries


CHARGE_LEGAL = {
    "become_due": {"PENDING": "DUE"},
    "start_processing": {"DUE": "PROCESSING"},
    "reserve": {"DUE": "RESERVED", "PROCESSING": "RESERVED"},
    "charge": {"DUE": "CHARGED", "PROCESSING": "CHARGED"},
    "fail": {"DUE": "FAILED", "PROCESSING": "FAILED"},
}
CHARGE_WAYS = {
    "PENDING": [],
    "DUE": ["become_due"],
    "PROCESSING": ["become_due", "start_processing"],
    "RESERVED": ["become_due", "reserve"],
    "CHARGED": ["become_due", "charge"],
    "FAILED": ["become_due", "fail"],
}


@pytest.mark.parametrize("status", CHARGE_WAYS)
@pytest.mark.parametrize("action", CHARGE_LEGAL)
def test_charge_actions_happen_where_they_can(status, action):
    client = Recurring()
    client.active()
    charge = client.charge(kind="RESERVE_CAPTURE")
    for step in CHARGE_WAYS[status]:
        assert client.act("recurring", charge, step) == 204
    before = client.get(charge)
    assert before["status"] == status
    then = CHARGE_LEGAL[action].get(status)
    assert client.act("recurring", charge, action) == (409 if then is None else 204)
    if then is None:
        assert client.get(charge) == before
    else:
        assert client.status(charge) == then


def test_a_direct_capture_charge_is_never_reserved():
    client = Recurring()
    client.active()
    charge = client.charge(20, "DIRECT_CAPTURE")
    assert client.act("recurring", charge, "reserve") == 409
    assert client.act("recurring", charge, "charge") == 204
    assert client.history(charge) == [("CREATE", 1000), ("CAPTURE", 1000)]


def test_age_moves_every_moment_of_one_payment_only():
    client = EPayment(now=fixed_now)
    client.authorized("reference-1", captures=(400,))
    client.authorized("reference-2")
    client.age("epayment", "reference-1", 3)
    client.age("epayment", "reference-1", 0.5)
    assert {event["timestamp"] for event in client.events("reference-1")} == {"2026-02-26T00:00:00.000Z"}
    assert {event["timestamp"] for event in client.events("reference-2")} == {"2026-03-01T12:00:00.000Z"}
    client.cancel()
    assert client.events("reference-1")[-1]["timestamp"] == "2026-03-01T12:00:00.000Z"


def test_age_moves_the_due_day_of_a_charge():
    client = Recurring(now=fixed_now)
    client.active()
    charge = client.charge(40)
    due = client.get(charge)["due"]
    client.age("recurring", charge, 5)
    assert (due[:10], client.get(charge)["due"][:10]) == ("2026-04-10", "2026-04-05")


@pytest.mark.parametrize(
    "body", [{}, {"seconds": -1}, {"seconds": "1"}, {"seconds": True}, {"seconds": 1e300}, [], None]
)
def test_age_needs_a_number_of_seconds(body):
    client = Ecom()
    client.initiate()
    path = "/control/v1/ecom/payments/order-1/age"
    assert client.send("POST", path, body).status == 400
    assert client.send("POST", path, raw=b'{"seconds": NaN}').status == 400
    assert client.operations() == ["INITIATE"]


@pytest.mark.parametrize("body", [{}, {"action": "sneeze"}, {"action": 1}, [], {"action": "become_due"}])
def test_actions_are_those_of_the_capabilities(body):
    client = Ecom()
    client.initiate()
    assert client.send("POST", "/control/v1/ecom/payments/order-1/action", body).status == 400


@pytest.mark.parametrize("call", ["age", "action"])
@pytest.mark.parametrize("path", ["ecom/payments/unknown", "other/payments/order-1", "recurring/payments/order-1"])
def test_control_of_unknown_payments(call, path):
    client = Ecom()
    client.initiate()
    body = {"seconds": 1, "action": "approve"}
    assert client.send("POST", f"/control/v1/{path}/{call}", body).status == 404


def test_control_reaches_both_sales_units_without_credentials():
    client = Ecom()
    client.initiate(msn=OTHER)
    request = Request("POST", "/control/v1/ecom/payments/order-1/action", (), b'{"action": "approve"}')
    assert client.exchange(request).status == 204
    named = (("Merchant-Serial-Number", MSN),)
    assert client.exchange(Request("POST", request.path, named, request.body)).status == 404
