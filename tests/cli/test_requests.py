"""A budget of requests: it is kept, it is spent on what tells the most, and the report says what it bought."""

import json

import pytest

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.sandbox import Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.audit.stage import Forgetful, command, use_provider
from tests.stored import stored_records


class Counting(Provider):
    """Counts the requests that it gets."""

    seen = 0

    def handle(self, request):
        self.seen += 1
        return super().handle(request)


def run(monkeypatch, folder, most, *words, profile="epayment", provider=None):
    counting = provider or Counting()
    target = HttpTarget(EmbeddedTransport(counting), credentials_from(embedded=True))
    monkeypatch.setattr("conformance.api.provider_run.resolve_target", lambda *_, **__: target)
    done = command(
        "run",
        "--target",
        "embedded",
        "--profile",
        profile,
        "--budget",
        "quick",
        "--max-requests",
        most,
        "--out",
        folder,
        *words,
    )
    return done, counting


@pytest.mark.parametrize("most", [1, 5, 60, 200, 500])
def test_no_more_requests_are_sent_than_were_allowed(tmp_path, monkeypatch, most):
    done, provider = run(monkeypatch, tmp_path / "out", most)
    assert provider.seen <= most
    assert done.code in (3, 4), done
    assert len(done.errors.splitlines()) == (done.code == 3)


def budget(folder):
    return stored_records(read_journal(folder), "budget")[-1]


def test_the_report_says_what_the_budget_bought(tmp_path, monkeypatch):
    done, provider = run(monkeypatch, tmp_path / "out", 500)
    bought = budget(tmp_path / "out")
    assert (bought["most"], bought["sent"]) == (500, provider.seen)
    assert 0 < bought["played"] < bought["planned"]
    assert 350 <= bought["sent"] <= 500
    said = f"The budget of 500 requests bought {bought['played']} of {bought['planned']} planned histories"
    assert said in done.out
    for name in ("report.html", "summary.md", "report.json"):
        assert said in (tmp_path / "out" / name).read_text(encoding="utf-8")
    statuses = {one["status"] for one in stored_records(read_journal(tmp_path / "out"), "judgement")}
    assert statuses <= {"conforms", "recorded"}


def test_a_budget_that_is_large_enough_changes_nothing(tmp_path, monkeypatch):
    done, _ = run(monkeypatch, tmp_path / "out", 20_000, "--histories", 0)
    assert done.code == 0, done
    bought = budget(tmp_path / "out")
    assert (bought["played"], bought["rest"]) == (bought["planned"], 0)
    assert "which is all of them" in done.out


@pytest.mark.parametrize("profile", list(Profile))
def test_every_rule_is_reached_early_on_both_of_its_sides(tmp_path, monkeypatch, profile):
    # The plan has about four thousand requests; each of its goals is met once within the first tenth.
    run(monkeypatch, tmp_path / "out", 600, profile=profile.value)
    evidence = read_journal(tmp_path / "out")
    shown = {one for record in stored_records(evidence, "judgement") for one in record.get("examples", ())}
    whole = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["rules"]
    sides = {f"{one['id']}/{side}" for one in whole for side in one["sides"]}
    assert sides <= shown, sides - shown


def test_failures_are_still_made_smaller(tmp_path, monkeypatch):
    use_provider(monkeypatch, Forgetful)
    provider = Counting(epayment=Forgetful)
    done, _ = run(monkeypatch, tmp_path / "out", 400, provider=provider)
    assert done.code == 1
    assert provider.seen <= 400
    assert list((tmp_path / "out" / "counterexamples").glob("*.json"))


def test_several_processes_have_no_common_budget(tmp_path):
    for words in (("-n", "2"), ("-k", "systematic")):
        done = command("run", "--target", "embedded", "--max-requests", 50, "--out", tmp_path / "out", *words)
        assert done.code == 2
        assert "--max-requests is counted in one process" in done.errors
