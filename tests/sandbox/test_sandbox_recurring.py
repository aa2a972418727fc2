from __future__ import annotations

from typing import Any

import pytest

from conformance.sandbox import Market, Options

from .sandbox_client import OTHER, Recurring, fixed_now, problem_id


def started(kind: str = "DIRECT_CAPTURE", *actions: str, options: Options | None = None) -> tuple[Recurring, str]:
    api = Recurring(options)
    api.active()
    charge = api.charge(kind=kind)
    for action in actions:
        assert api.act("recurring", charge, action) == 204
    return api, charge


@pytest.mark.parametrize("actions", [(), ("become_due",)])
@pytest.mark.parametrize("kind", ["DIRECT_CAPTURE", "RESERVE_CAPTURE"])
def test_a_charge_that_waits_is_cancelled(kind, actions):
    api, charge = started(kind, *actions)
    assert api.cancel(charge, key="cancel").status == 204
    assert api.sums(charge) == ("CANCELLED", 0, 0, 1000)
    event = api.get(charge)["history"][-1]
    assert (event["event"], event["amount"], event["idempotencyKey"], event["success"]) == (
        "CANCEL",
        1000,
        "cancel",
        True,
    )
    assert problem_id(api.capture(charge, 1)) == (409, "charge-capture-failed")
    assert problem_id(api.refund(charge, 1)) == (409, "operation-failed")


@pytest.mark.parametrize(("captures", "status"), [((), "CANCELLED"), ((250,), "CHARGED"), ((100, 100), "CHARGED")])
def test_a_reserved_charge_is_released(captures, status):
    api = Recurring()
    charge = api.reserved(captures=captures)
    taken = sum(captures)
    assert api.cancel(charge).status == 204
    assert api.sums(charge) == (status, taken, 0, 1000 - taken)
    assert api.history(charge)[:2] == [("CREATE", 1000), ("RESERVE", 1000)]
    assert api.history(charge)[-1] == ("CANCEL", 1000 - taken)
    assert problem_id(api.capture(charge, 1)) == (409, "charge-capture-failed")
    if taken:
        assert api.refund(charge, 1).status == 204
        assert api.status(charge) == "PARTIALLY_REFUNDED"
        assert api.refund(charge, taken - 1).status == 204
        assert api.sums(charge) == ("REFUNDED", taken, taken, 1000 - taken)


@pytest.mark.parametrize(
    ("actions", "refund", "status"),
    [
        (("become_due", "charge"), 0, "CHARGED"),
        (("become_due", "charge"), 400, "PARTIALLY_REFUNDED"),
        (("become_due", "charge"), 1000, "REFUNDED"),
        (("become_due", "fail"), 0, "FAILED"),
        (("become_due", "start_processing"), 0, "PROCESSING"),
        (("become_due", "start_processing", "fail"), 0, "FAILED"),
    ],
)
def test_other_charges_are_not_cancelled(actions, refund, status):
    api, charge = started("DIRECT_CAPTURE", *actions)
    if refund:
        assert api.refund(charge, refund).status == 204
    before = api.get(charge)
    assert before["status"] == status
    refused = api.cancel(charge)
    assert problem_id(refused) == (409, "cancel-charge-failed")
    assert status in refused.json()["detail"]
    assert api.get(charge) == before


def test_a_second_cancel_is_refused_or_repeated():
    for reading in ("refuse", "repeat"):
        api, charge = started(options=Options(second_cancel=reading))
        api.cancel(charge)
        before = api.get(charge)
        second = api.cancel(charge)
        assert api.get(charge) == before
        if reading == "refuse":
            assert problem_id(second) == (409, "cancel-charge-failed")
            assert "CANCELLED" in second.json()["detail"]
        else:
            assert second.status == 204


@pytest.mark.parametrize("status", [400, 422])
def test_refusals_can_have_another_status(status):
    api, charge = started("DIRECT_CAPTURE", "become_due", "charge", options=Options(recurring_refusal_status=status))
    assert problem_id(api.cancel(charge)) == (status, "cancel-charge-failed")


