"""SARIF, the badge, the schemas, and journals that were written before."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from conformance.evidence.journal import JOURNAL_VERSION, read_journal
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports.agreement import READERS, complaints
from conformance.reports.formats.badge import badge_text
from conformance.reports.formats.sarif import sarif, sarif_text
from conformance.reports.formats.statement import statement_text
from conformance.results.result import result_of
from conformance.rulebook import Level
from tests.stored import stored_records

from ..audit import stage
from ..merchant.faulty.request_rules import KeyOfTheCall as Negligent
from ..reports import journals
from ..reports.schemas import faults_of
from ..reports.test_junit import results
from .runs import shop
from .sarif_schema import SARIF_SCHEMA

STORED = sorted((Path(__file__).parent / "journals").iterdir())
MADE_UP = [
    journals.conformant, journals.violated, journals.incomplete, journals.interrupted, journals.empty,
    journals.unbegun, journals.broken_suite, journals.hostile,
]  # fmt: skip
DIGESTS = dict.fromkeys(
    ("journal.jsonl", "manifest.json", "rulebook.json", "readings.json", "configuration.json"), "0" * 64
)
VALIDATOR = Draft202012Validator(SARIF_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("make", MADE_UP, ids=lambda function: function.__name__)
def test_sarif_of_every_kind_of_run_is_valid(make, tmp_path):
    result = result_of(read_journal(make(tmp_path)))
    log = json.loads(sarif_text(result))
    VALIDATOR.validate(log)
    assert not list(complaints("results.sarif", sarif_text(result), result))
    (run,) = log["runs"]
    places = {rule["id"]: number for number, rule in enumerate(run["tool"]["driver"]["rules"])}
    for sarif_result in run["results"]:
        assert places[sarif_result["ruleId"]] == sarif_result["ruleIndex"]
    prints = [result["partialFingerprints"]["rule/v1"] for result in run["results"]]
    assert len(prints) == len(set(prints))


@given(results())
def test_a_scanner_page_is_clean_exactly_when_the_run_is_conformant(result):
    failing = [
        sarif_result
        for sarif_result in sarif(result)["runs"][0]["results"]
        if sarif_result["kind"] == "fail" and sarif_result["level"] != "note" and "suppressions" not in sarif_result
    ]
    successful = sarif(result)["runs"][0]["invocations"][0]["executionSuccessful"]
    if result.verdict is RunVerdict.CONFORMANT:
        assert successful
        assert not failing
    if result.verdict is RunVerdict.NOT_CONFORMANT:
        assert failing
    if result.verdict in (RunVerdict.ENVIRONMENT, RunVerdict.HARNESS):
        assert not successful


@given(results())
def test_every_rule_has_a_result_and_what_is_red_or_open_fails(result):
    results = sarif(result)["runs"][0]["results"]
    assert [rule["ruleId"] for rule in results] == [rule.rule.id for rule in result.rules]
    for rule, sarif_result in zip(result.rules, results, strict=True):
        if result.verdict is RunVerdict.HARNESS:
            assert sarif_result["kind"] == "open"
        elif rule.verdict is RuleVerdict.VIOLATED or blocks_conformance(rule):
            assert sarif_result["kind"] == "fail"
            assert sarif_result["level"] in ("error", "warning")
        elif rule.verdict is RuleVerdict.WARNING:
            assert (sarif_result["kind"], sarif_result["level"]) == ("fail", "note")
        else:
            assert sarif_result["kind"] != "fail"
        assert (sarif_result["kind"] == "pass") == (
            rule.verdict is RuleVerdict.PASSED and result.verdict is not RunVerdict.HARNESS
        )


@pytest.fixture(scope="module")
def warned(tmp_path_factory):
    """A merchant's run in which something recommended is not done."""
    return shop(tmp_path_factory.mktemp("warned") / "run", Negligent)


@pytest.mark.parametrize("strict", [False, True], ids=["as it is", "strict"])
def test_what_is_recommended_and_not_done_is_a_note_in_sarif(warned, strict, tmp_path):
    directory = shop(tmp_path / "run", Negligent, strict=True) if strict else warned
    result = result_of(read_journal(directory))
    rules = [rule for rule in result.rules if rule.rule.level is Level.SHOULD and rule.violations]
    assert rules
    log = json.loads((directory / "results.sarif").read_text(encoding="utf-8"))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in run["tool"]["driver"]["rules"]}
    results = {result["ruleId"]: (result["kind"], result["level"]) for result in run["results"]}
    for rule in rules:
        assert levels[rule.rule.id] == "warning"
        assert results[rule.rule.id] == ("fail", "error" if strict else "note")
    for name in READERS:
        text = (directory / name).read_text(encoding="utf-8")
        assert not list(complaints(name, text, result)), name


