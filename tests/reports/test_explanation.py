"""What ``explain`` says: of every rule, obligation and interpretation, from data that the package carries."""

import json
from functools import cache

import pytest

from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.reports.explanation import facts
from conformance.reports.explanation.facts import Question, explain
from conformance.reports.explanation.render import render_text
from conformance.rulebook import RuleStatus, load, load_http_rules, load_obligations
from tests.audit.stage import command

BOOKS = {"provider": load(), "HTTP layer": load_http_rules(), "merchant": load_obligations()}


@pytest.fixture(autouse=True, scope="module")
def each_api_once():
    """Make the systematic sets once for all rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "systematic", cache(facts.systematic))
        yield


@pytest.mark.parametrize("party", BOOKS)
def test_every_rule_is_explained(party):
    for rule in BOOKS[party].rules:
        explained = explain(rule.id.lower())
        assert (explained.id, explained.party, explained.statement) == (rule.id, party, rule.statement)
        text = render_text(explained, 80)
        assert all(title in text.replace("\n", " ") for title in (rule.id, *rule.readings))
        assert len(explained.documents) == len(rule.sources)
        assert bool(explained.causes) == (rule.status is RuleStatus.CHECKED)


def test_every_interpretation_is_explained():
    for switch in load().switches:
        explained = explain(switch.id)
        assert isinstance(explained, Question)
        assert [meaning.name for meaning in explained.interpretations] == list(switch.names)
        chosen = f"--reading {switch.id}=" in render_text(explained, 80)
        assert chosen is not switch.fixed


@pytest.mark.parametrize("name", ["EC-08", "ec-08", "EC-8", "ec08", " EC-08 "])
def test_a_rule_is_found_however_it_is_spelt(name):
    assert explain(name).id == "EC-08"


def test_spellings_do_not_meet():
    names = [rule.id for book in BOOKS.values() for rule in book.rules] + [switch.id for switch in load().switches]
    assert [explain(name).id for name in names] == names


def test_an_unknown_rule_gets_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'MC-1'"):
        explain("MC-11")


def test_it_says_what_checks_a_rule():
    coverage = {(each.api, each.side): each for each in explain("KB-02").coverage}
    assert {side for _, side in coverage} == {"within", "beyond"}
    assert len({api for api, _ in coverage}) == len(Profile)
    beyond = coverage["eCom v2", "beyond"]
    assert beyond.histories == sum(beyond.situations.values()) >= 3
    assert any(step.startswith("Time passes") for step in beyond.smallest)


def test_it_says_who_detects_a_fault_alone():
    faults = explain("KB-07").faults
    alone = {fault.name for fault in faults if fault.alone}
    assert "ecom-PartialCaptureNeedsNoFlag" in alone
    assert [fault.alone for fault in faults] == sorted((fault.alone for fault in faults), reverse=True)
    assert explain("M18").faults


@pytest.mark.parametrize("width", [40, 80, 160])
def test_lines_are_no_longer_than_the_terminal(width):
    lines = render_text(explain("M18"), width).splitlines()
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []


def test_the_command(capsys):
    ended = command("explain", "kb-07")
    assert ended.code == 0
    assert "replay conformance-report KB-07" in ended.out
    told = json.loads(command("explain", "C8", "--format", "json").out)
    assert (told["kind"], told["id"], set(told["rules"])) == ("interpretation", "C8", {"EC-10"})
    unknown = command("explain", "EC-999")
    assert (unknown.code, len(unknown.errors.splitlines())) == (2, 1)
