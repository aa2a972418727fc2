"""The Webhooks API of the provider double, and which addresses it takes."""

from __future__ import annotations

import json

import pytest

from conformance.domain.messages import Request
from conformance.merchant.webhooks.registrations import MOST_PER_EVENT, ROOT, Registrations, url_problem
from tests.merchant.test_provider_double import Bench

EVENT = "epayments.payment.authorized.v1"
HERE = "http://127.0.0.1:8000/hooks?shop=1"


def registrations(**options) -> Registrations:
    return Registrations("seed", **{"anywhere": False, **options})


def ask(api: Registrations, method: str, path: str = ROOT, content: object = None, msn: str = "123456"):
    body = b"" if content is None else json.dumps(content).encode()
    return api.handle(Request(method, path, (("Merchant-Serial-Number", msn),), body))


def register(api: Registrations, url: str = HERE, *events: str, msn: str = "123456"):
    return ask(api, "POST", content={"url": url, "events": list(events or (EVENT,))}, msn=msn)


def test_the_secret_is_shown_once():
    api = registrations()
    made = register(api).json()
    listed = ask(api, "GET").json()["webhooks"]
    assert listed == [{"id": made["id"], "url": HERE, "events": [EVENT]}]
    assert len(made["secret"]) == 44


def test_webhooks_belong_to_a_sales_unit():
    api = registrations()
    made = register(api, msn="654321").json()
    assert ask(api, "GET").json() == {"webhooks": []}
    assert ask(api, "DELETE", f"{ROOT}/{made['id']}").status == 404
    assert ask(api, "DELETE", f"{ROOT}/{made['id']}", msn="654321").status == 204
    assert [each.id for each in api.deleted] == [made["id"]]


def test_there_are_25_webhooks_for_an_event():
    api = registrations()
    secrets = {register(api).json()["secret"] for _ in range(MOST_PER_EVENT)}
    assert len(secrets) == MOST_PER_EVENT
    assert register(api).status == 400
    assert register(api, HERE, "epayments.payment.captured.v1").status == 201


def test_webhooks_of_earlier_histories_stay_until_the_shop_registers_anew():
    former = registrations()
    register(former)
    api = registrations(former=former.registered())
    assert [each.url for each in api.active()] == [HERE]
    assert ask(api, "GET").json() == {"webhooks": []}
    register(api, "http://localhost:1/x")
    assert [each.url for each in api.active()] == ["http://localhost:1/x"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook",
        "http://shop.example/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/latest",
        "http://[::ffff:8.8.8.8]/",
        "http://0.0.0.0:80/",
        "http://127.0.0.1.example.com/",
        "http://localtest.me/",
        "http://2130706433x/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1@shop.example/",
        "http://10.0.0.1:8000/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/",
        "hook",
        "",
        "http://api.vipps.no/",
        "https://127.0.0.1/",
    ],
)
def test_every_other_address_is_refused_in_one_sentence(url, monkeypatch):
    def resolve(*_, **__):
        raise AssertionError("a name was looked up")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    problem = url_problem(url)
    assert problem.endswith(".")
    assert register(registrations(), url).json()["detail"] == problem


@pytest.mark.parametrize("url", [HERE, "http://localhost:8000", "http://[::1]:8000/x", "http://127.8.9.1/"])
def test_addresses_of_this_machine_are_taken(url):
    assert url_problem(url) == ""
    assert register(registrations(), url).status == 201


def test_in_this_process_any_address_is_only_a_name():
    assert register(registrations(anywhere=True), "https://shop.example/hook").status == 201


@pytest.mark.parametrize("content", [{}, {"url": HERE}, {"url": 1, "events": []}, {"url": HERE, "events": [1]}, []])
def test_what_is_no_registration_is_refused(content):
    assert ask(registrations(), "POST", content=content).status == 400


def test_the_double_asks_for_a_token():
    bench = Bench()
    wanted = {"url": HERE, "events": [EVENT]}
    assert bench.send("POST", ROOT, wanted).status == 201
    assert len(bench.double.registrations.active()) == 1
    bench.token = "no token"
    assert bench.send("POST", ROOT, wanted).status == 401


def test_the_callback_of_an_order_carries_its_token():
    api = registrations(anywhere=True)
    content = {"merchantInfo": {"callbackPrefix": "https://shop.example/cb/", "authToken": "t-1"}}
    api.note_callback("order-1", Request("POST", "/ecomm/v2/payments", (), json.dumps(content).encode()))
    (callback,) = api.for_event("ecom.callback.RESERVED", "order-1", callback=True)
    assert (callback.url, callback.secret) == ("https://shop.example/cb/v2/payments/order-1", "t-1")
