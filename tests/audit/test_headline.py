"""For any judgements, what is said first is what an independent reduction says, in every form of the report."""

import json
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from conformance.evidence.journal import read_journal
from conformance.results.result import result_of

from . import drawn, stage
from .code_mutants import REDUCTION
from .recount import complaints
from .rereduction import headline_of

TABLE = ("VIOLATED", "INCONCLUSIVE", "NOT EXERCISED", "THIN", "PASSED", "RECORDED", "EXCLUDED")
APIS = {"ecom": "eCom v2", "epayment": "ePayment v1", "recurring": "Recurring v3"}
RED = {"VIOLATED": "failure", "INCONCLUSIVE": "error", "NOT EXERCISED": "error", "THIN": "error"}


SEARCH = settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    report_multiple_bugs=False,
)


def check_every_form(write):
    """Compare every form of a drawn run's report with the independent reduction."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        directory = write(Path(folder) / "run")
        expected = headline_of(directory / "journal.jsonl")
        event(expected.verdict)
        result = result_of(read_journal(directory))
        assert result.verdict.value == expected.verdict
        assert {(one.profile.value, one.rule.id): one.verdict.value for one in result.rules} == expected.rules
        # No model would judge as these journals do: what they say is reduced, not asked for again.
        patch.setattr("conformance.cli.commands.report.recompute_judgements", lambda _: None)
        said = stage.command("report", directory)
        assert said.code == expected.code, said.errors
        assert f"\n{expected.verdict}:" in f"\n{said.out.upper()}"
        assert list(complaints(result)) == []
        check_json(expected, json.loads((directory / "report.json").read_text(encoding="utf-8")))
        check_junit(expected, ElementTree.parse(directory / "junit.xml").getroot())
        check_summary(expected, (directory / "summary.md").read_text(encoding="utf-8"))
        page = (directory / "report.html").read_text(encoding="utf-8")
        assert re.search(r"<title>(.*?):", page, re.DOTALL)[1].upper() == expected.verdict
        assert re.search(r'<h1 id="headline"><span class="name">(.*?)</span>', page)[1].upper() == expected.verdict


@SEARCH
@given(drawn.runs())
def test_every_form_says_what_an_independent_reduction_says(write):
    check_every_form(write)


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.name) for mutant in REDUCTION.all])
def test_no_mutant_of_the_reduction_says_the_same(mutant, monkeypatch):
    mutant.apply(monkeypatch)
    search = settings(SEARCH, phases=[Phase.generate])(given(drawn.runs())(check_every_form))
    with pytest.raises(AssertionError):
        search()


def check_json(expected, report):
    assert (report["verdict"], report["exit_code"]) == (expected.verdict, expected.code)
    assert {(one["profile"], one["id"]): one["verdict"] for one in report["rules"]} == expected.rules
    assert {(rule["profile"], rule["id"]): rule["sides"] for rule in report["rules"]} == expected.sides
    assert len(report["rules"]) == len(expected.rules)


def check_junit(expected, root):
    orderly = expected.verdict in ("CONFORMANT", "NOT CONFORMANT")
    red = {} if expected.verdict == "HARNESS FAULT" else {key: RED[expected.rules[key]] for key in expected.red}
    found = {}
    for suite in root:
        for case in suite.iter("testcase"):
            profile, rule = suite.get("name").rpartition(".")[2], case.get("name").split()[0]
            for tag in ("failure", "error"):
                if case.find(tag) is not None:
                    found[profile, rule] = tag
    found.pop(("run", "The"), None)
    assert found == red
    counted = Counter(red.values())
    assert int(root.get("failures")) == counted["failure"]
    assert int(root.get("errors")) == counted["error"] + (not orderly)
    assert int(root.get("tests")) == len(expected.rules) + (not orderly)
    assert (int(root.get("failures")) + int(root.get("errors")) == 0) == (expected.verdict == "CONFORMANT")


def check_summary(expected, text):
    assert text.upper().startswith(f"## {expected.verdict}:")
    for profile, api in APIS.items():
        counted = Counter(verdict for (of, _), verdict in expected.rules.items() if of == profile)
        if counted:
            assert f"| {api} | " + " | ".join(str(counted[verdict]) for verdict in TABLE) + " |" in text