def test_the_reports_of_a_merchants_run_are_written_again_from_its_journal(warned, tmp_path):
    """With its counterexamples, which are of another form than a provider's, and may not be another run's."""
    directory = tmp_path / "run"
    shutil.copytree(warned, directory)
    (example, *_) = sorted((directory / "counterexamples").glob("*.json"))
    before = {name: (directory / name).read_bytes() for name in READERS}
    for name in before:
        (directory / name).unlink()
    assert stage.command("report", directory).code == json.loads(before["report.json"])["exit_code"]
    assert {name: (directory / name).read_bytes() for name in before} == before
    data = json.loads(example.read_text(encoding="utf-8"))
    for broken in ("{", "[]", json.dumps({**data, "version": 99}), json.dumps({**data, "rule": "M1"})):
        example.write_text(broken, encoding="utf-8")
        completed = stage.command("report", directory)
        assert (completed.code, completed.errors.count("\n")) == (2, 1), broken
        assert example.name in completed.errors


def test_a_warning_stands_in_the_statement_and_does_not_make_it_fail(warned):
    result = result_of(read_journal(warned))
    predicate = json.loads(statement_text(result, DIGESTS))["predicate"]
    names = {f"{rule.profile.value}/{rule.rule.id}" for rule in result.rules if rule.verdict is RuleVerdict.WARNING}
    assert names
    assert names <= set(predicate["warnedTests"])
    assert not names & set(predicate["failedTests"])


def test_a_violated_rule_points_at_its_counterexample(wrong):
    log = json.loads((wrong / "results.sarif").read_text(encoding="utf-8"))
    VALIDATOR.validate(log)
    red = [
        sarif_result
        for sarif_result in log["runs"][0]["results"]
        if sarif_result["kind"] == "fail" and sarif_result["level"] == "error"
    ]
    assert red
    for sarif_result in red:
        assert (wrong / sarif_result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).is_file()
        assert sarif_result["ruleId"] in {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}


@pytest.mark.parametrize("make", MADE_UP, ids=lambda function: function.__name__)
def test_the_badge_shows_the_verdict_as_text_and_label(make, tmp_path):
    result = result_of(read_journal(make(tmp_path)))
    root = ElementTree.fromstring(badge_text(result))
    verdict = result.verdict.value.lower()
    assert verdict in root.attrib["aria-label"].lower()
    assert any(verdict in "".join(text.itertext()).lower() for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert int(root.attrib["width"]) < 400


def test_what_says_something_else_is_a_complaint_in_every_form(right, wrong):
    result = result_of(read_journal(right))
    for name in READERS:
        other = (wrong / name).read_text(encoding="utf-8")
        assert list(complaints(name, other, result)), name
        assert list(complaints(name, "", result)), name
        assert not list(complaints(name, (right / name).read_text(encoding="utf-8"), result)), name


@pytest.mark.parametrize("directory", STORED, ids=lambda directory: directory.name)
def test_journals_that_were_written_before_stay_readable(directory, tmp_path):
    """A journal is never written anew: what a later version cannot judge any more it says in one sentence."""
    evidence = read_journal(directory)
    assert not faults_of(stored_records(evidence))
    assert {record["kind"] for record in stored_records(evidence)} >= {
        "run",
        "plan",
        "history",
        "exchange",
        "judgement",
        "counterexample",
        "finish",
    }
    shutil.copytree(directory, tmp_path / "run")
    for words in (
        ("verify", tmp_path / "run"),
        ("report", tmp_path / "run"),
        ("diff", tmp_path / "run", tmp_path / "run"),
    ):
        completed = stage.command(*words)
        assert completed.code in (0, 1, 2, 4), completed
        assert completed.code != 2 or completed.errors.count("\n") == 1


def test_there_is_a_stored_journal_of_every_format():
    assert [directory.name for directory in STORED] == [f"format-{number}" for number in range(1, JOURNAL_VERSION + 1)]


def test_the_schemas_are_part_of_the_packages_and_versioned():
    for package, name in (
        ("conformance.evidence", "journal"),
        ("conformance.reports", "report"),
        ("conformance.reports", "diff"),
    ):
        schema = json.loads(files(package).joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:cancel-conformance:{name}:1"
