"""The rulebook as the command line prints it."""

import dataclasses
import json

import pytest
from msgspec.structs import replace

from conformance.cli.commands import rules as rules_command
from conformance.cli.main import main
from conformance.rulebook import load, source_drift

from .command import ROOT, said


def test_the_formats(tmp_path):
    code, out, _ = said(tmp_path, "rules")
    assert code == 0
    assert all(rule.id in out for rule in load().rules)
    listed = json.loads(said(tmp_path, "rules", "--format", "json", "--profile", "ecom")[1])
    assert {rule["id"] for rule in listed["rules"]} == {rule.id for rule in load().rules if "ecom" in rule.profiles}


def test_the_page_is_current(tmp_path):
    _, out, _ = said(tmp_path, "rules", "--format", "markdown")
    assert (ROOT / "docs" / "reference" / "rulebook.md").read_text(encoding="utf-8") == out


def page(*sentences):
    """Return a page as it is compared: by the digests of its sentences."""
    return "\n\n".join(sentences)


@pytest.fixture
def known(monkeypatch):
    """Eight sentences, as the page that the rules rest on; KB-02 rests on the third."""
    sentences = [f"This is sentence {number}." for number in range(8)]
    monkeypatch.setattr(source_drift, "seed_page", lambda: tuple(map(source_drift.digest, sentences)))
    rules = [replace(rule, sentences=()) for rule in load().rules if rule.id != "KB-02"]
    resting = replace(load().rule("KB-02"), sentences=(source_drift.digest(sentences[2]),))
    book = dataclasses.replace(load(), rules=(resting, *rules))
    monkeypatch.setattr(rules_command, "load", lambda: book)
    return sentences


def compared(folder, capsys, sentences, *options):
    (folder / "page.md").write_text(page(*sentences), encoding="utf-8")
    code = main(["rules", "--docs", str(folder / "page.md"), *options])
    return code, capsys.readouterr()


def test_a_page_that_says_the_same_changes_nothing(tmp_path, known, capsys):
    code, printed = compared(tmp_path, capsys, known)
    assert code == 0
    assert "All 1 rules that rest on the page are up to date" in printed.out
    assert "differently" not in printed.out


def test_a_changed_sentence_is_named_with_its_rule(tmp_path, known, capsys):
    code, printed = compared(tmp_path, capsys, [*known[:2], "This is another one.", *known[3:]])
    assert code == 1
    assert "1 of the 1 rules that rest on the page are STALE: KB-02." in printed.out
    assert (
        'After "This is sentence 1.", in place of 1 sentence, there is now:\n   "This is another one."\n   KB-02'
        in printed.out
    )
    assert "open an issue with the sentence" in printed.out
    code, printed = compared(tmp_path, capsys, known[:2] + known[3:], "--format", "json")
    assert code == 1
    assert json.loads(printed.out)["changes"] == [
        {"after": "This is sentence 1.", "gone": 1, "new": [], "rules": ["KB-02"]}
    ]


def test_an_added_sentence_is_noticed(tmp_path, known, capsys):
    code, printed = compared(tmp_path, capsys, ["This is new.", *known[:5], "So is this.", *known[5:]])
    assert code == 4
    assert 'At the beginning, this was added:\n   "This is new."\n   No rule rests on this place.' in printed.out
    assert 'After "This is sentence 4.", this was added:\n   "So is this."' in printed.out
    assert "STALE" not in printed.out


def test_a_sentence_that_only_moved_is_no_change(tmp_path, known, capsys):
    assert compared(tmp_path, capsys, [*known[4:], *known[:4]])[0] == 0


def test_another_page_is_named_as_such(tmp_path, known, capsys):
    code, printed = compared(tmp_path, capsys, ["# Capture", "Something can be captured.", known[3]])
    assert code == 2
    assert "This is another page: it has 1 of the 8 sentences of Cancellations" in printed.err
    assert len(printed.err.splitlines()) == 1
