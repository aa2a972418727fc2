"""The provider double: requests are recorded as they were sent, and faults happen as planned."""

import http.client
import json

import httpx
import pytest
from msgspec import structs

from conformance.domain.messages import Request
from conformance.merchant.provider_double.double import DroppedResponse, ProviderDouble
from conformance.merchant.provider_double.fault_injection import Faults
from conformance.merchant.provider_double.mounts import DoubleTransport, LoopbackServer
from conformance.merchant.provider_double.state import ProviderState
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.obligations.history import AFTER, BEFORE, Behaviour, Fault
from conformance.sandbox.options import MSN, SUBSCRIPTION_KEY
from tests.stored import stored

PAYMENTS = "/epayment/v1/payments"
REFERENCE = "order-0001"


class Bench:
    """A provider double with one ePayment order."""

    def __init__(self, *faults, behaviour=None):
        self.clock = VirtualClock()
        self.state = ProviderState(self.clock, behaviour or Behaviour(), "no", 1)
        self.records = []
        self.double = ProviderDouble(self.state, self.clock, Faults(faults), self.write, 1)
        self.token = self.state.token()
        self.double.begin_action(0, "create", 0)
        body = {
            "amount": {"value": 1000, "currency": "NOK"},
            "paymentMethod": {"type": "WALLET"},
            "reference": REFERENCE,
            "userFlow": "PUSH_MESSAGE",
        }
        assert self.send("POST", PAYMENTS, body, "k-create").status == 201

    def write(self, record):
        self.records.append(stored(structs.replace(record, n=len(self.records))))

    def headers(self, key):
        return (
            ("authorization", f"Bearer {self.token}"),
            ("Ocp-Apim-Subscription-Key", SUBSCRIPTION_KEY),
            ("X-Odd", "one"),
            ("Merchant-Serial-Number", MSN),
            ("X-Odd", "two"),
            *((("Idempotency-Key", key),) if key else ()),
        )

    def send(self, method, path, body=None, key=""):
        raw = b"" if body is None else json.dumps(body).encode()
        return self.double.respond(Request(method, path, self.headers(key), raw))

    def cancel(self, key="k-1"):
        self.double.begin_action(1, "cancel", 0)
        return self.send("POST", f"{PAYMENTS}/{REFERENCE}/cancel", None, key)

    @property
    def payment(self):
        return self.state.record("epayment", REFERENCE)

    @property
    def last_record(self):
        return self.records[-1]


def test_a_request_is_recorded_as_it_was_sent():
    bench = Bench()
    assert bench.cancel().status == 200
    record = bench.last_record
    assert record["request"]["headers"] == [list(header) for header in bench.headers("k-1")]
    wire = record["wire"]
    names = ("operation", "api", "payment", "owner", "action", "order", "fault", "reached", "copy")
    assert [wire[name] for name in names] == ["cancel", "epayment", REFERENCE, 0, "cancel", 0, "", True, False]
    assert (wire["before"]["payable"], wire["after"]["payable"], wire["after"]["cancelled"]) == (True, False, 1000)


@pytest.mark.parametrize("kind", BEFORE)
def test_a_fault_in_front_of_the_provider_keeps_the_request_from_it(kind):
    bench = Bench(Fault("cancel", kind, seconds=7))
    response = bench.cancel()
    assert bench.payment.payable
    assert bench.last_record["wire"]["fault"] == kind
    assert bench.last_record["wire"]["reached"] is False
    if kind == "lost-before":
        assert response == DroppedResponse(reached=False)
        assert bench.last_record["lost"]
    else:
        assert response.status == int(kind.split("-")[1])
    if kind == "busy-429":
        assert response.header("Retry-After") == "7"
    if kind == "sticky-400":
        assert bench.cancel().status == 400
        assert bench.cancel("k-2").status == 200
    else:
        assert bench.cancel().status == 200


@pytest.mark.parametrize("kind", AFTER)
def test_a_fault_behind_the_provider_comes_after_the_request_was_carried_out(kind):
    bench = Bench(Fault("cancel", kind, seconds=9))
    before = bench.clock.elapsed()
    response = bench.cancel()
    assert not bench.payment.payable
    assert bench.last_record["wire"]["reached"] is True
    assert isinstance(response, DroppedResponse) == (kind in ("lost-after", "slow-after"))
    assert (bench.clock.elapsed() - before > 8) == isinstance(response, DroppedResponse)
    assert bench.cancel().json()["state"] == "TERMINATED"


def test_a_request_that_is_sent_twice_gets_one_response():
    bench = Bench(Fault("cancel", "twice"))
    assert bench.cancel("").status == 400
    assert [record["wire"]["copy"] for record in bench.records[-2:]] == [True, False]


def test_the_customer_can_approve_just_before_the_cancel():
    bench = Bench(Fault("cancel", "approve-before"))
    assert bench.cancel().json()["state"] == "AUTHORIZED"
    assert bench.payment.released


def test_keys_have_the_scope_of_the_behaviour():
    assert Bench().cancel("k-create").status == 409
    assert Bench(behaviour=Behaviour("operation")).cancel("k-create").status == 200


def test_a_secret_that_is_not_the_doubles_own_is_not_recorded():
    bench = Bench()
    headers = (("Authorization", "Bearer my-real-token"), ("client_secret", "my-real-secret"))
    assert bench.double.respond(Request("GET", f"{PAYMENTS}/{REFERENCE}", headers)).status == 401
    assert "my-real" not in json.dumps(bench.records)
    assert bench.last_record["request"]["headers"][0] == ["Authorization", "Bearer [removed]"]


def test_each_event_is_notified_once():
    bench = Bench()
    bench.state.new_webhooks()
    assert bench.state.act("epayment", REFERENCE, "approve")
    bench.cancel()
    names = [webhook.name for webhook in bench.state.new_webhooks()]
    assert names == ["epayments.payment.authorized.v1", "epayments.payment.cancelled.v1"]
    assert bench.state.new_webhooks() == []


def test_a_transport_for_httpx():
    bench = Bench(Fault("read", "lost-after"))
    headers = dict(bench.headers(""))
    with httpx.Client(
        transport=DoubleTransport(bench.double), base_url="http://any.example", headers=headers
    ) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{PAYMENTS}/{REFERENCE}")
        assert client.get(f"{PAYMENTS}/{REFERENCE}").json()["state"] == "CREATED"


def test_a_loopback_port_keeps_connections_apart_and_refuses_other_hosts():
    bench = Bench(Fault("read", "lost-after", 2))
    server = LoopbackServer(lambda: bench.double)
    try:
        assert server.url.startswith("http://127.0.0.1:")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        headers = dict(bench.headers(""))
        for _ in range(2):
            try:
                connection.request("GET", f"{PAYMENTS}/{REFERENCE}", headers=headers)
                response = connection.getresponse()
                assert response.status == 200
                response.read()
            except http.client.RemoteDisconnected:
                break
        else:
            pytest.fail("the second connection was not dropped")
        connection.close()
        connections = {record["wire"]["connection"] for record in bench.records[-2:]}
        assert len(connections) == 1
        assert connections != {""}
        foreign = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        foreign.request("CONNECT", "api.vipps.no:443")
        assert foreign.getresponse().status == 502
        foreign.close()
        assert (bench.last_record["wire"]["operation"], bench.last_record["wire"]["host"]) == (
            "foreign",
            "api.vipps.no:443",
        )
    finally:
        server.close()
