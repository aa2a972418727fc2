"""A folder that somebody else made runs nothing: what its files name is used only if the user agrees."""

import sys

import pytest

from conformance.cli.consent import require_consent
from conformance.errors import UsageError
from conformance.evidence.journal import read_journal
from conformance.evidence.records import HistoryRecord
from tests.audit.stage import command

from .terminal import at_terminal

MODULE = """
from pathlib import Path
Path("ran").touch()
from conformance.examples.providers.faulty import app
from tests.merchant.faulty.outcome_rules import EveryErrorIsACancel
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A folder with runs of a provider and of a shop, and the code that they name beside them."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "theirs.py").write_text(MODULE, encoding="utf-8")
    faulty = ("--target", "asgi:theirs:app", "--control-url", "/control", "--profile", "epayment", "--histories", "0")
    shop = ("--integration", "python:theirs:EveryErrorIsACancel", "--profile", "epayment", "--histories", "0")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert command("run", *faulty, "--shard", "1/1", "--max-requests", "600", "--out", "provider").code == 1
        assert command("merchant", *shop, "--out", "shop").code == 1
    return folder


@pytest.fixture
def there(stranger, monkeypatch):
    """Be in that folder, before its code has run."""
    monkeypatch.chdir(stranger)
    sys.modules.pop("theirs", None)
    (stranger / "ran").unlink(missing_ok=True)
    return stranger


def rule_of(folder, run):
    return min(path.stem for path in (folder / run / "counterexamples").glob("*.json"))


@pytest.mark.parametrize(
    "line",
    [
        "report provider",
        "report shop",
        "verify provider",
        "verify shop",
        "diff provider shop",
        "bundle provider --to {tmp}/bundle.zip",
        "bundle shop --to {tmp}/bundle.zip",
        "merge provider --out {tmp}/merged",
    ],
)
def test_what_only_reads_runs_nothing(there, tmp_path, line):
    command(*line.format(tmp=tmp_path).split())
    assert not (there / "ran").exists()


@pytest.mark.parametrize(
    ("run", "named"), [("provider", "asgi:theirs:app"), ("shop", "python:theirs:EveryErrorIsACancel")]
)
def test_a_replay_needs_a_yes_or_a_target(there, run, named):
    name = rule_of(there, run)
    refused = command("replay", run, name)
    assert (refused.code, refused.out, len(refused.errors.splitlines())) == (2, "", 1)
    assert f"names {named}, which runs code on this machine: name what to test with --target" in refused.errors
    assert refused.errors.endswith("or agree with --yes.\n")
    assert not (there / "ran").exists()
    assert command("replay", run, name, "--yes").code == 1
    assert (there / "ran").exists()
    typed = ("--control-url", "/control") if run == "provider" else ()
    assert command("replay", run, name, "--target", named, *typed).code == 1


def test_a_target_of_the_folder_s_configuration_is_not_the_user_s(there):
    project = there / "pyproject.toml"
    project.write_text('[tool.cancel-conformance.replay]\ntarget = "asgi:theirs:app"\n', encoding="utf-8")
    try:
        assert command("replay", "provider", rule_of(there, "provider")).code == 2
        project.write_text("[tool.cancel-conformance.replay]\nyes = true\n", encoding="utf-8")
        assert "yes" in command("replay", "provider", rule_of(there, "provider")).errors
    finally:
        project.unlink()
    assert not (there / "ran").exists()


def test_a_run_is_resumed_with_a_yes(there):
    journal = there / "stopped" / "journal.jsonl"
    journal.parent.mkdir(exist_ok=True)
    lines = (there / "provider" / "journal.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    last = max(record.n for record in read_journal(there / "provider").of(HistoryRecord))
    journal.write_text("".join(lines[:last]), encoding="utf-8")
    refused = command("run", "--resume", "stopped")
    assert refused.code == 2
    assert "asgi:theirs:app, which runs code on this machine" in refused.errors
    assert not (there / "ran").exists()
    assert command("run", "--resume", "stopped", "--yes").code in (1, 4)
    assert (there / "ran").exists()


@pytest.mark.parametrize(("answer", "code"), [("yes", 1), ("no", 2), ("", 2)])
def test_at_a_terminal_the_user_is_asked(there, answer, code):
    ended, text = at_terminal(there, "replay", "provider", rule_of(there, "provider"), typed=answer)
    assert ended == code, text
    assert "which runs code on this machine" in text
    assert "Type yes and Enter to go on" in text
    assert (there / "ran").exists() is (answer == "yes")


@pytest.mark.parametrize("name", ["embedded", "http://127.0.0.1:9701", "http://localhost:1/control", "/control", None])
def test_what_is_harmless_needs_no_yes(tmp_path, name):
    require_consent(tmp_path, (name,), yes=False, remedy="")


@pytest.mark.parametrize(
    "name",
    ["exec:touch ran", " PYTHON:a:B", "wsgi:a:b", "https://shop.example", "HTTP://127.0.0.1.shop.example/", "http://["],
)
def test_what_is_not_harmless_needs_one(tmp_path, name):
    with pytest.raises(UsageError, match="agree with --yes"):
        require_consent(tmp_path, ("embedded", name), yes=False, remedy="leave it")
    require_consent(tmp_path, (name,), yes=True, remedy="")