@pytest.mark.parametrize(("market", "days"), [("no", 181), ("dk", 15)])
def test_an_old_charge_is_not_cancelled(market, days):
    api = Recurring(Options(market=Market(market), auto_cancel_at_deadline=False))
    charge = api.reserved(captures=(400,))
    api.age("recurring", charge, days)
    before = api.get(charge)
    assert problem_id(api.cancel(charge)) == (400, "cancel-charge-failed")
    assert problem_id(api.capture(charge, 1)) == (400, "charge-capture-failed")
    assert api.get(charge) == before


def test_what_is_reserved_at_the_deadline_is_released():
    api = Recurring()
    charge = api.reserved(captures=(400,))
    api.age("recurring", charge, 181)
    assert api.sums(charge) == ("CHARGED", 400, 0, 600)


def test_a_refund_has_a_year_from_the_capture():
    api, charge = started("DIRECT_CAPTURE", "become_due", "charge")
    api.age("recurring", charge, 364)
    assert api.refund(charge, 1).status == 204
    api.age("recurring", charge, 2)
    assert problem_id(api.refund(charge, 1)) == (400, "operation-failed")


def test_the_same_key_cancels_once():
    api = Recurring()
    charge = api.reserved(captures=(400,))
    first = api.cancel(charge, key="same")
    before = api.get(charge)
    assert api.cancel(charge, key="same") == first
    assert api.get(charge) == before
    other = api.charge()
    assert problem_id(api.cancel(other, key="same")) == (409, "idempotency-conflict")
    assert api.status(other) == "PENDING"


def test_a_refusal_sticks_to_its_key_unless_the_charge_was_being_processed():
    api, charge = started("DIRECT_CAPTURE", "become_due")
    early = api.capture(charge, 1, key="capture")
    api.act("recurring", charge, "charge")
    assert api.capture(charge, 1, key="capture") == early
    api, charge = started("RESERVE_CAPTURE", "become_due", "start_processing")
    assert api.cancel(charge, key="cancel").status == 409
    api.act("recurring", charge, "reserve")
    assert api.cancel(charge, key="cancel").status == 204
    assert api.status(charge) == "CANCELLED"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "missing-request-header"),
        ("", "idempotency-key-header"),
        ("x" * 41, "idempotency-key-header"),
        ("a#b", "idempotency-key-header"),
        ("a?b", "idempotency-key-header"),
        ("a/b", "idempotency-key-header"),
        ("a\\b", "idempotency-key-header"),
    ],
)
def test_a_cancel_needs_a_key(key, problem):
    api, charge = started()
    assert problem_id(api.cancel(charge, idempotency_key=key)) == (400, problem)
    assert api.status(charge) == "PENDING"


def test_unknown_and_foreign_charges_are_not_found():
    api, charge = started()
    for id_ in ("unknown", "%20", ""):
        assert problem_id(api.cancel(id_)) == (404, "resource-not-found")
    assert problem_id(api.cancel(charge, merchant_serial_number=OTHER)) == (404, "resource-not-found")
    first = api.agreement
    api.active()
    assert problem_id(api.cancel(charge)) == (404, "resource-not-found")
    api.agreement = "agr_%23"
    assert problem_id(api.cancel(charge)) == (400, "invalid-agreement-id")
    api.agreement = first
    assert api.status(charge) == "PENDING"
    assert api.cancel(charge, merchant_serial_number=None).status == 204


@pytest.mark.parametrize("reads", [1, 3])
def test_a_cancel_can_be_accepted_and_happen_later(reads):
    api, charge = started(options=Options(recurring_async=True, recurring_async_reads=reads))
    assert api.cancel(charge, key="cancel").status == 202
    for _ in range(reads - 1):
        assert api.status(charge) == "PENDING"
    assert api.sums(charge) == ("CANCELLED", 0, 0, 1000)
    assert api.get(charge)["history"][-1]["idempotencyKey"] == "cancel"


