"""What a merchant sees when the first payment fails, or an action never succeeds."""

import time

import httpx
import pytest

from conformance.cli.main import main
from conformance.domain.messages import Request, Response
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RunVerdict
from conformance.merchant.api import run_merchant
from conformance.merchant.provider_double.double import ProviderDouble
from conformance.reports.wording.troubles import _of_merchant, troubles
from conformance.verification.verify import verify
from examples.merchants import epayment
from tests.merchant.helpers import harness_of
from tests.reports.schemas import faults_of
from tests.stored import stored_records

PAYMENTS = "/epayment/v1/payments"


class Shop(epayment.Adapter):
    """The reference merchant, which remembers where the provider is."""

    def __init__(self, setup):
        super().__init__(setup)
        self.provider = setup.base_url

    def post(self, path, **headers):
        httpx.post(self.provider + path, json={"amount": 3}, headers=headers).raise_for_status()


class NotMade(Shop):
    def __init__(self, setup):
        raise KeyError("dsn")


class CreateRaises(Shop):
    def create(self, order):
        return {}[order.id]


class WrongPath(Shop):
    def create(self, order):
        self.post("/payments/v1")


class NoToken(Shop):
    def create(self, order):
        self.post(PAYMENTS)


class OtherHost(Shop):
    def create(self, order):
        self.provider = "https://api.example"
        self.post(PAYMENTS)


class CancelRaises(Shop):
    def cancel(self, order_id):
        return {}[order_id]


class ViewRaises(Shop):
    def local_view(self, order_id):
        raise RuntimeError("no such table: orders")


def run(name, out, budget="quick"):
    words = ["--integration", f"python:{__name__}:{name}", "--budget", budget, "--histories", "0", "--out", str(out)]
    return main(["merchant", *words])


@pytest.mark.parametrize(
    ("name", "sentence", "lines"),
    [
        ("NotMade", "cannot be made with a Setup: KeyError: 'dsn' (at ", ['in __init__: raise KeyError("dsn")']),
        ("CreateRaises", "it sent nothing to the provider of this test", ["in create: return {}[order.id]"]),
        (
            "WrongPath",
            "; the provider double answered 404 to POST /payments/v1: there is no such operation.",
            ['in create: self.post("/payments/v1")', "raised in httpx/_models.py", "POST /payments/v1", "answered 404"],
        ),
        ("NoToken", "which the provider double answered 401 (Unauthorized", [f"POST {PAYMENTS}", "answered 401"]),
        (
            "OtherHost",
            "its last request went to api.example, which is never reached",
            ["in create: self.post(PAYMENTS)"],
        ),
        ("ViewRaises", "local_view of ", ["RuntimeError: no such table: orders", "in local_view: raise RuntimeError"]),
    ],
)
def test_the_first_payment_that_fails_says_where_and_what_was_answered(tmp_path, capsys, name, sentence, lines):
    out = tmp_path / "out"
    assert run(name, out) == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert sentence in said.err
    written = [said.out, (out / "summary.md").read_text(), (out / "report.html").read_text()]
    for line in lines:
        assert line in said.out
        assert all(line.replace('"', "&#34;") in text or line in text for text in written), line
    evidence = read_journal(out)
    assert faults_of(stored_records(evidence)) == []
    assert not verify(out).faults


def test_an_action_that_never_succeeds_is_counted_and_shown(tmp_path):
    result = run_merchant(CancelRaises, budget="quick", histories=0, out=tmp_path / "out")
    calls = [record for record in stored_records(result.evidence, "action") if record["action"] == "cancel"]
    trouble = next(trouble for trouble in troubles(result) if trouble.title.startswith("cancel"))
    assert trouble.title.startswith(f"cancel raised KeyError in {len(calls)} of {len(calls):,} calls, first in step ")
    assert "in cancel: return {}[order_id]" in trouble.lines[1]
    assert not verify(tmp_path / "out").faults


class EveryDeliveryRefused(Shop):
    """Correct, and takes no notification: all that it learns it reads."""

    def deliver(self, webhook):
        raise PermissionError("the delivery is not signed")


def test_an_action_that_never_succeeds_is_shown_of_a_conformant_run_as_well(tmp_path, capsys):
    assert run("EveryDeliveryRefused", tmp_path / "out") == 0
    line = "deliver raised PermissionError in "
    written = [
        capsys.readouterr().out,
        *((tmp_path / "out" / name).read_text() for name in ("summary.md", "junit.xml")),
    ]
    assert all(line in text for text in written)
    assert 'in deliver: raise PermissionError("the delivery is not signed")' in written[0]


class CancelsAndSaysThatItFailed(epayment.Adapter):
    """Correct in its books: only the word for success is not understood."""

    def cancel(self, order_id):
        super().cancel(order_id)
        if self.local_view(order_id).status == "cancelled":
            raise LookupError("no such status: cancelled")


def test_an_action_that_seldom_succeeds_is_shown_of_a_conformant_run(tmp_path):
    result = run_merchant(CancelsAndSaysThatItFailed, budget="quick", histories=0, out=tmp_path / "out")
    assert result.verdict is RunVerdict.CONFORMANT
    assert [trouble.title.partition(" in ")[0] for trouble in troubles(result)][:1] == ["cancel raised LookupError"]


def test_an_exception_by_which_a_shop_declines_is_no_trouble(tmp_path):
    result = run_merchant(epayment.Adapter, budget="quick", histories=0, out=tmp_path / "out")
    assert any(record.get("crash") for record in stored_records(result.evidence, "action"))
    assert _of_merchant(result) == []


@pytest.mark.parametrize(
    ("script", "sentence", "line"),
    [
        ("echo warming up >&2; echo no database >&2; exit 1", "exited with 1: no database", "  warming up"),
        ("echo hello", "which is no JSON", ""),
    ],
)
def test_a_command_that_fails_at_once_is_quoted(tmp_path, capsys, script, sentence, line):
    command = tmp_path / "shop.sh"
    command.write_text(script)
    words = ["merchant", "--integration", f"exec:sh {command}", "--out", str(tmp_path / "out")]
    assert main(words) == 3
    said = capsys.readouterr()
    assert sentence in said.err
    assert line in said.out


def test_a_merchant_that_hangs_is_not_interrupted_while_a_request_is_recorded(monkeypatch):
    """The time limit comes by a signal, which would leave half a record behind."""
    with harness_of(Shop) as harness:
        harness.open()
        finished = []

        def slowly(double, request, host):
            until = time.monotonic() + 0.15
            while time.monotonic() < until:
                pass
            finished.append(request.path)
            return Response(200, (), b"{}")

        monkeypatch.setattr(ProviderDouble, "_respond", slowly)

        class Floods:
            def cancel(self, order_id):
                while True:
                    harness.double().respond(Request("GET", "/"))
                    sum(range(1_000_000))

        harness.integration._adapter, harness.integration.seconds = Floods(), 0.1
        result = harness.integration.call("cancel", {"order_id": "o-1"})
        assert result.ending == "hung"
        assert finished == ["/"] * len(finished)
        assert harness.double().action.requests == len(finished)
