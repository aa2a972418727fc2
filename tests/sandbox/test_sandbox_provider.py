from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance.domain.messages import Request
from conformance.sandbox import Options, Provider, create_app, running_server, serve
from conformance.sandbox.ecom import Ecom as EcomProfile

from .sandbox_client import DESCRIPTION, MSN, OTHER, Client, Ecom, EPayment, Recurring, fixed_now, sums

# The description


def test_every_route_is_described_and_every_schema_is_sound():
    provider = Provider()
    parts = (provider.tokens, *provider.apis.values(), provider.control)
    routed = {(path, method.lower()) for part in parts for method, path, _ in part.ROUTES}
    assert routed == {(path, method) for path, item in DESCRIPTION["paths"].items() for method in item}
    for schema in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


# The gateway


@pytest.mark.parametrize("api", [Ecom, EPayment, Recurring])
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": None},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic nonsense"},
        {"ocp_apim_subscription_key": None},
        {"ocp_apim_subscription_key": "other"},
    ],
)
def test_keys_and_tokens_are_checked_before_anything_else(api, headers):
    client = api()
    assert client.send("POST", client.BASE, raw=b"nonsense", **headers).status == 401


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "", "Bearer"])
def test_the_bearer_scheme_is_case_sensitive(scheme):
    client = Ecom()
    client.initiate()
    assert client.cancel(authorization=f"{scheme}{client.token}").status == 401
    assert client.operations() == ["INITIATE"]


@pytest.mark.parametrize("name", ["client_id", "client_secret", "ocp_apim_subscription_key"])
def test_a_token_needs_all_three_keys(name):
    keys: dict[str, Any] = {
        "client_id": "sandbox-client-id",
        "client_secret": "sandbox-client-secret",
        "ocp_apim_subscription_key": "sandbox-subscription-key",
    }

    def issue(values: dict[str, Any]) -> int:
        headers = tuple((n if n.startswith("client") else n.replace("_", "-"), v) for n, v in values.items())
        return Client().exchange(Request("POST", "/accesstoken/get", headers)).status

    assert issue(keys) == 200
    assert issue({**keys, name: "wrong"}) == 401
    assert issue({n: v for n, v in keys.items() if n != name}) == 401


def test_a_token_lasts_an_hour():
    moments = [fixed_now()]
    client = Ecom(now=lambda: moments[-1])
    client.initiate()
    moments.append(fixed_now() + timedelta(seconds=3599))
    assert client.send("GET", f"{client.BASE}/order-1/details").status == 200
    moments.append(fixed_now() + timedelta(seconds=3600))
    assert client.send("GET", f"{client.BASE}/order-1/details").status == 401


@pytest.mark.parametrize("api", [Ecom, EPayment, Recurring])
def test_a_foreign_sales_unit_is_forbidden_and_long_system_headers_are_refused(api):
    client = api()
    assert client.send("POST", client.BASE, {}, merchant_serial_number="999999").status == 403
    response = client.send("POST", client.BASE, {}, idempotency_key="k", vipps_system_name="x" * 31)
    assert response.status == 400
    assert "vipps-system-name" in response.body.decode()


@pytest.mark.parametrize("path", ["/", "", "/ecomm", "/ecomm/v2/payments/", "/ecomm/v2/payments/a/b/c", "/control/v1"])
def test_unknown_paths_are_not_found(path):
    assert Client().send("GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/ecomm/v2/payments/a/cancel", "PUT"),
        ("put", "/ecomm/v2/payments/a/cancel", "PUT"),
        ("DELETE", "/recurring/v3/agreements/a", "GET, PATCH"),
        ("GET", "/accesstoken/get", "POST"),
    ],
)
def test_a_405_lists_the_allowed_methods(method, path, allowed):
    response = Client().provider.handle(Request(method, path))
    assert (response.status, response.header("Allow")) == (405, allowed)


# Rate limit