def test_an_accepted_cancel_comes_before_every_later_change():
    options = Options(recurring_async=True, recurring_async_reads=9, second_cancel="repeat")
    for attempt in ("capture", "refund", "action", "cancel", "stop", "list"):
        api = Recurring(options)
        charge = api.reserved(captures=(400,)) if attempt == "refund" else api.reserved()
        assert api.cancel(charge).status == 202
        if attempt == "capture":
            assert api.capture(charge, 1).status == 409
        elif attempt == "refund":
            assert api.refund(charge, 400).status == 204
        elif attempt == "action":
            assert api.act("recurring", charge, "charge") == 409
        elif attempt == "cancel":
            assert api.cancel(charge).status == 202
        elif attempt == "stop":
            assert api.stop().status == 204
        else:
            path = f"{api.BASE}/{api.agreement}/charges"
            statuses = [api.send("GET", path).json()[0]["status"] for _ in range(9)]
            assert statuses == ["RESERVED"] * 8 + ["CANCELLED"]
        assert api.sums(charge)[3] == (600 if attempt == "refund" else 1000)


def test_a_stop_cancels_what_can_still_be_prevented():
    api = Recurring()
    initial = api.reserved()
    pending, due, partial, charged = (api.charge(kind=k) for k in ("DIRECT_CAPTURE",) * 2 + ("RESERVE_CAPTURE",) * 2)
    for charge in (due, partial, charged):
        api.act("recurring", charge, "become_due")
    for charge in (partial, charged):
        api.act("recurring", charge, "reserve")
    api.capture(partial, 400)
    api.capture(charged, 1000)
    assert api.stop().status == 204
    expected = {initial: "CANCELLED", pending: "CANCELLED", due: "CANCELLED"}
    assert {charge: api.status(charge) for charge in expected} == expected
    assert api.status(partial) == "PARTIALLY_CAPTURED"
    assert api.status(charged) == "CHARGED"
    before = api.get(initial)
    assert api.stop().status == 204
    assert api.get(initial) == before
    assert api.cancel(partial).status == 204
    assert api.sums(partial) == ("CHARGED", 400, 0, 600)
    assert problem_id(api.create()) == (400, "operation-failed")
    assert problem_id(api.update({"productName": "hats"})) == (400, "illegal-agreement-update")
    assert api.send("GET", f"{api.BASE}/{api.agreement}").json()["status"] == "STOPPED"


def test_a_stop_comes_alone_and_once():
    api, charge = started(options=Options(second_stop=400))
    assert problem_id(api.update({"status": "STOPPED", "productName": "hats"})) == (400, "validation-error")
    assert problem_id(api.update({"status": "ACTIVE"})) == (400, "validation-error")
    assert problem_id(api.update({})) == (400, "validation-error")
    assert api.status(charge) == "PENDING"
    assert api.update({"productName": "hats"}).status == 204
    assert api.send("GET", f"{api.BASE}/{api.agreement}").json()["productName"] == "hats"
    assert api.stop().status == 204
    assert problem_id(api.stop()) == (400, "illegal-agreement-update")


@pytest.mark.parametrize(("kind", "status"), [("RESERVE_CAPTURE", "RESERVED"), ("DIRECT_CAPTURE", "CHARGED")])
def test_the_initial_charge_is_processed_when_the_user_accepts(kind, status):
    api = Recurring()
    drafted = api.draft({"amount": 500, "description": "first", "transactionType": kind, "orderId": "first-1"}).json()
    assert drafted["chargeId"] == "first-1"
    api.agreement = drafted["agreementId"]
    assert (api.get("first-1")["type"], api.status("first-1")) == ("INITIAL", "PENDING")
    assert problem_id(api.stop()) == (400, "illegal-agreement-update")
    assert api.accept().status == 204
    assert api.status("first-1") == status
    assert problem_id(api.accept()) == (400, "illegal-agreement-update")


def test_an_initial_charge_cancelled_before_the_acceptance_is_not_processed():
    api = Recurring()
    drafted = api.draft({"amount": 500, "description": "first", "transactionType": "DIRECT_CAPTURE"}).json()
    api.agreement = drafted["agreementId"]
    assert api.cancel(drafted["chargeId"]).status == 204
    assert api.accept().status == 204
    assert api.sums(drafted["chargeId"]) == ("CANCELLED", 0, 0, 500)


def test_a_charge_is_pending_until_a_month_before_its_due_day():
    api = Recurring(now=fixed_now)
    api.active()
    pending, due = api.get(api.charge(31)), api.get(api.charge(20))
    assert (pending["status"], pending["transactionId"]) == ("PENDING", None)
    assert (due["status"], due["due"]) == ("DUE", "2026-03-21T00:00:00.000Z")
    assert due["transactionId"]
    assert problem_id(api.create(0)) == (400, "validation-error")


