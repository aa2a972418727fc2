"""Plugging in what exists: capital letters in paths, order numbers that begin again, and shops that make no payment."""

from __future__ import annotations

import sys

import httpx
import pytest

from conformance.cli.main import main
from conformance.domain.messages import Request
from conformance.evidence.journal import read_journal
from conformance.evidence.records import ExchangeRecord, SmokeRecord
from conformance.merchant import coming_to_rest
from conformance.merchant.api import run_merchant
from conformance.merchant.first_payment import ENOUGH
from conformance.merchant.harness import CountingSink, KeepingSink
from conformance.merchant.pace import Pace
from conformance.merchant.provider_double.routes import route_request
from conformance.obligations.history import Fault
from conformance.verification.verify import verify
from examples.merchants import epayment, recurring
from examples.merchants.base import ReferenceMerchant, Row
from tests.merchant.helpers import harness_of, history
from tests.merchant.test_processes import free_port, served

COUNTING = (sys.executable, "-m", "tests.merchant.plugged.counting_shop")


class Capitals(epayment.Adapter):
    """The reference merchant, with the paths in another spelling."""

    def __init__(self, setup, books=None):
        super().__init__(setup, books)
        call = self.client.call
        self.client.call = lambda method, path, *more: call(
            method, path.replace("epayment/v1/pay", "ePayment/V1/Pay"), *more
        )


class SameNumbers(epayment.Adapter):
    """The reference merchant, whose order numbers begin again with its books."""

    def create(self, order):
        number = f"invoice-{len(self.books) + 1:05d}"
        if order.id not in self.books:
            self.books[order.id] = Row(order.id, order.amount, order.currency, number, order.agreement)
        return ReferenceMerchant.create(self, order)


class SameCharges(recurring.Adapter):
    """The same, with charges."""

    create = SameNumbers.create


class OldPathInConstructor(epayment.Adapter):
    def __init__(self, setup, books=None):
        super().__init__(setup, books)
        httpx.post(f"{setup.base_url}/access/token").raise_for_status()


class MostlyOutOfStock(epayment.Adapter):
    """Makes the first payments; then its sender is refused."""

    made = 0

    def create(self, order):
        MostlyOutOfStock.made += 1
        if MostlyOutOfStock.made > 2:
            self.client.call("POST", "/epayment/v1/payments", {"amount": {"value": -5, "currency": "NOK"}}, "k")
        return super().create(order)


class Stuck(epayment.Adapter):
    def cancel(self, order_id):
        raise RuntimeError("the queue is full")

    def tick(self, now):
        return


class ForgetsOnce(epayment.Adapter):
    """Makes a payment and then fails before the order is written: the payment is there all the same."""

    def create(self, order):
        super().create(order)
        raise RuntimeError("deadlock found when trying to get lock")


@pytest.mark.parametrize(
    ("method", "path", "operation", "documented"),
    [
        ("POST", "/accessToken/get", "token", "/accesstoken/get"),
        ("POST", "/Ecomm/v2/payments", "create", "/ecomm/v2/payments"),
        ("PUT", "/Ecomm/V2/payments/Ab-Cd%2F/CANCEL", "cancel", "/ecomm/v2/payments/Ab-Cd%2F/cancel"),
        ("GET", "/epayment/v1/Payments/AbC/Events", "read", "/epayment/v1/payments/AbC/events"),
        ("DELETE", "/Recurring/v3/agreements/aG/Charges/cQ", "cancel", "/recurring/v3/agreements/aG/charges/cQ"),
        ("POST", "/Ecomm/v2/payments/AbC/void", "unknown", ""),
        ("POST", "/ORDERS/7/Cancel", "unknown", ""),
    ],
)  # fmt: skip
def test_paths_are_matched_in_any_spelling_and_identifiers_keep_theirs(method, path, operation, documented):
    route = route_request(method, path)
    assert (route.operation, route.path) == (operation, documented)
    if documented:
        assert route.as_documented(Request(method, f"{path}?a=B")).path == f"{documented}?a=B"


def test_a_shop_that_spells_paths_differently_breaks_nothing():
    sink = KeepingSink()
    with harness_of(Capitals) as harness:
        trial = harness.run(history("create approve capture:400 cancel"), "capitals-1", sink)
    assert trial.broken == {}
    paths = {record.request.path for record in sink.records if isinstance(record, ExchangeRecord)}
    assert any(path.startswith("/ePayment/V1/Payments/cc-capitals-1-0/") for path in paths)


