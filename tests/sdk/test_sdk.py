"""The published client of the real APIs drives the embedded provider, over a port of this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from conformance.domain.messages import Request, Response
from conformance.sandbox import Options, Provider, running_server
from conformance.sandbox.agreement import AgreementStatus

from ..published.descriptions import VENDOR, Description, load_repairs
from .npm import STORY_SECONDS, install, said

HERE = Path(__file__).parent
OPTIONS = Options()

Line = dict[str, Any]


class Watched(Provider):
    """The embedded provider, with a list of what it was asked, whose first answer to some cancels gets lost."""

    def __init__(self, options: Options = OPTIONS, *, lost: int = 0) -> None:
        super().__init__(options)
        self.exchanges: list[tuple[Request, Response]] = []
        self.lost = lost

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        if self.lost and request.path.endswith("/cancel"):
            self.lost -= 1
            response = Response(500, (), b"")
        self.exchanges.append((request, response))
        return response

    def asked(self, ending: str) -> list[Request]:
        return [request for request, _ in self.exchanges if request.path.endswith(ending)]

    def order(self, id_: str, api: str = "epayment") -> Any:
        return self.shared.payments[api, OPTIONS.msn, id_]


# The client


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locked client in it; the tests are skipped where there can be none."""
    return install(HERE, tmp_path_factory.mktemp("sdk"))


def told(client: Path, story: str, provider: Provider) -> list[Line]:
    """Let the client play a story against a provider; return what it made of each answer."""
    with running_server(provider) as url:
        environment = {
            "PATH": os.environ["PATH"],
            "PROVIDER_URL": url,
            "CLIENT_ID": OPTIONS.client_id,
            "CLIENT_SECRET": OPTIONS.client_secret,
            "SUBSCRIPTION_KEY": OPTIONS.subscription_key,
            "MSN": OPTIONS.msn,
        }
        command = ["node", "--import", "./loopback.mjs", "drive.mjs", story]
        printed = said(command, client, STORY_SECONDS, environment)
    return [json.loads(line) for line in printed.splitlines()]


def outcomes(lines: list[Line]) -> list[str]:
    """The calls in their order, those that were refused with an exclamation mark."""
    return [line["call"] + ("" if line["ok"] else "!") for line in lines]


def last(lines: list[Line], call: str) -> Any:
    line = [line for line in lines if line["call"] == call][-1]
    return line["data"] if line["ok"] else line["error"]


def code(problem: Any) -> str:
    return next(detail["reason"] for detail in problem["extraDetails"] if detail["name"] == "ErrorCode")


def sums(payment: Any) -> dict[str, int]:
    return {name.removesuffix("Amount"): amount["value"] for name, amount in payment["aggregate"].items()}


def names(history: list[Any]) -> list[tuple[str, int]]:
    return [(event["name"], event["amount"]["value"]) for event in history if event["success"]]


# Payments


def test_a_reservation_is_cancelled(client: Path):
    provider = Watched()
    lines = told(client, "reserved", provider)
    assert outcomes(lines) == ["token", "create", "approve", "cancel", "info", "history", "capture!"]
    for call in ("cancel", "info"):
        assert last(lines, call)["state"] == "AUTHORIZED"
        assert sums(last(lines, call)) == {"authorized": 1000, "cancelled": 1000, "captured": 0, "refunded": 0}
    assert names(last(lines, "history")) == [("CREATED", 1000), ("AUTHORIZED", 1000), ("CANCELLED", 1000)]
    assert code(last(lines, "capture")) == "6070"
    order = provider.order("sdk-reserved")
    assert (order.captured, order.cancelled, order.remaining) == (0, 1000, 0)


def test_the_rest_of_a_partly_captured_payment_is_cancelled(client: Path):
    provider = Watched()
    lines = told(client, "partly_captured", provider)
    made = ["token", "create", "approve", "capture", "cancel", "cancel!", "refund", "info", "history"]
    assert outcomes(lines) == made
    assert sums(lines[4]["data"]) == {"authorized": 1000, "cancelled": 700, "captured": 300, "refunded": 0}
    assert code(lines[5]["error"]) == "6190"
    assert sums(last(lines, "info")) == {"authorized": 1000, "cancelled": 700, "captured": 300, "refunded": 200}
    assert names(last(lines, "history"))[2:] == [("CAPTURED", 300), ("CANCELLED", 700), ("REFUNDED", 200)]
    order = provider.order("sdk-partly-captured")
    assert (order.captured, order.refunded, order.cancelled, order.remaining) == (300, 200, 700, 0)


def test_a_payment_that_waits_for_the_user_is_terminated(client: Path):
    provider = Watched()
    lines = told(client, "not_approved", provider)
    assert outcomes(lines) == ["token", "create", "cancel", "approve!", "info", "history"]
    assert last(lines, "info")["state"] == "TERMINATED"
    assert sums(last(lines, "info")) == {"authorized": 0, "cancelled": 1000, "captured": 0, "refunded": 0}
    assert [name for name, _ in names(last(lines, "history"))] == ["CREATED", "TERMINATED"]
    assert provider.order("sdk-not-approved").authorized == 0


