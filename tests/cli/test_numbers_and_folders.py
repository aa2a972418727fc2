"""Numbers and names of any length, terminals of any width, folders that are gone: one sentence, never a fault."""

from __future__ import annotations

import pytest

from conformance.cli.exit_codes import code_of, sentence
from tests.audit.stage import command

LONG = "9" * 5_000
HERE = ("run", "--target", "embedded")


def one_sentence(ended, code=2):
    assert ended.code == code, ended
    assert len(ended.errors.splitlines()) == 1
    assert len(ended.errors) < 1_500
    assert "The suite itself" not in ended.errors
    return ended.errors


@pytest.mark.parametrize(
    "words",
    [
        *((*HERE, option, LONG) for option in ("--seed", "--histories", "--concurrency", "--max-time", "--market")),
        (*HERE, "--reading", LONG),
        (*HERE, "--waive", LONG),
        (*HERE, "--out", LONG),
        ("run", "--target", f"http://127.0.0.1:{LONG}"),
        ("run", "--target", LONG),
        ("run", "--target", f"python:{LONG}:x"),
        (*HERE, "--control-url", f"http://{LONG}"),
        ("run", "--target", "http://127.0.0.1:1", "--control-url", f"http://127.0.0.1:{LONG}"),
        ("fuzz", "--target", "embedded", "--openapi", LONG),
        ("fuzz", "--target", "embedded", "--openapi", f"http://127.0.0.1:{LONG}"),
        ("merchant", "--integration", f"http://127.0.0.1:{LONG}"),
        ("merchant", "--integration", LONG),
        ("verify", LONG),
        ("report", LONG),
        ("diff", LONG, LONG),
        ("merge", LONG, LONG),
        ("replay", ".", LONG),
        ("replay", LONG, LONG),
        ("explain", LONG),
        ("schema", LONG),
        ("rules", "--docs", LONG),
        ("age", "calendar", "--ledger", LONG),
        ("init", "sandbox", LONG),
        ("sandbox", "--port", LONG),
        (LONG,),
    ],
    ids=lambda words: " ".join(word.replace(LONG, "LONG") for word in words),
)
def test_what_is_too_long_is_one_sentence(words, tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    one_sentence(command(*words))


@pytest.mark.parametrize("words", [("rules",), ("schema", "config"), ("report", "out"), (*HERE, "--histories", "1")])
def test_a_current_folder_that_is_gone_is_named(words, tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert "The current folder is no longer there" in one_sentence(command(*words))
    # A worker of pytest looks for its folder when it restores the old one.
    folder.mkdir()


def test_a_file_that_vanishes_is_named_and_no_fault_of_the_suite():
    error = FileNotFoundError(2, "No such file or directory", "out/report.html")
    assert code_of(error) == 2
    assert sentence(error) == "'out/report.html' cannot be used: No such file or directory."
    assert code_of(ConnectionResetError(104, "Connection reset by peer")) == 5
    assert code_of(BrokenPipeError(32, "Broken pipe")) == 5


@pytest.mark.parametrize("columns", ["0", "-5", "1", "99999999999", "x", ""])
def test_a_terminal_may_have_any_width(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    for words in (("--help",), ("run", "--help"), ("rules",), ("explain", "EP-05")):
        ended = command(*words)
        assert (ended.code, ended.errors) == (0, "")
