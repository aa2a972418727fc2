"""Deliveries are signed as documented, in order, and come again; a verifier of another hand tells true from false."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime

import pytest

from conformance.merchant.protocol import Webhook, WebhookRequest
from conformance.merchant.webhooks import posting
from conformance.merchant.webhooks.outbox import Outbox, PendingDelivery, wait_before
from conformance.merchant.webhooks.registrations import Registration, secret_of
from conformance.merchant.webhooks.variants import Delivery, forged, true_request, wrongly_signed
from conformance.obligations.history import (
    DELIVERY_FORMS,
    FORGERIES,
    HANDLER,
    SIGNED_STEPS,
    merchant_history_as_json,
    merchant_history_from_json,
)
from conformance.obligations.history_text import merchant_history
from conformance.obligations.webhook_words import BELIEVED_FORGERIES, REFUSED_FORMS, WRONG_SCHEMES
from conformance.reports.wording.merchant import fault_in_words, merchant_step_in_words
from tests.merchant.signed.verifier import is_genuine

URL = "https://shop.example/vipps/hook?shop=7"
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
BODY = {"msn": "123456", "reference": "order-1", "name": "AUTHORIZED", "amount": {"currency": "NOK", "value": 1000}}
WEBHOOK = Webhook("epayments.payment.authorized.v1", BODY, json.dumps(BODY).encode())
REGISTERED = Registration("w-1", URL, secret_of("test"))
DELETED = Registration("w-0", URL, secret_of("before"))
DELIVERY = Delivery(REGISTERED, WEBHOOK.raw, MOMENT, rewrites_path=True)


def genuine(request) -> bool:
    headers = {name.lower(): value for name, value in request.headers}
    return is_genuine(REGISTERED.secret, URL, headers, request.body)


def test_the_signature_of_a_known_delivery():
    """Computed with OpenSSL from the documentation: date, host and hash below POST and the path."""
    registration = Registration("w", "https://shop.example/hook", "secret")
    request = true_request("", Delivery(registration, b"{}", MOMENT), WEBHOOK)
    assert dict(request.headers) == {
        "Host": "shop.example",
        "Content-Type": "application/json",
        "x-ms-date": "Sat, 31 Jan 2026 12:00:00 GMT",
        "x-ms-content-sha256": "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=",
        "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        "&Signature=eqYCxzAn+TqMO4o+t+6gNLjJ9Pne6LuSkHoD9nuo64g=",
    }


@pytest.mark.parametrize("form", ["", *DELIVERY_FORMS])
def test_true_deliveries_of_every_form_are_genuine(form):
    request = true_request(form, DELIVERY, WEBHOOK)
    assert genuine(request)
    assert json.loads(request.body)["reference"] == "order-1"


def test_a_proxy_changes_host_and_path_and_nothing_that_is_signed():
    plain, proxied = true_request("", DELIVERY, WEBHOOK), true_request("deliver_proxied", DELIVERY, WEBHOOK)
    assert proxied.url == "http://10.20.30.40:8080/internal/vipps/hook?shop=7"
    assert proxied.header("X-Forwarded-Host") == "shop.example"
    assert proxied.header("authorization") == plain.header("authorization")


@pytest.mark.parametrize("kind", [kind for kind in FORGERIES if kind != "forge_replay"])
def test_no_forgery_is_genuine(kind):
    request = forged(kind, DELIVERY, b"{}", DELETED)
    assert request is not None
    assert not genuine(request)
    assert json.loads(request.body) == BODY


@pytest.mark.parametrize("scheme", WRONG_SCHEMES)
def test_no_wrong_signature_is_genuine(scheme):
    assert not genuine(wrongly_signed(scheme, DELIVERY))


def test_every_form_and_forgery_has_its_words():
    assert set(REFUSED_FORMS) == set(DELIVERY_FORMS)
    assert set(BELIEVED_FORGERIES) == set(FORGERIES)


@pytest.mark.parametrize("step", SIGNED_STEPS)
def test_every_signed_step_has_a_sentence_and_needs_a_handler(step):
    course = merchant_history("epayment", "create", "approve", step)
    assert merchant_step_in_words(course.steps[-1], course, "NOK")
    assert HANDLER in course.needs
    assert merchant_history_from_json(json.loads(json.dumps(merchant_history_as_json(course)))) == course


def test_a_notification_beside_a_request_has_words():
    course = merchant_history("epayment", "create", faults=["create deliver-after"])
    assert HANDLER in course.needs
    assert "arrive before its answer" in fault_in_words(course.faults[0])


def test_a_callback_is_told_by_its_token():
    callback = Registration("c", URL, "token-1", callback=True)
    claim = Delivery(callback, b"{}", MOMENT)
    assert true_request("", claim, WEBHOOK).header("Authorization") == "token-1"
    tokens = [forged(kind, claim, b"", None) for kind in ("forge_unsigned", "forge_wrong_secret", "forge_body")]
    assert [request and request.header("Authorization") for request in tokens] == [None, "not-the-token", None]
    assert tokens[2] is None
    assert forged("forge_unsigned", Delivery(Registration("c", URL, "", callback=True), b"", MOMENT), b"", None) is None


# What is due


def pending(payment: str = "p-1", registration: Registration = REGISTERED, number: int = 0) -> PendingDelivery:
    return PendingDelivery(registration, Webhook(f"event-{number}", {}, b"{}"), payment, 0.0, 0.0)


def names(outbox: Outbox, now: float = 0.0, *failing: str, **options) -> list[str]:
    """Return what is delivered at a time; the events with these names are not accepted."""
    delivered = []
    for each in outbox.due(now, (REGISTERED, DELETED), **options):
        delivered.append(each.webhook.name)
        if each.webhook.name in failing:
            outbox.failed(each, now)
        else:
            outbox.accepted(each)
    return delivered


def filled(*deliveries: PendingDelivery) -> Outbox:
    outbox = Outbox()
    for each in deliveries:
        outbox.add(each)
    return outbox


def test_a_failure_holds_back_later_events_of_its_payment_alone():
    outbox = filled(pending(number=1), pending("p-2", number=2), pending(number=3))
    assert names(outbox, 0, "event-1") == ["event-1", "event-2"]
    assert names(outbox, 1) == []
    assert names(outbox, 2) == ["event-1", "event-3"]


def test_the_order_is_kept_within_a_registration_and_nowhere_else():
    outbox = filled(pending(number=1), pending(number=2), pending(registration=DELETED, number=3))
    assert names(outbox, latest_first=True) == ["event-3", "event-1", "event-2"]


def test_what_was_to_go_to_a_deleted_webhook_is_dropped():
    outbox = filled(pending(number=1), pending(registration=Registration("gone", URL, "s"), number=2))
    assert names(outbox) == ["event-1"]


def test_deliveries_come_again_by_the_documented_schedule():
    waits = [wait_before(retry) for retry in range(1, 36)]
    assert waits[:7] == [2, 2, 2, 2, 60, 120, 3600]
    assert waits[28:30] == [3600, 86_400]
    delivery, now, tries = pending(), 0.0, 0
    outbox = filled(delivery)
    while outbox.queues["w-1"]:
        now, tries = max(now, delivery.due), tries + 1
        names(outbox, now, "event-0")
    assert 6 * 86_400 < now < 7 * 86_400
    assert tries == 36


def test_a_callback_comes_once():
    callback = Registration("c", URL, "t", callback=True)
    outbox = filled(pending(registration=callback))
    for each in outbox.due(0.0, (callback,)):
        outbox.failed(each, 0.0)
    assert list(outbox.due(9e9, (callback,))) == []


def test_a_handler_that_is_given_up_on_is_not_called_slow(monkeypatch):
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(posting, "SHORT_SECONDS", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        request = WebhookRequest("POST", f"http://127.0.0.1:{silent.getsockname()[1]}/", (), b"{}")
        poster = posting.Poster()
        messages = [poster.post(request).message for _ in range(posting.MOST_UNANSWERED + 1)]
    assert [message.startswith("no answer") for message in messages] == [True] * posting.MOST_UNANSWERED + [False]
