"""The rulebook as the command line prints it."""

import json

from conformance.rulebook import load

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


def test_a_page_that_says_something_else_makes_rules_stale(tmp_path):
    (tmp_path / "page.md").write_text("# Cancel\n\nNothing can be cancelled.\n", encoding="utf-8")
    code, out, _ = said(tmp_path, "rules", "--docs", "page.md")
    assert code == 0
    assert "STALE" in out