def test_what_cannot_be_cancelled_is_refused(client: Path):
    provider = Watched()
    lines = told(client, "captured", provider)
    assert outcomes(lines) == ["token", "create", "approve", "capture", "cancel!", "cancel!", "info", "history"]
    assert (lines[4]["error"]["status"], code(lines[4]["error"])) == (400, "6040")
    assert (lines[5]["error"]["status"], code(lines[5]["error"])) == (404, "5090")
    assert sums(last(lines, "info")) == {"authorized": 1000, "cancelled": 0, "captured": 1000, "refunded": 0}
    assert provider.order("sdk-captured").cancelled == 0


def test_the_clients_own_retry_of_a_lost_answer_cancels_once(client: Path):
    provider = Watched(lost=1)
    lines = told(client, "retried", provider)
    assert outcomes(lines) == ["token", "create", "approve", "cancel", "info", "history"]
    first, second = provider.asked("/cancel")
    assert first.header("Idempotency-Key") == second.header("Idempotency-Key")
    assert sums(last(lines, "cancel")) == {"authorized": 1000, "cancelled": 1000, "captured": 0, "refunded": 0}
    assert [name for name, _ in names(last(lines, "history"))].count("CANCELLED") == 1


# Charges


def test_the_rest_of_an_initial_charge_is_cancelled(client: Path):
    provider = Watched()
    lines = told(client, "initial_charge", provider)
    made = ["agreement.create", "agreement.forceAccept"]
    made += [f"charge.{call}" for call in ("info", "capture", "cancel", "refund", "info")]
    assert outcomes(lines) == ["token", *made]
    assert lines[3]["data"]["status"] == "RESERVED"
    charge = last(lines, "charge.info")
    assert charge["status"] == "PARTIALLY_REFUNDED"
    assert charge["summary"] == {"captured": 300, "refunded": 100, "cancelled": 700}
    assert [event["event"] for event in charge["history"]] == ["CREATE", "RESERVE", "CAPTURE", "CANCEL", "REFUND"]
    order = provider.order(charge["id"], "recurring")
    assert (order.captured, order.refunded, order.cancelled) == (300, 100, 700)


@pytest.mark.parametrize("later", [False, True])
def test_a_pending_charge_is_cancelled(client: Path, later: bool):
    provider = Watched(Options(recurring_async=later))
    lines = told(client, "pending_charge", provider)
    made = ["agreement.create", "agreement.forceAccept"]
    made += [f"charge.{call}" for call in ("create", "cancel", "info", "cancel!", "list")]
    assert outcomes(lines) == ["token", *made]
    # The client has no word for a 202: it looks like a success with an odd body.
    assert lines[4]["data"] == ({"text": ""} if later else {})
    charge = last(lines, "charge.info")
    assert (charge["id"], charge["status"]) == ("sdk-pending", "CANCELLED")
    assert [event["event"] for event in charge["history"]] == ["CREATE", "CANCEL"]
    refusal = last(lines, "charge.cancel")
    assert refusal["type"].endswith("#cancel-charge-failed")
    assert "CANCELLED" in refusal["detail"]
    assert [charge["id"] for charge in last(lines, "charge.list")] == ["sdk-pending"]
    assert provider.order("sdk-pending", "recurring").remaining == 0


def test_a_stopped_agreement_cancels_its_charge(client: Path):
    provider = Watched()
    lines = told(client, "stopped_agreement", provider)
    assert all(line["ok"] for line in lines), outcomes(lines)
    assert last(lines, "agreement.info")["status"] == "STOPPED"
    assert last(lines, "charge.info")["status"] == "CANCELLED"
    (agreement,) = provider.apis["recurring"].agreements.values()
    assert agreement.status is AgreementStatus.STOPPED


# The wire


def test_no_other_host_is_reached(client: Path):
    provider = Watched()
    lines = told(client, "production", provider)
    assert outcomes(lines) == ["token", "cancel!"]
    assert lines[1]["thrown"] == "Error: refused to reach https://api.vipps.no"
    assert provider.asked("/cancel") == []


@pytest.mark.skipif(
    not VENDOR.is_dir(), reason=f"the published descriptions are not at {VENDOR.parent.name}/{VENDOR.name}"
)
@pytest.mark.parametrize(
    ("file", "stories"),
    [
        ("epayment-1.8.1.yml", ("reserved", "partly_captured", "not_approved", "captured")),
        ("recurring-3.1.2.yml", ("initial_charge", "pending_charge", "stopped_agreement")),
    ],
)
def test_the_client_and_the_provider_speak_as_described(client: Path, file: str, stories: tuple[str, ...]):
    described = Description(file, load_repairs())
    for story in stories:
        provider = Watched()
        told(client, story, provider)
        for request, response in provider.exchanges:
            if request.path != "/accesstoken/get":
                label = f"{request.method} {request.path} answered {response.status}"
                assert described.request_faults(request) == [], label
                assert described.response_faults(request, response) == [], label


def test_the_lock_names_no_host():
    assert "://" not in (HERE / "package-lock.json").read_text(encoding="utf-8")
