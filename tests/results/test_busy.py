"""Every 429 stands in the journal, with how long it made the run wait, and so in the report."""

import json

import pytest

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.evidence.records import ExchangeRecord
from conformance.reports import write_reports
from conformance.results.busy_responses import BusyResponses, busy_responses
from conformance.sandbox import Options, Provider, running_server
from conformance.targets.http.session import TOKEN_PATH
from tests.audit.stage import command
from tests.faults.disturbed import Plan, play
from tests.reports.schemas import faults_of
from tests.stored import evidence_of, stored_records


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A run at a target that answers two of five requests with 429, and how many of them it answered so."""
    directory = tmp_path_factory.mktemp("busy") / "run"
    plan = Plan(1, share=0.4, patience=10.0)
    plan.only("429")
    with running_server(Provider(Options())) as url:
        play(directory, plan, Profile.EPAYMENT, url)
    write_reports(directory)
    return directory, plan.done["429"]


def test_as_many_429s_stand_in_the_journal_as_there_were(busy):
    directory, times = busy
    evidence = read_journal(directory)
    assert busy_responses(evidence).responses == times > 20
    assert faults_of(stored_records(evidence)) == []


def test_a_token_that_had_to_wait_is_among_them(tmp_path):
    plan = Plan(0, share=1.0, patience=10.0)
    plan.only("429")
    with running_server(Provider(Options())) as url:
        play(tmp_path, plan, Profile.EPAYMENT, url)
    evidence = read_journal(tmp_path)
    asked = [record for record in evidence.of(ExchangeRecord) if record.request.path == TOKEN_PATH]
    assert [(record.response.status, record.resent) for record in asked] == [(429, True), (429, True), (429, False)]
    assert plan.done["429"] == 3


def test_a_run_with_429s_is_verified(busy):
    directory, _ = busy
    said = command("verify", directory)
    wrong = [line for line in said.out.splitlines() if line.startswith("  wrong: ")]
    # A few histories of the plan are played here.
    assert len(wrong) == 2
    assert "were left out" in wrong[0]
    assert "the records of the plan" in wrong[1]


def test_the_reports_say_how_many_there_were(busy):
    directory, times = busy
    words = f"{times:,} responses were 429 (too many requests); the waiting time was 0.0 s in all"
    assert words in (directory / "report.html").read_text()
    assert words in (directory / "summary.md").read_text()
    assert f"{words}." in command("report", directory).out
    assert json.loads((directory / "report.json").read_text())["busy"] == {"responses": times, "waited": 0.0}


def test_waits_are_added_up():
    response = {"status": 429, "headers": [], "body": ""}
    waits = [{"kind": "exchange", "response": response, "resent": True, "waited": 1.25} for _ in range(2)]
    found = busy_responses(evidence_of([*waits, {"kind": "aside", "response": response, "waited": 2}]))
    assert found == BusyResponses(3, 4.5)
    assert str(BusyResponses(1, 2.0)) == "1 response was 429 (too many requests); the waiting time was 2.0 s in all"
    assert str(BusyResponses(0, 0.0)) == ""
