"""What one run finds, another tries first; what is mended is dropped; and nothing of it depends on the database."""

import asyncio
import json

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase
from jsonschema import Draft202012Validator

from conformance.api import RunOptions
from conformance.cli.main import main
from conformance.domain.order import Profile
from conformance.domain.steps import history_from_json
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RunVerdict
from conformance.reports import write_reports
from conformance.runner.campaign import Campaign
from conformance.runner.example_database import ExampleDatabase, key_of, text_of
from conformance.sandbox import EPayment, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.stored import stored_records

from ..reports.schemas import journal_schema

KEY = key_of("provider", "epayment", "no")


class Forgetful(EPayment):
    """Says that it cancelled, and changes nothing."""

    def carry_out_cancel(self, order, key):
        return self.repeat_cancel(order)


def run(directory, places, *, faulty, seed=0, **more):
    _, settings = RunOptions(
        profiles=["epayment"], histories=0, seed=seed, examples=[str(one) for one in places], **more
    ).prepare()
    provider = Provider(epayment=Forgetful) if faulty else Provider()
    target = HttpTarget(EmbeddedTransport(provider), credentials_from(embedded=True))
    result = asyncio.run(Campaign(target, settings, directory).run())
    write_reports(directory)
    return result


def kept(place):
    return ExampleDatabase((f"ro:{place}",)).read(KEY).histories


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return a database with what a run against a faulty provider found, and that run's directory."""
    folder = tmp_path_factory.mktemp("shared")
    assert run(folder / "one", [folder / "examples"], faulty=True).verdict is RunVerdict.NOT_CONFORMANT
    return folder / "examples", folder / "one"


def test_what_failed_is_kept_as_small_as_it_was_made(found):
    place, directory = found
    least = {
        text_of(json.loads(path.read_text(encoding="utf-8"))["history"])
        for path in (directory / "counterexamples").glob("*.json")
    }
    assert least
    assert least <= {text_of(one) for one in kept(place)}
    assert all(history_from_json(one).profile is Profile.EPAYMENT for one in kept(place))


def test_another_machine_tries_it_first(found, tmp_path):
    place, _ = found
    before = kept(place)
    assert run(tmp_path / "two", [f"ro:{place}"], faulty=True, seed=77).verdict is RunVerdict.NOT_CONFORMANT
    evidence = read_journal(tmp_path / "two")
    histories = [record for record in stored_records(evidence, "history") if record["source"] != "shrinking"]
    first = histories[: len(before)]
    assert [record["source"] for record in first] == ["example"] * len(before)
    assert [record["history"] for record in first] == list(before)
    broken = {one["history"] for one in stored_records(evidence, "judgement") if one.get("findings")}
    assert first[0]["id"] in broken
    assert kept(place) == before, "what is only read stays as it was"
    assert stored_records(evidence, "shared")[0]["trouble"] == []
    validator = Draft202012Validator(journal_schema())
    assert all(validator.is_valid(stored_records(evidence, kind)[0]) for kind in ("run", "examples", "shared"))


def test_what_is_mended_is_dropped_and_the_run_conforms_as_without(found, tmp_path):
    _, directory = found
    place = tmp_path / "examples"
    shared = ExampleDatabase((str(place),))
    shared.change(KEY, [text_of(one) for one in kept(found[0])], [])
    result = run(tmp_path / "mended", [place], faulty=False)
    plain = run(tmp_path / "plain", [], faulty=False)
    assert result.verdict is plain.verdict
    assert {one.rule.id: one.verdict for one in result.rules} == {one.rule.id: one.verdict for one in plain.rules}
    assert kept(place) == ()
    assert stored_records(read_journal(tmp_path / "mended"), "shared")[0]["dropped"] == len(kept(found[0]))
    assert main(["verify", str(tmp_path / "mended")]) == 0
    assert directory.exists()


def test_a_directory_that_cannot_be_written_changes_no_verdict_and_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(DirectoryBasedExampleDatabase, "save", lambda *_: None)
    result = run(tmp_path / "out", [tmp_path / "examples"], faulty=True)
    assert result.verdict is run(tmp_path / "plain", [], faulty=True).verdict
    (trouble,) = stored_records(read_journal(tmp_path / "out"), "shared")[0]["trouble"]
    assert "could not be written" in trouble
    assert f"Shared examples: {trouble}." in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_no_secret_is_shared(tmp_path, monkeypatch):
    secrets = {
        name: f"canary-{name.lower().replace('_', '-')}-31415" for name in ("CANCEL_CLIENT_ID", "CANCEL_CLIENT_SECRET")
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    run(tmp_path / "out", [tmp_path / "examples"], faulty=True)
    values = b"".join(path.read_bytes() for path in (tmp_path / "examples").rglob("*") if path.is_file())
    assert b"initiate" in values
    assert not any(value.encode() in values for value in secrets.values())


def test_an_example_that_cannot_be_played_here_is_left_alone(tmp_path):
    place = tmp_path / "examples"
    strange = {"version": 1, "profile": "recurring", "steps": []}
    ExampleDatabase((str(place),)).change(KEY, [text_of(strange)], [])
    run(tmp_path / "out", [place], faulty=False)
    assert stored_records(read_journal(tmp_path / "out"), "examples")[0]["left"] == 1
    assert kept(place) == (strange,)


def test_an_example_in_another_form_than_ours_is_dropped_as_well(tmp_path):
    """Somebody else's hand, or an older version, may have left out or written out what is usual."""
    place = tmp_path / "examples"
    usual = {"version": 1, "profile": "epayment", "steps": [{"do": "initiate"}, {"do": "approve"}, {"do": "cancel"}]}
    written_out = {**usual, "steps": [{"do": "initiate", "amount": 1000}, *usual["steps"][1:]]}
    assert history_from_json(written_out) == history_from_json(usual)
    ExampleDatabase((str(place),)).change(KEY, [text_of(written_out)], [])
    run(tmp_path / "out", [place], faulty=False)
    assert kept(place) == ()
    assert main(["verify", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("location", ["redis://127.0.0.1:6379/0", "github:owner/repo", "http://127.0.0.1/"])
@pytest.mark.parametrize("command", ["run", "merchant"])
def test_what_is_not_a_directory_is_exit_code_2_before_anything_is_sent(command, location, tmp_path, capsys):
    out = tmp_path / "out"
    subject = ["--target", "embedded"] if command == "run" else ["--integration", "python:x:Y"]
    assert main([command, *subject, "--examples", location, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("--examples takes a directory and nothing at ")
    assert len(error.splitlines()) == 1
    assert not out.exists()


def test_examples_are_shared_by_one_process(tmp_path, capsys):
    place = str(tmp_path / "examples")
    assert main(["run", "--target", "embedded", "--examples", place, "-n", "2", "--out", str(tmp_path / "out")]) == 2
    assert "-n" in capsys.readouterr().err


def test_a_merchants_failures_are_shared_too(tmp_path):
    place = tmp_path / "examples"
    words = ["merchant", "--integration", "python:tests.merchant.faulty.request_rules:OneKeyForAll", "--histories", "0"]
    for number, seed in enumerate(("0", "77")):
        out = tmp_path / str(number)
        assert main([*words, "--seed", seed, "--budget", "quick", "--examples", str(place), "--out", str(out)]) == 1
    first = stored_records(read_journal(tmp_path / "1"), "history")[0]
    evidence = read_journal(tmp_path / "1")
    broken = {one["history"] for one in stored_records(evidence, "judgement") if one.get("findings")}
    assert first["source"] == "example"
    assert first["id"] in broken
