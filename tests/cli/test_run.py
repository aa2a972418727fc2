"""Runs of the embedded provider, their ends, and what is made of them afterwards."""

import asyncio
import json
import signal

import pytest

import conformance
from conformance.api import RunOptions
from conformance.cli.commands.replay import find
from conformance.cli.main import main
from conformance.evidence.journal import JournalError, read_journal
from conformance.evidence.records import HistoryRecord
from conformance.judging.verdicts import RunVerdict
from conformance.reports import write_reports
from conformance.runner.campaign import Campaign, Observer
from conformance.sandbox import EPayment, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.stored import stored_records

from .command import read_until, said, started

SMALL = ("--target", "embedded", "--histories", "5", "--profile", "epayment")
LARGE = ("--target", "embedded", "--histories", "700", "--profile", "recurring", "--out", "out")


class Forgetful(EPayment):
    """Says that it cancelled, and changes nothing."""

    def carry_out_cancel(self, order, key):
        return self.repeat_cancel(order)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """Return the directory of a run against a provider that forgets its cancels."""
    directory = tmp_path_factory.mktemp("faulty") / "out"
    _, settings = RunOptions(profiles=["epayment"], histories=0).prepare()
    seat = HttpTarget(EmbeddedTransport(Provider(epayment=Forgetful)), credentials_from(embedded=True))
    asyncio.run(Campaign(seat, settings, directory).run())
    assert write_reports(directory).verdict is RunVerdict.NOT_CONFORMANT
    return directory


def test_a_small_run_of_the_embedded_provider(tmp_path):
    code, out, errors = said(tmp_path, "run", "--budget", "quick", *SMALL, "--waive", "EP-05=known")
    report = json.loads((tmp_path / "conformance-report" / "report.json").read_text(encoding="utf-8"))
    result = write_reports(tmp_path / "conformance-report")
    assert (code, errors) == (result.exit_code, "")
    assert report["verdict"] == result.verdict.value
    assert len(out.splitlines()) < 40
    for text in ("embedded", "epayment", "seed 0", "report.html"):
        assert text in out


def test_the_default_directory_is_never_written_over(tmp_path, free_port):
    (tmp_path / "conformance-report").mkdir()
    (tmp_path / "conformance-report" / "journal.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "options.toml").write_text(
        'profile = ["recurring"]\nhistories = 1000\nseed = 7\nreading = "C8=any"\n', encoding="utf-8"
    )
    target = f"http://127.0.0.1:{free_port}"
    words = ("--config", "options.toml", "--histories", "0", "--profile", "epayment", "--target", target)
    code, out, _ = said(tmp_path, "run", *words)
    assert code == 3
    assert "conformance-report-2" in out
    run = stored_records(read_journal(tmp_path / "conformance-report-2"))[0]
    assert (run["profiles"], run["histories"], run["seed"]) == (["epayment"], 0, 7)
    assert run["command"].startswith(f"cancel-conformance run --target {target} --profile epayment")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_good_order(tmp_path, number):
    with started(tmp_path, "run", *LARGE) as process:
        read_until(process, " of ")
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    assert "Interrupted" in out
    assert stored_records(read_journal(tmp_path / "out"))[-1]["ended"] == "interrupted"
    assert (tmp_path / "out" / "report.html").exists()


def test_a_killed_run_can_be_reported(tmp_path):
    with started(tmp_path, "run", *LARGE) as process:
        read_until(process, " of ")
        process.kill()
    code, out, errors = said(tmp_path, "report", "out")
    assert (code, errors) == (130, "")
    assert "Interrupted" in out
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["verdict"] == "INTERRUPTED"


def test_a_counterexample_is_played_again(faulty):
    code, out, errors = said(faulty.parent, "replay", "out", "EP-05", "--target", "embedded")
    assert (code, errors) == (0, "")
    assert "Conforms: EP-05" in out
    assert "/cancel -> 200" in out
    file = sorted((faulty / "counterexamples").glob("*.json"))[0]
    assert find(faulty, file.name) == find(faulty, file.stem) == find(faulty, str(file)) == file


def test_a_replay_without_a_rule_names_what_can_be_replayed(faulty):
    code, out, errors = said(faulty.parent, "replay", "out")
    assert (code, out) == (2, "")
    for file in (faulty / "counterexamples").glob("*.json"):
        assert file.name in errors


def test_why_a_target_cannot_be_tested_is_said_once_and_at_the_end(tmp_path):
    code, out, errors = said(tmp_path, "run", "--target", "http://127.0.0.1:9", "--profile", "epayment")
    assert code == 3
    assert errors.startswith("http://127.0.0.1:9 does not answer (the connection was refused)")
    assert len(errors.splitlines()) == 1
    assert errors.strip() not in out
    code, out, errors = said(tmp_path, "merchant", "--integration", "http://127.0.0.1:9/hook", "--out", "out")
    assert code == 3
    assert errors.startswith("http://127.0.0.1:9/hook cannot be reached: the connection was refused. Is the")
    assert errors.strip() not in out


def test_a_run_stopped_before_its_first_history_lists_no_rules(tmp_path):
    assert said(tmp_path, "run", *SMALL, "--out", "out")[0] == 0
    journal = tmp_path / "out" / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(read_journal(journal.parent).of(HistoryRecord)).n
    journal.write_text("".join(lines[:first]), encoding="utf-8")
    code, out, errors = said(tmp_path, "report", "out")
    assert (code, errors) == (130, "")
    assert "Kept: 0 histories" in out
    assert "Nothing was tested" in out
    assert "not exercised" not in out


def test_a_counterexample_that_still_fails(faulty, monkeypatch, capsys):
    seat = HttpTarget(EmbeddedTransport(Provider(epayment=Forgetful)), credentials_from(embedded=True))
    monkeypatch.setattr("conformance.api.provider_run.resolve_target", lambda *_, **__: seat)
    assert main(["replay", str(faulty), "EP-05"]) == 1
    out = capsys.readouterr().out
    assert "Violated: " in out
    assert "EP-05" in out
    assert "expected" in out
    assert "observed accepted 200" in out


def test_the_report_names_the_violations(faulty):
    code, out, _ = said(faulty.parent, "report", "out")
    assert code == 1
    assert "Not conformant" in out
    assert "is violated" in out
    assert "cancel-conformance replay out epayment-" in out


def test_a_run_from_python(tmp_path):
    class Counting(Observer):
        count = 0

        def played(self, profile, trial):
            self.count += 1

    counting = Counting()
    result = conformance.run(profiles="epayment", histories=0, out=tmp_path / "out", observer=counting)
    assert isinstance(result, conformance.Result)
    assert result.histories == {"epayment": counting.count}
    assert (tmp_path / "out" / "report.html").exists()
    with pytest.raises(JournalError):
        conformance.run(profiles="epayment", histories=0, out=tmp_path / "out")
    with pytest.raises(ValueError, match="no profile"):
        conformance.run(profiles=["nope"])
    with pytest.raises(ValueError, match="no rule"):
        conformance.run(waive={"NOPE": "because"})


def test_a_run_from_python_inside_an_event_loop(tmp_path, free_port):
    async def running():
        return conformance.run(f"http://127.0.0.1:{free_port}", profiles=["epayment"], out=tmp_path / "out")

    assert asyncio.run(running()).verdict is RunVerdict.ENVIRONMENT