@pytest.mark.parametrize("api", [Ecom, EPayment, Recurring])
def test_the_sixth_cancel_of_an_order_within_a_minute_is_refused(api):
    for options, sixth in ((Options(), 429), (Options(rate_limit=False), 0)):
        client = api(options, now=fixed_now)
        if api is Recurring:
            ids: tuple[str, ...] = (client.reserved(), client.charge())
        else:
            ids = ("reference-1", "reference-2")
            for id_ in ids:
                client.initiate(id_) if api is Ecom else client.create(id_)
        profile = api.__name__.lower()

        def cancel(id_: str, client: Any = client) -> Any:
            return client.cancel(id_) if api is Recurring else client.cancel(id_=id_)

        statuses = [cancel(ids[0]).status for _ in range(6)]
        assert 429 not in statuses[:5]
        assert (statuses[5] == 429) == (sixth == 429)
        assert cancel(ids[1]).status in (200, 204)
        if sixth:
            assert cancel(ids[0]).header("Retry-After") == "60"
            client.age(profile, ids[0], seconds=61)
            assert cancel(ids[0]).status != 429


# Determinism, robustness, concurrency


def play(seed: int) -> list[bytes]:
    provider_arguments: dict[str, Any] = {"seed": seed, "now": fixed_now}
    ecom = Ecom(**provider_arguments)
    ecom.reserved(captures=(400,))
    recurring = Recurring(**provider_arguments)
    charge = recurring.reserved()
    answers = [ecom.cancel(), ecom.cancel(True), recurring.cancel(charge), recurring.cancel(charge)]
    return [*(answer.body for answer in answers), json.dumps(recurring.get(charge)).encode(), ecom.token.encode()]


def test_a_seed_decides_every_answer():
    assert play(1) == play(1)
    assert play(1) != play(2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    sorted({n for schema in DESCRIPTION["components"]["schemas"].values() for n in schema.get("properties", {})})
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda value: json.dumps(value).encode(), JSON),
    st.builds(
        lambda value: json.dumps(value).encode(),
        st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=3), max_size=5),
    ),
)
SEGMENTS = st.sampled_from(["order-1", "reference-1", "{agreement}", "{charge}", "unknown-1", "%00", "%", "%ff", "å"])
HEADER_VALUES = st.sampled_from(["", "k", "x" * 60, "å", MSN, OTHER, "Bearer", "Bearer x", "\u2603"]) | st.none()


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes, dict[str, str | None]]:
    path, item = draw(st.sampled_from(sorted(DESCRIPTION["paths"].items(), key=lambda pair: pair[0])))
    for name in ("{orderId}", "{reference}", "{agreementId}", "{chargeId}", "{profile}", "{id}"):
        if name in path:
            path = path.replace(name, draw(SEGMENTS | st.sampled_from(["ecom", "recurring"])))
    if draw(st.integers(0, 9)) == 0:
        path = draw(st.text(max_size=30))
    method = draw(st.sampled_from([*item, "GET", "POST", "TRACE"])).upper()
    changed = draw(
        st.dictionaries(
            st.sampled_from(
                ["authorization", "idempotency_key", "x_request_id", "merchant_serial_number", "client_id"]
            ),
            HEADER_VALUES,
            max_size=2,
        )
    )
    return method, path, draw(BODIES), {"idempotency_key": "key", "x_request_id": "key", **changed}


@given(st.lists(requests(), min_size=1, max_size=4))
def test_no_request_breaks_the_provider(sent):
    client = Ecom(now=fixed_now)
    client.reserved(captures=(400,))
    epayment = EPayment.__new__(EPayment)
    epayment.__dict__.update(client.__dict__)
    epayment.authorized()
    for method, path, body, headers in sent:
        assert client.send(method, path, raw=body, **headers).status < 500


