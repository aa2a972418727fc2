"""What an integration says of itself and of its ways: by attributes, in its response to start, and as options."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest

from conformance.cli.main import main
from conformance.errors import UsageError
from conformance.evidence.journal import read_journal
from conformance.evidence.records import CapabilitiesRecord, RunRecord
from conformance.merchant.api import MerchantRunOptions, stated_declarations
from conformance.reports.wording.integration import declarations_in_words, introduction
from examples.merchants import epayment
from tests.merchant.helpers import harness_of
from tests.reports.schemas import faults_of
from tests.stored import stored_records


class Declares(epayment.Adapter):
    name = "Corner shop\u202e"
    version = "2.0"
    captures_on_approval = True
    ends_unpaid_after = timedelta(minutes=20)
    ends_unshipped_after = 7 * 86_400


class Nameless(epayment.Adapter):
    def name(self):
        return "a method of the shop"


class OddPeriod(epayment.Adapter):
    ends_unpaid_after = "20 minutes"


class OddFlag(epayment.Adapter):
    captures_on_approval = "yes"


class OddName(epayment.Adapter):
    version = 2


def run(name, out, *more):
    words = ["--integration", f"python:{__name__}:{name}", "--budget", "quick", "--histories", "0", "--out", str(out)]
    return main(["merchant", *words, *more])


def test_what_is_declared_is_recorded_and_said_first(tmp_path, capsys):
    out = tmp_path / "out"
    run("Declares", out, "--declare", "ends_unpaid_after=900", "--declare", "captures-on-approval=false")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Integration: Corner shop 2.0"
    assert lines[2] == "Declared: ends orders that are not shipped after 7 days; ends unpaid orders after 15 minutes"
    evidence = read_journal(out)
    target = evidence.first(RunRecord).target
    assert (target.product, target.version) == ("Corner shop", "2.0")
    declared = {"ends_unshipped_after": 604_800, "ends_unpaid_after": 900}
    assert [record.declared for record in evidence.of(CapabilitiesRecord)] == [declared]
    assert "--declare ends_unpaid_after=900 --declare captures_on_approval=false" in evidence.first(RunRecord).command
    assert faults_of(stored_records(evidence)) == []


def test_an_adapter_that_declares_nothing_says_nothing(tmp_path, capsys):
    with harness_of(Nameless) as harness:
        assert harness.open().product == ""
        assert harness.open().declared.as_json() == {}
    assert [*introduction("", "", {})] == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("OddPeriod", "declares its ways wrongly: ends_unpaid_after is '20 minutes': write a number of seconds."),
        ("OddFlag", "captures_on_approval is 'yes': write true or false."),
        ("OddName", "has the version 2: write a text."),
    ],
)
def test_an_attribute_of_the_wrong_type_is_one_sentence(tmp_path, capsys, name, sentence):
    assert run(name, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ("ends_unshipped_after", 0, "ends_unshipped_after is 0:00:00: write more than 0 seconds."),
        ("refunds_on_cancel", 1, "refunds_on_cancel is 1: write true or false."),
        ("name", ["x"], "has the name ['x']: write a text."),
    ],
)
def test_a_start_that_declares_wrongly_is_one_sentence(tmp_path, capsys, member, value, sentence):
    script = tmp_path / "shop.py"
    statement = {"profiles": ["epayment"], "actions": ["create", "cancel", "local_view"], member: value}
    script.write_text(f"print({json.dumps(json.dumps(statement))})")
    words = ["merchant", "--integration", f"exec:{sys.executable} {script}", "--out", str(tmp_path / "out")]
    assert main(words) == 3
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("captures_on_aproval", "did you mean 'captures_on_approval'?"),
        ("ends_unpaid_after", "ends_unpaid_after is True: write a number of seconds."),
        ("ends_unpaid_after=20m", "ends_unpaid_after is '20m': write a number of seconds."),
        ("captures_on_approval=1", "write true or false"),
        ("ends_unpaid_after=-5", "ends_unpaid_after is '-5'"),
    ],
)
def test_an_option_that_declares_wrongly_is_a_usage_error(tmp_path, capsys, option, sentence):
    assert run("Declares", tmp_path / "out", "--declare", option) == 2
    assert sentence.lower() in capsys.readouterr().err.lower()


def test_declarations_of_python_callers_are_a_mapping_or_texts():
    assert stated_declarations({"ends_unpaid_after": timedelta(minutes=1)}) == {
        "ends_unpaid_after": timedelta(minutes=1)
    }
    assert stated_declarations("captures_on_approval") == {"captures_on_approval": True}
    options = MerchantRunOptions("exec:x", declare={"ends_unpaid_after": timedelta(minutes=1)})
    assert options.command_line().endswith("--declare ends_unpaid_after=60")
    with pytest.raises(UsageError, match="cannot be declared"):
        stated_declarations(["nothing"])


def test_every_declaration_has_words():
    stated = {"captures_on_approval": True, "refunds_on_cancel": True, "ends_unshipped_after": 60}
    assert declarations_in_words(stated).count(";") == 2
