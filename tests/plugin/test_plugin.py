"""The suite under pytest: the same run as the campaign's, whoever plays it and however the session ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance import run
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RunVerdict
from conformance.results.result import result_of
from conformance.sandbox import Provider
from conformance.sandbox.server import running_server
from tests.stored import stored_records

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DESCRIPTION = ROOT / "conformance" / "sandbox" / "openapi.json"
HISTORIES = 8
WORKERS = ("-n", "2")


class Folder:
    """A folder that somebody starts pytest in."""

    def __init__(self, path):
        self.path = path
        self.out = path / "out"

    def pytest(self, *arguments, fault="", plugins=()):
        plugins = ["xdist", "conformance.plugin", *plugins, *(["faults"] if fault else [])]
        words = [word for name in plugins for word in ("-p", name)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "VIPPS"))}
        environment |= {"FAULT": fault, "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE))), "COLUMNS": "200"}
        # Named plugins are loaded, and no others: starting is most of what these tests do.
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        return subprocess.run(
            [sys.executable, "-m", "pytest", *words, *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def suite(self, *arguments, target="embedded", histories=0, **keywords):
        options = ("--cancel-target", target, "--cancel-profile", "epayment", "--cancel-histories", str(histories))
        return self.pytest("--pyargs", "conformance.suite", *options, "--cancel-out", "out", *arguments, **keywords)

    @property
    def evidence(self):
        return read_journal(self.out)

    @property
    def result(self):
        return result_of(self.evidence)

    def ended(self):
        finish = stored_records(self.evidence)[-1]
        return finish["kind"], finish.get("ended"), finish.get("message")


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def histories_in(evidence):
    return [(record["id"], record["history"]) for record in stored_records(evidence, "history")]


def verdicts_in(result):
    # Which of two requests wins a race decides how many examples there are, and of what.
    return [(one.rule.id, one.profile, one.verdict, one.violations) for one in result.rules]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    return run("embedded", profiles=["epayment"], histories=HISTORIES, seed=5, out=tmp_path_factory.mktemp("campaign"))


@pytest.mark.parametrize("workers", [(), WORKERS], ids=["one process", "two workers"])
def test_a_session_is_the_run_that_the_campaign_makes(folder, campaign, workers):
    done = folder.suite("--cancel-seed", "5", "--junitxml", "junit.xml", *workers, histories=HISTORIES)
    result = folder.result
    assert done.returncode == campaign.exit_code, done.stdout + done.stderr
    assert histories_in(result.evidence) == histories_in(campaign.evidence)
    assert verdicts_in(result) == verdicts_in(campaign)
    assert stored_records(result.evidence)[0]["nonce"] == stored_records(campaign.evidence)[0]["nonce"]
    assert [record["kind"] for record in stored_records(result.evidence)].count("capabilities") == 1
    assert sorted(path.name for path in folder.out.iterdir()) == [
        "badge.svg",
        "journal.jsonl",
        "junit.xml",
        "report.html",
        "report.json",
        "results.sarif",
        "summary.md",
    ]
    assert "rules passed" in done.stdout or campaign.verdict is not RunVerdict.CONFORMANT
    cases = [case.get("name") for case in ElementTree.parse(folder.path / "junit.xml").iter("testcase")]
    assert "test_histories[epayment-systematic-01]" in cases
    assert "test_histories[epayment-generated-01]" in cases


def test_workers_do_not_meet_each_others_orders_on_a_server(folder):
    with running_server(Provider()) as url:
        chosen = ("-k", "systematic-01 or systematic-02")
        done = folder.suite(*WORKERS, *chosen, "--cancel-control-url", f"{url}/control", target=url)
    assert done.returncode == 4, done.stdout
    assert "2 passed" in done.stdout
    assert stored_records(folder.evidence)[0]["target"]["kind"] == "url"
    assert not any(one.violations for one in folder.result.rules)


def test_what_is_deselected_was_not_exercised(folder):
    done = folder.suite("-k", "systematic-02")
    assert done.returncode == 4, done.stdout
    names = [name for name, _ in histories_in(folder.evidence)]
    assert names == [f"epayment-{number:05d}" for number in range(24, 49)]
    assert "required rule" in done.stdout


def test_a_faulty_provider_fails_with_rules_and_counterexamples(folder):
    done = folder.suite(*WORKERS, fault="wrong")
    assert done.returncode == 1, done.stdout
    assert "KB-08 is violated: answer.outcome should be refused, but was accepted (epayment-" in done.stdout
    assert "Play this block again: pytest --pyargs conformance.suite --cancel-target embedded" in done.stdout
    written = {json.loads(path.read_text())["rule"] for path in (folder.out / "counterexamples").iterdir()}
    violated = {one.rule.id for one in folder.result.rules if one.violations}
    assert written == violated
    assert "KB-08" in violated


def test_a_violation_that_is_waived_fails_nothing(folder):
    rules = ("EP-07", "KB-08", "EP-14", "EP-15", "KB-02", "KB-02b", "EP-16", "INV-2")
    waivers = [word for rule in rules for word in ("--cancel-waive", f"{rule}=known")]
    done = folder.suite(*waivers, "-k", "systematic-01 or systematic-02", fault="wrong")
    assert " passed" in done.stdout, done.stdout
    assert " failed" not in done.stdout
    assert done.returncode == 4
    assert any(one.violations for one in folder.result.rules)


def test_a_target_that_falls_ill_ends_the_session_as_an_environment_error(folder):
    done = folder.suite(*WORKERS, fault="ill")
    assert done.returncode == 3, done.stdout
    assert folder.ended() == ("finish", "environment", "the target fell ill.")


def test_a_target_that_only_the_controller_reaches_is_an_environment_error(folder):
    done = folder.suite(*WORKERS, fault="hidden")
    assert done.returncode == 3, done.stdout
    assert folder.ended() == ("finish", "environment", "the target hides from workers.")


def test_a_worker_that_is_lost_leaves_an_interrupted_run_and_its_evidence(folder):
    done = folder.suite(*WORKERS, fault="lost")
    assert done.returncode == 130, done.stdout
    assert folder.ended()[1] == "interrupted"
    names = [name for name, _ in histories_in(folder.evidence)]
    assert {"epayment-00001", "epayment-00024", "epayment-00026"} <= set(names)
    assert "epayment-00027" not in names
    assert (folder.out / "report.html").exists()


def test_a_target_that_cannot_be_reached_is_one_sentence(folder):
    done = folder.suite(target="http://127.0.0.1:9")
    assert done.returncode == 3, done.stdout
    assert "does not answer" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert folder.ended()[1] == "environment"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cancel-market", "se"), "There is no market 'se'"),
        (("--cancel-seed", "one"), "--cancel-seed is 'one', and must be a whole number."),
        (("--cancel-waive", "KB-99=known"), "There is no rule 'KB-99' to waive"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(folder, arguments, said):
    done = folder.suite(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not folder.out.exists()


def test_evidence_is_never_overwritten(folder):
    folder.out.mkdir()
    (folder.out / "journal.jsonl").write_text("evidence\n")
    done = folder.suite()
    assert done.returncode == 2
    assert "already exists" in done.stderr
    assert (folder.out / "journal.jsonl").read_text() == "evidence\n"


def test_collecting_only_writes_nothing(folder):
    done = folder.suite("--collect-only", "-q")
    assert done.returncode == 0
    assert "test_histories[epayment-systematic-01]" in done.stdout
    assert not folder.out.exists()


def test_without_a_target_the_suite_does_not_pass(folder):
    done = folder.pytest("--pyargs", "conformance.suite")
    assert done.returncode == 1
    assert "Name the implementation to test, for example with --cancel-target embedded." in done.stdout


def test_a_failure_of_somebody_elses_test_is_not_made_good(folder):
    (folder.path / "test_theirs.py").write_text("def test_theirs():\n    assert False\n")
    options = ("--cancel-target", "embedded", "--cancel-profile", "epayment", "--cancel-out", "out")
    done = folder.pytest("test_theirs.py", *options)
    assert done.returncode == 1
    assert folder.result.exit_code == 4


def test_the_plugin_is_inert_without_a_target(folder):
    (folder.path / "test_theirs.py").write_text("def test_theirs(cache):\n    pass\n")
    done = folder.pytest("test_theirs.py")
    assert done.returncode == 0
    assert "cancel-conformance" not in done.stdout
    assert not (folder.path / "conformance-report").exists()


def test_loading_the_plugin_is_cheap():
    code = (
        "import sys, pytest; before = set(sys.modules); import conformance.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["conformance", "conformance.plugin", "conformance.plugin.options"]


THEIR_TESTS = """
from hypothesis import core, given, strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

@given(n=st.integers())
def test_theirs(n):
    assert core.RepresentationPrinter is RepresentationPrinter
    assert n < 100
"""
STOCK_TESTS = """
import schemathesis
from hypothesis import core
from hypothesis.vendor.pretty import RepresentationPrinter

schema = schemathesis.openapi.from_path({description!r})

@schema.include(operation_id_regex=".*").parametrize()
def test_stock(case):
    assert core.RepresentationPrinter is not RepresentationPrinter
"""


@pytest.mark.parametrize("options", [(), ("--cancel-target", "embedded", "--cancel-out", "out")], ids=["idle", "run"])
def test_a_failing_example_is_printed_although_schemathesis_is_there(folder, options):
    (folder.path / "test_theirs.py").write_text(THEIR_TESTS)
    done = folder.pytest("test_theirs.py", *options, plugins=("schemathesis",))
    assert done.returncode == 1
    assert "n=100" in done.stdout


def test_the_tests_of_schemathesis_keep_its_printer(folder):
    (folder.path / "test_stock.py").write_text(STOCK_TESTS.format(description=str(DESCRIPTION)))
    done = folder.pytest("test_stock.py", "-k", "cancel", plugins=("schemathesis",))
    assert done.returncode == 0, done.stdout
