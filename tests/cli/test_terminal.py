"""At a terminal: the demonstration, colours, and Ctrl+C."""

import re

import pytest

from conformance.evidence.journal import read_journal
from tests.stored import stored_records

from .command import said
from .terminal import at_terminal

FEW = ("--profile", "epayment", "--histories", "0", "--max-requests", "40")
ESCAPE = "\x1b["


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def lines_of(text):
    return [line for line in plain(text).splitlines() if line.strip()]


def test_a_run_without_a_target_demonstrates_and_says_so_first_and_last(tmp_path):
    code, text = at_terminal(tmp_path, "run", *FEW)
    first, *_, last, report = lines_of(text)
    assert code == 4, text
    assert first.startswith("Demonstration against the built-in simulator: it says nothing about your software; name")
    assert "--target" in first
    assert last == first
    assert report == "Report: conformance-report/report.html"
    assert stored_records(read_journal(tmp_path / "conformance-report"))[0]["target"]["name"] == "embedded"


@pytest.mark.parametrize("command", ["run", "fuzz"])
@pytest.mark.parametrize("place", ["no terminal", "CI"])
def test_nothing_is_demonstrated_where_nobody_looks(tmp_path, command, place):
    if place == "CI":
        code, text = at_terminal(tmp_path, command, unset=(), CI="true")
    else:
        code, _, text = said(tmp_path, command)
    assert code == 2
    assert " ".join(text.split()).startswith("--target is missing: name what to test, such as --target http://")
    assert "--target embedded gives the demonstration" in " ".join(text.split())
    assert list(tmp_path.iterdir()) == []


def test_a_target_of_the_project_is_no_demonstration(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.cancel-conformance.run]\ntarget = "embedded"\n', encoding="utf-8")
    code, out, _ = said(tmp_path, "run", *FEW)
    assert code == 4
    assert "name yours with --target" not in out


def test_the_verdict_is_coloured_at_a_terminal_only(tmp_path):
    words = ("run", "--target", "embedded", *FEW, "--quiet", "--out")
    _, coloured = at_terminal(tmp_path, *words, "coloured")
    _, without = at_terminal(tmp_path, *words, "without", NO_COLOR="1")
    _, piped, _ = said(tmp_path, *words, "piped")
    assert ESCAPE in coloured
    assert "33m" in coloured
    assert "33m" not in without
    assert ESCAPE not in piped
    assert plain(coloured) == plain(without) == piped
    assert piped.startswith("Incomplete: ")


def test_colours_can_be_forced(tmp_path):
    words = ("run", "--target", "embedded", *FEW, "--quiet")
    assert ESCAPE in said(tmp_path, *words, FORCE_COLOR="1", NO_COLOR="")[1]
    assert ESCAPE not in said(tmp_path, "--help")[1]
    assert ESCAPE in at_terminal(tmp_path, "--help")[1]


def test_ctrl_c_names_the_command_that_continues_and_says_what_was_kept(tmp_path):
    words = ("run", "--target", "embedded", "--profile", "recurring", "--histories", "200", "--out", "my run")
    code, text = at_terminal(tmp_path, *words, "--verbose", interrupt_at=" of ")
    *_, kept, command, report = lines_of(text)
    assert code == 130, text
    assert re.fullmatch(r"Kept: \d+ histor(y|ies) in my run/journal.jsonl, and the reports\.", kept)
    assert command == "Continue with: cancel-conformance run --resume 'my run'"
    assert report == "Report: my run/report.html"
    code, out, errors = said(tmp_path, "run", "--resume", "my run")
    assert (code, errors) in ((0, ""), (4, "")), out


def test_ctrl_c_stops_the_sandbox_as_soon_as_it_says_so(tmp_path):
    code, text = at_terminal(tmp_path, "sandbox", "--port", "0", interrupt_at="To stop it")
    assert (code, "Interrupted" in text) == (0, False), text
