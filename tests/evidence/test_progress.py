"""A verification shows its progress on a terminal, and nowhere else."""

import io

import pytest

from conformance.cli.commands import verify as command_module
from conformance.evidence.journal import read_journal
from conformance.evidence.records import HistoryRecord
from conformance.verification.progress import progress_shown
from conformance.verification.verify import verify
from tests.audit.stage import command

from .runs import use_small_plan


def test_every_history_is_counted(right):
    seen = []
    with pytest.MonkeyPatch.context() as patch, progress_shown(lambda *step: seen.append(step)):
        use_small_plan(patch)
        assert verify(right).exit_code == 0
    total = sum(1 for _ in read_journal(right).of(HistoryRecord))
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_a_terminal_has_a_bar(right, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    console, shown = command_module.Console, io.StringIO()
    monkeypatch.setattr(
        command_module, "Console", lambda *, stderr: console(file=shown, force_terminal=stderr, width=80)
    )
    use_small_plan(monkeypatch)
    said = command("verify", right)
    assert (said.code, said.errors) == (0, "")
    assert "Verifying" in shown.getvalue()


def test_nobody_else_has_one(right):
    assert command("verify", right).errors == ""