@pytest.mark.parametrize(("kind", "status"), [("RESERVE_CAPTURE", "RESERVED"), ("DIRECT_CAPTURE", "CHARGED")])
def test_an_unscheduled_charge_is_processed_at_once(kind, status):
    api = Recurring()
    api.active()
    assert api.status(api.charge(None, kind, type="UNSCHEDULED")) == status
    assert problem_id(api.create(9, kind, type="UNSCHEDULED")) == (400, "validation-error")


def test_charges_are_listed_and_found_without_their_agreement():
    api, charge = started()
    path = f"{api.BASE}/{api.agreement}/charges"
    assert api.send("GET", path).json() == [api.get(charge)]
    assert api.send("GET", f"{path}?status=DUE").json() == []
    assert api.send("GET", f"/recurring/v3/charges/{charge}").json() == api.get(charge)


@pytest.mark.parametrize(
    "more",
    [
        {"amount": 0},
        {"amount": "1"},
        {"transactionType": "x"},
        {"description": ""},
        {"due": "31.12.2030"},
        {"due": "2030-02-30"},
        {"due": None},
        {"retryDays": 15},
        {"processingMode": "SINGLE_ATTEMPT"},
        {"type": "INITIAL"},
        {"orderId": "a/b"},
    ],
)
def test_a_charge_is_checked_field_by_field(more: dict[str, Any]):
    api = Recurring()
    api.active()
    response = api.create(**more)
    assert problem_id(response) == (400, "validation-error")
    assert [detail["name"] for detail in response.json()["extraDetails"]]


@pytest.mark.parametrize(
    "more",
    [
        {"pricing": {"type": "LEGACY", "currency": "NOK"}},
        {"pricing": {"type": "VARIABLE", "currency": "NOK"}},
        {"pricing": {"type": "FLEXIBLE", "currency": "SEK"}},
        {"pricing": None},
        {"interval": {"unit": "MONTH", "count": 32}},
        {"productName": "x" * 46},
        {"merchantRedirectUrl": 5},
        {"initialCharge": {"amount": 500}},
        {"initialCharge": []},
    ],
)
def test_an_agreement_is_checked_field_by_field(more: dict[str, Any]):
    assert problem_id(Recurring().draft(**more)) == (400, "validation-error")


@pytest.mark.parametrize("pricing", [{"type": "FLEXIBLE"}, {"type": "VARIABLE", "suggestedMaxAmount": 5000}])
def test_other_pricings(pricing):
    api = Recurring(Options(market=Market.DK, extra_fields=True))
    drafted = api.draft(pricing={**pricing, "currency": "DKK"}, productDescription="warm", externalId="mine").json()
    view = api.send("GET", f"{api.BASE}/{drafted['agreementId']}").json()
    assert (view["pricing"]["currency"], view["countryCode"], view["externalId"]) == ("DKK", "DK", "mine")
    assert drafted["chargeId"] is None


def test_an_order_id_is_used_once():
    api, _ = started()
    assert api.create(orderId="mine-1", externalId="theirs").status == 201
    assert api.get("mine-1")["externalId"] == "theirs"
    assert problem_id(api.create(orderId="mine-1")) == (409, "conflict")


def test_a_draft_is_repeated_for_its_key():
    api = Recurring()
    assert api.draft(key="same") == api.draft(key="same")
    assert problem_id(api.draft(key="same", productName="hats")) == (409, "idempotency-conflict")


@pytest.mark.parametrize("amount", [0, -1, "5", None, 1.0])
def test_amounts_are_positive_integers(amount):
    api = Recurring()
    charge = api.reserved(captures=(400,))
    assert problem_id(api.capture(charge, amount)) == (400, "validation-error")
    assert problem_id(api.refund(charge, amount)) == (400, "validation-error")
    assert problem_id(api.capture(charge, 601)) == (409, "charge-capture-failed")
    assert problem_id(api.refund(charge, 401)) == (409, "operation-failed")
    assert api.sums(charge) == ("PARTIALLY_CAPTURED", 400, 0, 0)
