"""What machines read, held against forms that others have published: JUnit, SARIF, in-toto.

The published schema of SARIF is taken from a package of npm's, where there is npm (a thorough test); in-toto's types
are those of its own package. There is no package with a schema of JUnit's: `junit_schema.py` says what it permits.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from google.protobuf.json_format import ParseDict, ParseError
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Predicate
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from jsonschema import Draft4Validator

from conformance.evidence.journal import read_journal
from conformance.reports.formats.junit import junit_text
from conformance.reports.formats.sarif import sarif_text
from conformance.reports.formats.statement import PREDICATE_TYPE, statement_text
from conformance.results.result import result_of

from ..merchant.faulty.request_rules import KeyOfTheCall as Negligent
from ..sdk.npm import install
from .junit_schema import faults_of
from .runs import shop
from .test_for_machines import DIGESTS, MADE_UP

HERE = Path(__file__).parent
TESTED = [{"name": "shop", "digest": {"sha256": "0" * 64}}]


@pytest.fixture(scope="module")
def results(right, wrong, tmp_path_factory):
    """Results of every kind of run: made-up ones, two real ones, and a merchant's."""
    folder = tmp_path_factory.mktemp("kinds")
    made = {exchange.__name__: exchange(folder / exchange.__name__) for exchange in MADE_UP}
    made |= {"right": right, "wrong": wrong, "merchant": shop(folder / "merchant", Negligent)}
    return {name: result_of(read_journal(directory)) for name, directory in made.items()}


def test_junit_is_what_jenkins_reads(results):
    for name, result in results.items():
        assert not list(faults_of(ElementTree.fromstring(junit_text(result)))), name


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root.set("skipped", "1"),
        lambda root: root[0].attrib.pop("tests"),
        lambda root: root[0].set("timestamp", "2026-11-23T03:00:00Z"),
        lambda root: ElementTree.SubElement(root.find(".//testcase"), "properties"),
        lambda root: ElementTree.SubElement(root, "testcase", name="x"),
        lambda root: setattr(root[0], "text", "x"),
    ],
    ids=["skipped in all", "no tests", "a zone", "properties of a case", "a case in all", "a text"],
)
def test_junit_of_another_form_is_refused(results, change):
    root = ElementTree.fromstring(junit_text(results["violated"]))
    change(root)
    assert list(faults_of(root))


def parsed(text: str) -> tuple[Statement, Predicate]:
    """Read a statement as in-toto's own types: a field that they do not have is an error."""
    data = json.loads(text)
    message = ParseDict(data, StatementMessage())
    statement = Statement.copy_from_pb(message)
    statement.validate()
    return statement, ParseDict(data["predicate"], Predicate())


def test_statements_are_in_totos(results):
    for name, result in results.items():
        for tested in ((), TESTED):
            statement, predicate = parsed(statement_text(result, DIGESTS, tested))
            assert statement.pb.predicate_type == PREDICATE_TYPE
            assert predicate.result in ("PASSED", "WARNED", "FAILED"), name
            assert len(predicate.configuration) == 3
            named = [*predicate.passed_tests, *predicate.warned_tests, *predicate.failed_tests]
            assert len(named) == len(set(named))


def test_a_statement_of_another_form_is_refused(results):
    text = statement_text(results["right"], DIGESTS)
    for old, new, error in (
        ('"passedTests"', '"passed"', ParseError),
        ('"predicateType"', '"predicatetype"', ParseError),
        ("in-toto.io/Statement/v1", "in-toto.io/Statement/v2", ValueError),
    ):
        assert old in text
        with pytest.raises(error):
            parsed(text.replace(old, new))


@pytest.mark.thorough
def test_sarif_is_what_its_published_schema_says(results, tmp_path_factory):
    folder = install(HERE / "sarif", tmp_path_factory.mktemp("sarif"), "SARIF's published schema")
    schema = json.loads(next(folder.rglob("sarif-2.1.0-rtm.5.json")).read_text(encoding="utf-8"))
    assert schema["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
    validator = Draft4Validator(schema)
    for name, result in results.items():
        assert not list(validator.iter_errors(json.loads(sarif_text(result)))), name
    broken = json.loads(sarif_text(results["violated"]))
    broken["runs"][0]["results"][0]["kind"] = "violated"
    assert list(validator.iter_errors(broken))