def test_money_is_conserved_when_everybody_acts_at_once():
    client = EPayment(Options(rate_limit=False))
    client.authorized(amount=1000)
    statuses: list[tuple[str, int]] = []
    barrier = threading.Barrier(16)

    def act(worker: int) -> None:
        barrier.wait()
        for turn in range(10):
            if worker % 8 == 7 and turn > 4:
                statuses.append(("cancel", client.cancel(idempotency_key=f"c{worker}-{turn}").status))
            else:
                statuses.append(("capture", client.capture(7, key=f"k{worker}-{turn}").status))

    threads = [threading.Thread(target=act, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    captures = statuses.count(("capture", 200))
    cancels = statuses.count(("cancel", 200))
    assert len(statuses) == 160
    assert cancels <= 1
    state, authorized, captured, refunded, cancelled = sums(client.get())
    assert (state, authorized, captured, refunded) == ("AUTHORIZED", 1000, 7 * captures, 0)
    assert cancelled == (1000 - captured if cancels else 0)
    assert len(client.events()) == 2 + captures + cancels


# Faulty providers


class ForgetsTheAgeLimit(EcomProfile):
    """A payment is never too old."""

    def is_too_old(self, order):
        return False


def test_one_overridden_decision_makes_a_faulty_provider():
    for ecom, status in ((EcomProfile, 400), (ForgetsTheAgeLimit, 200)):
        client = Ecom(ecom=ecom)
        client.reserved()
        client.age("ecom", "order-1", 200)
        assert client.cancel().status == status


# On the wire


def test_the_asgi_application_answers_as_the_provider_does():
    client = Ecom(now=fixed_now, options=Options(delay_seconds=0.01))
    client.initiate("order-1")
    app = create_app(client.provider)

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sandbox") as http:
            headers = {
                "Authorization": f"Bearer {client.token}",
                "Ocp-Apim-Subscription-Key": "sandbox-subscription-key",
            }
            return [
                await http.get("/ecomm/v2/payments/order-1/details?x=1", headers=headers),
                await http.get("/openapi.json"),
                await http.post("/ecomm/v2/payments/order%2D1/details"),
            ]

    details, described, wrong = asyncio.run(ask())
    assert details.json() == client.details()
    assert described.json() == DESCRIPTION
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


def test_the_asgi_application_knows_lifespans_and_clients_that_leave():
    app = create_app(Provider())
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def run(scope: dict[str, Any], *messages: dict[str, Any]) -> None:
        queue = list(messages)

        async def receive() -> dict[str, Any]:
            return queue.pop(0)

        await app(scope, receive, send)

    lifespan = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    asyncio.run(run({"type": "lifespan"}, *lifespan))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    sent.clear()
    http = {"type": "http", "method": "GET", "path": "/å", "headers": []}
    asyncio.run(run(http, {"type": "http.disconnect"}))
    assert sent == []
    asyncio.run(run(http, {"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.request"}))
    assert sent == ["http.response.start", "http.response.body"]


def test_a_real_port_on_the_loopback_interface():
    provider = Provider()
    with running_server(provider) as url, httpx.Client(base_url=url) as http:
        assert url.startswith("http://127.0.0.1:")
        keys = {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"}
        keys["Ocp-Apim-Subscription-Key"] = "sandbox-subscription-key"
        token = http.post("/accesstoken/get", headers=keys).json()["access_token"]
        headers = {**keys, "Authorization": f"Bearer {token}", "Merchant-Serial-Number": MSN, "Idempotency-Key": "k"}
        body = {
            "amount": {"currency": "NOK", "value": 1000},
            "paymentMethod": {"type": "WALLET"},
            "reference": "reference-1",
            "userFlow": "PUSH_MESSAGE",
        }
        assert http.post("/epayment/v1/payments", json=body, headers=headers).status_code == 201
        act = http.post("/control/v1/epayment/payments/reference-1/action", json={"action": "approve"})
        assert act.status_code == 204
        cancelled = http.post("/epayment/v1/payments/reference-1/cancel", headers={**headers, "Idempotency-Key": "c"})
        assert cancelled.json()["aggregate"]["cancelledAmount"]["value"] == 1000


def test_serving_binds_the_loopback_interface_only(monkeypatch):
    started: list[tuple[str, int]] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self: started.append((self.config.host, self.config.port)))
    serve(Provider(), port=9702)
    assert started == [("127.0.0.1", 9702)]


def test_a_server_that_does_not_start_says_so(monkeypatch):
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
    with pytest.raises(RuntimeError, match="did not start"), running_server(Provider()):
        pass