@pytest.mark.parametrize("adapter", [SameNumbers, SameCharges])
def test_order_numbers_that_begin_again_in_every_history_just_work(adapter):
    lost, profile = Fault("create", "lost-after"), adapter.profiles[0]
    told = [
        history("create approve cancel", profile=profile),
        history("create approve create@1 cancel", profile=profile),
        history("create approve cancel", lost, profile=profile),
        history("create approve cancel", profile=profile),
    ]
    with harness_of(adapter) as harness:
        trials = [harness.run(each, f"same-{number}", CountingSink()) for number, each in enumerate(told)]
    assert all(trial.paid for trial in trials)
    assert [trial.broken for trial in trials] == [{}] * len(told)
    made = [request for request in trials[-1].trace.requests if request.operation == "create"]
    assert [request.status for request in made] == [201]


def test_a_payment_of_an_earlier_history_can_be_read_until_its_number_is_taken():
    with harness_of(SameNumbers) as harness:
        harness.run(history("create approve"), "first", CountingSink())
        harness._set_up(history("create").behaviour, "second", CountingSink(), 1)
        state = harness.double().state
        assert state.payment("epayment", "invoice-00001").is_reserved
        harness.run(history("create"), "third", CountingSink())
        assert not harness.double().state.payment("epayment", "invoice-00001").is_reserved


def test_a_counting_shop_behind_a_hook_breaks_nothing():
    port = free_port()
    told = [
        history("create approve capture:400 cancel", profile="ecom"),
        history("create approve cancel", Fault("cancel", "lost-after"), profile="ecom"),
        history("create approve create@1 approve@1 cancel cancel@1", profile="ecom"),
    ]
    with served((*COUNTING, str(port)), port) as base, harness_of(base) as harness:
        trials = [harness.run(each, f"counting-{number}", CountingSink()) for number, each in enumerate(told)]
        assert harness.open().product == "Counting shop"
    assert all(trial.paid for trial in trials)
    assert {rule for trial in trials for rule in trial.broken} == set()


def test_a_constructor_that_asks_for_an_unknown_path_is_told_so(tmp_path, capsys):
    words = ["--integration", f"python:{__name__}:OldPathInConstructor", "--out", str(tmp_path / "out")]
    assert main(["merchant", *words]) == 3
    said = capsys.readouterr()
    assert "cannot be made with a Setup: HTTPStatusError" in said.err
    assert "(at tests/merchant/test_plugging_in.py:" in said.err
    assert "the provider double answered 404 to POST /access/token: there is no such operation." in said.err
    assert "in __init__: httpx.post" in said.out
    requests = [record.request.path for record in read_journal(tmp_path / "out").of(ExchangeRecord)]
    assert requests == ["/access/token"]
    assert not verify(tmp_path / "out").faults


def test_a_run_in_which_most_creates_fail_claims_nothing(tmp_path, capsys):
    MostlyOutOfStock.made = 0
    words = ["--integration", f"python:{__name__}:MostlyOutOfStock", "--out", str(tmp_path / "out")]
    assert main(["merchant", *words, "--budget", "quick", "--histories", "0"]) == 3
    said = capsys.readouterr().err
    assert f"of {ENOUGH} histories of epayment (POST /epayment/v1/payments was answered 400 " in said
    assert "must be" in said or "amount" in said
    assert "nothing is claimed" in said
    assert not verify(tmp_path / "out").faults


def test_a_create_that_raised_after_it_made_a_payment_did_make_one(tmp_path):
    result = run_merchant(ForgetsOnce, budget="quick", histories=0, out=tmp_path / "out")
    evidence = read_journal(tmp_path / "out")
    assert [record.ok for record in evidence.of(SmokeRecord)] == [True]
    assert sum(result.histories.values()) > ENOUGH


def test_a_slow_integration_gets_an_estimate_and_a_quick_one_none():
    lines: list[str] = []
    seconds = 0.0
    pace = Pace(lines.append, lambda: seconds)
    pace.probed(1.4)
    pace.begin(200)
    for _ in range(12):
        seconds += 1.2
        pace.played()
    assert lines == [
        "About 5 minutes for 200 histories: each takes 1.4 seconds.",
        "About 4 minutes for 190 more histories: each takes 1.2 seconds.",
    ]
    quick = Pace(lines.append, lambda: 0.0)
    quick.probed(0.01)
    quick.begin(200)
    assert len(lines) == 2


def test_a_stuck_shop_is_not_waited_for_in_every_history(monkeypatch):
    """It waits really, and comes to rest in no history: what it needs is no time."""
    waited: list[float] = []
    monkeypatch.setattr(coming_to_rest.time, "sleep", waited.append)
    with harness_of(Stuck) as harness:
        monkeypatch.setattr(harness.integration, "virtual", False)
        for number in range(5):
            harness.run(history("create approve cancel"), f"stuck-{number}", CountingSink())
    assert waited == [coming_to_rest.REAL_PAUSE] * coming_to_rest.MOST_VAIN_PAUSES + [coming_to_rest.SHORT_PAUSE] * 2
