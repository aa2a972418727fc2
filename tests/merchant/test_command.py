"""The command line as a merchant's CI uses it: exit codes, files, replay, and integrations that misbehave."""

import itertools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conformance.cli.main import main
from conformance.errors import USAGE
from conformance.evidence.journal import read_journal
from conformance.merchant.harness import CountingSink
from conformance.results.merchant_audit import recompute_merchant_findings
from tests.merchant.helpers import harness_of, history, run_histories
from tests.reports.schemas import faults_of, journal_schema, report_schema
from tests.stored import stored_records

ROOT = Path(__file__).parents[2]
REFERENCE = "python:examples.merchants.epayment:Adapter"
START = """#!/bin/sh
case "$1" in start) echo '{"profiles": ["epayment"], "actions": ["create", "cancel", "local_view"]}';;
"""
HOSTILE = "python:tests.merchant.hostile"


def run(*arguments, out, integration="python:examples.merchants.epayment:Adapter", histories="0"):
    words = ["merchant", "--integration", integration, "--budget", "quick", "--histories", histories, "--out", str(out)]
    return main([*words, *arguments])


def is_running(process):
    """Return whether a process runs; one that has ended and is not collected by its parent does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def report(out):
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def rules_with(out, verdict):
    return {rule["id"] for rule in report(out)["rules"] if rule["verdict"] == verdict}


def test_a_reference_merchant_is_conformant_and_its_evidence_complete(tmp_path, capsys):
    out = tmp_path / "out"
    assert run(out=out, histories="5") == 0, capsys.readouterr()
    assert {path.name for path in out.iterdir()} == {
        "journal.jsonl", "report.html", "report.json", "junit.xml", "summary.md", "results.sarif", "badge.svg",
    }  # fmt: skip
    evidence = read_journal(out)
    assert faults_of(stored_records(evidence)) == []
    kinds = {record["kind"]: record for record in stored_records(evidence)}
    assert all(faults_of([{**kinds[kind], "more": 1}]) for kind in ("action", "books", "exchange", "history"))
    recompute_merchant_findings(evidence)
    content = report(out)
    Draft202012Validator(report_schema()).validate(content)
    assert (content["verdict"], content["exit_code"]) == ("CONFORMANT", 0)
    assert rules_with(out, "VIOLATED") == set()
    assert main(["report", str(out)]) == 0
    assert "Histories by what becomes of the order" in (out / "report.html").read_text(encoding="utf-8")


def test_the_schema_knows_every_kind_of_record():
    schema = journal_schema()
    assert {"action", "books"} <= set(schema["properties"]["kind"]["enum"])
    Draft202012Validator.check_schema(schema)


def test_a_violation_has_a_counterexample_that_can_be_replayed(tmp_path, capsys):
    out = tmp_path / "out"
    integration = "python:tests.merchant.faulty.outcome_rules:EveryErrorIsACancel"
    assert run(out=out, integration=integration) == 1
    assert "M18" in capsys.readouterr().out
    file = out / "counterexamples" / "epayment-M18-1.json"
    counterexample = json.loads(file.read_text(encoding="utf-8"))
    assert counterexample["history"]["steps"][0]["do"] == "create"
    assert len(counterexample["history"]["steps"]) + len(counterexample["history"]["faults"]) == 3
    assert faults_of(stored_records(read_journal(out))) == []
    assert main(["replay", str(out), "M18", "--yes"]) == 1
    assert "violated: M18" in capsys.readouterr().out
    assert main(["replay", str(out), file.name, "--target", "python:examples.merchants.epayment:Adapter"]) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "The shop cancels the order" in page
    assert 'id="violation-epayment-M18"' in page


def test_a_replay_prints_the_books_of_a_step_where_they_changed(tmp_path, capsys):
    assert run(out=tmp_path / "out", integration="python:tests.merchant.faulty.outcome_rules:EveryErrorIsACancel") == 1
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "out"), "M18", "--yes"]) == 1
    # Each step is a paragraph that begins with its number.
    steps = re.split(r"\n\n(?=\d+\. )", capsys.readouterr().out)[1:]
    assert len(steps) == 3, "two steps, and what happens after them"
    for step in steps:
        books = re.findall(r"the merchant's books: .*\n.*the provider's: .*", step)
        assert books
        assert all(one != other for one, other in itertools.pairwise(books))


def test_a_recommendation_is_a_warning_and_decides_only_with_strict(tmp_path, capsys):
    integration = "python:tests.merchant.faulty.request_rules:KeyOfTheCall"
    assert run(out=tmp_path / "one", integration=integration) == 0
    assert rules_with(tmp_path / "one", "WARNING") == {"M7", "M13"}
    assert "Warning: M7" in capsys.readouterr().out
    page = (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    links = re.search(
        r'href="#(exchange-\d+)">to the exchange</a> <a [^>]*href="#(exchange-\d+)">and to the one be', page
    )
    assert links is not None, "a key that changed is wrong only beside the key before it"
    for anchor in links.groups():
        assert re.search(rf'<details class="exchange" open>(?:(?!</?details).)*id="{anchor}"', page, re.DOTALL)
    assert "with 2 warnings" in (tmp_path / "one" / "summary.md").read_text(encoding="utf-8")
    assert run("--strict", out=tmp_path / "two", integration=integration) == 1
    waived = ("--waive", "M7=the client library makes the key", "--waive", "M13=known")
    assert run("--strict", *waived, out=tmp_path / "three", integration=integration) == 0


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("NoView", 3, "The adapter is at fault: local_view"),
        ("OddView", 3, "has the status 'VOIDED'"),
        ("EndlessSum", 3, "has captured beyond any sum of money"),
        ("NoPayment", 3, "no goods in stock"),
        ("NotMade", 3, "no database"),
        ("NoCancel", USAGE, "has no method 'cancel'"),
        ("Nobody", USAGE, "has no 'Nobody'"),
    ],
)
def test_an_adapter_that_breaks_the_protocol_is_an_environment_or_usage_error(tmp_path, capsys, name, code, message):
    assert run(out=tmp_path / "out", integration=f"{HOSTILE}:{name}") == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "rule"), [("Waits", "MC-1"), ("Floods", "MC-1"), ("CallsOthers", "MC-2"), ("CallsOthersBySocket", "MC-2")]
)
def test_a_merchant_that_misbehaves_is_stopped_and_blamed(tmp_path, name, rule):
    assert run(out=tmp_path / "out", integration=f"{HOSTILE}:{name}") == 1
    assert rules_with(tmp_path / "out", "VIOLATED") == {rule}


def test_a_merchant_that_exits_or_prints_does_no_harm(tmp_path, capfd):
    assert run(out=tmp_path / "one", integration=f"{HOSTILE}:Exits") == 0
    assert run(out=tmp_path / "two", integration=f"{HOSTILE}:Prints") == 0
    assert run(out=tmp_path / "three", integration=f"{HOSTILE}:Interrupts") == 0
    assert "xxxx" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--integration", "shop"], "is no integration"),
        ([], "--integration is missing: name the shop to test; the sample shop is --integration python:"),
        (["--integration", "http://203.0.113.1/hook"], "is not on this machine"),
        (["--integration", "exec:no-such-program-here"], "there is no command"),
        (
            ["--integration", REFERENCE, "--waive", "EC-01=x"],
            "no obligation 'EC-01'",
        ),
        (["--integration", REFERENCE, "--waive", "M1"], "is not a waiver"),
        (
            ["--integration", REFERENCE, "--port", "70000"],
            "the port from 0 to 65535",
        ),
    ],
)
def test_wrong_options_are_reported_in_one_sentence(tmp_path, capsys, arguments, message):
    assert main(["merchant", *arguments, "--out", str(tmp_path / "out")]) == USAGE
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_api_that_the_integration_does_not_use_is_an_environment_error(tmp_path, capsys):
    assert run("--profile", "ecom", out=tmp_path / "out") == 3
    assert "does not use ecom" in capsys.readouterr().err


def test_options_can_come_from_a_file(tmp_path):
    file = tmp_path / "merchant.toml"
    file.write_text('integration = "python:examples.merchants.epayment:Adapter"\nhistories = 0\nbudget = "quick"\n')
    assert main(["merchant", "--config", str(file), "--out", str(tmp_path / "out")]) == 0
    file.write_text("target = 'embedded'\n")
    assert main(["merchant", "--config", str(file)]) == USAGE


def test_a_service_is_tested_through_its_test_hook(tmp_path):
    service = [sys.executable, "-m", "conformance.examples.merchants.hook.service", "0"]
    with subprocess.Popen(service, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            base = process.stdout.readline().strip()
            out = tmp_path / "out"
            assert (
                main(
                    ["merchant", "--integration", base, "--profile", "epayment", "--budget", "quick", "--out", str(out)]
                )
                == 0
            )
            assert report(out)["histories"]["epayment"] == 48
        finally:
            process.terminate()
    assert main(["merchant", "--integration", base, "--out", str(tmp_path / "gone")]) == 3


def test_a_command_runs_for_every_action(tmp_path):
    program = f"exec:{sys.executable} {ROOT / 'examples/merchants/exec/shop.py'}"
    (trial,) = run_histories(program, history("create approve capture:400 cancel"))
    assert trial.broken == {}
    assert {"M12", "M23", "M10", "M16"} <= set(trial.examples)
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob("cancel-merchant-*/books.json"))


def test_a_command_that_hangs_leaves_nothing_running(tmp_path):
    script = tmp_path / "shop.sh"
    script.write_text(f"{START}*) (sleep 300; touch {tmp_path}/woke) & echo $! > {tmp_path}/pid; sleep 300;; esac\n")
    with harness_of(f"exec:sh {script}") as harness:
        harness.open()
        harness.integration.seconds = 0.5
        trial = harness.run(history("create cancel"), "trial", CountingSink())
    assert list(trial.broken) == ["MC-1"]
    time.sleep(0.2)
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_command_that_prints_garbage_is_the_adapters_fault(tmp_path, capsys):
    script = tmp_path / "shop.sh"
    script.write_text(f"{START}*) echo Warning: something;; esac\n")
    assert run(out=tmp_path / "out", integration=f"exec:sh {script}") == 3
    assert "The adapter is at fault" in capsys.readouterr().err


def test_threads_that_are_left_behind_are_not_waited_for(tmp_path):
    words = ["merchant", "--integration", f"{HOSTILE}:LeavesThreads", "--budget", "quick", "--histories", "0"]
    process = subprocess.run(
        [sys.executable, "-m", "conformance", *words, "--out", str(tmp_path / "out")],
        cwd=ROOT, timeout=120, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert "Conformant" in process.stdout
