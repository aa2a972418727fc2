"""The provider's seat: what crosses the wire is written down as it was, and goes wrong as planned."""

import http.client
import json

import httpx
import pytest

from conformance.domain.messages import Request
from conformance.merchant.provider_double.double import NoResponse, ProviderDouble
from conformance.merchant.provider_double.fault_injection import Faults
from conformance.merchant.provider_double.mounts import DoubleTransport, Server
from conformance.merchant.provider_double.state import ProviderState
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.obligations.history import AFTER, BEFORE, Behaviour, Fault
from conformance.sandbox.options import MSN, SUBSCRIPTION_KEY

PAYMENTS = "/epayment/v1/payments"
REFERENCE = "order-0001"


class Bench:
    """A seat with one order of ePayment."""

    def __init__(self, *faults, behaviour=None):
        self.clock = VirtualClock()
        self.counter = ProviderState(self.clock, behaviour or Behaviour(), "no", 1)
        self.records = []
        self.target = ProviderDouble(self.counter, self.clock, Faults(faults), self.write, 1)
        self.token = self.counter.token()
        self.target.enter(0, "create", 0)
        body = {
            "amount": {"value": 1000, "currency": "NOK"},
            "paymentMethod": {"type": "WALLET"},
            "reference": REFERENCE,
            "userFlow": "PUSH_MESSAGE",
        }
        assert self.send("POST", PAYMENTS, body, "k-create").status == 201

    def write(self, kind, **content):
        self.records.append({"n": len(self.records), "kind": kind, **content})

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
        return self.target.answer(Request(method, path, self.headers(key), raw))

    def cancel(self, key="k-1"):
        self.target.enter(1, "cancel", 0)
        return self.send("POST", f"{PAYMENTS}/{REFERENCE}/cancel", None, key)

    @property
    def truth(self):
        return self.counter.truth("epayment", REFERENCE)

    @property
    def last(self):
        return self.records[-1]


def test_a_request_is_written_down_raw():
    bench = Bench()
    assert bench.cancel().status == 200
    record = bench.last
    assert record["request"]["headers"] == [list(one) for one in bench.headers("k-1")]
    wire = record["wire"]
    said = [
        wire[name] for name in ("operation", "api", "payment", "owner", "action", "order", "fault", "reached", "copy")
    ]
    assert said == ["cancel", "epayment", REFERENCE, 0, "cancel", 0, "", True, False]
    assert (wire["before"]["payable"], wire["after"]["payable"], wire["after"]["cancelled"]) == (True, False, 1000)


@pytest.mark.parametrize("kind", BEFORE)
def test_a_fault_in_front_of_the_provider_keeps_the_request_from_it(kind):
    bench = Bench(Fault("cancel", kind, seconds=7))
    given = bench.cancel()
    assert bench.truth.payable
    assert bench.last["wire"]["fault"] == kind
    assert bench.last["wire"]["reached"] is False
    if kind == "lost-before":
        assert given == NoResponse(reached=False)
        assert bench.last["lost"]
    else:
        assert given.status == int(kind.split("-")[1])
    if kind == "busy-429":
        assert given.header("Retry-After") == "7"
    if kind == "sticky-400":
        assert bench.cancel().status == 400
        assert bench.cancel("k-2").status == 200
    else:
        assert bench.cancel().status == 200


@pytest.mark.parametrize("kind", AFTER)
def test_a_fault_behind_the_provider_comes_after_the_deed(kind):
    bench = Bench(Fault("cancel", kind, seconds=9))
    before = bench.clock.elapsed()
    given = bench.cancel()
    assert not bench.truth.payable
    assert bench.last["wire"]["reached"] is True
    assert isinstance(given, NoResponse) == (kind in ("lost-after", "slow-after"))
    assert (bench.clock.elapsed() - before > 8) == isinstance(given, NoResponse)
    assert bench.cancel().json()["state"] == "TERMINATED"


def test_what_is_sent_twice_is_seen_once_by_the_merchant():
    bench = Bench(Fault("cancel", "twice"))
    assert bench.cancel("").status == 400
    assert [one["wire"]["copy"] for one in bench.records[-2:]] == [True, False]


def test_the_customer_approves_in_between():
    bench = Bench(Fault("cancel", "approve-before"))
    assert bench.cancel().json()["state"] == "AUTHORIZED"
    assert bench.truth.released


def test_both_scopes_of_keys():
    assert Bench().cancel("k-create").status == 409
    assert Bench(behaviour=Behaviour("operation")).cancel("k-create").status == 200


def test_a_strangers_secret_is_not_written_down():
    bench = Bench()
    headers = (("Authorization", "Bearer my-real-token"), ("client_secret", "my-real-secret"))
    assert bench.target.answer(Request("GET", f"{PAYMENTS}/{REFERENCE}", headers)).status == 401
    assert "my-real" not in json.dumps(bench.records)
    assert bench.last["request"]["headers"][0] == ["Authorization", "Bearer [removed]"]


def test_notifications_of_what_happened():
    bench = Bench()
    bench.counter.news()
    assert bench.counter.act("epayment", REFERENCE, "approve")
    bench.cancel()
    names = [hook.name for hook in bench.counter.news()]
    assert names == ["epayments.payment.authorized.v1", "epayments.payment.cancelled.v1"]
    assert bench.counter.news() == []


def test_a_transport_of_httpx():
    bench = Bench(Fault("read", "lost-after"))
    headers = dict(bench.headers(""))
    with httpx.Client(
        transport=DoubleTransport(bench.target), base_url="http://any.example", headers=headers
    ) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{PAYMENTS}/{REFERENCE}")
        assert client.get(f"{PAYMENTS}/{REFERENCE}").json()["state"] == "CREATED"


def test_a_port_of_this_machine():
    bench = Bench(Fault("read", "lost-after", 2))
    server = Server(lambda: bench.target)
    try:
        assert server.url.startswith("http://127.0.0.1:")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        headers = dict(bench.headers(""))
        for _ in range(2):
            try:
                connection.request("GET", f"{PAYMENTS}/{REFERENCE}", headers=headers)
                answer = connection.getresponse()
                assert answer.status == 200
                answer.read()
            except http.client.RemoteDisconnected:
                break
        else:
            pytest.fail("the second connection was not dropped")
        connection.close()
        used = {one["wire"]["connection"] for one in bench.records[-2:]}
        assert len(used) == 1
        assert used != {""}
        foreign = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        foreign.request("CONNECT", "api.vipps.no:443")
        assert foreign.getresponse().status == 502
        foreign.close()
        assert (bench.last["wire"]["operation"], bench.last["wire"]["host"]) == ("foreign", "api.vipps.no:443")
    finally:
        server.close()
