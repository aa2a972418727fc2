"""A further API takes the files of this folder and no change elsewhere, as docs/development/extending.md says."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import conformance
from conformance.domain.api_table import SPECS
from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.model import MODELS
from conformance.rulebook import load
from conformance.sandbox.apis import APIS
from conformance.strategies.provider.api_cases import CASES
from conformance.verification.verify import verify
from conformance.wire import WIRES
from tests.stored import stored_records

from ..reports.schemas import journal_schema, report_schema
from .registration import fourth_api
from .row import HOLD
from .sandbox_part import Hold, KeepsTheHold, ReleasesTwice

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hold")
    with fourth_api():
        conformance.run("embedded", profiles=["hold"], histories=20, out=directory)
    return directory


def verdicts(part: type[Hold], out: Path) -> tuple[RunVerdict, set[str]]:
    with fourth_api(part):
        result = conformance.run("embedded", profiles=["hold"], histories=5, out=out)
    return result.verdict, {rule.rule.id for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED}


def test_a_correct_provider_of_a_fourth_api_is_conformant(directory):
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    assert report["verdict"] == "CONFORMANT"
    assert {rule["verdict"] for rule in report["rules"]} == {"PASSED"}
    assert {"HO-01", "HO-02", "HO-03", "HO-04", "HO-05", "INV-1"} <= {rule["id"] for rule in report["rules"]}
    assert "Hold v1" in (directory / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "violated"),
    [
        pytest.param(KeepsTheHold, {"HO-01", "INV-2"}, id="keeps the hold"),
        pytest.param(ReleasesTwice, {"HO-02"}, id="releases twice"),
    ],
)
def test_a_faulty_provider_of_a_fourth_api_violates_its_rule(part, violated, tmp_path):
    assert verdicts(part, tmp_path / "run") == (RunVerdict.NOT_CONFORMANT, violated)


def test_a_run_of_a_fourth_api_can_be_verified(directory):
    with fourth_api():
        verification = verify(directory)
    assert (verification.exit_code, verification.faults) == (0, [])


def test_a_run_of_all_four_names_their_orders_apart(tmp_path):
    with fourth_api():
        conformance.run("embedded", histories=0, max_requests=400, out=tmp_path / "run")
        (run, *records) = stored_records(read_journal(tmp_path / "run"))
    assert run["order_prefixes"] == {"ecom": "e", "epayment": "p", "recurring": "r", "hold": "h"}
    profiles = {record["id"]: record["profile"] for record in records if record["kind"] == "history"}
    orders: dict[str, set[str]] = {}
    for record in records:
        if record["kind"] == "exchange" and record["history"] in profiles:
            found = re.findall(rf"{run['nonce']}-[a-z]\d+", json.dumps(record["request"]))
            orders.setdefault(profiles[record["history"]], set()).update(found)
    assert set(orders) == {"ecom", "epayment", "recurring", "hold"}
    names = [name for each in orders.values() for name in each]
    assert len(names) == len(set(names))


def test_the_schemas_take_a_fourth_api_where_they_name_the_others(directory):
    for schema, contents in (
        (journal_schema(), stored_records(read_journal(directory))),
        (report_schema(), [json.loads((directory / "report.json").read_text(encoding="utf-8"))]),
    ):
        schema["$defs"]["profile"]["enum"].append("hold")
        validator = Draft202012Validator(schema)
        assert [fault.message for content in contents for fault in validator.iter_errors(content)] == []


def test_nothing_of_a_fourth_api_is_left_behind():
    digest = load().digest
    with fourth_api():
        assert HOLD in Profile
        assert load().digest != digest
        assert {rule.id for rule in load().governing(HOLD)} >= {"HO-01", "INV-1"}
    assert load().digest == digest
    assert all(HOLD not in registry for registry in (Profile, SPECS, WIRES, MODELS, CASES, APIS))


def test_the_files_are_those_that_the_page_lists():
    text = (ROOT / "docs" / "development" / "extending.md").read_text(encoding="utf-8")
    section = text.partition("## Adding an API")[2].partition("\n## ")[0]
    paths = {path for path in re.findall(r"`([\w/]+\.\w+)`", section) if "/" in path}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    mine = {path for path in paths if path.startswith("tests/fourth_api/")}
    assert mine == {f"tests/fourth_api/{path.name}" for path in HERE.glob("[!_t]*.*")}
    assert 6 <= len(mine) <= 10
